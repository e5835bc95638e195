//! Sign-in, sessions, CSRF protection and security headers.

use belfry::domain::user::Role;
use belfry::storage::{account, sign_in};
use chrono::Duration;
use poem::http::Method;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::site::{Site, encoded};
use crate::support::context::start;

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

#[tokio::test]
async fn pages_redirect_to_sign_in_and_back() {
    let site = Site::start().await;
    for (path, next) in
        [("/", ""), ("/tasks?type=echo", "?next=%2Ftasks%3Ftype%3Decho"), ("/executions/1", "?next=%2Fexecutions%2F1")]
    {
        site.request(Method::GET, path, &[], "").await.redirects_to(&format!("/login{next}"));
    }
    let partial = site.request(Method::GET, "/tasks/-/rows?id=a", &[("hx-request", "true")], "").await;
    assert_eq!((partial.status, partial.header("hx-redirect")), (401, "/login"));
    let stream = site.request(Method::GET, "/live", &[], "").await;
    assert_eq!(stream.status, 303);
    site.close().await;
}

#[tokio::test]
async fn sign_in_sets_a_protected_cookie_and_redirects_only_to_local_pages() {
    let site = Site::start().await;
    let sign_in = async |next: &str, headers: &[(&str, &str)]| {
        let mut all = vec![FORM, ("origin", "http://belfry.test")];
        all.extend(headers);
        let body = encoded(&[("name", "admin"), ("password", "correct horse"), ("next", next)]);
        site.request(Method::POST, "/login", &all, &body).await
    };
    let signed = sign_in("/tasks?tag=x", &[]).await;
    signed.redirects_to("/tasks?tag=x");
    let cookie = signed.cookies().into_iter().find(|cookie| cookie.starts_with("belfry_session=")).expect("a session").to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && cookie.contains("Path=/"), "{cookie}");
    assert!(!cookie.contains("Secure"), "{cookie}");
    let forged = sign_in("/", &[("x-forwarded-proto", "https")]).await;
    assert!(forged.cookies().iter().all(|cookie| !cookie.contains("Secure")), "{:?}", forged.cookies());
    for foreign in ["https://evil", "//evil", "/\\evil", "javascript:alert(1)"] {
        sign_in(foreign, &[]).await.redirects_to("/");
    }
    site.close().await;
}

#[tokio::test]
async fn wrong_password_shows_an_error_and_keeps_the_name() {
    let site = Site::start().await;
    let body = encoded(&[("name", "admin"), ("password", "wrong"), ("next", "/tasks")]);
    let page = site.request(Method::POST, "/login", &[FORM], &body).await;
    page.has_status(401)
        .shows("Incorrect username or password.")
        .shows("value=\"admin\"")
        .shows("value=\"/tasks\"")
        .hides("value=\"wrong\"");
    site.close().await;
}

#[tokio::test]
async fn sign_out_ends_the_session() {
    let site = Site::start().await;
    let out = site.post("/logout", &[]).await;
    out.redirects_to("/login");
    assert!(out.cookies()[0].starts_with("belfry_session=;"), "{:?}", out.cookies());
    site.get("/tasks").await.redirects_to("/login?next=%2Ftasks");
    site.close().await;
}

#[tokio::test]
async fn forms_without_csrf_token_are_rejected() {
    let site = Site::start().await;
    site.context.create("a", json!({"type": "cron", "hour": 8})).await;
    let cookie = format!("belfry_session={}", site.session);
    for body in ["", "csrf=", "csrf=0000", "csrf=%00"] {
        for path in ["/tasks/a/run", "/tasks/a/delete", "/tasks/a/pause", "/tasks/new", "/tasks/a/edit", "/logout"] {
            let page = site.request(Method::POST, path, &[("cookie", &cookie), FORM], body).await;
            page.has_status(403).shows("does not belong to your current session");
        }
    }
    assert!(site.context.executions("a").await.is_empty());
    let token = belfry::web::csrf::token(&site.session);
    let by_header = [("cookie", cookie.as_str()), FORM, ("x-csrf-token", &token)];
    assert_eq!(site.request(Method::POST, "/tasks/a/pause", &by_header, "").await.status, 303);
    site.close().await;
}

#[tokio::test]
async fn public_forms_reject_other_sites() {
    let site = Site::start().await;
    let body = encoded(&[("name", "admin"), ("password", "correct horse"), ("language", "zh-CN")]);
    for path in ["/login", "/setup", "/preferences"] {
        for foreign in [("origin", "http://evil.test"), ("origin", "null"), ("sec-fetch-site", "cross-site")] {
            site.request(Method::POST, path, &[FORM, foreign], &body).await.has_status(403);
        }
    }
    site.close().await;
}

#[tokio::test]
async fn remote_setup_requires_the_code() {
    let site = Site::start_without_accounts().await;
    site.request(Method::GET, "/tasks", &[], "").await.redirects_to("/setup");
    site.request(Method::GET, "/login", &[], "").await.redirects_to("/setup");
    site.request(Method::GET, "/setup", &[], "").await.has_status(200).shows("BELFRY_ADMIN_PASSWORD").shows("name=\"code\"");
    let body = encoded(&[("name", "eve"), ("password", "correct horse"), ("repeat", "correct horse")]);
    site.request(Method::POST, "/setup", &[FORM], &body).await.has_status(403);
    assert!(site.context.services.setup.is_needed().await.expect("answers"), "no account was created");
    site.close().await;
    let site = Site::start().await;
    site.request(Method::GET, "/setup", &[], "").await.redirects_to("/login");
    site.close().await;
}

#[tokio::test]
async fn responses_have_security_headers() {
    let site = Site::start().await;
    for path in ["/tasks", "/login", "/nowhere", "/static/css/belfry.css"] {
        let page = site.get(path).await;
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert_eq!((page.header("x-content-type-options"), page.header("referrer-policy")), ("nosniff", "same-origin"), "{path}");
    }
    assert_eq!(site.get("/tasks").await.header("cache-control"), "no-store");
    site.close().await;
}

#[tokio::test]
async fn viewer_cannot_change_tasks() {
    let mut site = Site::start().await;
    site.context.create("a", json!({"type": "cron", "hour": 8})).await;
    site.session = viewer(&site).await;
    site.get("/tasks").await.has_status(200).shows("a").hides("/tasks/a/run").hides("/tasks/a/edit").hides("New task");
    for path in ["/tasks/a/run", "/tasks/a/delete", "/tasks/a/pause"] {
        site.post(path, &[]).await.has_status(403).shows("Your role does not allow this.");
    }
    assert!(site.context.executions("a").await.is_empty());
    site.close().await;
}

/// Creates a viewer and returns its session.
async fn viewer(site: &Site) -> String {
    let now = start();
    let user = crate::support::context::user("01M00000000000000000000000", "vera", Role::Viewer);
    let secret = "session-of-a-viewer";
    let hash = data_encoding::HEXLOWER.encode(&Sha256::digest(secret));
    let mut tx = site.context.database.write().await.expect("writes");
    account::insert(&mut tx, &user, None).await.expect("a viewer");
    sign_in::insert_session(&mut tx, &hash, &user.id, now, now + Duration::days(1), false).await.expect("a session");
    tx.commit().await.expect("commits");
    secret.to_owned()
}
