//! Attacks on single sign-on. The invalid tokens come from a fake provider (`forging_provider.rs`).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use belfry::domain::audit::{AuditEvent, AuditFilter};
use belfry::domain::page::PageRequest;
use belfry::service::{OidcCallback, Services, SignInError};
use chrono::Duration;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::forging_provider::{ACCESS_TOKEN, ForgingProvider, Key, StartedLogin};
use crate::support::TestDatabase;
use crate::support::context::admin;
use crate::{context, settings};

/// A change that makes the claims of a token invalid.
type Tamper = Box<dyn FnOnce(&mut Value)>;

async fn accounts(services: &Services) -> usize {
    services.users.list(&admin()).await.expect("lists").len()
}

#[tokio::test]
async fn tokens_with_invalid_claims_are_rejected() {
    let (db, provider) = (TestDatabase::sqlite().await, ForgingProvider::start().await);
    let context = context(&db, settings(&provider.issuer), false).await;
    let now = context.services.clock.now().timestamp();
    let bad: Vec<(&str, Tamper)> = vec![
        ("another issuer", Box::new(|c| c["iss"] = json!("https://other.example"))),
        ("issuer with a trailing slash", Box::new(|c| c["iss"] = json!(format!("{}/", c["iss"].as_str().unwrap())))),
        ("audience of another client", Box::new(|c| c["aud"] = json!("other"))),
        ("no audience", Box::new(|c| drop(c.as_object_mut().unwrap().remove("aud")))),
        ("several audiences without azp", Box::new(|c| c["aud"] = json!(["belfry", "other"]))),
        ("azp of another client", Box::new(|c| c["azp"] = json!("other"))),
        ("nonce of another sign-in", Box::new(|c| c["nonce"] = json!("other"))),
        ("no nonce", Box::new(|c| drop(c.as_object_mut().unwrap().remove("nonce")))),
        ("expired", Box::new(move |c| c["exp"] = json!(now - 61))),
        ("no exp", Box::new(|c| drop(c.as_object_mut().unwrap().remove("exp")))),
        ("iat in the future", Box::new(move |c| c["iat"] = json!(now + 120))),
        ("no iat", Box::new(|c| drop(c.as_object_mut().unwrap().remove("iat")))),
        ("nbf in the future", Box::new(move |c| c["nbf"] = json!(now + 120))),
        ("empty subject", Box::new(|c| c["sub"] = json!(""))),
        ("subject too long", Box::new(|c| c["sub"] = json!("x".repeat(256)))),
        ("at_hash of another access token", Box::new(|c| c["at_hash"] = json!("AAAAAAAAAAAAAAAAAAAAAA"))),
    ];
    let tried = bad.len();
    for (what, change) in bad {
        let refused = provider.sign_in(&context.services, change).await;
        assert!(matches!(refused, Err(SignInError::Untrusted(_))), "{what}: {refused:?}");
    }
    assert_eq!(accounts(&context.services).await, 1, "no account was created");
    let refused = AuditFilter { action: Some(AuditEvent::SignInRefused), ..AuditFilter::default() };
    let entries =
        context.services.audit.list(&admin(), &refused, &PageRequest { size: 100, cursor: None }).await.expect("reads the audit");
    assert_eq!(entries.items.len(), tried);
    assert_eq!(entries.items[0].address.as_deref(), Some("10.0.0.7"));
    let good = |claims: &mut Value| {
        let half = URL_SAFE_NO_PAD.encode(&Sha256::digest(ACCESS_TOKEN.as_bytes())[..16]);
        (claims["aud"], claims["azp"], claims["at_hash"]) = (json!(["belfry", "other"]), json!("belfry"), json!(half));
        claims["exp"] = json!(now - 59);
    };
    let signed_in = provider
        .sign_in(&context.services, good)
        .await
        .expect("the provider is valid otherwise, and clocks may differ by a minute");
    assert_eq!((signed_in.user.name.as_str(), signed_in.next.as_str()), ("alice", "/tasks"));
    db.remove().await;
}

