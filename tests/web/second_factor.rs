//! The pages of the second step and of one's own second factor.

use belfry::domain::totp::TotpSecret;
use belfry::domain::user::Role;
use belfry::service::NewUser;
use poem::http::Method;

use crate::site::{Page, Site, encoded};
use crate::support::parts::admin;

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// The code that a phone shows now, by the secret on the page.
fn code(site: &Site, secret: &str) -> String {
    let secret = TotpSecret::parse(secret).expect("base32");
    secret.code(site.parts.service.clock().now().timestamp() / 30)
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    text.split_once(from).and_then(|(_, rest)| rest.split_once(to)).map(|(found, _)| found).unwrap_or_default()
}

/// Sets the second factor up; answers secret and recovery codes.
async fn enrol(site: &Site) -> (String, Vec<String>) {
    site.post("/account/second-factor/begin", &[]).await.leads_to("/account/second-factor");
    let page = site.get("/account/second-factor").await;
    page.is(200).shows("<svg class=\"qr\" role=\"img\"");
    let secret = between(&page.text, "id=\"secret\" tabindex=\"0\" translate=\"no\">", "<").replace(' ', "");
    let made = site.post("/account/second-factor/confirm", &[("/code", &code(site, &secret))]).await;
    made.is(200).hides(&secret);
    let codes = between(&made.text, "id=\"recovery-codes\" tabindex=\"0\" translate=\"no\">", "</pre>");
    (secret, codes.lines().map(str::to_owned).collect())
}

async fn first_step(site: &Site, headers: &[(&str, &str)]) -> Page {
    let mut all = vec![FORM];
    all.extend(headers);
    let form = encoded(&[("name", "admin"), ("password", "correct horse"), ("next", "/executions")]);
    site.bare(Method::POST, "/login", &all, &form).await
}

fn cookie(page: &Page, name: &str) -> String {
    let cookies = page.cookies();
    let found = cookies.iter().rfind(|cookie| cookie.starts_with(&format!("{name}=")));
    found.map(|cookie| cookie.split(';').next().unwrap_or_default().to_owned()).unwrap_or_default()
}

#[tokio::test]
async fn the_second_step_follows_the_first_and_only_then_there_is_a_session() {
    let site = Site::start().await;
    let (secret, codes) = enrol(&site).await;
    site.parts.clock.advance(chrono::Duration::minutes(2));
    site.bare(Method::GET, "/login/code", &[], "").await.leads_to("/login");
    let first = first_step(&site, &[]).await;
    first.leads_to("/login/code?next=%2Fexecutions");
    assert!(cookie(&first, "belfry_session").is_empty(), "{:?}", first.cookies());
    let pending = first.cookies().into_iter().find(|cookie| cookie.starts_with("belfry_pending=")).expect("a cookie").to_owned();
    assert!(pending.contains("HttpOnly") && pending.contains("SameSite=Lax") && pending.contains("Max-Age=300"), "{pending}");
    let pending = cookie(&first, "belfry_pending");
    let step = async |code: &str, next: &str| {
        let form = encoded(&[("code", code), ("next", next)]);
        site.bare(Method::POST, "/login/code", &[("cookie", pending.as_str()), FORM], &form).await
    };
    site.bare(Method::GET, "/login/code?next=//evil", &[("cookie", &pending)], "").await.is(200).hides("\"//evil");
    site.bare(Method::GET, "/tasks", &[("cookie", &pending.replace("pending", "session"))], "")
        .await
        .leads_to("/login?next=%2Ftasks");
    step("abc", "/").await.is(401).shows("The code is wrong");
    let chinese =
        site.bare(Method::POST, "/login/code", &[("cookie", &pending), FORM, ("accept-language", "zh-CN")], "code=1").await;
    chinese.is(401).shows("验证码不正确");
    let other = [("cookie", pending.as_str()), FORM, ("sec-fetch-site", "cross-site")];
    site.bare(Method::POST, "/login/code", &other, &encoded(&[("code", &code(&site, &secret))])).await.is(403);
    let entered = step(&code(&site, &secret), "https://evil").await;
    entered.leads_to("/");
    let session = cookie(&entered, "belfry_session");
    site.bare(Method::GET, "/tasks", &[("cookie", &session)], "").await.is(200);
    step(&codes[0], "/").await.leads_to("/login");
    // Signed in already: the former session ends with the new sign-in.
    let again = first_step(&site, &[("cookie", &session)]).await;
    let both = format!("{}; {session}", cookie(&again, "belfry_pending"));
    let form = encoded(&[("code", codes[1].as_str()), ("next", "/executions")]);
    let entered = site.bare(Method::POST, "/login/code", &[("cookie", &both), FORM], &form).await;
    entered.leads_to("/executions");
    site.bare(Method::GET, "/tasks", &[("cookie", &session)], "").await.leads_to("/login?next=%2Ftasks");
    let flash = cookie(&entered, "belfry_flash");
    let page =
        site.bare(Method::GET, "/tasks", &[("cookie", &format!("{}; {flash}", cookie(&entered, "belfry_session")))], "").await;
    page.is(200).shows("9 are left");
    site.end().await;
}

