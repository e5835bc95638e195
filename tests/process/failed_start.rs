//! Failed starts: one error line, the exit code, and no files left behind.

use std::net::TcpListener;
use std::path::Path;

use sqlx::{Connection, Executor, SqliteConnection};

use crate::server::{Server, belfry};

/// The error line of a failed start, after checking its exit code.
fn refused(folder: &Path, arguments: &[&str], variables: &[(&str, &str)], status: i32) -> String {
    let output = belfry(folder).args(arguments).envs(variables.iter().copied()).output().expect("run the program");
    let stderr = String::from_utf8(output.stderr).expect("valid UTF-8");
    let line = stderr.trim_end().lines().last().unwrap_or_default().to_owned();
    assert_eq!(output.status.code(), Some(status), "{stderr}");
    assert!(output.stdout.is_empty(), "standard output is empty");
    line
}

fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("list the folder");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("read an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn start_fails_with_invalid_settings() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    std::fs::write(folder.path().join("belfry.toml"), "[server]\nlisen = \"x\"\n").expect("write a file");
    let line = refused(folder.path(), &[], &[], 2);
    assert_eq!(line, "belfry.toml:2: [server] lisen: unknown key; did you mean listen?");
    std::fs::remove_file(folder.path().join("belfry.toml")).expect("remove the file");
    let line = refused(folder.path(), &[], &[("BELFRY_WORKERS_LIMIT", "x")], 2);
    assert_eq!(line, "BELFRY_WORKERS_LIMIT: 'x' is not an integer from 1 to 10000");
    let line = refused(folder.path(), &["serve", "--set", "log.level=loud"], &[], 2);
    assert!(line.starts_with("--set log.level: 'loud' is not one of "), "{line}");
    let line = refused(folder.path(), &[], &[("RUST_LOG", "belfry=loud")], 2);
    assert!(line.starts_with("RUST_LOG: "), "{line}");
    refused(folder.path(), &["serv"], &[], 2);
    assert_eq!(files(folder.path()), Vec::<String>::new());
}

#[test]
fn failures_are_told_in_the_language_of_the_environment() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let chinese = |arguments: &[&str], status| refused(folder.path(), arguments, &[("BELFRY_LANG", "zh")], status);
    assert_eq!(chinese(&["--set", "workers.limt=8"], 2), "--set workers.limt: 未知的设置；是否指 workers.limit？");
    assert_eq!(chinese(&["--set", "workers.limit=0"], 2), "--set workers.limit: '0' 不是 1 到 10000 之间的整数");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    assert!(chinese(&["--listen", &address], 1).starts_with(&format!("无法监听 {address}：")));
    let english = refused(folder.path(), &["task", "list", "--lang=en", "--data-dir", "none"], &[("BELFRY_LANG", "zh")], 3);
    assert!(english.contains("does not exist"), "{english}");
    assert!(chinese(&["task", "list", "--data-dir", "none"], 3).contains("不存在"));
}

#[test]
fn start_fails_with_a_port_in_use() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    let line = refused(folder.path(), &["--listen", &address], &[], 1);
    assert!(line.starts_with(&format!("cannot listen on {address}: ")) && line.contains("--listen"), "{line}");
    assert_eq!(files(folder.path()), Vec::<String>::new());
}

#[test]
fn start_fails_with_an_unusable_data_folder() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    std::fs::write(folder.path().join("data"), "mine").expect("write a file");
    let line = refused(folder.path(), &[], &[], 1);
    assert!(line.starts_with("cannot use the data folder ./data: ") && line.contains("--data-dir"), "{line}");
    let line = refused(folder.path(), &[], &[("BELFRY_DATA_DIR", "data/inner")], 1);
    assert!(line.starts_with("cannot use the data folder data/inner: "), "{line}");
    assert_eq!(files(folder.path()), ["data"]);
}

#[test]
fn start_fails_with_an_unreachable_database_and_creates_no_folder() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    // A port on which nothing listens any more.
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
    let url = format!("postgres://me:hunter22@{free}/belfry");
    let line = refused(folder.path(), &[], &[("BELFRY_DATABASE_URL", &url)], 1);
    assert!(line.contains(&format!("postgres://{free}/belfry")) && !line.contains("hunter22"), "{line}");
    assert_eq!(files(folder.path()), Vec::<String>::new());
}

#[test]
fn start_fails_with_a_file_that_is_not_a_database() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let data = folder.path().join("data");
    std::fs::create_dir(&data).expect("create the folder");
    std::fs::write(data.join("task.db"), "this is a letter, not a database\n".repeat(100)).expect("write a file");
    let line = refused(folder.path(), &[], &[], 1);
    assert!(line.contains("task.db") && line.contains("not a database"), "{line}");
    assert_eq!(files(&data), ["task.db"]);
}

#[tokio::test]
async fn start_fails_with_a_database_of_a_newer_version() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    Server::start(folder.path()).kill();
    let data = folder.path().join("data");
    let url = format!("sqlite://{}", data.join("task.db").display());
    let mut database = SqliteConnection::connect(&url).await.expect("open the database");
    let change = "insert into belfry_migrations (version, description, success, checksum, execution_time) \
        values (9001, 'from the future', true, x'00', 0)";
    database.execute(change).await.expect("insert");
    database.close().await.expect("close the database");
    let before = files(&data);
    let line = refused(folder.path(), &[], &[], 1);
    assert!(line.contains("task.db") && line.contains("newer version of Belfry"), "{line}");
    assert!(before.contains(&"task.db".to_owned()) && files(&data).contains(&"task.db".to_owned()));
}
