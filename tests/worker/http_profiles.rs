//! `http_request` with HTTP profiles and network restrictions, against servers on the loopback interface.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use belfry::clock::ManualClock;
use belfry::domain::profile::http::{TokenCall, TokenStyle};
use belfry::domain::profile::{Http, Profiles};
use belfry::domain::secret::Secret;
use belfry::profiles::ProfileDirectory;
use belfry::tasks::{Limits, TaskType, Toolbox, http_request::HttpRequest};
use poem::http::StatusCode;
use poem::web::Redirect;
use poem::{Request, Response, Route, endpoint::make};
use serde_json::{Value, json};

use crate::http::serve_site;
use crate::support::run::run;
use crate::support::{TestDatabase, at};

/// The state of the token server.
#[derive(Default)]
struct Seen {
    calls: AtomicUsize,
    /// Tokens up to this number are rejected.
    revoked: AtomicUsize,
}

/// Responds with the received headers and query, secrets included.
fn echo(request: &Request) -> Response {
    let headers: BTreeMap<_, _> =
        request.headers().iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default())).collect();
    let received = json!({"headers": headers, "query": request.uri().query()});
    Response::builder().content_type("application/json").body(received.to_string())
}

/// Issues numbered tokens in both styles.
async fn give_token(mut request: Request, seen: &Seen) -> Response {
    let body = request.take_body().into_string().await.unwrap_or_default();
    let basic = request.header("authorization").unwrap_or_default().to_owned();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let number = seen.calls.fetch_add(1, Ordering::SeqCst) + 1;
    let json = |text: Value| Response::builder().content_type("application/json").body(text.to_string());
    match body.as_str() {
        // "app:s3cret-of-app" in HTTP Basic, as the RFC requires.
        "grant_type=client_credentials&scope=read" if basic == "Basic YXBwOnMzY3JldC1vZi1hcHA=" => {
            json(json!({"access_token": format!("token-{number}"), "expires_in": 7200}))
        }
        r#"{"app_id":"app","app_secret":"s3cret-of-app"}"# => {
            json(json!({"code": 0, "data": {"token": format!("token-{number}"), "expire": "3"}}))
        }
        _ => json(json!({"code": 10003, "msg": format!("app_secret is wrong: {body}")})),
    }
}

fn guarded(request: &Request, seen: &Seen) -> Response {
    let token = request.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    let token = token.or_else(|| request.header("x-token"));
    let number: usize = token.and_then(|token| token.strip_prefix("token-")?.parse().ok()).unwrap_or_default();
    if number > seen.revoked.load(Ordering::SeqCst) { echo(request) } else { StatusCode::UNAUTHORIZED.into() }
}

struct Site {
    address: String,
    seen: Arc<Seen>,
}

async fn site() -> Site {
    let seen = Arc::new(Seen::default());
    let (giving, guarding) = (seen.clone(), seen.clone());
    let route = Route::new()
        .at("/echo", make(|request| async move { echo(&request) }))
        .at("/away", make(|_| async { Redirect::temporary("http://localhost:1/") }))
        .at(
            "/busy",
            make(|_| async { Response::builder().status(StatusCode::TOO_MANY_REQUESTS).header("retry-after", "7").finish() }),
        )
        .at(
            "/closed",
            make(|_| async {
                let date = "Sat, 21 Nov 2026 08:02:00 GMT";
                Response::builder().status(StatusCode::SERVICE_UNAVAILABLE).header("retry-after", date).finish()
            }),
        )
        .at("/token", make(move |request| give(request, giving.clone())))
        .at("/guarded", make(move |request: Request| guard(request, guarding.clone())));
    Site { address: serve_site(route).await, seen }
}

async fn give(request: Request, seen: Arc<Seen>) -> Response {
    give_token(request, &seen).await
}

async fn guard(request: Request, seen: Arc<Seen>) -> Response {
    guarded(&request, &seen)
}

/// The task type with one profile, named `api`.
async fn with_profile(profile: Http) -> HttpRequest {
    let profiles = Profiles { http: BTreeMap::from([("api".to_owned(), profile)]), ..Profiles::default() };
    with(|toolbox| toolbox.profiles = Arc::new(ProfileDirectory::fixed(profiles))).await
}

