//! The second factor: enrolment, sign-in, recovery codes, removal and reset.

use belfry::domain::audit::AuditFilter;
use belfry::domain::page::PageRequest;
use belfry::domain::totp::TotpSecret;
use belfry::domain::user::{Actor, Role, Via};
use belfry::service::{Error, NewUser, Services, SignedIn, TwoFactorStatus, UserChange};
use belfry::storage::second_factor;
use chrono::Duration;

use crate::for_each_database;
use crate::support::TestDatabase;
use crate::support::context::{TestContext, admin};

const PASSWORD: &str = "long enough";

fn root() -> Actor {
    Actor::new("root", Role::Admin, Via::Page)
}

/// The current code.
fn code(context: &TestContext, secret: &str) -> String {
    let secret = TotpSecret::parse(secret).unwrap();
    secret.code(context.services.clock.now().timestamp() / 30)
}

/// A wrong code.
fn wrong(context: &TestContext, secret: &str) -> String {
    let right = code(context, secret);
    let (first, rest) = right.split_at(1);
    format!("{}{rest}", if first == "0" { "1" } else { "0" })
}

/// Sets up the second factor of `root`; returns the secret and the recovery codes. Advances the clock past the code's step.
async fn enrolled(db: &TestDatabase) -> (TestContext, String, Vec<String>) {
    let context = TestContext::new(&db.database);
    context.services.setup.create_admin("root", PASSWORD).await.unwrap();
    context.services.second_factor.begin(&root()).await.unwrap();
    let TwoFactorStatus::Pending(enrolment) = context.services.second_factor.status(&root()).await.unwrap() else {
        panic!("begun")
    };
    let codes = context.services.second_factor.confirm(&root(), &code(&context, &enrolment.secret), None).await.unwrap();
    context.clock.advance(Duration::minutes(2));
    (context, enrolment.secret, codes)
}

async fn first_step(services: &Services) -> String {
    match services.sign_in.by_password("root", PASSWORD, Some("10.0.0.7")).await.unwrap() {
        SignedIn::SecondStep(pending) => pending,
        SignedIn::Done(..) => panic!("a code must be required"),
    }
}

async fn audited(services: &Services) -> Vec<&'static str> {
    let page = services.audit.list(&admin(), &AuditFilter::default(), &PageRequest::default()).await.unwrap();
    page.items.into_iter().rev().map(|entry| entry.action.as_str()).collect()
}

