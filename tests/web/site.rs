//! The pages over a real service and database, and a reader who is signed in.

use std::sync::Arc;

use belfry::domain::profile::Profiles;
use belfry::domain::user::Role;
use belfry::service::{AdminSetup, NewUser, Parts};
use belfry::tasks::sql::Datasources;
use belfry::web::{self, Options, csrf};
use poem::Route;
use poem::http::{HeaderMap, Method};
use poem::test::TestClient;

use crate::support::TestDatabase;
use crate::support::parts::TestParts;

pub const HOST: &str = "belfry.test";

pub struct Site {
    client: TestClient<Route>,
    pub parts: TestParts,
    pub session: String,
    database: TestDatabase,
}

/// An answer, read to its end.
pub struct Page {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Site {
    /// With one administrator, who is signed in.
    pub async fn start() -> Site {
        Site::set_up(Site::fresh().await).await
    }

    /// As [`Site::start`], with databases that tasks may use.
    pub async fn start_on(datasources: Datasources) -> Site {
        Site::set_up(Site::over(datasources).await).await
    }

    /// As [`Site::start`], with mail servers and SMS providers.
    pub async fn start_with(profiles: Profiles) -> Site {
        let database = TestDatabase::sqlite().await;
        let parts = TestParts::with_profiles(&database.database, profiles);
        Site::set_up(Site::of(database, parts)).await
    }

    /// As [`Site::start`], with parts other than the usual ones.
    pub async fn start_where(adjust: impl FnOnce(&mut Parts)) -> Site {
        Site::set_up(Site::built(Datasources::default(), adjust).await).await
    }

    async fn set_up(mut site: Site) -> Site {
        let text = |text: &str| Some(text.to_owned());
        let setup = AdminSetup { user: text("admin"), password: text("correct horse"), token: None };
        site.parts.service.bootstrap(&setup).await.expect("the first account");
        let (_, session) = site.parts.service.sign_in("admin", "correct horse", None).await.expect("signs in");
        site.session = session;
        site
    }

    /// Without any account.
    pub async fn fresh() -> Site {
        Site::over(Datasources::default()).await
    }

    async fn over(datasources: Datasources) -> Site {
        Site::built(datasources, |_| ()).await
    }

    async fn built(datasources: Datasources, adjust: impl FnOnce(&mut Parts)) -> Site {
        let database = TestDatabase::sqlite().await;
        let parts = TestParts::built(&database.database, Arc::new(datasources), adjust);
        Site::of(database, parts)
    }

    fn of(database: TestDatabase, parts: TestParts) -> Site {
        let pages = web::routes(parts.service.clone(), Options::default());
        let client = TestClient::new(Route::new().nest_no_strip("/", pages));
        Site { client, parts, session: String::new(), database }
    }

    /// A request with exactly these headers.
    pub async fn bare(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Page {
        let mut request = self.client.request(method, path).header("host", HOST);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.body(body.to_owned()).send().await.0;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.into_body().into_string().await.expect("text");
        Page { status, headers, text }
    }

    /// A page, as the signed-in reader gets it.
    pub async fn get(&self, path: &str) -> Page {
        self.get_with(path, &[], "").await
    }

    /// As [`Site::get`], with further headers and cookies (`; name=value`).
    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)], cookies: &str) -> Page {
        let cookie = format!("belfry_session={}{cookies}", self.session);
        let mut all = vec![("cookie", cookie.as_str())];
        all.extend(headers);
        self.bare(Method::GET, path, &all, "").await
    }

    /// A form, sent from a page of this session.
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
        self.bare(Method::POST, path, &sent, &encoded(&all)).await
    }

    /// Signs in as somebody else, whose account is made for it.
    pub async fn become_one(&mut self, name: &str, role: Role) {
        let password = "battery staple";
        let new = NewUser { name: name.into(), role, password: Some(password.into()), grants: Vec::new(), tags: Vec::new() };
        self.parts.service.create_user(&crate::support::parts::admin(), &new).await.expect("an account");
        self.session = self.parts.service.sign_in(name, password, None).await.expect("signs in").1;
    }

    pub async fn end(self) {
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

    /// Checks the status and that the page is in the house's frame.
    #[track_caller]
    pub fn is(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.header("content-type"), "text/html; charset=utf-8");
        assert!(self.text.contains("<main") && self.text.ends_with("</html>\n"), "a whole page: {}", self.text);
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
    pub fn leads_to(&self, path: &str) -> &Self {
        assert_eq!((self.status, self.header("location")), (303, path), "{}", self.text);
        self
    }

    pub fn cookies(&self) -> Vec<&str> {
        self.headers.get_all("set-cookie").iter().map(|value| value.to_str().expect("text")).collect()
    }
}
