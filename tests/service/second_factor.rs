//! The second factor: set up, asked for, lost, taken away.

use belfry::domain::audit::AuditFilter;
use belfry::domain::page::PageRequest;
use belfry::domain::totp::TotpSecret;
use belfry::domain::user::{Actor, Role, Via};
use belfry::service::{Error, NewUser, Service, SignedIn, Standing, UserChange};
use belfry::storage::second_factor;
use chrono::Duration;
use data_encoding::BASE32_NOPAD;

use crate::on_each;
use crate::support::TestDatabase;
use crate::support::parts::{TestParts, admin};

const PASSWORD: &str = "long enough";

fn root() -> Actor {
    Actor::new("root", Role::Admin, Via::Page)
}

/// The code that a phone shows now.
fn code(parts: &TestParts, secret: &str) -> String {
    let secret = TotpSecret::new(&BASE32_NOPAD.decode(secret.as_bytes()).unwrap());
    secret.code(parts.service.clock().now().timestamp() / 30)
}

/// A code that is surely wrong.
fn wrong(parts: &TestParts, secret: &str) -> String {
    let right = code(parts, secret);
    let (first, rest) = right.split_at(1);
    format!("{}{rest}", if first == "0" { "1" } else { "0" })
}

/// Sets up the second factor of `root`; answers secret and recovery codes. The code's step is over afterwards.
async fn enrolled(db: &TestDatabase) -> (TestParts, String, Vec<String>) {
    let parts = TestParts::new(&db.database);
    parts.service.set_up("root", PASSWORD).await.unwrap();
    parts.service.begin_second_factor(&root()).await.unwrap();
    let Standing::Begun(enrolment) = parts.service.second_factor(&root()).await.unwrap() else { panic!("begun") };
    let codes = parts.service.confirm_second_factor(&root(), &code(&parts, &enrolment.secret), None).await.unwrap();
    parts.clock.advance(Duration::minutes(2));
    (parts, enrolment.secret, codes)
}

async fn first_step(service: &Service) -> String {
    match service.sign_in_by_password("root", PASSWORD, Some("10.0.0.7")).await.unwrap() {
        SignedIn::SecondStep(pending) => pending,
        SignedIn::Done(..) => panic!("a code must be asked for"),
    }
}

async fn acts(service: &Service) -> Vec<&'static str> {
    let page = service.audit(&admin(), &AuditFilter::default(), &PageRequest::default()).await.unwrap();
    page.items.into_iter().rev().map(|entry| entry.action.as_str()).collect()
}

