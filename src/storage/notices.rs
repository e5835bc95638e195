//! PostgreSQL's LISTEN and NOTIFY, by which the nodes on one database tell each other what they changed. SQLite has nothing
//! of the kind and needs none: its nodes would have to be on one machine.

use sqlx::postgres::{PgListener, PgPoolOptions};

use super::database::Database;
use super::{Error, Result, rows};

const CHANNEL: &str = "belfry";
/// PostgreSQL takes no notice of 8,000 bytes or more.
pub const MAX_BYTES: usize = 7_900;

/// A connection of its own on which notices come in.
pub struct Notices(PgListener);

impl Notices {
    /// Begins to listen; `None` where the database has no notices.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn listen(database: &Database) -> Result<Option<Notices>> {
        let Database::Postgres(pool) = database else { return Ok(None) };
        // One of the pool's connections would be missing there for ever.
        let own = PgPoolOptions::new().max_connections(1).connect_lazy_with((*pool.connect_options()).clone());
        let mut listener = PgListener::connect_with(&own).await.map_err(Error::on("listen to other nodes"))?;
        listener.listen(CHANNEL).await.map_err(Error::on("listen to other nodes"))?;
        Ok(Some(Notices(listener)))
    }

    /// The next notice; `None` where the connection was lost and some may have been missed. The next call connects anew.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn next(&mut self) -> Result<Option<String>> {
        let heard = self.0.try_recv().await.map_err(Error::on("listen to other nodes"))?;
        Ok(heard.map(|notice| notice.payload().to_owned()))
    }
}

/// Sends notices of at most [`MAX_BYTES`] each to all who listen, this process too.
///
/// # Errors
/// Where the database fails.
pub async fn send(database: &Database, notices: &[String]) -> Result<()> {
    let Database::Postgres(pool) = database else { return Ok(()) };
    sqlx::query("select pg_notify($1, j) from jsonb_array_elements_text(cast($2 as jsonb)) as j")
        .bind(CHANNEL)
        .bind(rows(notices)?)
        .execute(pool)
        .await
        .map(drop)
        .map_err(Error::on("tell other nodes"))
}
