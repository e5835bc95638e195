//! What must not let anybody in. The bad tokens come from a provider made by hand (`forger.rs`): a real one signs none.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use belfry::domain::audit::{Act, AuditFilter};
use belfry::domain::page::PageRequest;
use belfry::service::{NotIn, Returned, Service};
use chrono::Duration;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::forger::{ACCESS_TOKEN, Forger, Journey, Key};
use crate::support::TestDatabase;
use crate::support::parts::admin;
use crate::{parts, settings};

/// What makes a token a bad one.
type Bend = Box<dyn FnOnce(&mut Value)>;

async fn accounts(service: &Service) -> usize {
    service.users(&admin()).await.expect("lists").len()
}

#[tokio::test]
async fn claims_that_do_not_hold_let_nobody_in() {
    let (db, forger) = (TestDatabase::sqlite().await, Forger::start().await);
    let parts = parts(&db, settings(&forger.issuer), false).await;
    let now = parts.service.clock().now().timestamp();
    let bad: Vec<(&str, Bend)> = vec![
        ("another issuer", Box::new(|c| c["iss"] = json!("https://other.example"))),
        ("an issuer with a slash more", Box::new(|c| c["iss"] = json!(format!("{}/", c["iss"].as_str().unwrap())))),
        ("another client's", Box::new(|c| c["aud"] = json!("other"))),
        ("no client's", Box::new(|c| drop(c.as_object_mut().unwrap().remove("aud")))),
        ("several clients', made for none", Box::new(|c| c["aud"] = json!(["belfry", "other"]))),
        ("made for another client", Box::new(|c| c["azp"] = json!("other"))),
        ("of another sign-in", Box::new(|c| c["nonce"] = json!("other"))),
        ("without a nonce", Box::new(|c| drop(c.as_object_mut().unwrap().remove("nonce")))),
        ("expired", Box::new(move |c| c["exp"] = json!(now - 61))),
        ("without an end", Box::new(|c| drop(c.as_object_mut().unwrap().remove("exp")))),
        ("of the future", Box::new(move |c| c["iat"] = json!(now + 120))),
        ("without a beginning", Box::new(|c| drop(c.as_object_mut().unwrap().remove("iat")))),
        ("not to be used yet", Box::new(move |c| c["nbf"] = json!(now + 120))),
        ("of nobody", Box::new(|c| c["sub"] = json!(""))),
        ("of too long a subject", Box::new(|c| c["sub"] = json!("x".repeat(256)))),
        ("with another access token", Box::new(|c| c["at_hash"] = json!("AAAAAAAAAAAAAAAAAAAAAA"))),
    ];
    let tried = bad.len();
    for (what, change) in bad {
        let refused = forger.sign_in(&parts.service, change).await;
        assert!(matches!(refused, Err(NotIn::Untrusted(_))), "{what}: {refused:?}");
    }
    assert_eq!(accounts(&parts.service).await, 1, "nobody was made an account");
    let refused = AuditFilter { action: Some(Act::SignInRefused), ..AuditFilter::default() };
    let said = parts.service.audit(&admin(), &refused, &PageRequest { size: 100, cursor: None }).await.expect("the audit");
    assert_eq!(said.items.len(), tried);
    assert_eq!(said.items[0].address.as_deref(), Some("10.0.0.7"));
    let good = |claims: &mut Value| {
        let half = URL_SAFE_NO_PAD.encode(&Sha256::digest(ACCESS_TOKEN.as_bytes())[..16]);
        (claims["aud"], claims["azp"], claims["at_hash"]) = (json!(["belfry", "other"]), json!("belfry"), json!(half));
        claims["exp"] = json!(now - 59);
    };
    let arrival =
        forger.sign_in(&parts.service, good).await.expect("all else about the provider is right; clocks may differ a little");
    assert_eq!((arrival.user.name.as_str(), arrival.next.as_str()), ("alice", "/tasks"));
    db.remove().await;
}

#[tokio::test]
async fn signatures_that_do_not_hold_let_nobody_in() {
    let (db, forger) = (TestDatabase::sqlite().await, Forger::start().await);
    let parts = parts(&db, settings(&forger.issuer), false).await;
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    for what in
        ["a foreign key", "a foreign key of the same name", "none", "the public key as a secret", "changed claims", "garbage"]
    {
        let journey = Journey::begin(&parts.service).await;
        let claims = forger.claims(&journey.nonce, parts.service.clock().now());
        let token = match what {
            "a foreign key" => Key::new("foreign").sign(&claims),
            "a foreign key of the same name" => Key::new("first").sign(&claims),
            "none" => format!("{}.{}.", part(&json!({"alg": "none"})), part(&claims)),
            "the public key as a secret" => {
                let secret = EncodingKey::from_secret(&forger.plan().keys[0].public());
                let header = Header { kid: Some("first".into()), ..Header::new(Algorithm::HS256) };
                jsonwebtoken::encode(&header, &claims, &secret).expect("signs")
            }
            "changed claims" => {
                let token = forger.plan().keys[0].sign(&claims);
                let parts: Vec<&str> = token.split('.').collect();
                let mut changed = claims.clone();
                changed["groups"] = json!(["belfry-ops"]);
                format!("{}.{}.{}", parts[0], part(&changed), parts[2])
            }
            _ => "not.a.token".to_owned(),
        };
        forger.plan().id_token = token;
        let refused = parts.service.arrive(&journey.returned, None).await;
        assert!(matches!(refused, Err(NotIn::Untrusted(_))), "{what}: {refused:?}");
        // A key that is not known may be asked for again only after a while.
        parts.clock.advance(Duration::seconds(11));
    }
    assert_eq!(accounts(&parts.service).await, 1);
    forger.sign_in(&parts.service, |_| ()).await.expect("a signature that holds");
    db.remove().await;
}

