//! Opening a database: again and again, and one that a newer version has changed.

use belfry::storage::{Database, Error, Synchronous};

use crate::on_each;
use crate::samples::{insert_task, task};

on_each! {
    async fn a_database_opens_again_with_all_that_it_held(db: &TestDatabase) {
        insert_task(&db.database, &task("a")).await;
        let again = db.again().await;
        let found = belfry::storage::task::get(&mut again.read().await.unwrap(), "a").await.unwrap();
        assert!(found.is_some());
        again.close().await;
    }
}

#[tokio::test]
async fn a_newer_database_is_refused_with_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("task.db");
    let database = Database::open_sqlite(&path, Synchronous::Full).await.unwrap();
    let Database::Sqlite { writer, .. } = &database else { unreachable!("it is SQLite") };
    sqlx::query(
        "insert into belfry_migrations (version, description, success, checksum, execution_time) values (9999, 'future', 1, x'00', 0)",
    )
    .execute(writer)
    .await
    .unwrap();
    database.close().await;
    let refused = Database::open_sqlite(&path, Synchronous::Normal).await.unwrap_err();
    assert!(matches!(refused, Error::Newer(9999)), "{refused:?}");
    assert!(refused.to_string().contains("newer version of Belfry"), "{refused}");
}