#[tokio::test]
async fn tokens_with_invalid_signatures_are_rejected() {
    let (db, provider) = (TestDatabase::sqlite().await, ForgingProvider::start().await);
    let context = context(&db, settings(&provider.issuer), false).await;
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    for what in
        ["a foreign key", "a foreign key of the same name", "none", "the public key as a secret", "changed claims", "garbage"]
    {
        let login = StartedLogin::begin(&context.services).await;
        let claims = provider.claims(&login.nonce, context.services.clock.now());
        let token = match what {
            "a foreign key" => Key::new("foreign").sign(&claims),
            "a foreign key of the same name" => Key::new("first").sign(&claims),
            "none" => format!("{}.{}.", part(&json!({"alg": "none"})), part(&claims)),
            "the public key as a secret" => {
                let secret = EncodingKey::from_secret(&provider.script().keys[0].public());
                let header = Header { kid: Some("first".into()), ..Header::new(Algorithm::HS256) };
                jsonwebtoken::encode(&header, &claims, &secret).expect("signs")
            }
            "changed claims" => {
                let token = provider.script().keys[0].sign(&claims);
                let parts: Vec<&str> = token.split('.').collect();
                let mut changed = claims.clone();
                changed["groups"] = json!(["belfry-ops"]);
                format!("{}.{}.{}", parts[0], part(&changed), parts[2])
            }
            _ => "not.a.token".to_owned(),
        };
        provider.script().id_token = token;
        let refused = context.services.single_sign_on.finish(&login.returned, None).await;
        assert!(matches!(refused, Err(SignInError::Untrusted(_))), "{what}: {refused:?}");
        // Keys are fetched again for an unknown key only after an interval.
        context.clock.advance(Duration::seconds(11));
    }
    assert_eq!(accounts(&context.services).await, 1);
    provider.sign_in(&context.services, |_| ()).await.expect("a valid signature");
    db.remove().await;
}

#[tokio::test]
async fn new_keys_are_fetched_at_most_once_per_interval() {
    let (db, provider) = (TestDatabase::sqlite().await, ForgingProvider::start().await);
    let context = context(&db, settings(&provider.issuer), false).await;
    provider.sign_in(&context.services, |_| ()).await.expect("the first key");
    provider.sign_in(&context.services, |_| ()).await.expect("the keys are cached");
    assert_eq!(provider.script().requests["/jwks"], 1);
    provider.script().keys = vec![Key::new("second")];
    for _ in 0..5 {
        assert!(provider.sign_in(&context.services, |_| ()).await.is_err(), "the keys were fetched a moment ago");
    }
    assert_eq!(provider.script().requests["/jwks"], 1);
    context.clock.advance(Duration::seconds(10));
    provider.sign_in(&context.services, |_| ()).await.expect("the new key is fetched");
    let requests = provider.script().requests.clone();
    assert_eq!((requests["/jwks"], requests["/.well-known/openid-configuration"]), (2, 1));
    db.remove().await;
}

#[tokio::test]
async fn hanging_provider_does_not_hold_up_other_sign_ins() {
    let (db, provider) = (TestDatabase::sqlite().await, ForgingProvider::start().await);
    let context = context(&db, settings(&provider.issuer), false).await;
    provider.sign_in(&context.services, |_| ()).await.expect("the keys are cached");
    context.clock.advance(Duration::seconds(10));
    provider.script().hanging = Some("/jwks");
    let slow = StartedLogin::begin(&context.services).await;
    let token = Key::new("unknown").sign(&provider.claims(&slow.nonce, context.services.clock.now()));
    provider.script().id_token = token;
    let services = context.services.clone();
    let waiting = tokio::spawn(async move { services.single_sign_on.finish(&slow.returned, None).await.map(drop) });
    while provider.script().requests["/jwks"] < 2 {
        tokio::task::yield_now().await;
    }
    provider.sign_in(&context.services, |_| ()).await.expect("signs in meanwhile");
    assert!(!waiting.is_finished(), "the provider still hangs");
    waiting.abort();
    db.remove().await;
}

