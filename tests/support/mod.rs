//! What several test binaries share: databases of either kind, made for one test and removed after it.
#![allow(dead_code, reason = "each test binary uses a part of this module")]

pub mod parts;
pub mod venv;

use std::path::PathBuf;

use belfry::storage::{Database, Synchronous};
use chrono::{DateTime, Utc};
use sqlx::{ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};

/// Where PostgreSQL is looked for when `BELFRY_TEST_POSTGRES_URL` does not say.
const DEFAULT_POSTGRES: &str = "postgres://postgres@127.0.0.1:5432/postgres";

/// A database of its own for one test.
pub struct TestDatabase {
    pub database: Database,
    pub location: Location,
}

/// Where a test's database lives; removed when dropped.
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

    /// `None` where no PostgreSQL answers, which is said, and not accepted under CI.
    pub async fn postgres() -> Option<TestDatabase> {
        let server = std::env::var("BELFRY_TEST_POSTGRES_URL").unwrap_or_else(|_| DEFAULT_POSTGRES.to_owned());
        let mut admin = match connect(&server).await {
            Ok(admin) => admin,
            Err(error) if std::env::var_os("CI").is_none() => {
                eprintln!("skipped: no PostgreSQL answers at BELFRY_TEST_POSTGRES_URL ({error})");
                return None;
            }
            Err(error) => panic!("under CI PostgreSQL must answer: {error}"),
        };
        let name = format!("belfry_test_{}", ulid::Ulid::generate().to_string().to_lowercase());
        let create = sqlx::AssertSqlSafe(format!("create database {name}"));
        sqlx::raw_sql(create).execute(&mut admin).await.expect("creates a database");
        let url = database_url(&server, &name);
        let database = Database::open_postgres(&url, 8).await.expect("opens");
        Some(TestDatabase { database, location: Location::Postgres { server, name } })
    }

    /// A second connection to the same database, as another process would have.
    pub async fn again(&self) -> Database {
        match &self.location {
            Location::Sqlite(_) => Database::open_sqlite(&self.path(), Synchronous::Normal).await.expect("opens"),
            Location::Postgres { server, name } => Database::open_postgres(&database_url(server, name), 8).await.expect("opens"),
        }
    }

    /// The URL of a PostgreSQL database; for SQLite there is a file instead.
    pub fn url(&self) -> String {
        match &self.location {
            Location::Sqlite(_) => String::new(),
            Location::Postgres { server, name } => database_url(server, name),
        }
    }

    /// The file of a SQLite database.
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

/// The server's URL with another database.
fn database_url(server: &str, name: &str) -> String {
    let (base, query) = server.split_once('?').map_or((server, String::new()), |(base, query)| (base, format!("?{query}")));
    let host = base.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
    format!("{host}/{name}{query}")
}

/// Runs the same test on SQLite and on PostgreSQL: `on_each! { async fn name(db: &TestDatabase) { … } }`.
#[macro_export]
macro_rules! on_each {
    ($(async fn $name:ident($db:ident: &TestDatabase) $body:block)*) => {
        $(mod $name {
            #[allow(unused_imports, reason = "a test may need nothing of its file")]
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

/// An instant by its RFC 3339 text.
pub fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}
