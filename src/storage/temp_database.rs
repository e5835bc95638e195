//! Temporary PostgreSQL databases for benchmarks, which must not touch existing data.

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};

use super::{Error, Result};

/// A temporary database; delete it with [`TempDatabase::remove`].
#[derive(Debug, Clone)]
pub struct TempDatabase {
    server: PgConnectOptions,
    name: String,
}

impl TempDatabase {
    /// Creates an empty database on the server of the URL.
    ///
    /// # Errors
    /// If the server is unreachable or the account may not create databases.
    pub async fn create(server_url: &str) -> Result<TempDatabase> {
        let server: PgConnectOptions = server_url.parse().map_err(Error::on("read the database URL"))?;
        let name = format!("belfry_temp_{}", ulid::Ulid::generate().to_string().to_lowercase());
        let temp_database = TempDatabase { server, name };
        temp_database.run("create database").await?;
        Ok(temp_database)
    }

    /// Returns the URL of the database.
    pub fn url(&self) -> String {
        self.server.clone().database(&self.name).to_url_lossy().to_string()
    }

    /// Drops the database and terminates its connections.
    pub async fn remove(self) -> Result<()> {
        self.run("drop database").await
    }

    async fn run(&self, verb: &'static str) -> Result<()> {
        let mut server = PgConnection::connect_with(&self.server).await.map_err(Error::on("connect"))?;
        let force = if verb == "drop database" { " with (force)" } else { "" };
        let done = sqlx::query(AssertSqlSafe(format!("{verb} {}{force}", self.name))).execute(&mut server).await;
        done.map_err(Error::on(verb))?;
        server.close().await.map_err(Error::on("close"))
    }
}
