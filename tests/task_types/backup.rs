//! `backup`: copies made during writes, restored as documented.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use belfry::clock::SystemClock;
use belfry::storage::{Database, Synchronous};
use belfry::tasks::backup::Backup;
use belfry::tasks::{Limits, TaskType, Toolbox};
use serde_json::json;

use crate::for_each_database;
use crate::run_once::run;
use crate::support::context::TestContext;
use crate::support::run::context_of_attempt;
use crate::support::{Location, TestDatabase};

fn toolbox(database: &Database, folder: &Path) -> Toolbox {
    Toolbox::plain(database.clone(), Arc::new(SystemClock), folder)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("lists");
    let mut names: Vec<_> = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Whether PostgreSQL's client programs are installed.
fn has_programs(db: &TestDatabase) -> bool {
    if matches!(db.location, Location::Sqlite(_)) || Command::new("pg_dump").arg("--version").output().is_ok() {
        return true;
    }
    assert!(std::env::var_os("CI").is_none(), "pg_dump is required under CI");
    eprintln!("skipped: pg_dump is not installed");
    false
}

/// A new database restored from the copy.
async fn restored(db: &TestDatabase, copy: &Path) -> TestDatabase {
    match &db.location {
        Location::Sqlite(_) => {
            let folder = tempfile::tempdir().expect("a folder");
            let file = folder.path().join("task.db");
            std::fs::copy(copy, &file).expect("copies");
            let database = Database::open_sqlite(&file, Synchronous::Normal).await.expect("opens");
            TestDatabase { database, location: Location::Sqlite(folder) }
        }
        Location::Postgres { .. } => {
            let fresh = TestDatabase::postgres().await.expect("a PostgreSQL server");
            fresh.database.close().await;
            let done =
                Command::new("pg_restore").args(["--clean", "--if-exists", "--no-owner", "-d", &fresh.url()]).arg(copy).output();
            let done = done.expect("runs");
            assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
            TestDatabase { database: fresh.reopen().await, location: fresh.location }
        }
    }
}

for_each_database! {
    async fn backup_during_writes_is_complete(db: &TestDatabase) {
        if !has_programs(db) {
            return;
        }
        let context = TestContext::new(&db.database);
        context.create("钟楼", json!({"type": "interval", "seconds": 60})).await;
        context.advance(chrono::Duration::seconds(60)).await;
        let before = context.executions("钟楼").await;
        let folder = tempfile::tempdir().expect("a folder");
        let backup = Backup::new(&toolbox(&db.database, folder.path()));
        let going = Arc::new(AtomicBool::new(true));
        let writing = {
            let (services, going) = (context.services.clone(), going.clone());
            tokio::spawn(async move {
                let mut made = 0;
                while going.load(Ordering::SeqCst) {
                    let task = crate::support::context::echo(&format!("other-{made}"), json!({"type": "interval", "hours": 1}));
                    services.tasks.create(&crate::support::context::admin(), &task).await.expect("creates");
                    made += 1;
                }
                made
            })
        };
        let ran = crate::run_once::run(&backup, json!({"to": "copies", "keep": 2})).await;
        going.store(false, Ordering::SeqCst);
        assert!(writing.await.expect("ends") > 0, "writes were not blocked");
        let result = ran.result();
        let copy = folder.path().join("copies").join(result["file"].as_str().expect("a name"));
        assert_eq!(result["bytes"], std::fs::metadata(&copy).expect("is there").len());
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&copy).expect("is there").permissions().mode();
            assert_eq!(mode & 0o077, 0, "only the owner may read the file");
        }
        let restored = restored(db, &copy).await;
        let again = TestContext::new(&restored.database);
        assert_eq!(again.executions("钟楼").await, before);
        again.advance(chrono::Duration::seconds(120)).await;
        assert!(again.executions("钟楼").await.len() > before.len(), "the restored database continues");
        for _ in 0..3 {
            assert!(crate::run_once::run(&backup, json!({"to": "copies", "keep": 2})).await.outcome.is_ok());
        }
        assert_eq!(names(&folder.path().join("copies")).len(), 2);
        assert!(!copy.exists(), "the oldest copy is deleted first");
        restored.remove().await;
    }
}

#[tokio::test]
async fn cancelled_backup_leaves_no_file() {
    let db = TestDatabase::sqlite().await;
    let context = TestContext::new(&db.database);
    for number in 0..200 {
        context.create(&format!("task-{number}"), json!({"type": "interval", "seconds": 60})).await;
    }
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("copies")).expect("makes a folder");
    let backup = Arc::new(Backup::new(&toolbox(&db.database, folder.path())));
    for patience in [0, 1, 3, 6] {
        let (run_context, _output) = context_of_attempt(2);
        let backup = backup.clone();
        let running = tokio::spawn(async move { backup.run(json!({"to": "copies"}), &run_context).await });
        tokio::time::sleep(std::time::Duration::from_millis(patience)).await;
        running.abort();
        let _ = running.await; // it may end before the abort
    }
    for _ in 0..500 {
        if names(&folder.path().join("copies")).iter().all(|name| !name.ends_with(".part")) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("half-written: {:?}", names(&folder.path().join("copies")));
}

#[tokio::test]
async fn copies_go_to_open_folders_alone() {
    let db = TestDatabase::sqlite().await;
    let (open, closed) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let backup = Backup::new(&toolbox(&db.database, open.path()));
    for to in [closed.path().to_str().expect("a path"), "../elsewhere"] {
        let refused = run(&backup, json!({"to": to})).await;
        assert!(!refused.error().retryable && refused.error().message.to_string().contains("[backup] folders"), "{refused:?}");
    }
    std::fs::write(open.path().join("file"), "x").expect("writes");
    assert!(run(&backup, json!({"to": "file"})).await.error().message.to_string().starts_with("to: "));
    assert_eq!(names(open.path()), ["file"]);
}

#[tokio::test]
async fn program_limits_apply_to_pg_dump() {
    let Some(db) = TestDatabase::postgres().await else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let limits = Limits { programs: vec!["git".into()], ..Limits::within(folder.path()) };
    let backup = Backup::new(&Toolbox { limits: Arc::new(limits), ..toolbox(&db.database, folder.path()) });
    let refused = run(&backup, json!({"to": "copies"})).await;
    assert!(
        !refused.error().retryable && refused.error().message.to_string().contains("'pg_dump' is not allowed"),
        "{refused:?}"
    );
    db.remove().await;
}
