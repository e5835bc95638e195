//! A start that cannot be: one line, the right exit status, and nothing left behind.

use std::net::TcpListener;
use std::path::Path;

use sqlx::{Connection, Executor, SqliteConnection};

use crate::server::{Server, belfry};

/// The one line that a refused start says, after its exit status was checked.
fn refused(folder: &Path, arguments: &[&str], variables: &[(&str, &str)], status: i32) -> String {
    let output = belfry(folder).args(arguments).envs(variables.iter().copied()).output().expect("runs");
    let said = String::from_utf8(output.stderr).expect("is UTF-8");
    let line = said.trim_end().lines().last().unwrap_or_default().to_owned();
    assert_eq!(output.status.code(), Some(status), "{said}");
    assert!(output.stdout.is_empty(), "the output stream is for the address");
    line
}

fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("lists");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn settings_that_are_not_right() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("belfry.toml"), "[server]\nlisen = \"x\"\n").expect("writes");
    let line = refused(folder.path(), &[], &[], 2);
    assert_eq!(line, "belfry.toml:2: [server] lisen: unknown key; did you mean listen?");
    std::fs::remove_file(folder.path().join("belfry.toml")).expect("is removed");
    let line = refused(folder.path(), &[], &[("BELFRY_WORKERS_LIMIT", "x")], 2);
    assert_eq!(line, "BELFRY_WORKERS_LIMIT: 'x' is not a whole number from 1 to 10000");
    let line = refused(folder.path(), &["serve", "--set", "log.level=loud"], &[], 2);
    assert!(line.starts_with("--set log.level: 'loud' is not one of: "), "{line}");
    let line = refused(folder.path(), &[], &[("RUST_LOG", "belfry=loud")], 2);
    assert!(line.starts_with("RUST_LOG: "), "{line}");
    refused(folder.path(), &["serv"], &[], 2);
    assert_eq!(files(folder.path()), Vec::<String>::new());
}

#[test]
fn a_port_in_use() {
    let folder = tempfile::tempdir().expect("a folder");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let line = refused(folder.path(), &["--listen", &address], &[], 1);
    assert!(line.starts_with(&format!("cannot listen on {address}: ")) && line.contains("--listen"), "{line}");
    assert_eq!(files(folder.path()), Vec::<String>::new());
}

#[test]
fn a_data_folder_that_cannot_be() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("data"), "mine").expect("writes");
    let line = refused(folder.path(), &[], &[], 1);
    assert!(line.starts_with("cannot use the data folder ./data: ") && line.contains("--data-dir"), "{line}");
    let line = refused(folder.path(), &[], &[("BELFRY_DATA_DIR", "data/inner")], 1);
    assert!(line.starts_with("cannot use the data folder data/inner: "), "{line}");
    assert_eq!(files(folder.path()), ["data"]);
}

#[test]
fn a_database_that_does_not_answer_leaves_no_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    // A port that nothing listens on any more.
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let url = format!("postgres://me:hunter22@{free}/belfry");
    let line = refused(folder.path(), &[], &[("BELFRY_DATABASE_URL", &url)], 1);
    assert!(line.contains(&format!("postgres://{free}/belfry")) && !line.contains("hunter22"), "{line}");
    assert_eq!(files(folder.path()), Vec::<String>::new());
}

#[test]
fn a_file_that_is_no_database() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    std::fs::create_dir(&data).expect("is made");
    std::fs::write(data.join("task.db"), "this is a letter, not a database\n".repeat(100)).expect("writes");
    let line = refused(folder.path(), &[], &[], 1);
    assert!(line.contains("task.db") && line.contains("not a database"), "{line}");
    assert_eq!(files(&data), ["task.db"]);
}

#[tokio::test]
async fn a_database_of_a_newer_version() {
    let folder = tempfile::tempdir().expect("a folder");
    Server::start(folder.path()).kill();
    let data = folder.path().join("data");
    let url = format!("sqlite://{}", data.join("task.db").display());
    let mut database = SqliteConnection::connect(&url).await.expect("opens");
    let change = "insert into belfry_migrations (version, description, success, checksum, execution_time) \
        values (9001, 'from the future', true, x'00', 0)";
    database.execute(change).await.expect("is written");
    database.close().await.expect("closes");
    let before = files(&data);
    let line = refused(folder.path(), &[], &[], 1);
    assert!(line.contains("task.db") && line.contains("newer version of Belfry"), "{line}");
    assert!(before.contains(&"task.db".to_owned()) && files(&data).contains(&"task.db".to_owned()));
}
