//! Signing out everywhere, and resets of second factors.

use belfry::domain::totp::TotpSecret;
use belfry::domain::user::{Actor, Role, Via};
use belfry::service::TwoFactorStatus;
use poem::http::Method;
use serde_json::json;

use crate::app::{App, TOKEN};

#[tokio::test]
async fn second_factor_reset_and_tokens_without_code() {
    let app = App::start().await;
    let created = app.post("/api/v1/users", json!({"name": "bob", "password": "correct battery"})).await;
    assert_eq!(
        (&created.json["second_factor"], &created.json["single_sign_on"]),
        (&json!(false), &json!(false)),
        "{}",
        created.text
    );
    let bob = Actor::new("bob", Role::Viewer, Via::Page);
    let (_, token) = app
        .services
        .tokens
        .create(&bob, &belfry::service::NewToken { name: "x".into(), role: None, tags: Vec::new(), expires_at: None })
        .await
        .unwrap();
    app.services.second_factor.begin(&bob).await.unwrap();
    let TwoFactorStatus::Pending(enrolment) = app.services.second_factor.status(&bob).await.unwrap() else { panic!("begun") };
    assert_eq!(app.get("/api/v1/users/bob").await.json["second_factor"], false, "not before it is confirmed");
    let secret = TotpSecret::parse(&enrolment.secret).unwrap();
    let code = secret.code(app.services.clock.now().timestamp() / 30);
    app.services.second_factor.confirm(&bob, &code, None).await.unwrap();
    assert_eq!(app.get("/api/v1/users/bob").await.json["second_factor"], true);
    assert_eq!(app.get("/api/v1/users").await.json[1]["second_factor"], true);
    let bearer = format!("Bearer {token}");
    let me = app.bare(Method::GET, "/api/v1/me", &[("authorization", &bearer)], b"").await;
    assert_eq!(me.status, 200, "a token is a credential of its own");
    app.bare(Method::DELETE, "/api/v1/users/bob/second-factor", &[("authorization", &bearer)], b"").await.problem(403);
    assert_eq!(app.delete("/api/v1/users/bob/second-factor").await.status, 204);
    app.delete("/api/v1/users/bob/second-factor").await.problem(404);
    app.delete("/api/v1/users/nobody/second-factor").await.problem(404);
    assert!(app.services.sign_in.without_second_factor("bob", "correct battery", None).await.is_ok());
}

#[tokio::test]
async fn signing_out_everywhere_ends_sessions_but_not_tokens() {
    let app = App::start().await;
    app.post("/api/v1/users", json!({"name": "bob", "password": "correct battery"})).await;
    let (_, session) = app.services.sign_in.without_second_factor("bob", "correct battery", None).await.unwrap();
    assert_eq!(app.delete("/api/v1/users/bob/sessions").await.status, 204);
    assert!(app.services.sessions.actor_by_session(&session, Via::Api).await.unwrap().is_none());
    app.delete("/api/v1/users/nobody/sessions").await.problem(404);
    assert_eq!(app.delete("/api/v1/me/sessions").await.status, 204);
    app.get("/api/v1/me").await.problem(401);
    let bearer = format!("Bearer {TOKEN}");
    assert_eq!(app.bare(Method::GET, "/api/v1/me", &[("authorization", &bearer)], b"").await.status, 200);
    let end = app.bare(Method::DELETE, "/api/v1/me/sessions", &[("cookie", &app.cookie())], b"").await;
    end.problem(401);
}
