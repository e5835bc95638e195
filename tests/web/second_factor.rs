//! Second sign-in step and pages of the user's own second factor.

use belfry::domain::totp::TotpSecret;
use belfry::domain::user::Role;
use belfry::service::NewUser;
use poem::http::Method;

use crate::site::{Page, Site, encoded};
use crate::support::context::admin;

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// Returns the current code of the secret on the page.
fn code(site: &Site, secret: &str) -> String {
    let secret = TotpSecret::parse(secret).expect("base32");
    secret.code(site.context.services.clock.now().timestamp() / 30)
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    text.split_once(from).and_then(|(_, rest)| rest.split_once(to)).map(|(found, _)| found).unwrap_or_default()
}

/// Sets up the second factor; returns its secret and the recovery codes.
async fn enrol(site: &Site) -> (String, Vec<String>) {
    site.post("/account/second-factor/begin", &[]).await.redirects_to("/account/second-factor");
    let page = site.get("/account/second-factor").await;
    page.has_status(200).shows("<svg class=\"qr\" role=\"img\"");
    let secret = between(&page.text, "id=\"secret\" tabindex=\"0\" translate=\"no\">", "<").replace(' ', "");
    let created = site.post("/account/second-factor/confirm", &[("/code", &code(site, &secret))]).await;
    created.has_status(200).hides(&secret);
    let codes = between(&created.text, "id=\"recovery-codes\" tabindex=\"0\" translate=\"no\">", "</pre>");
    (secret, codes.lines().map(str::to_owned).collect())
}

async fn first_step(site: &Site, headers: &[(&str, &str)]) -> Page {
    let mut all = vec![FORM];
    all.extend(headers);
    let form = encoded(&[("name", "admin"), ("password", "correct horse"), ("next", "/executions")]);
    site.request(Method::POST, "/login", &all, &form).await
}

fn cookie(page: &Page, name: &str) -> String {
    let cookies = page.cookies();
    let found = cookies.iter().rfind(|cookie| cookie.starts_with(&format!("{name}=")));
    found.map(|cookie| cookie.split(';').next().unwrap_or_default().to_owned()).unwrap_or_default()
}

#[tokio::test]
async fn session_starts_after_the_second_step() {
    let site = Site::start().await;
    let (secret, codes) = enrol(&site).await;
    site.context.clock.advance(chrono::Duration::minutes(2));
    site.request(Method::GET, "/login/code", &[], "").await.redirects_to("/login");
    let first = first_step(&site, &[]).await;
    first.redirects_to("/login/code?next=%2Fexecutions");
    assert!(cookie(&first, "belfry_session").is_empty(), "{:?}", first.cookies());
    let pending = first.cookies().into_iter().find(|cookie| cookie.starts_with("belfry_pending=")).expect("a cookie").to_owned();
    assert!(pending.contains("HttpOnly") && pending.contains("SameSite=Lax") && pending.contains("Max-Age=300"), "{pending}");
    let pending = cookie(&first, "belfry_pending");
    let step = async |code: &str, next: &str| {
        let form = encoded(&[("code", code), ("next", next)]);
        site.request(Method::POST, "/login/code", &[("cookie", pending.as_str()), FORM], &form).await
    };
    site.request(Method::GET, "/login/code?next=//evil", &[("cookie", &pending)], "").await.has_status(200).hides("\"//evil");
    site.request(Method::GET, "/tasks", &[("cookie", &pending.replace("pending", "session"))], "")
        .await
        .redirects_to("/login?next=%2Ftasks");
    step("abc", "/").await.has_status(401).shows("The code is incorrect");
    let chinese =
        site.request(Method::POST, "/login/code", &[("cookie", &pending), FORM, ("accept-language", "zh-CN")], "code=1").await;
    chinese.has_status(401).shows("验证码不正确");
    let other = [("cookie", pending.as_str()), FORM, ("sec-fetch-site", "cross-site")];
    site.request(Method::POST, "/login/code", &other, &encoded(&[("code", &code(&site, &secret))])).await.has_status(403);
    let entered = step(&code(&site, &secret), "https://evil").await;
    entered.redirects_to("/");
    let session = cookie(&entered, "belfry_session");
    site.request(Method::GET, "/tasks", &[("cookie", &session)], "").await.has_status(200);
    step(&codes[0], "/").await.redirects_to("/login");
    // A new sign-in ends the previous session.
    let again = first_step(&site, &[("cookie", &session)]).await;
    let both = format!("{}; {session}", cookie(&again, "belfry_pending"));
    let form = encoded(&[("code", codes[1].as_str()), ("next", "/executions")]);
    let entered = site.request(Method::POST, "/login/code", &[("cookie", &both), FORM], &form).await;
    entered.redirects_to("/executions");
    site.request(Method::GET, "/tasks", &[("cookie", &session)], "").await.redirects_to("/login?next=%2Ftasks");
    let flash = cookie(&entered, "belfry_flash");
    let page =
        site.request(Method::GET, "/tasks", &[("cookie", &format!("{}; {flash}", cookie(&entered, "belfry_session")))], "").await;
    page.has_status(200).shows("Recovery codes left: 9");
    site.close().await;
}

#[tokio::test]
async fn new_sign_in_ends_the_previous_session() {
    let site = Site::start().await;
    let former = format!("belfry_session={}", site.session);
    let signed = first_step(&site, &[("cookie", &former)]).await;
    signed.redirects_to("/executions");
    let now = cookie(&signed, "belfry_session");
    assert_ne!(now, former, "the session secret changes");
    site.request(Method::GET, "/tasks", &[("cookie", &now)], "").await.has_status(200);
    site.request(Method::GET, "/tasks", &[("cookie", &former)], "").await.redirects_to("/login?next=%2Ftasks");
    site.close().await;
}