#[tokio::test]
async fn keys_may_change_and_are_not_asked_for_at_will() {
    let (db, forger) = (TestDatabase::sqlite().await, Forger::start().await);
    let parts = parts(&db, settings(&forger.issuer), false).await;
    forger.sign_in(&parts.service, |_| ()).await.expect("the first key");
    forger.sign_in(&parts.service, |_| ()).await.expect("is kept");
    assert_eq!(forger.plan().asked["/jwks"], 1);
    forger.plan().keys = vec![Key::new("second")];
    for _ in 0..5 {
        assert!(forger.sign_in(&parts.service, |_| ()).await.is_err(), "asked a moment ago");
    }
    assert_eq!(forger.plan().asked["/jwks"], 1);
    parts.clock.advance(Duration::seconds(10));
    forger.sign_in(&parts.service, |_| ()).await.expect("the new key is asked for");
    let asked = forger.plan().asked.clone();
    assert_eq!((asked["/jwks"], asked["/.well-known/openid-configuration"]), (2, 1));
    db.remove().await;
}

#[tokio::test]
async fn only_the_browser_that_left_comes_back_and_once() {
    let (db, forger) = (TestDatabase::sqlite().await, Forger::start().await);
    let parts = parts(&db, settings(&forger.issuer), false).await;
    let service = &parts.service;
    let ready = async || {
        let journey = Journey::begin(service).await;
        let token = forger.plan().keys[0].sign(&forger.claims(&journey.nonce, service.clock().now()));
        forger.plan().id_token = token;
        journey.returned
    };
    let other = |name: &str, returned: Returned| match name {
        "state" => Returned { state: "other".into(), ..returned },
        "no state" => Returned { state: String::new(), ..returned },
        "browser" => Returned { browser: "other".into(), ..returned },
        _ => Returned { browser: String::new(), ..returned },
    };
    for name in ["state", "no state", "browser", "no browser"] {
        let refused = service.arrive(&other(name, ready().await), None).await;
        assert!(matches!(refused, Err(NotIn::Stale)), "{name}: {refused:?}");
    }
    let stolen = ready().await;
    assert!(service.arrive(&other("browser", stolen.clone()), None).await.is_err());
    assert!(matches!(service.arrive(&stolen, None).await, Err(NotIn::Stale)), "a visit that was tried is over");
    let late = ready().await;
    parts.clock.advance(Duration::minutes(10));
    assert!(matches!(service.arrive(&late, None).await, Err(NotIn::Stale)));
    assert!(!forger.plan().asked.contains_key("/token"), "no code was shown to the provider for any of these");
    let once = ready().await;
    service.arrive(&once, None).await.expect("in");
    assert!(matches!(service.arrive(&once, None).await, Err(NotIn::Stale)), "a code is used once");
    assert_eq!(forger.plan().asked["/token"], 1);
    db.remove().await;
}

#[tokio::test]
async fn another_providers_answer_is_not_taken() {
    let (db, forger) = (TestDatabase::sqlite().await, Forger::start().await);
    forger.plan().names_itself = true;
    let parts = parts(&db, settings(&forger.issuer), false).await;
    for issuer in [None, Some("https://other.example".to_owned())] {
        let journey = Journey::begin(&parts.service).await;
        let refused = parts.service.arrive(&Returned { issuer, ..journey.returned }, None).await;
        assert!(matches!(refused, Err(NotIn::Untrusted(_))), "{refused:?}");
    }
    assert!(!forger.plan().asked.contains_key("/token"), "the code did not leave");
    forger.plan().issuer = Some("https://other.example".into());
    parts.clock.advance(Duration::hours(2));
    assert!(matches!(parts.service.depart("/").await, Err(NotIn::Untrusted(_))), "it must name itself as the setting does");
    db.remove().await;
}

#[tokio::test]
async fn a_provider_that_fails_is_told_without_its_details() {
    let (db, forger) = (TestDatabase::sqlite().await, Forger::start().await);
    let parts = parts(&db, settings(&forger.issuer), false).await;
    let journey = Journey::begin(&parts.service).await;
    forger.plan().refusal = Some("invalid_grant");
    let refused = parts.service.arrive(&journey.returned, None).await.unwrap_err();
    assert!(matches!(refused, NotIn::Provider(_)) && refused.to_string().contains("invalid_grant"), "{refused}");
    assert!(!refused.to_string().contains("secret details"));
    let journey = Journey::begin(&parts.service).await;
    let denied = Returned { error: Some("access_denied".into()), ..journey.returned };
    assert!(matches!(parts.service.arrive(&denied, None).await, Err(NotIn::Denied(word)) if word == "access_denied"));
    let closed = {
        let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        format!("http://{}", port.local_addr().expect("an address"))
    };
    let other = TestDatabase::sqlite().await;
    let down = crate::parts(&other, settings(&closed), false).await;
    assert!(matches!(down.service.depart("/").await, Err(NotIn::Provider(_))));
    other.remove().await;
    db.remove().await;
}
