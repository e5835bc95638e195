//! `backup`: a copy made while others write, put back as the README says, with everything in it.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use belfry::clock::SystemClock;
use belfry::storage::{Database, Synchronous};
use belfry::tasks::backup::Backup;
use belfry::tasks::{Limits, TaskType, Toolbox};
use serde_json::json;

use crate::on_each;
use crate::ran::{context, run};
use crate::support::parts::TestParts;
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

/// Whether PostgreSQL's own programs are here.
fn has_programs(db: &TestDatabase) -> bool {
    if matches!(db.location, Location::Sqlite(_)) || Command::new("pg_dump").arg("--version").output().is_ok() {
        return true;
    }
    assert!(std::env::var_os("CI").is_none(), "under CI pg_dump must be there");
    eprintln!("skipped: there is no pg_dump");
    false
}

/// Another database with what is in the copy.
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
            let fresh = TestDatabase::postgres().await.expect("PostgreSQL answers");
            fresh.database.close().await;
            let done =
                Command::new("pg_restore").args(["--clean", "--if-exists", "--no-owner", "-d", &fresh.url()]).arg(copy).output();
            let done = done.expect("runs");
            assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
            TestDatabase { database: fresh.again().await, location: fresh.location }
        }
    }
}

on_each! {
    async fn a_copy_made_while_others_write_holds_everything(db: &TestDatabase) {
        if !has_programs(db) {
            return;
        }
        let parts = TestParts::new(&db.database);
        parts.create("钟楼", json!({"type": "interval", "seconds": 60})).await;
        parts.advance(chrono::Duration::seconds(60)).await;
        let before = parts.executions("钟楼").await;
        let folder = tempfile::tempdir().expect("a folder");
        let backup = Backup::new(&toolbox(&db.database, folder.path()));
        let going = Arc::new(AtomicBool::new(true));
        let writing = {
            let (service, going) = (parts.service.clone(), going.clone());
            tokio::spawn(async move {
                let mut made = 0;
                while going.load(Ordering::SeqCst) {
                    let task = crate::support::parts::echo(&format!("other-{made}"), json!({"type": "interval", "hours": 1}));
                    service.create_task(&crate::support::parts::admin(), &task).await.expect("creates");
                    made += 1;
                }
                made
            })
        };
        let ran = crate::ran::run(&backup, json!({"to": "copies", "keep": 2})).await;
        going.store(false, Ordering::SeqCst);
        assert!(writing.await.expect("ends") > 0, "others could write");
        let result = ran.result();
        let copy = folder.path().join("copies").join(result["file"].as_str().expect("a name"));
        assert_eq!(result["bytes"], std::fs::metadata(&copy).expect("is there").len());
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&copy).expect("is there").permissions().mode();
            assert_eq!(mode & 0o077, 0, "nobody else may read it");
        }
        let restored = restored(db, &copy).await;
        let again = TestParts::new(&restored.database);
        assert_eq!(again.executions("钟楼").await, before);
        again.advance(chrono::Duration::seconds(120)).await;
        assert!(again.executions("钟楼").await.len() > before.len(), "and it goes on from there");
        for _ in 0..3 {
            assert!(crate::ran::run(&backup, json!({"to": "copies", "keep": 2})).await.ended.is_ok());
        }
        assert_eq!(names(&folder.path().join("copies")).len(), 2);
        assert!(!copy.exists(), "the oldest went first");
        restored.remove().await;
    }
}

#[tokio::test]
async fn a_backup_that_is_given_up_leaves_nothing() {
    let db = TestDatabase::sqlite().await;
    let parts = TestParts::new(&db.database);
    for number in 0..200 {
        parts.create(&format!("task-{number}"), json!({"type": "interval", "seconds": 60})).await;
    }
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("copies")).expect("makes a folder");
    let backup = Arc::new(Backup::new(&toolbox(&db.database, folder.path())));
    for patience in [0, 1, 3, 6] {
        let (context, _output) = context();
        let backup = backup.clone();
        let running = tokio::spawn(async move { backup.run(json!({"to": "copies"}), &context).await });
        tokio::time::sleep(std::time::Duration::from_millis(patience)).await;
        running.abort();
        let _ended_or_aborted = running.await;
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
        assert!(!refused.error().retryable && refused.error().message.contains("[files] folders"), "{refused:?}");
    }
    std::fs::write(open.path().join("file"), "x").expect("writes");
    assert!(run(&backup, json!({"to": "file"})).await.error().message.starts_with("to: "));
    assert_eq!(names(open.path()), ["file"]);
}

#[tokio::test]
async fn the_programs_of_postgres_are_bounded_like_others() {
    let Some(db) = TestDatabase::postgres().await else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let limits = Limits { programs: vec!["git".into()], ..Limits::within(folder.path()) };
    let backup = Backup::new(&Toolbox { limits: Arc::new(limits), ..toolbox(&db.database, folder.path()) });
    let refused = run(&backup, json!({"to": "copies"})).await;
    assert!(!refused.error().retryable && refused.error().message.contains("'pg_dump' is not allowed"), "{refused:?}");
    db.remove().await;
}
