//! Saved views of accounts.

use belfry::domain::saved_view::{ListKind, SavedView};
use belfry::domain::user::Role;
use belfry::storage::{Error, Tx, account, saved_view};

use crate::for_each_database;
use crate::samples::now;
use crate::support::context::user;

fn view(id: &str, list: ListKind, name: &str, query: &str) -> SavedView {
    SavedView { id: id.into(), list, name: name.into(), query: query.into(), created_at: now() }
}

async fn accounts(tx: &mut Tx) {
    for (id, name) in [("01ALICE", "Alice"), ("02BOB", "bob")] {
        account::insert(tx, &user(id, name, Role::Viewer), None).await.unwrap();
    }
}

for_each_database! {
    async fn put_replaces_view_of_same_account_list_and_name(db: &TestDatabase) {
        let mut tx = db.database.write().await.unwrap();
        accounts(&mut tx).await;
        let first = view("01A", ListKind::Tasks, "失败", "status=failed");
        assert!(saved_view::put(&mut tx, "ALICE", &first).await.unwrap());
        assert!(saved_view::put(&mut tx, "alice", &view("01B", ListKind::Executions, "失败", "")).await.unwrap());
        assert!(saved_view::put(&mut tx, "bob", &view("01C", ListKind::Tasks, "失败", "x=1")).await.unwrap());
        assert!(!saved_view::put(&mut tx, "nobody", &view("01D", ListKind::Tasks, "x", "")).await.unwrap());
        // The same name replaces the filter and keeps the id.
        assert!(saved_view::put(&mut tx, "Alice", &view("01E", ListKind::Tasks, "失败", "status=timed_out")).await.unwrap());
        let views = saved_view::for_user(&mut tx, "alice").await.unwrap();
        assert_eq!(views.len(), 2);
        assert!(views.contains(&SavedView { query: "status=timed_out".into(), ..first }), "{views:?}");
        tx.commit().await.unwrap();
    }

    async fn rename_and_delete_require_the_owner(db: &TestDatabase) {
        let mut tx = db.database.write().await.unwrap();
        accounts(&mut tx).await;
        for (id, name) in [("01A", "one"), ("01B", "two")] {
            saved_view::put(&mut tx, "alice", &view(id, ListKind::Tasks, name, "")).await.unwrap();
        }
        assert!(!saved_view::rename(&mut tx, "bob", "01A", "mine").await.unwrap());
        assert!(!saved_view::delete(&mut tx, "bob", "01A").await.unwrap());
        assert!(saved_view::rename(&mut tx, "alice", "01A", "three").await.unwrap());
        tx.commit().await.unwrap();
        let mut tx = db.database.write().await.unwrap();
        assert!(matches!(saved_view::rename(&mut tx, "alice", "01A", "two").await, Err(Error::Conflict(_))));
        drop(tx);
        let mut tx = db.database.write().await.unwrap();
        assert!(saved_view::delete(&mut tx, "alice", "01B").await.unwrap());
        let names: Vec<_> = saved_view::for_user(&mut tx, "alice").await.unwrap().into_iter().map(|view| view.name).collect();
        assert_eq!(names, ["three"]);
        account::delete(&mut tx, "01ALICE").await.unwrap();
        assert_eq!(saved_view::for_user(&mut tx, "alice").await.unwrap(), [], "deleted with the account");
        tx.commit().await.unwrap();
    }
}
