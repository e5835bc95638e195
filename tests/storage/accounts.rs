//! Accounts, sessions and tokens.

use belfry::domain::user::{Role, User};
use belfry::storage::{Error, account};
use chrono::Duration;

use crate::on_each;
use crate::samples::now;

fn alice() -> User {
    User { id: "01ALICE".into(), name: "Alice".into(), role: Role::Admin }
}

on_each! {
    async fn an_account_is_found_by_its_name_in_any_case(db: &TestDatabase) {
        let mut tx = db.database.write().await.unwrap();
        assert!(!account::any(&mut tx).await.unwrap());
        account::insert(&mut tx, &alice(), Some("hash"), now()).await.unwrap();
        assert!(account::any(&mut tx).await.unwrap());
        assert_eq!(account::by_name(&mut tx, "ALICE").await.unwrap(), Some((alice(), Some("hash".into()))));
        assert_eq!(account::by_name(&mut tx, "bob").await.unwrap(), None);
        let twin = User { id: "01TWIN".into(), name: "aLice".into(), role: Role::Viewer };
        assert!(matches!(account::insert(&mut tx, &twin, None, now()).await, Err(Error::Conflict(_))));
    }

    async fn a_session_ends_by_itself_or_when_asked(db: &TestDatabase) {
        let mut tx = db.database.write().await.unwrap();
        account::insert(&mut tx, &alice(), None, now()).await.unwrap();
        account::insert_session(&mut tx, "s", "01ALICE", now(), now() + Duration::days(1)).await.unwrap();
        assert_eq!(account::by_session(&mut tx, "s", now()).await.unwrap(), Some(alice()));
        assert_eq!(account::by_session(&mut tx, "s", now() + Duration::days(1)).await.unwrap(), None);
        account::end_session(&mut tx, "s", now()).await.unwrap();
        assert_eq!(account::by_session(&mut tx, "s", now()).await.unwrap(), None);
    }

    async fn a_token_replaces_the_one_of_the_same_name(db: &TestDatabase) {
        let mut tx = db.database.write().await.unwrap();
        account::insert(&mut tx, &alice(), None, now()).await.unwrap();
        account::put_token(&mut tx, "old", "01ALICE", "setup", now()).await.unwrap();
        account::put_token(&mut tx, "new", "01ALICE", "setup", now()).await.unwrap();
        account::put_token(&mut tx, "new", "01ALICE", "setup", now()).await.unwrap();
        assert_eq!(account::by_token(&mut tx, "old").await.unwrap(), None);
        assert_eq!(account::by_token(&mut tx, "new").await.unwrap(), Some(alice()));
    }
}
