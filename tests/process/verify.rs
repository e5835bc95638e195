//! `belfry verify`: the log of a real server, and rows changed by hand.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

use crate::cli::local;
use crate::server::{Server, until};

/// Creates tasks, pauses, changes and deletes some, and stops the server once there is a log.
async fn run_for_a_while(folder: &Path) {
    let server = Server::start(folder);
    for id in ["steady", "changed", "paused", "deleted"] {
        let task = json!({"id": id, "type": "echo", "trigger": {"type": "interval", "seconds": 1}});
        assert_eq!(server.post("/api/v1/tasks", &task).send().await.expect("get a response").status(), 201);
    }
    let recorded = async |task: &str, least: i64| {
        let found = server.json(&format!("/api/v1/tasks/{task}/executions?page_size=1")).await["total"].as_i64();
        found.filter(|found| *found >= least).map(|_| ())
    };
    until("some occurrences", || recorded("steady", 3)).await;
    // Half-way between two occurrences, so that none is due at the moment of the change.
    tokio::time::sleep(Duration::from_millis(400)).await;
    let body = json!({"trigger": {"type": "interval", "seconds": 2}});
    let answers = [
        server.patch("/api/v1/tasks/changed", &body).send().await,
        server.post("/api/v1/tasks/paused/pause", &json!({})).send().await,
        server.delete("/api/v1/tasks/deleted").send().await,
    ];
    for answer in answers {
        assert!(answer.expect("get a response").status().is_success());
    }
    until("more occurrences", || recorded("steady", 7)).await;
    server.post("/api/v1/tasks/paused/resume", &json!({})).send().await.expect("get a response");
    until("more occurrences", || recorded("steady", 9)).await;
    server.signal("TERM");
    assert!(server.ended().0.success());
}

async fn by_hand(folder: &Path, statements: &str) {
    let options = SqliteConnectOptions::new().filename(folder.join("data/task.db"));
    let mut database = SqliteConnection::connect_with(&options).await.expect("opens");
    sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).execute(&mut database).await.expect("changes the database");
    database.close().await.expect("closes");
}

#[cfg(unix)]
#[tokio::test]
async fn verify_finds_each_row_that_was_deleted_or_doubled_by_hand() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    run_for_a_while(folder.path()).await;
    let verify = || {
        let ended = local(folder.path(), &["verify", "--json"]);
        let found: Value = serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
        (ended.status, found)
    };
    let (status, clean) = verify();
    assert!(status == 0 && clean["expected"].as_i64() > Some(20), "{clean}");
    assert!(local(folder.path(), &["verify"]).ok().contains("matches the rules"));

    for task in ["steady", "changed", "paused", "deleted"] {
        let row = format!("(select id from executions where task_id = '{task}' order by id limit 1 offset 1)");
        by_hand(
            folder.path(),
            &format!("create table kept as select * from executions where id = {row}; delete from executions where id = {row};"),
        )
        .await;
        let (status, found) = verify();
        assert_eq!((status, &found["lost"][0]["task_id"], &found["findings"]), (1, &json!(task), &json!(1)), "{found}");
        by_hand(folder.path(), "insert into executions select * from kept; update kept set id = id + 131072, cause = 'manual', queued_at = queued_at + 1; insert into executions select * from kept;").await;
        let (status, found) = verify();
        assert_eq!((status, &found["doubled"][0]["task_id"], &found["findings"]), (1, &json!(task), &json!(1)), "{found}");
        by_hand(
            folder.path(),
            "update executions set cause = 'schedule', scheduled_at = scheduled_at + 137 where id = (select id from kept);",
        )
        .await;
        let (status, found) = verify();
        assert_eq!((status, &found["unexplained"][0]["task_id"], &found["findings"]), (1, &json!(task), &json!(1)), "{found}");
        assert!(local(folder.path(), &["verify"]).failed_with(1).is_empty(), "the findings are the result, not an error");
        by_hand(folder.path(), "delete from executions where id = (select id from kept); drop table kept;").await;
        assert_eq!(verify().0, 0);
    }
}
