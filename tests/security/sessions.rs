//! Sessions and tokens: forgery, replay, expiry, fixation, cross-site requests, and removed accounts.

use belfry::storage::{account, sign_in};
use belfry::web::csrf;
use chrono::{DateTime, Duration, Utc};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::rig::{Belfry, PASSWORD, TOKEN, session_of};

/// Pages and calls that need a sign-in.
const INSIDE: [&str; 4] = ["/tasks", "/settings/users", "/api/v1/tasks", "/api/v1/users"];

#[track_caller]
fn assert_signed_out(status: u16, path: &str) {
    assert_eq!(status, if path.starts_with("/api") { 401 } else { 303 }, "{path}");
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_and_ended_sessions_are_rejected() {
    let belfry = Belfry::start().await;
    let session = belfry.sign_in("admin", PASSWORD).await;
    let hash = data_encoding::HEXLOWER.encode(&Sha256::digest(&session));
    // Any change, here of the first character, makes the session invalid.
    let changed = format!("{}{}", if session.starts_with('A') { 'B' } else { 'A' }, &session[1..]);
    for forged in
        ["", "x", "admin", "' or '1'='1", "../../etc/passwd", &hash, &changed, &session.to_uppercase(), &"a".repeat(5000)]
    {
        for path in INSIDE {
            assert_signed_out(belfry.page(forged, path).await.status().as_u16(), path);
        }
    }
    assert_eq!(belfry.form(&session, "/logout", &[]).await.status(), 303);
    for path in INSIDE {
        assert_signed_out(belfry.page(&session, path).await.status().as_u16(), path);
    }
    belfry.end().await;
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::disallowed_methods, reason = "the server under test uses the real clock")]
async fn sessions_and_tokens_expire() {
    let belfry = Belfry::start().await;
    let now: DateTime<Utc> = Utc::now();
    let mut tx = belfry.database.write().await.expect("writes");
    let (user, _) = account::by_name(&mut tx, "admin").await.expect("reads").expect("is there");
    let hash = |secret: &str| data_encoding::HEXLOWER.encode(&Sha256::digest(secret));
    let times = [("over", -40, -10), ("unused", -20, 10), ("alive", 0, 10)];
    for (name, begun, ends) in times {
        let (begun, ends) = (now + Duration::days(begun), now + Duration::days(ends));
        sign_in::insert_session(&mut tx, &hash(name), &user.id, begun, ends, false).await.expect("a session");
    }
    tx.commit().await.expect("commits");
    assert_eq!(belfry.page("alive", "/tasks").await.status(), 200);
    for ended in ["over", "unused"] {
        assert_signed_out(belfry.page(ended, "/tasks").await.status().as_u16(), "/tasks");
    }
    let expired = (now - Duration::days(1)).to_rfc3339();
    let refused =
        belfry.call(Method::POST, "/api/v1/tokens", Some(&json!({"name": "old", "role": "viewer", "expires_at": expired}))).await;
    assert_eq!(refused.status(), 422, "an expired token cannot be created");
    belfry.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_in_replaces_a_session_set_before() {
    let belfry = Belfry::start().await;
    let chosen = "chosen-by-the-attacker-0123456789abcdef";
    let answer = belfry
        .anonymous(Method::POST, "/login")
        .header("cookie", format!("belfry_session={chosen}"))
        .form(&[("name", "admin"), ("password", PASSWORD)])
        .send()
        .await
        .expect("answers");
    let given = session_of(&answer).expect("a new session");
    assert_ne!(given, chosen);
    assert_signed_out(belfry.page(chosen, "/tasks").await.status().as_u16(), "/tasks");
    let second = belfry.sign_in("admin", PASSWORD).await;
    assert_ne!(given, second, "each sign-in creates a session");
    belfry.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cross_site_requests_are_rejected() {
    let belfry = Belfry::start().await;
    belfry.echo("a").await;
    let session = belfry.sign_in("admin", PASSWORD).await;
    let other = belfry.sign_in("admin", PASSWORD).await;
    let cookie = format!("belfry_session={session}");
    let forms = [
        "/tasks/a/run",
        "/tasks/a/delete",
        "/tasks/a/pause",
        "/tasks/new",
        "/tasks/-/bulk",
        "/logout",
        "/account",
        "/settings/users",
        "/settings/tokens",
        "/settings/secrets",
    ];
    for path in forms {
        for token in ["", &csrf::token(&other)] {
            let answer = belfry
                .anonymous(Method::POST, path)
                .header("cookie", &cookie)
                .form(&[("csrf", token)])
                .send()
                .await
                .expect("answers");
            assert_eq!(answer.status(), 403, "{path} with {token}");
            let htmx = belfry
                .anonymous(Method::POST, path)
                .header("cookie", &cookie)
                .header("hx-request", "true")
                .header("x-csrf-token", token);
            assert_eq!(htmx.form(&[("a", "b")]).send().await.expect("answers").status(), 403, "{path} by script");
        }
    }
    let calls = [
        (Method::DELETE, "/api/v1/tasks/a"),
        (Method::POST, "/api/v1/tasks/a/run"),
        (Method::PATCH, "/api/v1/tasks/a"),
        (Method::POST, "/api/v1/tokens"),
    ];
    for (method, path) in calls {
        for (name, value) in [
            ("x-none", ""),
            ("origin", "http://evil.test"),
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            let request = belfry.anonymous(method.clone(), path).header("cookie", &cookie).header(name, value).json(&json!({}));
            assert_eq!(request.send().await.expect("answers").status(), 403, "{method} {path} {name}: {value}");
        }
    }
    let simple =
        belfry.anonymous(Method::POST, "/api/v1/tasks").header("cookie", &cookie).header("content-type", "text/plain").body("{}");
    assert!(
        matches!(simple.send().await.expect("answers").status().as_u16(), 403 | 415),
        "a form of another site cannot send JSON"
    );
    let preflight = belfry
        .anonymous(Method::OPTIONS, "/api/v1/tasks")
        .header("origin", "http://evil.test")
        .header("access-control-request-method", "DELETE");
    let preflight = preflight.send().await.expect("answers");
    assert!(!preflight.headers().contains_key("access-control-allow-origin"), "{preflight:?}");
    assert_eq!(belfry.expect_status(Method::GET, "/api/v1/tasks/a", Value::Null, 200).await["enabled"], true);
    assert_eq!(belfry.page(&session, "/tasks").await.status(), 200, "still signed in");
    belfry.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn removed_and_disabled_accounts_are_signed_out_at_once() {
    let belfry = Belfry::start().await;
    for end in ["delete", "disable", "password"] {
        let name = format!("bob-{end}");
        belfry.account(&name, "admin").await;
        let session = belfry.sign_in(&name, PASSWORD).await;
        let created = belfry
            .anonymous(Method::POST, "/api/v1/tokens")
            .header("cookie", format!("belfry_session={session}"))
            .header("sec-fetch-site", "same-origin");
        let created: Value =
            created.json(&json!({"name": "mine", "role": "admin"})).send().await.expect("answers").json().await.expect("JSON");
        let token = created["token"].as_str().expect("a token").to_owned();
        let by_token = async || {
            belfry.anonymous(Method::GET, "/api/v1/tasks").bearer_auth(&token).send().await.expect("answers").status().as_u16()
        };
        assert_eq!((by_token().await, belfry.page(&session, "/tasks").await.status().as_u16()), (200, 200));
        let path = format!("/api/v1/users/{name}");
        match end {
            "delete" => drop(belfry.expect_status(Method::DELETE, &path, Value::Null, 204).await),
            "disable" => drop(belfry.expect_status(Method::PUT, &path, json!({"role": "admin", "disabled": true}), 200).await),
            _ => drop(
                belfry
                    .expect_status(Method::PUT, &path, json!({"role": "admin", "password": "another good password"}), 200)
                    .await,
            ),
        }
        assert_signed_out(belfry.page(&session, "/tasks").await.status().as_u16(), "/tasks");
        if end != "password" {
            assert_eq!(by_token().await, 401, "{end}");
        }
    }
    belfry.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_limit_sessions_and_tokens() {
    let belfry = Belfry::start().await;
    belfry.account("vera", "viewer").await;
    let session = belfry.sign_in("vera", PASSWORD).await;
    let cookie = format!("belfry_session={session}");
    let tries = [
        (Method::POST, "/api/v1/tasks", json!({"id": "x", "type": "echo", "trigger": {"type": "interval", "hours": 1}})),
        (Method::POST, "/api/v1/users", json!({"name": "eve", "role": "admin", "password": PASSWORD})),
        (Method::PUT, "/api/v1/users/vera", json!({"role": "admin"})),
        (Method::PUT, "/api/v1/secrets/x", json!({"value": "y"})),
    ];
    for (method, path, body) in tries {
        let request = belfry.anonymous(method, path).header("cookie", &cookie).header("sec-fetch-site", "same-origin");
        assert_eq!(request.json(&body).send().await.expect("answers").status(), 403, "{path}");
    }
    for path in ["/settings/users", "/settings/secrets", "/audit"] {
        assert_eq!(belfry.page(&session, path).await.status(), 403, "{path}");
    }
    for scheme in ["Basic", "bearer:", "Token"] {
        let answer = belfry.anonymous(Method::GET, "/api/v1/tasks").header("authorization", format!("{scheme} {TOKEN}"));
        assert_eq!(answer.send().await.expect("answers").status(), 401, "{scheme}");
    }
    let by_query = belfry.anonymous(Method::GET, &format!("/api/v1/tasks?token={TOKEN}&access_token={TOKEN}"));
    assert_eq!(by_query.send().await.expect("answers").status(), 401, "no token in a URL");
    belfry.end().await;
}