#[tokio::test]
async fn too_many_wrong_codes_restart_the_sign_in() {
    let site = Site::start().await;
    enrol(&site).await;
    let pending = cookie(&first_step(&site, &[]).await, "belfry_pending");
    let step = async || site.request(Method::POST, "/login/code", &[("cookie", pending.as_str()), FORM], "code=x").await;
    for _ in 0..4 {
        step().await.has_status(401);
    }
    step().await.redirects_to("/login");
    let next = first_step(&site, &[]).await;
    let pending = cookie(&next, "belfry_pending");
    site.request(Method::POST, "/login/code", &[("cookie", &pending), FORM], "code=x")
        .await
        .has_status(429)
        .shows("Too many attempts");
    site.close().await;
}

#[tokio::test]
async fn removal_and_new_recovery_codes_require_password_and_code() {
    let site = Site::start().await;
    site.get("/account").await.has_status(200).shows("href=\"/account/second-factor\"");
    let (_, codes) = enrol(&site).await;
    site.get("/account/second-factor").await.has_status(200).shows("Recovery codes left: 10.").hides("id=\"secret\"");
    let typed = |password, code| [("/present", password), ("/code", code)];
    let wrong = site.post("/account/second-factor/remove", &typed("wrong horse", &codes[0])).await;
    wrong.has_status(422).shows("is not the current password").hides("wrong horse");
    site.post("/account/second-factor/remove", &typed("correct horse", "123"))
        .await
        .has_status(422)
        .shows("wrong or was used already");
    let created = site.post("/account/second-factor/recovery", &typed("correct horse", &codes[0])).await;
    created.has_status(200).shows("shown only once").hides(&codes[1]);
    assert_eq!(created.header("cache-control"), "no-store");
    site.post("/account/second-factor/remove", &typed("correct horse", &codes[1])).await.has_status(422);
    let fresh = between(&created.text, "id=\"recovery-codes\" tabindex=\"0\" translate=\"no\">", "\n");
    site.post("/account/second-factor/remove", &typed("correct horse", fresh)).await.redirects_to("/account/second-factor");
    site.get("/account/second-factor").await.has_status(200).shows("Set up");
    site.post("/account/second-factor/begin", &[]).await.redirects_to("/account/second-factor");
    site.post("/account/second-factor/abandon", &[]).await.redirects_to("/account/second-factor");
    site.get("/account/second-factor").await.has_status(200).hides("id=\"secret\"");
    let audit = site.get("/audit").await;
    audit.has_status(200).shows("Two-factor set up").shows("Two-factor code rejected").shows("Recovery codes regenerated");
    site.close().await;
}

#[tokio::test]
async fn required_second_factor_blocks_other_pages() {
    let site = Site::start_with_deps(|parts| parts.second_factor_required = true).await;
    for path in ["/", "/tasks", "/settings/users", "/live", "/account"] {
        site.get(path).await.redirects_to("/account/second-factor");
    }
    let script = site.get_with("/tasks/-/rows", &[("hx-request", "true")], "").await;
    assert_eq!((script.status, script.header("hx-redirect")), (401, "/account/second-factor"));
    assert!(
        site.context.services.sessions.actor_by_session(&site.session, belfry::domain::user::Via::Api).await.is_err(),
        "the API too"
    );
    site.get("/account/second-factor").await.has_status(200).shows("Two-factor authentication is required");
    enrol(&site).await;
    site.get("/tasks").await.has_status(200);
    site.close().await;
}

#[tokio::test]
async fn administrators_end_sessions_and_reset_second_factors() {
    let mut site = Site::start().await;
    let vera = NewUser {
        name: "vera".into(),
        role: Role::Viewer,
        password: Some("battery staple".into()),
        grants: Vec::new(),
        tags: Vec::new(),
    };
    site.context.services.users.create(&admin(), &vera).await.expect("an account");
    let of_admin = std::mem::take(&mut site.session);
    site.session = site.context.services.sign_in.without_second_factor("vera", "battery staple", None).await.expect("signs in").1;
    enrol(&site).await;
    site.get("/settings/users/second-factor?name=admin").await.has_status(403);
    site.post("/settings/users/second-factor?name=vera", &[]).await.has_status(403);
    site.post("/settings/users/sign-out?name=admin", &[]).await.has_status(403);
    let of_vera = std::mem::replace(&mut site.session, of_admin);
    site.get("/settings/users").await.has_status(200).shows("two-factor</span>");
    site.get("/settings/users/sign-out?name=vera").await.has_status(200).shows("Sign out vera everywhere?");
    site.post("/settings/users/sign-out?name=vera", &[]).await.redirects_to("/settings/users");
    site.request(Method::GET, "/tasks", &[("cookie", &format!("belfry_session={of_vera}"))], "")
        .await
        .redirects_to("/login?next=%2Ftasks");
    site.get("/settings/users/second-factor?name=vera").await.has_status(200).shows("Reset two-factor authentication of vera?");
    site.post("/settings/users/second-factor?name=vera", &[]).await.redirects_to("/settings/users");
    site.get("/settings/users").await.has_status(200).hides("two-factor</span>");
    site.context.services.sign_in.without_second_factor("vera", "battery staple", None).await.expect("the password alone");
    site.post("/account/sign-out", &[]).await.redirects_to("/login");
    site.get("/tasks").await.redirects_to("/login?next=%2Ftasks");
    site.close().await;
}
