//! Sign-in pages with a real provider: from the button to the session.

use belfry::domain::user::Role;
use belfry::web::{self, Options};
use poem::Route;
use poem::http::{HeaderMap, Method};
use poem::test::TestClient;
use reqwest::Url;

use crate::provider::{Browser, RealProvider};
use crate::support::TestDatabase;
use crate::support::context::{TestContext, admin};
use crate::{context, settings};

struct Site {
    client: TestClient<Route>,
    context: TestContext,
    database: TestDatabase,
}

struct Page {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Site {
    async fn start(issuer: &str) -> Site {
        let database = TestDatabase::sqlite().await;
        let context = context(&database, settings(issuer), false).await;
        let pages = web::routes(context.services.clone(), Options::default());
        Site { client: TestClient::new(Route::new().nest_no_strip("/", pages)), context, database }
    }

    async fn get(&self, path: &str, cookie: &str) -> Page {
        let request = self.client.request(Method::GET, path).header("host", "evil.example").header("cookie", cookie);
        let response = request.send().await.0;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Page { status, headers, text: response.into_body().into_string().await.expect("text") }
    }

    /// The whole sign-in as `account`; `next` is the page to open afterwards.
    async fn sign_in(&self, account: &str, next: &str) -> Page {
        let sent = self.get(&format!("/login/oidc?next={next}"), "").await;
        assert_eq!(sent.status, 303, "{}", sent.text);
        let back = Browser::new().sign_in(sent.header("location"), account).await;
        self.get(&path_of(&back), &sent.cookie("belfry_provider")).await
    }
}

fn path_of(url: &Url) -> String {
    format!("{}?{}", url.path(), url.query().unwrap_or_default())
}

impl Page {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().expect("text")).unwrap_or_default()
    }

    /// `name=value` of a cookie that the response sets.
    fn cookie(&self, name: &str) -> String {
        let mut set = self.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
        let found = set.rfind(|cookie| cookie.starts_with(&format!("{name}=")));
        found.and_then(|cookie| cookie.split(';').next()).unwrap_or_default().to_owned()
    }
}

#[tokio::test]
async fn sign_in_through_a_real_provider_sets_session_and_role() {
    for algorithm in ["RS256", "ES256"] {
        let Some(mut provider) = RealProvider::start(0, algorithm).await else { return };
        let site = Site::start(&provider.issuer).await;
        let page = site.get("/login?next=%2Fexecutions", "").await;
        assert!(
            page.text.contains("Sign in with Example") && page.text.contains("href=\"/login/oidc?next=%2Fexecutions\""),
            "{}",
            page.text
        );
        let sent = site.get("/login/oidc", "").await;
        let kept = sent.headers["set-cookie"].to_str().unwrap();
        assert!(kept.contains("HttpOnly") && kept.contains("SameSite=Lax") && kept.contains("Max-Age=600"), "{kept}");
        assert!(!sent.header("location").contains("evil"), "the redirect URI is not built from the Host header");
        let back = site.sign_in("olga", "%2Fexecutions").await;
        assert_eq!((back.status, back.header("location")), (303, "/executions"), "{}", back.text);
        let first = back.cookie("belfry_session");
        let olga = site.get("/settings/users", &first).await;
        assert_eq!(olga.status, 200, "an administrator, by the groups in userinfo");
        assert!(olga.text.contains("single sign-on"));
        assert_eq!(site.context.services.users.get(&admin(), "eddie").await.map(|user| user.role).ok(), None);
        site.sign_in("eddie", "").await;
        assert_eq!(site.context.services.users.get(&admin(), "eddie").await.unwrap().role, Role::Editor);
        provider.regroup("olga", "belfry-viewers").await;
        let again = site.sign_in("olga", "").await.cookie("belfry_session");
        assert_eq!(site.get("/settings/users", &again).await.status, 403, "the role follows the provider");
        assert_eq!(site.get("/tasks", &first).await.status, 303, "the former session has ended");
        let outside = site.sign_in("vera", "https%3A%2F%2Fevil.example%2F").await;
        assert_eq!(outside.header("location"), "/", "no redirect to another host");
        // The provider has new keys after a restart.
        let port = provider.stop().await;
        let provider = RealProvider::start(port, algorithm).await.expect("installed");
        site.context.clock.advance(chrono::Duration::seconds(11));
        assert_eq!(site.sign_in("eddie", "").await.status, 303, "new keys are fetched");
        provider.stop().await;
        site.database.remove().await;
    }
}

#[tokio::test]
async fn rejected_sign_ins_show_a_page_in_the_users_language() {
    let Some(provider) = RealProvider::start(0, "RS256").await else { return };
    let site = Site::start(&provider.issuer).await;
    let stranger = site.sign_in("nobody", "").await;
    assert_eq!(stranger.status, 403);
    assert!(
        stranger.text.contains("gives you no role here") && stranger.text.contains("Sign in with Example"),
        "{}",
        stranger.text
    );
    let sent = site.get("/login/oidc", "").await;
    let back = Browser::new().sign_in(sent.header("location"), "olga").await;
    let cookie = sent.cookie("belfry_provider");
    let foreign = site.get(&path_of(&back), "belfry_lang=zh-CN").await;
    assert_eq!(foreign.status, 400);
    assert!(foreign.text.contains("在其他浏览器中开始的"), "{}", foreign.text);
    let replayed = site.get(&path_of(&back), &cookie).await;
    assert!(replayed.status == 400 && replayed.cookie("belfry_session").is_empty(), "a state is valid once");
    // The provider itself rejects a used code, even with a new state.
    let sent = site.get("/login/oidc", "").await;
    let used = Browser::new().sign_in(sent.header("location"), "olga").await;
    assert_eq!(site.get(&path_of(&used), &sent.cookie("belfry_provider")).await.status, 303);
    let code = used.query_pairs().find(|(name, _)| name == "code").expect("a code").1.into_owned();
    let sent = site.get("/login/oidc", "").await;
    let state =
        sent.header("location").parse::<Url>().unwrap().query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let path =
        format!("/login/oidc/callback?code={code}&state={state}&iss={}", provider.issuer.replace(':', "%3A").replace('/', "%2F"));
    let refused = site.get(&path, &sent.cookie("belfry_provider")).await;
    assert_eq!(refused.status, 502, "{}", refused.text);
    assert!(refused.text.contains("is not responding correctly") && !refused.text.contains(&code));
    provider.stop().await;
    let down = site.get("/login/oidc?next=%2Ftasks", "").await;
    assert_eq!(down.status, 303, "the metadata is cached");
    site.database.remove().await;
}

#[tokio::test]
async fn oidc_routes_are_absent_without_a_provider() {
    let database = TestDatabase::sqlite().await;
    let context = TestContext::new(&database.database);
    context.services.setup.create_admin("root", "long enough").await.expect("the first account");
    let site = Site {
        client: TestClient::new(Route::new().nest_no_strip("/", web::routes(context.services.clone(), Options::default()))),
        context,
        database,
    };
    assert!(!site.get("/login", "").await.text.contains("/login/oidc"));
    assert_eq!(site.get("/login/oidc", "").await.status, 404);
    assert_eq!(site.get("/login/oidc/callback?code=x&state=y", "").await.status, 404);
    site.database.remove().await;
}
