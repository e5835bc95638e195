//! PostgreSQL LISTEN/NOTIFY between the nodes of one database. SQLite has none: its nodes share a machine and watch the file.

use sqlx::postgres::{PgListener, PgPoolOptions};

use super::database::Database;
use super::{Error, Result, rows};

const CHANNEL: &str = "belfry";
/// PostgreSQL rejects payloads of 8,000 bytes or more.
pub const MAX_BYTES: usize = 7_900;

/// A dedicated connection that receives notifications.
pub struct PgNotifyListener(PgListener);

impl PgNotifyListener {
    /// Starts listening; `None` for SQLite.
    pub async fn listen(database: &Database) -> Result<Option<PgNotifyListener>> {
        let Database::Postgres { pool, .. } = database else { return Ok(None) };
        // A listener taken from the main pool would occupy one of its connections permanently.
        let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with((*pool.connect_options()).clone());
        let mut listener = PgListener::connect_with(&pool).await.map_err(Error::on("listen for other nodes' notifications"))?;
        listener.listen(CHANNEL).await.map_err(Error::on("listen for other nodes' notifications"))?;
        Ok(Some(PgNotifyListener(listener)))
    }

    /// Returns the next payload; `None` if the connection was lost and notifications may have been missed. The next call
    /// reconnects.
    pub async fn next(&mut self) -> Result<Option<String>> {
        let notification = self.0.try_recv().await.map_err(Error::on("listen for other nodes' notifications"))?;
        Ok(notification.map(|notification| notification.payload().to_owned()))
    }
}

/// Sends payloads of at most [`MAX_BYTES`] each to all listeners, including this process.
pub async fn send(database: &Database, payloads: &[String]) -> Result<()> {
    let Database::Postgres { pool, .. } = database else { return Ok(()) };
    sqlx::query("select pg_notify($1, j) from jsonb_array_elements_text(cast($2 as jsonb)) as j")
        .bind(CHANNEL)
        .bind(rows(payloads)?)
        .execute(pool)
        .await
        .map(drop)
        .map_err(Error::on("notify other nodes"))
}