#[tokio::test]
async fn state_is_bound_to_one_browser_and_valid_once() {
    let (db, provider) = (TestDatabase::sqlite().await, ForgingProvider::start().await);
    let context = context(&db, settings(&provider.issuer), false).await;
    let services = &context.services;
    let ready = async || {
        let login = StartedLogin::begin(services).await;
        let token = provider.script().keys[0].sign(&provider.claims(&login.nonce, services.clock.now()));
        provider.script().id_token = token;
        login.returned
    };
    let other = |name: &str, returned: OidcCallback| match name {
        "state" => OidcCallback { state: "other".into(), ..returned },
        "no state" => OidcCallback { state: String::new(), ..returned },
        "browser" => OidcCallback { browser: "other".into(), ..returned },
        _ => OidcCallback { browser: String::new(), ..returned },
    };
    for name in ["state", "no state", "browser", "no browser"] {
        let refused = services.single_sign_on.finish(&other(name, ready().await), None).await;
        assert!(matches!(refused, Err(SignInError::Stale)), "{name}: {refused:?}");
    }
    let stolen = ready().await;
    assert!(services.single_sign_on.finish(&other("browser", stolen.clone()), None).await.is_err());
    assert!(
        matches!(services.single_sign_on.finish(&stolen, None).await, Err(SignInError::Stale)),
        "a failed callback uses up the state"
    );
    let late = ready().await;
    context.clock.advance(Duration::minutes(10));
    assert!(matches!(services.single_sign_on.finish(&late, None).await, Err(SignInError::Stale)));
    assert!(!provider.script().requests.contains_key("/token"), "no code was sent to the provider");
    let once = ready().await;
    services.single_sign_on.finish(&once, None).await.expect("signs in");
    assert!(matches!(services.single_sign_on.finish(&once, None).await, Err(SignInError::Stale)), "a code is used once");
    assert_eq!(provider.script().requests["/token"], 1);
    db.remove().await;
}

#[tokio::test]
async fn responses_of_another_issuer_are_rejected() {
    let (db, provider) = (TestDatabase::sqlite().await, ForgingProvider::start().await);
    provider.script().sends_issuer = true;
    let context = context(&db, settings(&provider.issuer), false).await;
    for issuer in [None, Some("https://other.example".to_owned())] {
        let login = StartedLogin::begin(&context.services).await;
        let refused = context.services.single_sign_on.finish(&OidcCallback { issuer, ..login.returned }, None).await;
        assert!(matches!(refused, Err(SignInError::Untrusted(_))), "{refused:?}");
    }
    assert!(!provider.script().requests.contains_key("/token"), "the code was not sent");
    provider.script().issuer = Some("https://other.example".into());
    context.clock.advance(Duration::hours(2));
    assert!(
        matches!(context.services.single_sign_on.start("/").await, Err(SignInError::Untrusted(_))),
        "the issuer in the metadata must equal the setting"
    );
    db.remove().await;
}

#[tokio::test]
async fn provider_errors_are_reported_without_details() {
    let (db, provider) = (TestDatabase::sqlite().await, ForgingProvider::start().await);
    let context = context(&db, settings(&provider.issuer), false).await;
    let login = StartedLogin::begin(&context.services).await;
    provider.script().refusal = Some("invalid_grant");
    let refused = context.services.single_sign_on.finish(&login.returned, None).await.unwrap_err();
    assert!(matches!(refused, SignInError::Provider(_)) && refused.to_string().contains("invalid_grant"), "{refused}");
    assert!(!refused.to_string().contains("secret details"));
    let login = StartedLogin::begin(&context.services).await;
    let denied = OidcCallback { error: Some("access_denied".into()), ..login.returned };
    assert!(
        matches!(context.services.single_sign_on.finish(&denied, None).await, Err(SignInError::Denied(word)) if word == "access_denied")
    );
    let closed = {
        let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        format!("http://{}", port.local_addr().expect("an address"))
    };
    let other = TestDatabase::sqlite().await;
    let down = crate::context(&other, settings(&closed), false).await;
    assert!(matches!(down.services.single_sign_on.start("/").await, Err(SignInError::Provider(_))));
    other.remove().await;
    db.remove().await;
}