async fn with(change: impl FnOnce(&mut Toolbox)) -> HttpRequest {
    let db = TestDatabase::sqlite().await;
    let mut toolbox =
        Toolbox::plain(db.database.clone(), Arc::new(ManualClock::new(at("2026-11-21T08:00:00Z"))), &std::env::temp_dir());
    change(&mut toolbox);
    HttpRequest::new(&toolbox)
}

async fn result(http: &HttpRequest, params: Value) -> Value {
    run(http, params).await.0.expect("success")
}

fn based(site: &Site) -> Http {
    Http { base_url: Some(format!("http://{}", site.address)), ..Http::default() }
}

#[tokio::test]
async fn profile_authenticates_requests_and_masks_secrets() {
    let site = site().await;
    let secret = || Some(Secret::new("s3cret-value"));
    let profiles = [
        (Http { bearer: secret(), ..based(&site) }, "/headers/authorization", "Bearer ***"),
        (Http { user: Some("me".into()), password: secret(), ..based(&site) }, "/headers/authorization", "Basic ***"),
        (Http { api_key: secret(), ..based(&site) }, "/headers/x-api-key", "***"),
        (Http { api_key: secret(), api_key_header: Some("X-Mine".into()), ..based(&site) }, "/headers/x-mine", "***"),
        (Http { api_key: secret(), api_key_query: Some("key".into()), ..based(&site) }, "/query", "a=1&key=***"),
    ];
    for (profile, pointer, shown) in profiles {
        let http = with_profile(profile).await;
        let (ended, output) = run(&http, json!({"http": "api", "url": "/echo", "query": {"a": 1}})).await;
        let result = ended.expect("success");
        assert_eq!(result["json"].pointer(pointer), Some(&json!(shown)), "{result}");
        assert!(!format!("{result}{output}").contains("s3cret"), "{result} {output}");
        let unmet = json!({"http": "api", "url": "echo", "expect_json": [{"pointer": pointer, "equals": "x"}]});
        let error = run(&http, unmet).await.0.expect_err("an error");
        assert!(!format!("{error:?}").contains("s3cret") && error.message.to_string().contains(pointer), "{error:?}");
    }
    let http = HttpRequest::default();
    let inline = json!({"url": format!("http://{}/echo", site.address), "auth": {"basic": {"user": "me", "password": "s3cret"}}});
    assert_eq!(result(&http, inline).await["json"]["headers"]["authorization"], "Basic ***");
}

#[tokio::test]
async fn profile_sends_credentials_only_to_its_base_url() {
    let site = site().await;
    let http = with_profile(Http { api_key: Some(Secret::new("s3cret-value")), ..based(&site) }).await;
    let faults = |params: Value| http.check(&params).into_iter().map(|fault| fault.pointer).collect::<Vec<_>>().join(" ");
    assert_eq!(faults(json!({"http": "api", "url": "http://evil.example/"})), "/url");
    assert_eq!(faults(json!({"http": "api", "url": "/echo", "proxy": "http://evil.example"})), "/proxy");
    assert_eq!(faults(json!({"http": "api", "url": "/echo", "verify_tls": false})), "/verify_tls");
    assert_eq!(faults(json!({"http": "api", "url": "/echo", "auth": {"bearer": "x"}})), "/auth");
    assert_eq!(faults(json!({"http": "api", "url": "{{ anything }}"})), "", "a template is checked when it is rendered");
    let unknown = http.check(&json!({"http": "apo", "url": "/echo"}));
    assert_eq!((unknown[0].pointer.as_str(), unknown.len()), ("/http", 1));
    assert_eq!(unknown[0].message.to_string(), "http: there is no profile 'apo': known are api");
    let away = run(&http, json!({"http": "api", "url": "/away"})).await.0.expect_err("an error");
    assert!(!away.retryable && away.message.to_string().contains("redirected to http://localhost:1/"), "{away:?}");
}

