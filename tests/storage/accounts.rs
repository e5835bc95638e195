//! Accounts, sessions and tokens.

use belfry::domain::user::{Role, Token, User};
use belfry::storage::sign_in::{KnownToken, Ongoing, WayIn};
use belfry::storage::{Error, account, sign_in};
use chrono::Duration;

use crate::on_each;
use crate::samples::now;

fn account_of(id: &str, name: &str) -> User {
    User { created_at: now(), ..crate::support::parts::user(id, name, Role::Admin) }
}

fn token(id: &str, name: &str, days: Option<i64>) -> Token {
    let expires_at = days.map(|days| now() + Duration::days(days));
    Token {
        id: id.into(),
        user: "Alice".into(),
        name: name.into(),
        role: Role::Viewer,
        tags: vec!["red".into()],
        created_at: now(),
        expires_at,
        used_at: None,
    }
}

on_each! {
    async fn an_account_is_found_by_its_name_in_any_case(db: &TestDatabase) {
        let mut tx = db.database.write().await.unwrap();
        let alice = account_of("01ALICE", "Alice");
        assert!(!account::any(&mut tx).await.unwrap());
        account::insert(&mut tx, &alice, Some("hash")).await.unwrap();
        assert!(account::any(&mut tx).await.unwrap());
        assert_eq!(account::by_name(&mut tx, "ALICE").await.unwrap(), Some((alice.clone(), Some("hash".into()))));
        assert_eq!(account::by_name(&mut tx, "bob").await.unwrap(), None);
        assert!(matches!(account::insert(&mut tx, &account_of("01TWIN", "aLice"), None).await, Err(Error::Conflict(_))));
    }

    async fn an_account_changes_and_goes_with_all_it_has(db: &TestDatabase) {
        let mut tx = db.database.write().await.unwrap();
        let alice = account_of("01ALICE", "Alice");
        account::insert(&mut tx, &alice, None).await.unwrap();
        let changed = User { role: Role::Editor, grants: vec!["send_sql".into()], disabled: true, ..alice };
        account::update(&mut tx, &changed).await.unwrap();
        account::set_password(&mut tx, "01ALICE", "other").await.unwrap();
        account::seen(&mut tx, "01ALICE", now()).await.unwrap();
        let seen = User { last_seen_at: Some(now()), ..changed };
        assert_eq!(account::by_name(&mut tx, "alice").await.unwrap(), Some((seen.clone(), Some("other".into()))));
        assert_eq!(account::all(&mut tx).await.unwrap(), [seen]);
        sign_in::insert_token(&mut tx, "t", "01ALICE", &token("1", "x", None)).await.unwrap();
        account::delete(&mut tx, "01ALICE").await.unwrap();
        assert_eq!(sign_in::tokens(&mut tx, None).await.unwrap(), []);
        assert_eq!(account::all(&mut tx).await.unwrap(), []);
    }

    async fn a_session_ends_by_itself_or_when_asked(db: &TestDatabase) {
        let mut tx = db.database.write().await.unwrap();
        let alice = account_of("01ALICE", "Alice");
        account::insert(&mut tx, &alice, None).await.unwrap();
        let (day, hour) = (Duration::days(1), Duration::hours(1));
        for secret in ["s", "t", "u"] {
            sign_in::insert_session(&mut tx, secret, "01ALICE", now(), now() + day, false).await.unwrap();
        }
        let idle = now() - hour;
        assert_eq!(sign_in::by_session(&mut tx, "s", now(), idle).await.unwrap(), Some(Ongoing { user: alice.clone(), used_at: now(), by_password_alone: true }));
        assert_eq!(sign_in::by_session(&mut tx, "s", now() + day, idle).await.unwrap(), None, "its end");
        assert_eq!(sign_in::by_session(&mut tx, "s", now() + hour, now()).await.unwrap(), None, "not used");
        sign_in::used(&mut tx, WayIn::Session, "s", now() + hour).await.unwrap();
        assert!(sign_in::by_session(&mut tx, "s", now() + hour, now()).await.unwrap().is_some());
        sign_in::end_session(&mut tx, "s", now()).await.unwrap();
        assert_eq!(sign_in::by_session(&mut tx, "s", now(), idle).await.unwrap(), None);
        sign_in::end_sessions_of(&mut tx, "01ALICE", Some("u")).await.unwrap();
        assert_eq!(sign_in::by_session(&mut tx, "t", now(), idle).await.unwrap(), None);
        assert!(sign_in::by_session(&mut tx, "u", now(), idle).await.unwrap().is_some());
        account::update(&mut tx, &User { disabled: true, ..alice }).await.unwrap();
        assert_eq!(sign_in::by_session(&mut tx, "u", now(), idle).await.unwrap(), None, "disabled");
    }

    async fn a_token_holds_until_it_ends_or_is_withdrawn(db: &TestDatabase) {
        let mut tx = db.database.write().await.unwrap();
        let alice = account_of("01ALICE", "Alice");
        account::insert(&mut tx, &alice, None).await.unwrap();
        sign_in::insert_token(&mut tx, "old", "01ALICE", &token("1", "setup", None)).await.unwrap();
        sign_in::insert_token(&mut tx, "short", "01ALICE", &token("2", "a day", Some(1))).await.unwrap();
        let found = sign_in::by_token(&mut tx, "short", now()).await.unwrap();
        let known = KnownToken { user: alice.clone(), role: Role::Viewer, tags: vec!["red".into()], used_at: None };
        assert_eq!(found, Some(known));
        assert_eq!(sign_in::by_token(&mut tx, "short", now() + Duration::days(1)).await.unwrap(), None);
        sign_in::used(&mut tx, WayIn::Token, "short", now()).await.unwrap();
        let named: Vec<_> = sign_in::tokens(&mut tx, Some("ALICE")).await.unwrap().into_iter().map(|t| (t.name, t.used_at)).collect();
        assert_eq!(named, [("a day".to_owned(), Some(now())), ("setup".to_owned(), None)]);
        assert_eq!(sign_in::tokens(&mut tx, Some("bob")).await.unwrap(), []);
        sign_in::delete_tokens_named(&mut tx, "01ALICE", "setup", "new").await.unwrap();
        assert_eq!(sign_in::by_token(&mut tx, "old", now()).await.unwrap(), None);
        assert!(sign_in::delete_token(&mut tx, "2").await.unwrap());
        assert!(!sign_in::delete_token(&mut tx, "2").await.unwrap());
        account::update(&mut tx, &User { disabled: true, ..alice }).await.unwrap();
    }
}
