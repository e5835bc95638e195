//! Test fixture: the pages with a real service and database, and a signed-in user.

use belfry::domain::profile::Profiles;
use belfry::domain::user::Role;
use belfry::service::{AdminSetup, NewUser, ServiceDeps};
use belfry::web::{self, Options, csrf};
use poem::Route;
use poem::http::{HeaderMap, Method};
use poem::test::TestClient;

use crate::support::TestDatabase;
use crate::support::context::TestContext;

pub const HOST: &str = "belfry.test";

pub struct Site {
    client: TestClient<Route>,
    pub context: TestContext,
    pub session: String,
    database: TestDatabase,
}

/// A response with its body.
pub struct Page {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Site {
    /// Starts with one signed-in administrator.
    pub async fn start() -> Site {
        Site::create_admin(Site::start_without_accounts().await).await
    }

    /// Like [`Site::start`], with profiles of the settings.
    pub async fn start_with_profiles(profiles: Profiles) -> Site {
        let database = TestDatabase::sqlite().await;
        let context = TestContext::with_profiles(&database.database, profiles);
        Site::create_admin(Site::new(database, context)).await
    }

    /// Like [`Site::start`], with adjusted service dependencies.
    pub async fn start_with_deps(adjust: impl FnOnce(&mut ServiceDeps)) -> Site {
        Site::create_admin(Site::build(adjust).await).await
    }

    async fn create_admin(mut site: Site) -> Site {
        let text = |text: &str| Some(text.to_owned());
        let setup = AdminSetup { user: text("admin"), password: text("correct horse"), token: None };
        site.context.services.setup.bootstrap(&setup).await.expect("the first account");
        let (_, session) =
            site.context.services.sign_in.without_second_factor("admin", "correct horse", None).await.expect("signs in");
        site.session = session;
        site
    }

    /// Starts without any account.
    pub async fn start_without_accounts() -> Site {
        Site::build(|_| ()).await
    }

    async fn build(adjust: impl FnOnce(&mut ServiceDeps)) -> Site {
        let database = TestDatabase::sqlite().await;
        let context = TestContext::with_deps(&database.database, adjust);
        Site::new(database, context)
    }

    fn new(database: TestDatabase, context: TestContext) -> Site {
        let pages = web::routes(context.services.clone(), Options::default());
        let client = TestClient::new(Route::new().nest_no_strip("/", pages));
        Site { client, context, session: String::new(), database }
    }

    /// Sends a request with exactly these headers.
    pub async fn request(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Page {
        let mut request = self.client.request(method, path).header("host", HOST);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.body(body.to_owned()).send().await.0;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.into_body().into_string().await.expect("text");
        Page { status, headers, text }
    }

    /// Requests a page as the signed-in user.
    pub async fn get(&self, path: &str) -> Page {
        self.get_with(path, &[], "").await
    }

    /// Like [`Site::get`], with additional headers and cookies (`; name=value`).
    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)], cookies: &str) -> Page {
        let cookie = format!("belfry_session={}{cookies}", self.session);
        let mut all = vec![("cookie", cookie.as_str())];
        all.extend(headers);
        self.request(Method::GET, path, &all, "").await
    }

    /// Submits a form with the CSRF token of the session.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.post_with(path, fields, &[]).await
    }

    pub async fn post_with(&self, path: &str, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Page {
        let token = csrf::token(&self.session);
        let mut all = vec![("csrf", token.as_str())];
        all.extend(fields);
        let cookie = format!("belfry_session={}", self.session);
        let mut sent = vec![("cookie", cookie.as_str()), ("content-type", "application/x-www-form-urlencoded")];
        sent.extend(headers);
        self.request(Method::POST, path, &sent, &encoded(&all)).await
    }

    /// Creates an account and signs in as it.
    pub async fn sign_in_as(&mut self, name: &str, role: Role) {
        let password = "battery staple";
        let new = NewUser { name: name.into(), role, password: Some(password.into()), grants: Vec::new(), tags: Vec::new() };
        self.context.services.users.create(&crate::support::context::admin(), &new).await.expect("an account");
        self.session = self.context.services.sign_in.without_second_factor(name, password, None).await.expect("signs in").1;
    }

    pub async fn close(self) {
        self.database.remove().await;
    }
}

pub fn encoded(fields: &[(&str, &str)]) -> String {
    let encode = belfry::web::urls::encode;
    fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect::<Vec<_>>().join("&")
}

impl Page {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().expect("text")).unwrap_or_default()
    }

    /// Checks the status and that the response is a full page.
    #[track_caller]
    pub fn has_status(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.header("content-type"), "text/html; charset=utf-8");
        assert!(self.text.contains("<main") && self.text.ends_with("</html>\n"), "not a full page: {}", self.text);
        self
    }

    #[track_caller]
    pub fn shows(&self, text: &str) -> &Self {
        assert!(self.text.contains(text), "{text:?} is missing in {}", self.text);
        self
    }

    #[track_caller]
    pub fn hides(&self, text: &str) -> &Self {
        assert!(!self.text.contains(text), "{text:?} is in {}", self.text);
        self
    }

    #[track_caller]
    pub fn redirects_to(&self, path: &str) -> &Self {
        assert_eq!((self.status, self.header("location")), (303, path), "{}", self.text);
        self
    }

    pub fn cookies(&self) -> Vec<&str> {
        self.headers.get_all("set-cookie").iter().map(|value| value.to_str().expect("text")).collect()
    }
}
