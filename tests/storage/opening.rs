//! Opening a database: reopening, and refusing a newer schema.

use belfry::storage::{Database, Error, Synchronous};

use crate::for_each_database;
use crate::samples::{insert_task, task};

for_each_database! {
    async fn reopened_database_keeps_its_rows(db: &TestDatabase) {
        insert_task(&db.database, &task("a")).await;
        let reopened = db.reopen().await;
        let found = belfry::storage::task::get(&mut reopened.read().await.unwrap(), "a").await.unwrap();
        assert!(found.is_some());
        reopened.close().await;
    }
}

#[tokio::test]
async fn open_of_an_existing_file_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("task.db");
    let database = Database::open_sqlite(&path, Synchronous::Normal).await.unwrap();
    insert_task(&database, &task("a")).await;
    database.close().await;
    let before = std::fs::read(&path).unwrap();
    let database = Database::open_sqlite(&path, Synchronous::Normal).await.unwrap();
    assert_eq!(database.wal_status().await.unwrap().map(|wal| wal.pages), Some(0), "pages written");
    database.close().await;
    assert!(std::fs::read(&path).unwrap() == before, "the file has changed");
}

#[tokio::test]
async fn newer_schema_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("task.db");
    let database = Database::open_sqlite(&path, Synchronous::Full).await.unwrap();
    let Database::Sqlite { writer, .. } = &database else { unreachable!("opened as SQLite") };
    let migration = "insert into belfry_migrations (version, description, success, checksum, execution_time) values (9999, 'future', 1, x'00', 0)";
    writer.acquire().await.unwrap().get().run_all(migration).unwrap();
    database.close().await;
    let error = Database::open_sqlite(&path, Synchronous::Normal).await.unwrap_err();
    assert!(matches!(error, Error::NewerSchema(9999)), "{error:?}");
    assert!(error.to_string().contains("newer version of Belfry"), "{error}");
}
