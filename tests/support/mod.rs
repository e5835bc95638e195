//! Helpers shared by the test binaries: temporary databases, a test context, servers as processes, and Python environments.
#![allow(dead_code, reason = "each test binary uses a part of this module")]

pub mod context;
pub mod mariadb;
pub mod run;
pub mod server;
pub mod venv;

use std::path::PathBuf;

use belfry::domain::execution::{Cause, Status};
use belfry::domain::policy::Policy;
use belfry::domain::task::{Task, TaskInput};
use belfry::storage::execution::NewExecution;
use belfry::storage::{Conn, Database, Session, Synchronous};
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};

/// The PostgreSQL server used if `BELFRY_TEST_POSTGRES_URL` is not set.
const DEFAULT_POSTGRES: &str = "postgres://postgres@127.0.0.1:5432/postgres";

/// A queued execution of a task that need not exist.
pub fn queued_execution(task_id: &str, task_type: &str, params: Value, at: DateTime<Utc>) -> NewExecution {
    NewExecution {
        id: belfry::ids::new_execution_id(at),
        task_id: task_id.into(),
        task_type: task_type.into(),
        schedule_text: Some("once".into()),
        params: Some(params),
        cause: Cause::Manual,
        status: Status::Queued,
        scheduled_at: at,
        error: None,
        requested_by: None,
        idempotency_key: None,
        started_by: None,
        task_version: 1,
        queue: "default".into(),
        priority: 0,
        waits: false,
        holder: None,
        origin: None,
    }
}

/// Inserts a task of a type that never fires.
pub async fn insert_task(database: &Database, id: &str, task_type: &str) {
    let body = serde_json::json!({"id": id, "type": task_type, "trigger": {"type": "cron", "year": 1970}});
    let input = TaskInput::parse(&body, chrono_tz::Tz::UTC, |_| Ok(Policy::default())).expect("a valid task");
    let mut tx = database.write().await.expect("begins");
    belfry::storage::task::insert(&mut tx, &Task::new(&input, DateTime::UNIX_EPOCH)).await.expect("inserts");
    tx.commit().await.expect("commits");
}

/// The id of the execution that was queued at `at` with this number, which is below 2^18.
pub fn execution_id_at(at: DateTime<Utc>, number: i64) -> String {
    belfry::ids::execution_id(belfry::ids::first_execution_key(at) + number)
}

/// A separate database for one test.
pub struct TestDatabase {
    pub database: Database,
    pub location: Location,
}

/// The location of a test's database.
pub enum Location {
    Sqlite(tempfile::TempDir),
    Postgres { server: String, name: String },
}

impl TestDatabase {
    pub async fn sqlite() -> TestDatabase {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let database = Database::open_sqlite(&folder.path().join("task.db"), Synchronous::Normal).await.expect("opens");
        TestDatabase { database, location: Location::Sqlite(folder) }
    }

    /// `None` if PostgreSQL is unreachable: the test prints a line and is skipped. In CI this panics instead.
    pub async fn postgres() -> Option<TestDatabase> {
        let server = std::env::var("BELFRY_TEST_POSTGRES_URL").unwrap_or_else(|_| DEFAULT_POSTGRES.to_owned());
        let mut admin = match connect(&server).await {
            Ok(admin) => admin,
            Err(error) if std::env::var_os("CI").is_none() => {
                eprintln!("skipped: PostgreSQL is unreachable at BELFRY_TEST_POSTGRES_URL ({error})");
                return None;
            }
            Err(error) => panic!("PostgreSQL is required in CI: {error}"),
        };
        let name = format!("belfry_test_{}", ulid::Ulid::generate().to_string().to_lowercase());
        let create = sqlx::AssertSqlSafe(format!("create database {name}"));
        sqlx::raw_sql(create).execute(&mut admin).await.expect("creates a database");
        let url = database_url(&server, &name);
        let database = Database::open_postgres(&url, 8).await.expect("opens");
        Some(TestDatabase { database, location: Location::Postgres { server, name } })
    }

    /// Opens the same database again, as another process would.
    pub async fn reopen(&self) -> Database {
        match &self.location {
            Location::Sqlite(_) => Database::open_sqlite(&self.path(), Synchronous::Normal).await.expect("opens"),
            Location::Postgres { server, name } => Database::open_postgres(&database_url(server, name), 8).await.expect("opens"),
        }
    }

    /// Runs statements in the dialect of the database.
    pub async fn run_sql(&self, on_sqlite: &'static str, on_postgres: &'static str) {
        let mut tx = self.database.write().await.expect("begins");
        match tx.conn() {
            Conn::Sqlite(conn) => conn.run_all(on_sqlite).expect("runs the statements"),
            Conn::Postgres(conn) => drop(sqlx::raw_sql(on_postgres).execute(conn).await.expect("runs the statements")),
        }
        tx.commit().await.expect("commits");
    }

    /// The URL of a PostgreSQL database; empty for SQLite.
    pub fn url(&self) -> String {
        match &self.location {
            Location::Sqlite(_) => String::new(),
            Location::Postgres { server, name } => database_url(server, name),
        }
    }

    /// The file of a SQLite database; empty for PostgreSQL.
    pub fn path(&self) -> PathBuf {
        match &self.location {
            Location::Sqlite(folder) => folder.path().join("task.db"),
            Location::Postgres { .. } => PathBuf::new(),
        }
    }

    pub async fn remove(self) {
        self.database.close().await;
        if let Location::Postgres { server, name } = &self.location {
            let drop = sqlx::AssertSqlSafe(format!("drop database {name} with (force)"));
            let mut admin = connect(server).await.expect("connects");
            sqlx::raw_sql(drop).execute(&mut admin).await.expect("drops the database");
            admin.close().await.expect("closes");
        }
    }
}

async fn connect(url: &str) -> Result<PgConnection, sqlx::Error> {
    url.parse::<PgConnectOptions>()?.connect().await
}

/// Replaces the database in a server's URL.
fn database_url(server: &str, name: &str) -> String {
    let (base, query) = server.split_once('?').map_or((server, String::new()), |(base, query)| (base, format!("?{query}")));
    let host = base.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
    format!("{host}/{name}{query}")
}

/// Defines each test for SQLite and for PostgreSQL: `for_each_database! { async fn name(db: &TestDatabase) { … } }`.
#[macro_export]
macro_rules! for_each_database {
    ($(async fn $name:ident($db:ident: &TestDatabase) $body:block)*) => {
        $(mod $name {
            #[allow(unused_imports, reason = "a test may not use its file's imports")]
            use super::*;

            async fn run($db: &$crate::support::TestDatabase) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                let db = $crate::support::TestDatabase::sqlite().await;
                run(&db).await;
                db.remove().await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                if let Some(db) = $crate::support::TestDatabase::postgres().await {
                    run(&db).await;
                    db.remove().await;
                }
            }
        })*
    };
}

/// Parses an RFC 3339 time.
pub fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("an RFC 3339 time")
}
