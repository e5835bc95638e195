//! Who gets in, and what keeps other sites out.

use belfry::domain::user::Role;
use belfry::storage::{account, sign_in};
use chrono::Duration;
use poem::http::Method;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::site::{Site, encoded};
use crate::support::parts::start;

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

#[tokio::test]
async fn without_a_sign_in_every_page_leads_to_it_and_back() {
    let site = Site::start().await;
    for (path, next) in
        [("/", ""), ("/tasks?type=echo", "?next=%2Ftasks%3Ftype%3Decho"), ("/executions/1", "?next=%2Fexecutions%2F1")]
    {
        site.bare(Method::GET, path, &[], "").await.leads_to(&format!("/login{next}"));
    }
    let partial = site.bare(Method::GET, "/tasks/-/rows?id=a", &[("hx-request", "true")], "").await;
    assert_eq!((partial.status, partial.header("hx-redirect")), (401, "/login"));
    let stream = site.bare(Method::GET, "/live", &[], "").await;
    assert_eq!(stream.status, 303);
    site.end().await;
}

#[tokio::test]
async fn signing_in_sets_a_guarded_cookie_and_goes_on_to_local_pages_alone() {
    let site = Site::start().await;
    let sign_in = async |next: &str, headers: &[(&str, &str)]| {
        let mut all = vec![FORM, ("origin", "http://belfry.test")];
        all.extend(headers);
        let body = encoded(&[("name", "admin"), ("password", "correct horse"), ("next", next)]);
        site.bare(Method::POST, "/login", &all, &body).await
    };
    let signed = sign_in("/tasks?tag=x", &[]).await;
    signed.leads_to("/tasks?tag=x");
    let cookie = signed.cookies().into_iter().find(|cookie| cookie.starts_with("belfry_session=")).expect("a session").to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && cookie.contains("Path=/"), "{cookie}");
    assert!(!cookie.contains("Secure"), "{cookie}");
    let forged = sign_in("/", &[("x-forwarded-proto", "https")]).await;
    assert!(forged.cookies().iter().all(|cookie| !cookie.contains("Secure")), "{:?}", forged.cookies());
    for foreign in ["https://evil", "//evil", "/\\evil", "javascript:alert(1)"] {
        sign_in(foreign, &[]).await.leads_to("/");
    }
    site.end().await;
}

#[tokio::test]
async fn a_wrong_password_is_said_plainly_and_the_name_is_kept() {
    let site = Site::start().await;
    let body = encoded(&[("name", "admin"), ("password", "wrong"), ("next", "/tasks")]);
    let page = site.bare(Method::POST, "/login", &[FORM], &body).await;
    page.is(401)
        .shows("The name or the password is wrong.")
        .shows("value=\"admin\"")
        .shows("value=\"/tasks\"")
        .hides("value=\"wrong\"");
    site.end().await;
}

#[tokio::test]
async fn signing_out_ends_the_session() {
    let site = Site::start().await;
    let out = site.post("/logout", &[]).await;
    out.leads_to("/login");
    assert!(out.cookies()[0].starts_with("belfry_session=;"), "{:?}", out.cookies());
    site.get("/tasks").await.leads_to("/login?next=%2Ftasks");
    site.end().await;
}

#[tokio::test]
async fn forms_without_the_sessions_token_are_refused() {
    let site = Site::start().await;
    site.parts.create("a", json!({"type": "cron", "hour": 8})).await;
    let cookie = format!("belfry_session={}", site.session);
    for body in ["", "csrf=", "csrf=0000", "csrf=%00"] {
        for path in ["/tasks/a/run", "/tasks/a/delete", "/tasks/a/pause", "/tasks/new", "/tasks/a/edit", "/logout"] {
            let page = site.bare(Method::POST, path, &[("cookie", &cookie), FORM], body).await;
            page.is(403).shows("does not belong to your present session");
        }
    }
    assert!(site.parts.executions("a").await.is_empty());
    let token = belfry::web::csrf::token(&site.session);
    let by_header = [("cookie", cookie.as_str()), FORM, ("x-csrf-token", &token)];
    assert_eq!(site.bare(Method::POST, "/tasks/a/pause", &by_header, "").await.status, 303);
    site.end().await;
}

#[tokio::test]
async fn other_sites_cannot_sign_anybody_in_or_choose_for_them() {
    let site = Site::start().await;
    let body = encoded(&[("name", "admin"), ("password", "correct horse"), ("language", "zh-CN")]);
    for path in ["/login", "/setup", "/preferences"] {
        for foreign in [("origin", "http://evil.test"), ("origin", "null"), ("sec-fetch-site", "cross-site")] {
            site.bare(Method::POST, path, &[FORM, foreign], &body).await.is(403);
        }
    }
    site.end().await;
}

#[tokio::test]
async fn set_up_from_elsewhere_asks_for_the_code() {
    let site = Site::fresh().await;
    site.bare(Method::GET, "/tasks", &[], "").await.leads_to("/setup");
    site.bare(Method::GET, "/login", &[], "").await.leads_to("/setup");
    site.bare(Method::GET, "/setup", &[], "").await.is(200).shows("BELFRY_ADMIN_PASSWORD").shows("name=\"code\"");
    let body = encoded(&[("name", "eve"), ("password", "correct horse"), ("repeat", "correct horse")]);
    site.bare(Method::POST, "/setup", &[FORM], &body).await.is(403);
    assert!(site.parts.service.needs_setup().await.expect("answers"), "nobody was made");
    site.end().await;
    let site = Site::start().await;
    site.bare(Method::GET, "/setup", &[], "").await.leads_to("/login");
    site.end().await;
}

#[tokio::test]
async fn every_answer_carries_its_guards() {
    let site = Site::start().await;
    for path in ["/tasks", "/login", "/nowhere", "/static/css/belfry.css"] {
        let page = site.get(path).await;
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert_eq!((page.header("x-content-type-options"), page.header("referrer-policy")), ("nosniff", "same-origin"), "{path}");
    }
    assert_eq!(site.get("/tasks").await.header("cache-control"), "no-store");
    site.end().await;
}

#[tokio::test]
async fn a_viewer_sees_and_cannot_change() {
    let mut site = Site::start().await;
    site.parts.create("a", json!({"type": "cron", "hour": 8})).await;
    site.session = viewer(&site).await;
    site.get("/tasks").await.is(200).shows("a").hides("/tasks/a/run").hides("/tasks/a/edit").hides("New task");
    for path in ["/tasks/a/run", "/tasks/a/delete", "/tasks/a/pause"] {
        site.post(path, &[]).await.is(403).shows("Your role does not allow this.");
    }
    assert!(site.parts.executions("a").await.is_empty());
    site.end().await;
}

/// A viewer's session.
async fn viewer(site: &Site) -> String {
    let now = start();
    let user = crate::support::parts::user("01M00000000000000000000000", "vera", Role::Viewer);
    let secret = "session-of-a-viewer";
    let hash: String = Sha256::digest(secret.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    let mut tx = site.parts.database.write().await.expect("writes");
    account::insert(&mut tx, &user, None).await.expect("a viewer");
    sign_in::insert_session(&mut tx, &hash, &user.id, now, now + Duration::days(1), false).await.expect("a session");
    tx.commit().await.expect("commits");
    secret.to_owned()
}