#[tokio::test]
async fn a_new_sign_in_ends_the_session_that_the_browser_had() {
    let site = Site::start().await;
    let former = format!("belfry_session={}", site.session);
    let signed = first_step(&site, &[("cookie", &former)]).await;
    signed.leads_to("/executions");
    let now = cookie(&signed, "belfry_session");
    assert_ne!(now, former, "another secret");
    site.bare(Method::GET, "/tasks", &[("cookie", &now)], "").await.is(200);
    site.bare(Method::GET, "/tasks", &[("cookie", &former)], "").await.leads_to("/login?next=%2Ftasks");
    site.end().await;
}

#[tokio::test]
async fn too_many_wrong_codes_begin_anew() {
    let site = Site::start().await;
    enrol(&site).await;
    let pending = cookie(&first_step(&site, &[]).await, "belfry_pending");
    let step = async || site.bare(Method::POST, "/login/code", &[("cookie", pending.as_str()), FORM], "code=x").await;
    for _ in 0..4 {
        step().await.is(401);
    }
    step().await.leads_to("/login");
    let next = first_step(&site, &[]).await;
    let pending = cookie(&next, "belfry_pending");
    site.bare(Method::POST, "/login/code", &[("cookie", &pending), FORM], "code=x").await.is(429).shows("Too many tries");
    site.end().await;
}

#[tokio::test]
async fn switching_off_and_new_codes_take_password_and_code() {
    let site = Site::start().await;
    site.get("/account").await.is(200).shows("href=\"/account/second-factor\"");
    let (_, codes) = enrol(&site).await;
    site.get("/account/second-factor").await.is(200).shows("Recovery codes left: 10.").hides("id=\"secret\"");
    let typed = |password, code| [("/present", password), ("/code", code)];
    let wrong = site.post("/account/second-factor/remove", &typed("wrong horse", &codes[0])).await;
    wrong.is(422).shows("is not the present password").hides("wrong horse");
    site.post("/account/second-factor/remove", &typed("correct horse", "123")).await.is(422).shows("wrong or was used already");
    let made = site.post("/account/second-factor/recovery", &typed("correct horse", &codes[0])).await;
    made.is(200).shows("shown this once").hides(&codes[1]);
    assert_eq!(made.header("cache-control"), "no-store");
    site.post("/account/second-factor/remove", &typed("correct horse", &codes[1])).await.is(422);
    let fresh = between(&made.text, "id=\"recovery-codes\" tabindex=\"0\" translate=\"no\">", "\n");
    site.post("/account/second-factor/remove", &typed("correct horse", fresh)).await.leads_to("/account/second-factor");
    site.get("/account/second-factor").await.is(200).shows("Set up");
    site.post("/account/second-factor/begin", &[]).await.leads_to("/account/second-factor");
    site.post("/account/second-factor/abandon", &[]).await.leads_to("/account/second-factor");
    site.get("/account/second-factor").await.is(200).hides("id=\"secret\"");
    let audit = site.get("/audit").await;
    audit.is(200).shows("Second factor set up").shows("Code refused").shows("Recovery codes made anew");
    site.end().await;
}

#[tokio::test]
async fn a_required_second_factor_comes_before_everything_else() {
    let site = Site::start_where(|parts| parts.second_factor_required = true).await;
    for path in ["/", "/tasks", "/settings/users", "/live", "/account"] {
        site.get(path).await.leads_to("/account/second-factor");
    }
    let script = site.get_with("/tasks/-/rows", &[("hx-request", "true")], "").await;
    assert_eq!((script.status, script.header("hx-redirect")), (401, "/account/second-factor"));
    assert!(site.parts.service.actor_by_session(&site.session, belfry::domain::user::Via::Api).await.is_err(), "the API too");
    site.get("/account/second-factor").await.is(200).shows("A second factor is required here");
    enrol(&site).await;
    site.get("/tasks").await.is(200);
    site.end().await;
}

#[tokio::test]
async fn administrators_sign_others_out_and_take_second_factors_away() {
    let mut site = Site::start().await;
    let vera = NewUser {
        name: "vera".into(),
        role: Role::Viewer,
        password: Some("battery staple".into()),
        grants: Vec::new(),
        tags: Vec::new(),
    };
    site.parts.service.create_user(&admin(), &vera).await.expect("an account");
    let of_admin = std::mem::take(&mut site.session);
    site.session = site.parts.service.sign_in("vera", "battery staple", None).await.expect("signs in").1;
    enrol(&site).await;
    site.get("/settings/users/second-factor?name=admin").await.is(403);
    site.post("/settings/users/second-factor?name=vera", &[]).await.is(403);
    site.post("/settings/users/sign-out?name=admin", &[]).await.is(403);
    let of_vera = std::mem::replace(&mut site.session, of_admin);
    site.get("/settings/users").await.is(200).shows("second factor</span>");
    site.get("/settings/users/sign-out?name=vera").await.is(200).shows("Sign out vera everywhere?");
    site.post("/settings/users/sign-out?name=vera", &[]).await.leads_to("/settings/users");
    site.bare(Method::GET, "/tasks", &[("cookie", &format!("belfry_session={of_vera}"))], "")
        .await
        .leads_to("/login?next=%2Ftasks");
    site.get("/settings/users/second-factor?name=vera").await.is(200).shows("Take away the second factor of vera?");
    site.post("/settings/users/second-factor?name=vera", &[]).await.leads_to("/settings/users");
    site.get("/settings/users").await.is(200).hides("second factor</span>");
    site.parts.service.sign_in("vera", "battery staple", None).await.expect("the password alone");
    site.post("/account/sign-out", &[]).await.leads_to("/login");
    site.get("/tasks").await.leads_to("/login?next=%2Ftasks");
    site.end().await;
}
