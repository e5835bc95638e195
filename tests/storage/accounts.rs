//! Accounts, sessions and tokens.

use belfry::domain::user::{Role, Token, User};
use belfry::storage::sign_in::{ActiveSession, ActiveToken, CredentialKind};
use belfry::storage::{Error, account, sign_in};
use chrono::Duration;

use crate::for_each_database;
use crate::samples::now;

fn account(id: &str, name: &str) -> User {
    User { created_at: now(), ..crate::support::context::user(id, name, Role::Admin) }
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

for_each_database! {
    async fn by_name_ignores_case(db: &TestDatabase) {
        let mut tx = db.database.write().await.unwrap();
        let alice = account("01ALICE", "Alice");
        assert!(!account::any_exists(&mut tx).await.unwrap());
        account::insert(&mut tx, &alice, Some("hash")).await.unwrap();
        assert!(account::any_exists(&mut tx).await.unwrap());
        assert_eq!(account::by_name(&mut tx, "ALICE").await.unwrap(), Some((alice.clone(), Some("hash".into()))));
        assert_eq!(account::by_name(&mut tx, "bob").await.unwrap(), None);
        assert!(matches!(account::insert(&mut tx, &account("01TWIN", "aLice"), None).await, Err(Error::Conflict(_))));
    }

    async fn update_and_delete_account_with_its_tokens(db: &TestDatabase) {
        let mut tx = db.database.write().await.unwrap();
        let alice = account("01ALICE", "Alice");
        account::insert(&mut tx, &alice, None).await.unwrap();
        let changed = User { role: Role::Editor, grants: vec!["send_sql".into()], disabled: true, ..alice };
        account::update(&mut tx, &changed).await.unwrap();
        account::set_password(&mut tx, "01ALICE", "other").await.unwrap();
        account::touch(&mut tx, "01ALICE", now()).await.unwrap();
        let used = User { last_seen_at: Some(now()), ..changed };
        assert_eq!(account::by_name(&mut tx, "alice").await.unwrap(), Some((used.clone(), Some("other".into()))));
        assert_eq!(account::all(&mut tx).await.unwrap(), [used]);
        sign_in::insert_token(&mut tx, "t", "01ALICE", None, &token("1", "x", None)).await.unwrap();
        account::delete(&mut tx, "01ALICE").await.unwrap();
        assert_eq!(sign_in::tokens(&mut tx, None).await.unwrap(), []);
        assert_eq!(account::all(&mut tx).await.unwrap(), []);
    }

    async fn session_expires_idles_out_or_is_deleted(db: &TestDatabase) {
        let mut tx = db.database.write().await.unwrap();
        let alice = account("01ALICE", "Alice");
        account::insert(&mut tx, &alice, None).await.unwrap();
        let (day, hour) = (Duration::days(1), Duration::hours(1));
        for secret in ["s", "t", "u"] {
            sign_in::insert_session(&mut tx, secret, "01ALICE", now(), now() + day, false).await.unwrap();
        }
        let idle = now() - hour;
        assert_eq!(sign_in::by_session(&mut tx, "s", now(), idle).await.unwrap(), Some(ActiveSession { user: alice.clone(), used_at: now(), password_only: true }));
        assert_eq!(sign_in::by_session(&mut tx, "s", now() + day, idle).await.unwrap(), None, "expired");
        assert_eq!(sign_in::by_session(&mut tx, "s", now() + hour, now()).await.unwrap(), None, "idle");
        sign_in::touch(&mut tx, CredentialKind::Session, "s", now() + hour).await.unwrap();
        assert!(sign_in::by_session(&mut tx, "s", now() + hour, now()).await.unwrap().is_some());
        sign_in::delete_session(&mut tx, "s", now()).await.unwrap();
        assert_eq!(sign_in::by_session(&mut tx, "s", now(), idle).await.unwrap(), None);
        sign_in::delete_sessions_of(&mut tx, "01ALICE", Some("u")).await.unwrap();
        assert_eq!(sign_in::by_session(&mut tx, "t", now(), idle).await.unwrap(), None);
        assert!(sign_in::by_session(&mut tx, "u", now(), idle).await.unwrap().is_some());
        account::update(&mut tx, &User { disabled: true, ..alice }).await.unwrap();
        assert_eq!(sign_in::by_session(&mut tx, "u", now(), idle).await.unwrap(), None, "disabled");
    }

    async fn token_is_valid_until_expired_or_revoked(db: &TestDatabase) {
        let mut tx = db.database.write().await.unwrap();
        let alice = account("01ALICE", "Alice");
        account::insert(&mut tx, &alice, None).await.unwrap();
        sign_in::insert_token(&mut tx, "old", "01ALICE", None, &token("1", "setup", None)).await.unwrap();
        sign_in::insert_token(&mut tx, "short", "01ALICE", None, &token("2", "a day", Some(1))).await.unwrap();
        let found = sign_in::by_token(&mut tx, "short", now()).await.unwrap();
        let known = ActiveToken {
            user: alice.clone(),
            id: "2".into(),
            role: Role::Viewer,
            tags: vec!["red".into()],
            expires_at: Some(now() + Duration::days(1)),
            used_at: None,
        };
        assert_eq!(found, Some(known));
        assert_eq!(sign_in::by_token(&mut tx, "short", now() + Duration::days(1)).await.unwrap(), None);
        sign_in::touch(&mut tx, CredentialKind::Token, "short", now()).await.unwrap();
        let tokens: Vec<_> = sign_in::tokens(&mut tx, Some("ALICE")).await.unwrap().into_iter().map(|t| (t.name, t.used_at)).collect();
        assert_eq!(tokens, [("a day".to_owned(), Some(now())), ("setup".to_owned(), None)]);
        assert_eq!(sign_in::tokens(&mut tx, Some("bob")).await.unwrap(), []);
        sign_in::delete_tokens_named(&mut tx, "01ALICE", "setup", "new").await.unwrap();
        assert_eq!(sign_in::by_token(&mut tx, "old", now()).await.unwrap(), None);
        assert!(sign_in::delete_token(&mut tx, "2").await.unwrap());
        assert!(!sign_in::delete_token(&mut tx, "2").await.unwrap());
        account::update(&mut tx, &User { disabled: true, ..alice }).await.unwrap();
    }
}
