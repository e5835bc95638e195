//! Damaged files, and two servers on one folder.

use std::path::Path;

use serde_json::json;

use crate::fire::Fire;
use crate::server::{Server, belfry};

/// What a start says that must fail.
fn refused(folder: &Path) -> String {
    let ended = belfry(folder).arg("serve").output().expect("run the program");
    assert_eq!(ended.status.code(), Some(1), "{}", String::from_utf8_lossy(&ended.stdout));
    String::from_utf8_lossy(&ended.stderr).into_owned()
}

pub async fn damaged_files_are_named_and_not_overwritten() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let server = Server::start(folder.path());
    let secret = server.put("/api/v1/secrets/token", &json!({"value": "correct horse"})).send().await;
    assert!(secret.expect("get a response").status().is_success());
    server.signal("TERM");
    server.ended();

    let database = folder.path().join("data/task.db");
    let sound = std::fs::read(&database).expect("read the database");
    let mut torn = sound.clone();
    torn[..4096].fill(0x5a);
    for damaged in [&b"not a database, but long enough to be read as one".repeat(200)[..], &torn[..], &b""[..]] {
        std::fs::write(&database, damaged).expect("write the database");
        let message = refused(folder.path());
        assert!(message.contains("task.db"), "{message}");
        assert_eq!(std::fs::read(&database).expect("read the database"), damaged, "nothing is overwritten");
    }
    std::fs::write(&database, &sound).expect("write the database");

    let key = folder.path().join("data/secret.key");
    let sound_key = std::fs::read(&key).expect("read the key");
    std::fs::write(&key, "not a key").expect("write the key");
    let server = Server::start(folder.path());
    let answer = server.put("/api/v1/secrets/other", &json!({"value": "another value"})).send().await.expect("get a response");
    assert!(!answer.status().is_success(), "{}", answer.status());
    assert_eq!(std::fs::read(&key).expect("read the key"), b"not a key", "the key is not replaced");
    server.signal("TERM");
    server.ended();
    std::fs::write(&key, sound_key).expect("write the key");
    let server = Server::start(folder.path());
    let names = server.json("/api/v1/secrets").await.to_string();
    assert!(names.contains("token"), "{names}");
}

/// Both serve one database; each occurrence runs once.
pub async fn two_servers_on_one_folder_share_the_work() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let first = Server::start(folder.path());
    let mut fire = Fire::start(&first, 2).await;
    let second = Server::start(folder.path());
    for number in 0..20 {
        fire.edit(if number % 2 == 0 { &first } else { &second }).await;
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    }
    first.signal("KILL");
    first.ended();
    let since = fire.begun();
    fire.recovered(since, "the death of one of two servers").await;
    fire.assert_promises(&second, "two servers on one folder").await;
}