on_each! {
    async fn it_counts_once_a_code_confirmed_it(db: &TestDatabase) {
        let parts = TestParts::new(&db.database);
        let service = &parts.service;
        service.set_up("root", PASSWORD).await.unwrap();
        let (_, other) = service.sign_in("root", PASSWORD, None).await.unwrap();
        assert_eq!(service.second_factor(&root()).await.unwrap(), Standing::Off);
        assert!(matches!(service.confirm_second_factor(&root(), "123456", None).await, Err(Error::Conflict(_))));
        service.begin_second_factor(&root()).await.unwrap();
        let Standing::Begun(first) = service.second_factor(&root()).await.unwrap() else { panic!("begun") };
        service.sign_in("root", PASSWORD, None).await.expect("not confirmed, not asked for");
        service.begin_second_factor(&root()).await.unwrap();
        let Standing::Begun(second) = service.second_factor(&root()).await.unwrap() else { panic!("begun") };
        assert_ne!(first.secret, second.secret, "begun anew");
        assert!(second.uri.contains(&format!("secret={}", second.secret)));
        for bad in [wrong(&parts, &second.secret), code(&parts, &first.secret), String::new(), "abcd-abcd-abcd-abcd".into()] {
            let refused = service.confirm_second_factor(&root(), &bad, None).await;
            assert!(matches!(refused, Err(Error::Invalid(faults)) if faults[0].pointer == "/code"), "{bad}");
        }
        parts.clock.advance(Duration::minutes(10));
        let codes = service.confirm_second_factor(&root(), &code(&parts, &second.secret), None).await.unwrap();
        assert_eq!(codes.iter().collect::<std::collections::BTreeSet<_>>().len(), 10);
        assert_eq!(service.second_factor(&root()).await.unwrap(), Standing::On { recovery_left: 10 });
        assert!(service.actor_by_session(&other, Via::Page).await.unwrap().is_none(), "other sessions end");
        assert!(matches!(service.begin_second_factor(&root()).await, Err(Error::Conflict(_))), "none in its place unseen");
        assert!(matches!(service.abandon_second_factor(&root()).await, Err(Error::Conflict(_))), "not without password and code");
    }

    async fn secrets_lie_encrypted_and_recovery_codes_hashed(db: &TestDatabase) {
        let (parts, secret, codes) = enrolled(db).await;
        let mut reader = db.database.read().await.unwrap();
        let id = parts.service.user(&admin(), "root").await.unwrap().id;
        let kept = second_factor::of(&mut reader, &id).await.unwrap().unwrap();
        assert!(!kept.sealed.contains(&secret) && kept.sealed.len() > secret.len(), "{}", kept.sealed);
        drop(reader);
        let mut tx = db.database.write().await.unwrap();
        for form in [codes[0].clone(), codes[0].replace('-', "").to_uppercase()] {
            assert!(!second_factor::take_recovery(&mut tx, &id, &form).await.unwrap(), "not kept as shown");
        }
    }

    async fn a_code_is_asked_for_and_taken_once(db: &TestDatabase) {
        let (parts, secret, _) = enrolled(db).await;
        let service = &parts.service;
        assert!(matches!(service.sign_in("root", PASSWORD, None).await, Err(Error::Unauthorized(_))), "no way around it");
        let pending = first_step(service).await;
        assert!(service.actor_by_session(&pending, Via::Page).await.unwrap().is_none(), "no session yet");
        assert!(service.actor_by_token(&pending).await.unwrap().is_none());
        assert!(service.awaits_second_step(&pending).await.unwrap() && !service.awaits_second_step("other").await.unwrap());
        let refused = service.finish_sign_in(&pending, &wrong(&parts, &secret), None).await;
        assert!(matches!(refused, Err(Error::Unauthorized(_))));
        let now = code(&parts, &secret);
        let spaced = format!(" {} {} ", &now[..3], &now[3..]);
        let entered = service.finish_sign_in(&pending, &spaced, None).await.unwrap();
        assert_eq!((entered.user.name.as_str(), entered.recovery_left), ("root", None));
        assert!(service.actor_by_session(&entered.session, Via::Page).await.unwrap().is_some());
        assert!(matches!(service.finish_sign_in(&pending, &now, None).await, Err(Error::NotFound(_))), "used up");
        let pending = first_step(service).await;
        assert!(matches!(service.finish_sign_in(&pending, &now, None).await, Err(Error::Unauthorized(_))), "a code is taken once");
        parts.clock.advance(Duration::seconds(30));
        service.finish_sign_in(&pending, &code(&parts, &secret), None).await.unwrap();
        assert!(acts(service).await.ends_with(&["session.sign_in", "second_factor.refused", "session.sign_in"]));
    }

    async fn the_second_step_must_follow_soon(db: &TestDatabase) {
        let (parts, secret, _) = enrolled(db).await;
        let pending = first_step(&parts.service).await;
        parts.clock.advance(Duration::minutes(5));
        let late = parts.service.finish_sign_in(&pending, &code(&parts, &secret), None).await;
        assert!(matches!(late, Err(Error::NotFound(_))));
        let pending = first_step(&parts.service).await;
        let change = UserChange { password: Some("something else".into()), ..UserChange::default() };
        parts.service.update_user(&admin(), "root", &change).await.unwrap();
        assert!(!parts.service.awaits_second_step(&pending).await.unwrap(), "the former password is no first step any more");
    }

    async fn guessing_codes_is_slowed_down_and_ends_the_sign_in(db: &TestDatabase) {
        let (parts, secret, _) = enrolled(db).await;
        let service = &parts.service;
        let pending = first_step(service).await;
        for _ in 0..5 {
            let refused = service.finish_sign_in(&pending, &wrong(&parts, &secret), Some("10.0.0.7")).await;
            assert!(matches!(refused, Err(Error::Unauthorized(_))));
        }
        assert!(!service.awaits_second_step(&pending).await.unwrap(), "the password is asked for anew");
        let other = service.sign_in_by_password("root", PASSWORD, Some("10.0.0.7")).await;
        assert!(matches!(other, Err(Error::TooManyRequests(_))), "the address waits");
        let SignedIn::SecondStep(pending) = service.sign_in_by_password("root", PASSWORD, None).await.unwrap() else { panic!() };
        let refused = service.finish_sign_in(&pending, &code(&parts, &secret), None).await;
        assert!(matches!(refused, Err(Error::TooManyRequests(_))), "the account waits, though the password was right again");
        parts.clock.advance(Duration::seconds(5));
        service.finish_sign_in(&pending, &code(&parts, &secret), None).await.unwrap();
    }

    async fn a_recovery_code_lets_in_once(db: &TestDatabase) {
        let (parts, secret, codes) = enrolled(db).await;
        let service = &parts.service;
        let entered = service.finish_sign_in(&first_step(service).await, &codes[3].to_uppercase(), None).await.unwrap();
        assert_eq!(entered.recovery_left, Some(9));
        let again = service.finish_sign_in(&first_step(service).await, &codes[3], None).await;
        assert!(matches!(again, Err(Error::Unauthorized(_))));
        let refused = service.renew_recovery_codes(&root(), "not this", &codes[4]).await;
        assert!(matches!(refused, Err(Error::Invalid(faults)) if faults[0].pointer == "/present"));
        let new = service.renew_recovery_codes(&root(), PASSWORD, &code(&parts, &secret)).await.unwrap();
        assert_eq!((new.len(), service.second_factor(&root()).await.unwrap()), (10, Standing::On { recovery_left: 10 }));
        let former = service.finish_sign_in(&first_step(service).await, &codes[5], None).await;
        assert!(matches!(former, Err(Error::Unauthorized(_))), "former codes hold no longer");
        service.finish_sign_in(&first_step(service).await, &new[0], None).await.unwrap();
        let said = acts(service).await;
        assert!(["second_factor.enrol", "recovery_code.use", "recovery_code.renew"].iter().all(|act| said.contains(act)), "{said:?}");
    }

    async fn switching_off_takes_password_and_code(db: &TestDatabase) {
        let (parts, secret, codes) = enrolled(db).await;
        let service = &parts.service;
        for (password, typed) in [(PASSWORD, wrong(&parts, &secret)), ("not this", code(&parts, &secret)), (PASSWORD, String::new())] {
            assert!(matches!(service.remove_second_factor(&root(), password, &typed).await, Err(Error::Invalid(_))));
        }
        service.remove_second_factor(&root(), PASSWORD, &codes[0]).await.unwrap();
        assert_eq!(service.second_factor(&root()).await.unwrap(), Standing::Off);
        service.sign_in("root", PASSWORD, None).await.expect("the password alone");
        service.begin_second_factor(&root()).await.unwrap();
        service.abandon_second_factor(&root()).await.unwrap();
        assert_eq!(service.second_factor(&root()).await.unwrap(), Standing::Off);
    }

    async fn an_administrator_takes_it_away_from_whoever_lost_it(db: &TestDatabase) {
        let (parts, secret, _) = enrolled(db).await;
        let service = &parts.service;
        let entered = service.finish_sign_in(&first_step(service).await, &code(&parts, &secret), None).await.unwrap();
        let pending = first_step(service).await;
        let root_account = service.user(&admin(), "root").await.unwrap();
        assert!(service.ways_in(&admin()).await.unwrap().has_second_factor(&root_account));
        let bob = Actor::new("bob", Role::Editor, Via::Page);
        assert!(matches!(service.reset_second_factor(&bob, "root").await, Err(Error::Forbidden(_))));
        assert!(matches!(service.reset_second_factor(&admin(), "nobody").await, Err(Error::NotFound(_))));
        service.reset_second_factor(&admin(), "ROOT").await.unwrap();
        assert!(matches!(service.reset_second_factor(&admin(), "root").await, Err(Error::NotFound(_))), "it has none any more");
        assert!(service.actor_by_session(&entered.session, Via::Page).await.unwrap().is_none());
        assert!(!service.awaits_second_step(&pending).await.unwrap());
        service.sign_in("root", PASSWORD, None).await.expect("the password alone");
        assert_eq!(acts(service).await.iter().filter(|act| **act == "second_factor.reset").count(), 1);
    }

    async fn signing_out_everywhere_ends_all_sessions_and_no_token(db: &TestDatabase) {
        let parts = TestParts::new(&db.database);
        let service = &parts.service;
        service.set_up("root", PASSWORD).await.unwrap();
        let bob = NewUser { name: "bob".into(), role: Role::Viewer, password: Some(PASSWORD.into()), grants: Vec::new(), tags: Vec::new() };
        service.create_user(&admin(), &bob).await.unwrap();
        let (_, of_bob) = service.sign_in("bob", PASSWORD, None).await.unwrap();
        let new = belfry::service::NewToken { name: "x".into(), role: None, tags: Vec::new(), expires_at: None };
        let (_, token) = service.create_token(&root(), &new).await.unwrap();
        let (_, one) = service.sign_in("root", PASSWORD, None).await.unwrap();
        let (_, two) = service.sign_in("root", PASSWORD, None).await.unwrap();
        assert_ne!(one, two, "each sign-in has a secret of its own");
        service.end_own_sessions(&root()).await.unwrap();
        for session in [&one, &two] {
            assert!(service.actor_by_session(session, Via::Page).await.unwrap().is_none());
        }
        assert!(service.actor_by_token(&token).await.unwrap().is_some());
        assert!(service.actor_by_session(&of_bob, Via::Page).await.unwrap().is_some(), "others stay");
        let bob = Actor::new("bob", Role::Viewer, Via::Page);
        assert!(matches!(service.end_sessions_of(&bob, "root").await, Err(Error::Forbidden(_))));
        service.end_sessions_of(&root(), "BOB").await.unwrap();
        assert!(service.actor_by_session(&of_bob, Via::Page).await.unwrap().is_none());
    }
}