for_each_database! {
    async fn second_factor_takes_effect_after_confirmation(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let services = &context.services;
        services.setup.create_admin("root", PASSWORD).await.unwrap();
        let (_, other) = services.sign_in.without_second_factor("root", PASSWORD, None).await.unwrap();
        assert_eq!(services.second_factor.status(&root()).await.unwrap(), TwoFactorStatus::Off);
        assert!(matches!(services.second_factor.confirm(&root(), "123456", None).await, Err(Error::Conflict(_))));
        services.second_factor.begin(&root()).await.unwrap();
        let TwoFactorStatus::Pending(first) = services.second_factor.status(&root()).await.unwrap() else { panic!("begun") };
        services.sign_in.without_second_factor("root", PASSWORD, None).await.expect("not required before the confirmation");
        services.second_factor.begin(&root()).await.unwrap();
        let TwoFactorStatus::Pending(second) = services.second_factor.status(&root()).await.unwrap() else { panic!("begun") };
        assert_ne!(first.secret, second.secret, "replaced by a new secret");
        assert!(second.uri.contains(&format!("secret={}", second.secret)));
        for bad in [wrong(&context, &second.secret), code(&context, &first.secret), String::new(), "abcd-abcd-abcd-abcd".into()] {
            let refused = services.second_factor.confirm(&root(), &bad, None).await;
            assert!(matches!(refused, Err(Error::Invalid(faults)) if faults[0].pointer == "/code"), "{bad}");
        }
        context.clock.advance(Duration::minutes(10));
        let codes = services.second_factor.confirm(&root(), &code(&context, &second.secret), None).await.unwrap();
        assert_eq!(codes.iter().collect::<std::collections::BTreeSet<_>>().len(), 10);
        assert_eq!(services.second_factor.status(&root()).await.unwrap(), TwoFactorStatus::On { recovery_left: 10 });
        assert!(services.sessions.actor_by_session(&other, Via::Page).await.unwrap().is_none(), "other sessions end");
        assert!(matches!(services.second_factor.begin(&root()).await, Err(Error::Conflict(_))), "cannot be replaced");
        assert!(matches!(services.second_factor.abandon(&root()).await, Err(Error::Conflict(_))), "not without password and code");
    }

    async fn secrets_are_encrypted_and_recovery_codes_hashed(db: &TestDatabase) {
        let (context, secret, codes) = enrolled(db).await;
        let mut reader = db.database.read().await.unwrap();
        let id = context.services.users.get(&admin(), "root").await.unwrap().id;
        let stored = second_factor::get(&mut reader, &id).await.unwrap().unwrap();
        assert!(!stored.ciphertext.contains(&secret) && stored.ciphertext.len() > secret.len(), "{}", stored.ciphertext);
        drop(reader);
        let mut tx = db.database.write().await.unwrap();
        for form in [codes[0].clone(), codes[0].replace('-', "").to_uppercase()] {
            assert!(!second_factor::use_recovery_code(&mut tx, &id, &form).await.unwrap(), "not stored as shown");
        }
    }

    async fn codes_are_required_and_accepted_once(db: &TestDatabase) {
        let (context, secret, _) = enrolled(db).await;
        let services = &context.services;
        assert!(matches!(services.sign_in.without_second_factor("root", PASSWORD, None).await, Err(Error::Unauthorized(_))), "a code is required");
        let pending = first_step(services).await;
        assert!(services.sessions.actor_by_session(&pending, Via::Page).await.unwrap().is_none(), "no session yet");
        assert!(services.sessions.actor_by_token(&pending).await.unwrap().is_none());
        assert!(services.sign_in.second_step_pending(&pending).await.unwrap() && !services.sign_in.second_step_pending("other").await.unwrap());
        let refused = services.sign_in.finish(&pending, &wrong(&context, &secret), None).await;
        assert!(matches!(refused, Err(Error::Unauthorized(_))));
        let now = code(&context, &secret);
        let spaced = format!(" {} {} ", &now[..3], &now[3..]);
        let entered = services.sign_in.finish(&pending, &spaced, None).await.unwrap();
        assert_eq!((entered.user.name.as_str(), entered.recovery_left), ("root", None));
        assert!(services.sessions.actor_by_session(&entered.session, Via::Page).await.unwrap().is_some());
        assert!(matches!(services.sign_in.finish(&pending, &now, None).await, Err(Error::NotFound(_))), "used up");
        let pending = first_step(services).await;
        assert!(matches!(services.sign_in.finish(&pending, &now, None).await, Err(Error::Unauthorized(_))), "a code is accepted once");
        context.clock.advance(Duration::seconds(30));
        services.sign_in.finish(&pending, &code(&context, &secret), None).await.unwrap();
        assert!(audited(services).await.ends_with(&["session.sign_in", "second_factor.refused", "session.sign_in"]));
    }

    async fn pending_sign_ins_expire(db: &TestDatabase) {
        let (context, secret, _) = enrolled(db).await;
        let pending = first_step(&context.services).await;
        context.clock.advance(Duration::minutes(5));
        let late = context.services.sign_in.finish(&pending, &code(&context, &secret), None).await;
        assert!(matches!(late, Err(Error::NotFound(_))));
        let pending = first_step(&context.services).await;
        let change = UserChange { password: Some("something else".into()), ..UserChange::default() };
        context.services.users.update(&admin(), "root", &change).await.unwrap();
        assert!(!context.services.sign_in.second_step_pending(&pending).await.unwrap(), "a changed password ends pending sign-ins");
    }

    async fn wrong_codes_are_throttled_and_end_the_sign_in(db: &TestDatabase) {
        let (context, secret, _) = enrolled(db).await;
        let services = &context.services;
        let pending = first_step(services).await;
        for _ in 0..5 {
            let refused = services.sign_in.finish(&pending, &wrong(&context, &secret), Some("10.0.0.7")).await;
            assert!(matches!(refused, Err(Error::Unauthorized(_))));
        }
        assert!(!services.sign_in.second_step_pending(&pending).await.unwrap(), "the sign-in must start again");
        let SignedIn::SecondStep(pending) = services.sign_in.by_password("root", PASSWORD, Some("10.0.0.7")).await.unwrap() else {
            panic!()
        };
        let refused = services.sign_in.finish(&pending, &code(&context, &secret), Some("10.0.0.7")).await;
        assert!(matches!(refused, Err(Error::TooManyRequests(_))), "the account is throttled even with the right password");
        services.sign_in.finish(&pending, &code(&context, &secret), Some("10.0.0.8")).await.expect("from another address");
    }

    async fn recovery_codes_are_accepted_once(db: &TestDatabase) {
        let (context, secret, codes) = enrolled(db).await;
        let services = &context.services;
        let entered = services.sign_in.finish(&first_step(services).await, &codes[3].to_uppercase(), None).await.unwrap();
        assert_eq!(entered.recovery_left, Some(9));
        let again = services.sign_in.finish(&first_step(services).await, &codes[3], None).await;
        assert!(matches!(again, Err(Error::Unauthorized(_))));
        let refused = services.second_factor.renew_recovery_codes(&root(), "not this", &codes[4]).await;
        assert!(matches!(refused, Err(Error::Invalid(faults)) if faults[0].pointer == "/present"));
        let new = services.second_factor.renew_recovery_codes(&root(), PASSWORD, &code(&context, &secret)).await.unwrap();
        assert_eq!((new.len(), services.second_factor.status(&root()).await.unwrap()), (10, TwoFactorStatus::On { recovery_left: 10 }));
        let former = services.sign_in.finish(&first_step(services).await, &codes[5], None).await;
        assert!(matches!(former, Err(Error::Unauthorized(_))), "former codes are invalid");
        services.sign_in.finish(&first_step(services).await, &new[0], None).await.unwrap();
        let events = audited(services).await;
        assert!(["second_factor.enrol", "recovery_code.use", "recovery_code.renew"].iter().all(|event| events.contains(event)), "{events:?}");
    }

    async fn removal_requires_password_and_code(db: &TestDatabase) {
        let (context, secret, codes) = enrolled(db).await;
        let services = &context.services;
        for (password, typed) in [(PASSWORD, wrong(&context, &secret)), ("not this", code(&context, &secret)), (PASSWORD, String::new())] {
            assert!(matches!(services.second_factor.remove(&root(), password, &typed).await, Err(Error::Invalid(_))));
        }
        services.second_factor.remove(&root(), PASSWORD, &codes[0]).await.unwrap();
        assert_eq!(services.second_factor.status(&root()).await.unwrap(), TwoFactorStatus::Off);
        services.sign_in.without_second_factor("root", PASSWORD, None).await.expect("the password alone");
        services.second_factor.begin(&root()).await.unwrap();
        services.second_factor.abandon(&root()).await.unwrap();
        assert_eq!(services.second_factor.status(&root()).await.unwrap(), TwoFactorStatus::Off);
    }

    async fn administrators_reset_a_lost_second_factor(db: &TestDatabase) {
        let (context, secret, _) = enrolled(db).await;
        let services = &context.services;
        let entered = services.sign_in.finish(&first_step(services).await, &code(&context, &secret), None).await.unwrap();
        let pending = first_step(services).await;
        let root_account = services.users.get(&admin(), "root").await.unwrap();
        assert!(services.users.sign_in_methods(&admin()).await.unwrap().has_second_factor(&root_account));
        let bob = Actor::new("bob", Role::Editor, Via::Page);
        assert!(matches!(services.second_factor.reset(&bob, "root").await, Err(Error::Forbidden(_))));
        assert!(matches!(services.second_factor.reset(&admin(), "nobody").await, Err(Error::NotFound(_))));
        services.second_factor.reset(&admin(), "ROOT").await.unwrap();
        assert!(matches!(services.second_factor.reset(&admin(), "root").await, Err(Error::NotFound(_))), "it is removed");
        assert!(services.sessions.actor_by_session(&entered.session, Via::Page).await.unwrap().is_none());
        assert!(!services.sign_in.second_step_pending(&pending).await.unwrap());
        services.sign_in.without_second_factor("root", PASSWORD, None).await.expect("the password alone");
        assert_eq!(audited(services).await.iter().filter(|event| **event == "second_factor.reset").count(), 1);
    }

    async fn end_own_sessions_keeps_tokens(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let services = &context.services;
        services.setup.create_admin("root", PASSWORD).await.unwrap();
        let bob = NewUser { name: "bob".into(), role: Role::Viewer, password: Some(PASSWORD.into()), grants: Vec::new(), tags: Vec::new() };
        services.users.create(&admin(), &bob).await.unwrap();
        let (_, of_bob) = services.sign_in.without_second_factor("bob", PASSWORD, None).await.unwrap();
        let new = belfry::service::NewToken { name: "x".into(), role: None, tags: Vec::new(), expires_at: None };
        let (_, token) = services.tokens.create(&root(), &new).await.unwrap();
        let (_, one) = services.sign_in.without_second_factor("root", PASSWORD, None).await.unwrap();
        let (_, two) = services.sign_in.without_second_factor("root", PASSWORD, None).await.unwrap();
        assert_ne!(one, two, "each sign-in has a secret of its own");
        services.sessions.end_own(&root()).await.unwrap();
        for session in [&one, &two] {
            assert!(services.sessions.actor_by_session(session, Via::Page).await.unwrap().is_none());
        }
        assert!(services.sessions.actor_by_token(&token).await.unwrap().is_some());
        assert!(services.sessions.actor_by_session(&of_bob, Via::Page).await.unwrap().is_some(), "others stay");
        let bob = Actor::new("bob", Role::Viewer, Via::Page);
        assert!(matches!(services.sessions.end_all_of(&bob, "root").await, Err(Error::Forbidden(_))));
        services.sessions.end_all_of(&root(), "BOB").await.unwrap();
        assert!(services.sessions.actor_by_session(&of_bob, Via::Page).await.unwrap().is_none());
    }
}
