//! Databases for a while, on a PostgreSQL server: for measurements, which must not touch anybody's data.

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};

use super::{Error, Result};

/// A database of its own; remove it with [`Scratch::remove`].
#[derive(Debug, Clone)]
pub struct Scratch {
    server: PgConnectOptions,
    name: String,
}

impl Scratch {
    /// Makes an empty database on the server of the URL.
    ///
    /// # Errors
    /// Where the server does not answer or the account may not make databases.
    pub async fn create(server_url: &str) -> Result<Scratch> {
        let server: PgConnectOptions = server_url.parse().map_err(Error::on("read the database URL"))?;
        let name = format!("belfry_scratch_{}", ulid::Ulid::generate().to_string().to_lowercase());
        let scratch = Scratch { server, name };
        scratch.run("create database").await?;
        Ok(scratch)
    }

    /// The URL of the new database.
    pub fn url(&self) -> String {
        self.server.clone().database(&self.name).to_url_lossy().to_string()
    }

    /// Removes the database and whoever is still connected to it.
    ///
    /// # Errors
    /// Where the server does not answer.
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
