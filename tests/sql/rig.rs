//! Temporary databases and a harness for runs of `send_sql`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use belfry::clock::SystemClock;
use belfry::domain::profile::{Datasource, Profiles};
use belfry::domain::secret::Secret;
use belfry::profiles::ProfileDirectory;
use belfry::storage::{Database, Synchronous};
use belfry::tasks::send_sql::SendSql;
use belfry::tasks::sql::Datasources;
use belfry::tasks::{RunError, TaskType, Toolbox};
use chrono_tz::Tz;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};

use crate::support::run::context;

const DEFAULT_POSTGRES: &str = "postgres://postgres@127.0.0.1:5432/test";
const DEFAULT_MYSQL: &str = "mysql://root@127.0.0.1:3306/test";

/// The kinds of database that a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
    MySql,
}

/// A temporary database for one test; dropped by [`TempDatabase::remove`].
pub struct TempDatabase {
    pub kind: Kind,
    pub url: String,
    server: String,
    name: String,
    _folder: tempfile::TempDir,
}

impl TempDatabase {
    /// Creates a database. Without a server it prints a line and returns `None`; under CI it panics.
    pub async fn create(kind: Kind) -> Option<TempDatabase> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let name = format!("belfry_sql_{}", ulid::Ulid::generate().to_string().to_lowercase());
        let server = match kind {
            Kind::Sqlite => String::new(),
            Kind::Postgres => env("BELFRY_TEST_POSTGRES_URL", DEFAULT_POSTGRES),
            Kind::MySql => env("BELFRY_TEST_MYSQL_URL", DEFAULT_MYSQL),
        };
        let url = match kind {
            Kind::Sqlite => format!("sqlite://{}?mode=rwc", folder.path().join("a.db").display()),
            _ => format!("{}/{name}", server.rsplit_once('/').expect("a URL with a database").0),
        };
        let database = TempDatabase { kind, url, server, name, _folder: folder };
        match database.on_server(&format!("create database {}", database.name)).await {
            Ok(()) => Some(database),
            Err(error) if std::env::var_os("CI").is_none() => {
                eprintln!("skipped: no {kind:?} server ({error})");
                None
            }
            Err(error) => panic!("a {kind:?} server is required under CI: {error}"),
        }
    }

    async fn on_server(&self, text: &str) -> Result<(), sqlx::Error> {
        let text = AssertSqlSafe(text.to_owned());
        match self.kind {
            Kind::Sqlite => Ok(()),
            Kind::Postgres => {
                let mut server = self.server.parse::<sqlx::postgres::PgConnectOptions>()?.connect().await?;
                server.execute(text).await?;
                server.close().await
            }
            Kind::MySql => {
                let mut server = self.server.parse::<sqlx::mysql::MySqlConnectOptions>()?.connect().await?;
                server.execute(text).await?;
                server.close().await
            }
        }
    }

    pub async fn remove(self) {
        let force = if self.kind == Kind::Postgres { " with (force)" } else { "" };
        self.on_server(&format!("drop database {}{force}", self.name)).await.expect("drops the database");
    }

    pub fn profile(&self) -> Datasource {
        Datasource { url: Some(Secret::new(self.url.as_str())), ..Datasource::default() }
    }
}

fn env(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| default.to_owned())
}

/// `send_sql` on some datasources.
pub struct Rig {
    pub toolbox: Toolbox,
    pub sql: SendSql,
    folder: tempfile::TempDir,
}

impl Rig {
    pub async fn new(sources: &[(&str, Datasource)]) -> Rig {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let database = Database::open_sqlite(&folder.path().join("task.db"), Synchronous::Normal).await.expect("opens");
        let datasource = sources.iter().map(|(name, profile)| ((*name).to_owned(), profile.clone())).collect();
        let profiles = Profiles { datasource, ..Profiles::default() };
        let profiles = Arc::new(ProfileDirectory::fixed(profiles));
        let datasources = Arc::new(Datasources::new(profiles.clone(), Tz::Asia__Shanghai));
        let plain = Toolbox::plain(database, Arc::new(SystemClock), folder.path());
        let toolbox = Toolbox { profiles, datasources, ..plain };
        Rig { sql: SendSql::new(&toolbox), toolbox, folder }
    }

    /// One datasource, named `db`.
    pub async fn on(database: &TempDatabase) -> Rig {
        Rig::new(&[("db", database.profile())]).await
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The names of the files in the folder, except Belfry's database.
    pub fn files(&self) -> Vec<String> {
        let names = std::fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| !name.starts_with("task.db")).collect()
    }

    /// Checks the parameters and runs once.
    pub async fn run(&self, params: Value) -> Result<Value, RunError> {
        assert_eq!(self.sql.check(&params), [], "{params}");
        self.run_unchecked(params).await
    }

    pub async fn run_unchecked(&self, params: Value) -> Result<Value, RunError> {
        let (context, _output) = context();
        let limit = Duration::from_secs(60);
        tokio::time::timeout(limit, self.sql.run(params, &context)).await.expect("ends in time")
    }

    /// The rows of a query.
    pub async fn rows(&self, sql: &str) -> Value {
        self.run(json!({"sql": sql})).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"))["rows"].clone()
    }

    pub async fn exec(&self, sql: &str) {
        self.run(json!({"sql": sql})).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }

    pub async fn error(&self, sql: &str) -> RunError {
        self.run(json!({"sql": sql})).await.unwrap_err()
    }
}

/// Runs the same test on each kind of database: `for_each_kind! { async fn name(database: &TempDatabase, rig: &Rig) { … } }`.
#[macro_export]
macro_rules! for_each_kind {
    ($(async fn $name:ident($database:ident: &TempDatabase, $rig:ident: &Rig) $body:block)*) => {
        $(mod $name {
            #[allow(unused_imports, reason = "not every test uses the imports of its file")]
            use super::*;

            async fn run(kind: $crate::rig::Kind) {
                if let Some(database) = $crate::rig::TempDatabase::create(kind).await {
                    let rig = $crate::rig::Rig::on(&database).await;
                    test(&database, &rig).await;
                    database.remove().await;
                }
            }

            #[allow(unused_variables, reason = "not every test depends on the kind of database")]
            async fn test($database: &$crate::rig::TempDatabase, $rig: &$crate::rig::Rig) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                run($crate::rig::Kind::Sqlite).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                run($crate::rig::Kind::Postgres).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn mariadb() {
                run($crate::rig::Kind::MySql).await;
            }
        })*
    };
}
