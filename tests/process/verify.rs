//! `belfry verify`: the log of a real server, and rows changed by hand.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};

use crate::cli::{CommandResult, run};
use crate::server::{Server, belfry, until};
use crate::support::TestDatabase;

/// A folder with the address of its database.
struct Place<'p> {
    folder: &'p Path,
    /// `None`: the file in the folder.
    url: Option<String>,
}

impl Place<'_> {
    fn variables(&self) -> Vec<(&str, &str)> {
        self.url.iter().map(|url| ("BELFRY_DATABASE_URL", url.as_str())).collect()
    }

    fn run(&self, arguments: &[&str]) -> CommandResult {
        run(belfry(self.folder).args(arguments).envs(self.variables()), "")
    }

    async fn by_hand(&self, statements: &str) {
        let statements = sqlx::raw_sql(AssertSqlSafe(statements.to_owned()));
        match &self.url {
            Some(url) => {
                let mut database = PgConnection::connect(url).await.expect("opens");
                statements.execute(&mut database).await.expect("changes the database");
                database.close().await.expect("closes");
            }
            None => {
                let options = SqliteConnectOptions::new().filename(self.folder.join("data/task.db"));
                let mut database = SqliteConnection::connect_with(&options).await.expect("opens");
                statements.execute(&mut database).await.expect("changes the database");
                database.close().await.expect("closes");
            }
        }
    }
}

/// Creates tasks, pauses, changes and deletes some, and stops the server once there is a log.
async fn run_for_a_while(place: &Place<'_>) {
    let server = Server::start_with(place.folder, &place.variables());
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

#[cfg(unix)]
#[tokio::test]
async fn verify_finds_each_row_that_was_deleted_or_doubled_by_hand_on_sqlite() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    rows_changed_by_hand(Place { folder: folder.path(), url: None }).await;
}

#[cfg(unix)]
#[tokio::test]
async fn verify_finds_each_row_that_was_deleted_or_doubled_by_hand_on_postgres() {
    let Some(db) = TestDatabase::postgres().await else { return };
    let folder = tempfile::tempdir().expect("create a temporary folder");
    rows_changed_by_hand(Place { folder: folder.path(), url: Some(db.url()) }).await;
    db.remove().await;
}

async fn rows_changed_by_hand(place: Place<'_>) {
    run_for_a_while(&place).await;
    let verify = || {
        let ended = place.run(&["verify", "--json"]);
        let found: Value = serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
        (ended.status, found)
    };
    let (status, clean) = verify();
    assert!(status == 0 && clean["expected"].as_i64() > Some(20), "{clean}");
    assert!(place.run(&["verify"]).ok().contains("matches the rules"));

    for task in ["steady", "changed", "paused", "deleted"] {
        let row = format!("(select id from executions where task_id = '{task}' order by id limit 1 offset 1)");
        let kept = format!("create table kept as select * from executions where id = {row}");
        place.by_hand(&format!("{kept}; delete from executions where id = {row};")).await;
        let (status, found) = verify();
        assert_eq!((status, &found["lost"][0]["task_id"], &found["findings"]), (1, &json!(task), &json!(1)), "{found}");
        let copy = "update kept set id = id + 131072, cause = 'manual', queued_at = queued_at + 1";
        let insert = "insert into executions select * from kept";
        place.by_hand(&format!("{insert}; {copy}; {insert};")).await;
        let (status, found) = verify();
        assert_eq!((status, &found["doubled"][0]["task_id"], &found["findings"]), (1, &json!(task), &json!(1)), "{found}");
        let moved =
            "update executions set cause = 'schedule', scheduled_at = scheduled_at + 137 where id = (select id from kept);";
        place.by_hand(moved).await;
        let (status, found) = verify();
        assert_eq!((status, &found["unexplained"][0]["task_id"], &found["findings"]), (1, &json!(task), &json!(1)), "{found}");
        assert!(place.run(&["verify"]).failed_with(1).is_empty(), "the findings are the result, not an error");
        place.by_hand("delete from executions where id = (select id from kept); drop table kept;").await;
        assert_eq!(verify().0, 0);
    }
}