#[tokio::test]
async fn token_is_requested_once_and_renewed_when_rejected() {
    let site = site().await;
    let token = TokenCall {
        url: Some(format!("http://{}/token", site.address)),
        app_id: Some("app".into()),
        app_secret: Some(Secret::new("s3cret-of-app")),
        scope: Some("read".into()),
        ..TokenCall::default()
    };
    let http = Arc::new(with_profile(Http { token: token.clone(), ..based(&site) }).await);
    let params = || json!({"http": "api", "url": "/guarded"});
    let many = (0..8).map(|_| {
        let http = http.clone();
        tokio::spawn(async move { result(&http, params()).await })
    });
    for done in futures_util::future::join_all(many).await {
        assert_eq!(done.expect("run the program")["json"]["headers"]["authorization"], "Bearer ***");
    }
    assert_eq!(site.seen.calls.load(Ordering::SeqCst), 1, "concurrent runs share one token request");
    site.seen.revoked.store(1, Ordering::SeqCst);
    let (ended, output) = run(&*http, params()).await;
    assert!(ended.is_ok() && output.contains("requesting a new one"), "{output}");
    assert_eq!(site.seen.calls.load(Ordering::SeqCst), 2);
    site.seen.revoked.store(99, Ordering::SeqCst);
    let refused = run(&*http, params()).await.0.expect_err("an error");
    assert_eq!((refused.message.to_string().as_str(), refused.retryable), ("unexpected status 401 Unauthorized", false));
    assert_eq!(site.seen.calls.load(Ordering::SeqCst), 3, "one retry only");
}

#[tokio::test]
async fn json_token_is_renewed_before_it_expires() {
    let site = site().await;
    let token = TokenCall {
        url: Some(format!("http://{}/token", site.address)),
        app_id: Some("app".into()),
        app_secret: Some(Secret::new("s3cret-of-app")),
        style: TokenStyle::Json,
        pointer: Some("/data/token".into()),
        expires_pointer: Some("/data/expire".into()),
        header: Some("X-Token".into()),
        ..TokenCall::default()
    };
    let http = with_profile(Http { token: token.clone(), ..based(&site) }).await;
    let params = || json!({"http": "api", "url": "/guarded"});
    assert_eq!(result(&http, params()).await["json"]["headers"]["x-token"], "***");
    result(&http, params()).await;
    assert_eq!(site.seen.calls.load(Ordering::SeqCst), 1);
    tokio::time::sleep(Duration::from_millis(2750)).await;
    result(&http, params()).await;
    assert_eq!(site.seen.calls.load(Ordering::SeqCst), 2, "it expires after three seconds and is used for nine tenths of that");
    let wrong = TokenCall { app_id: Some("other".into()), ..token };
    let http = with_profile(Http { token: wrong, ..based(&site) }).await;
    let error = run(&http, params()).await.0.expect_err("an error");
    let expected = format!(
        "failed to get a token from http://{}/token: the response contains no text at /data/token (code 10003, msg ",
        site.address
    );
    assert!(!error.retryable && error.message.to_string().starts_with(&expected), "{error:?}");
    assert!(!error.message.to_string().contains("s3cret"), "{error:?}");
}

#[tokio::test]
async fn retry_after_header_sets_the_delay() {
    let site = site().await;
    let http = with(|_| ()).await;
    let after = async |path: &str| {
        let error = run(&http, json!({"url": format!("http://{}{path}", site.address)})).await.0.expect_err("an error");
        assert!(error.retryable, "{error:?}");
        error.retry_after
    };
    assert_eq!(after("/busy").await, Some(Duration::from_secs(7)));
    assert_eq!(after("/closed").await, Some(Duration::from_secs(120)), "a date, two minutes from now");
}

#[tokio::test]
async fn private_addresses_are_blocked_by_the_setting() {
    let site = site().await;
    let port = site.address.rsplit(':').next().expect("a free port");
    let limits = Limits { private_addresses: false, ..Limits::within("") };
    let http = with(|toolbox| toolbox.limits = Arc::new(limits)).await;
    for host in ["127.0.0.1", "localhost", "[::1]", "0x7f000001", "2130706433"] {
        let refused = run(&http, json!({"url": format!("http://{host}:{port}/echo")})).await.0.expect_err("an error");
        assert!(!refused.retryable && refused.message.to_string().contains("[network] private_addresses"), "{host}: {refused:?}");
    }
    let proxied = json!({"url": "http://example.com/", "proxy": format!("http://{}", site.address)});
    let refused = run(&http, proxied).await.0.expect_err("an error");
    assert!(!refused.retryable && refused.message.to_string().starts_with("proxy: "), "{refused:?}");
}
