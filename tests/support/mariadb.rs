//! Databases on the MariaDB server of `BELFRY_TEST_MYSQL_URL`, one for each test.

use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{AssertSqlSafe, ConnectOptions};

/// An empty database; removed with [`MariaDb::remove`].
pub struct MariaDb {
    admin: MySqlConnection,
    base: String,
    name: String,
}

impl MariaDb {
    /// `None` if the server is unreachable: the test prints a line and is skipped. In CI this panics instead.
    pub async fn create() -> Option<MariaDb> {
        let server = std::env::var("BELFRY_TEST_MYSQL_URL").unwrap_or_else(|_| "mysql://root@127.0.0.1:3306/test".to_owned());
        let (base, _) = server.rsplit_once('/').expect("a URL with a database");
        let options = format!("{base}/").parse::<MySqlConnectOptions>().expect("a URL");
        let mut admin = match options.connect().await {
            Ok(admin) => admin,
            Err(error) if std::env::var_os("CI").is_none() => {
                eprintln!("skipped: MariaDB is unreachable ({error})");
                return None;
            }
            Err(error) => panic!("MariaDB is required in CI: {error}"),
        };
        let name = format!("belfry_test_{}", ulid::Ulid::generate().to_string().to_lowercase());
        let create = AssertSqlSafe(format!("create database {name} character set utf8mb4"));
        sqlx::raw_sql(create).execute(&mut admin).await.expect("creates");
        Some(MariaDb { admin, base: base.to_owned(), name })
    }

    /// The URL of the database, `mysql://…`.
    pub fn url(&self) -> String {
        format!("{}/{}", self.base, self.name)
    }

    /// Runs statements in the database.
    pub async fn execute(&mut self, sql: &str) {
        let sql = AssertSqlSafe(format!("use {}; {sql}", self.name));
        sqlx::raw_sql(sql).execute(&mut self.admin).await.expect("runs the statements");
    }

    pub async fn remove(mut self) {
        let drop = AssertSqlSafe(format!("drop database {}", self.name));
        sqlx::raw_sql(drop).execute(&mut self.admin).await.expect("drops");
    }
}
