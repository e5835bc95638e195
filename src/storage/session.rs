//! Sessions: connections that a pool lends for reading or for one write transaction. A connection whose transaction did not
//! begin or end cleanly is closed, and the pool opens another one.

use sqlx::pool::PoolConnection;
use sqlx::postgres::PgTransactionManager;
use sqlx::{Connection, PgConnection, PgPool, Postgres, SqlSafeStr};
use sqlx_core::transaction::TransactionManager;

use super::sqlite::{SqliteConnection, SqliteLent, SqliteTransaction};
use super::{Error, Result};

/// A source of a connection: a [`Reader`] or a [`Tx`].
pub trait Session: Send {
    fn conn(&mut self) -> Conn<'_>;
}

/// A borrowed connection to either database.
pub enum Conn<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

/// A read connection.
#[derive(Debug)]
pub enum Reader {
    Sqlite(SqliteLent),
    Postgres(PoolConnection<Postgres>),
}

/// A write transaction.
#[derive(Debug)]
pub enum Tx {
    Sqlite(SqliteTransaction),
    Postgres(PgTransaction),
}

impl Tx {
    /// Commits the transaction.
    ///
    /// # Errors
    /// If the commit fails; then nothing is changed, unless the connection was lost before the answer arrived.
    pub async fn commit(self) -> Result<()> {
        match self {
            Tx::Sqlite(tx) => tx.commit(),
            Tx::Postgres(tx) => tx.commit().await,
        }
        .map_err(Error::on("commit"))
    }

    /// Rolls the transaction back and waits for it: its locks are free then. Dropping it rolls back some time later.
    pub async fn roll_back(self) -> Result<()> {
        match self {
            Tx::Sqlite(tx) => tx.roll_back(),
            Tx::Postgres(tx) => tx.roll_back().await,
        }
        .map_err(Error::on("roll back"))
    }
}

impl Session for Reader {
    fn conn(&mut self) -> Conn<'_> {
        match self {
            Reader::Sqlite(lent) => Conn::Sqlite(lent.get()),
            Reader::Postgres(conn) => Conn::Postgres(conn),
        }
    }
}

impl Session for Tx {
    fn conn(&mut self) -> Conn<'_> {
        match self {
            Tx::Sqlite(tx) => Conn::Sqlite(tx.connection()),
            Tx::Postgres(tx) => Conn::Postgres(&mut tx.connection),
        }
    }
}

/// The state of a transaction, which decides what happens to its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Begin, commit or rollback has not answered, or has failed: the connection is closed.
    Unknown,
    /// The transaction is rolled back.
    Open,
    Ended,
}

/// A transaction on a connection of a pool. Unlike the one of sqlx, it does not return a connection to the pool whose begin or
/// commit failed or was cancelled. [`has_no_transaction`] checks the rollback.
#[derive(Debug)]
pub struct PgTransaction {
    connection: PoolConnection<Postgres>,
    state: State,
}

impl PgTransaction {
    pub(super) async fn begin(pool: &PgPool) -> sqlx::Result<Self> {
        let mut tx = Self { connection: pool.acquire().await?, state: State::Unknown };
        PgTransactionManager::begin(&mut tx.connection, Some("BEGIN".into_sql_str())).await?;
        tx.state = State::Open;
        Ok(tx)
    }

    async fn commit(mut self) -> sqlx::Result<()> {
        self.state = State::Unknown;
        PgTransactionManager::commit(&mut self.connection).await?;
        self.state = State::Ended;
        Ok(())
    }

    async fn roll_back(mut self) -> sqlx::Result<()> {
        self.state = State::Unknown;
        PgTransactionManager::rollback(&mut self.connection).await?;
        self.state = State::Ended;
        Ok(())
    }
}

impl Drop for PgTransaction {
    fn drop(&mut self) {
        match self.state {
            State::Unknown => self.connection.close_on_drop(),
            State::Open => PgTransactionManager::start_rollback(&mut self.connection),
            State::Ended => {}
        }
    }
}

/// Whether a connection that returns to its pool has no transaction left.
pub(super) async fn has_no_transaction(conn: &mut PgConnection) -> sqlx::Result<bool> {
    if PgTransactionManager::get_transaction_depth(conn) > 0 {
        conn.ping().await?; // waits for the rollback
    }
    let clean = PgTransactionManager::get_transaction_depth(conn) == 0;
    if !clean {
        tracing::warn!("transaction could not be rolled back; closing its database connection");
    }
    Ok(clean)
}

const SQLITE_LIST: &str = "(select value from json_each($1))";

/// The SQL dialect of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// Replaces the placeholders that differ between the databases: `{rows}` is the JSON array bound as `$1`, as rows named `j`
    /// with a column `value`; `{ids}` is the same array, of texts, as a subquery, `{keys}` of integers; `{skip_locked}` locks the
    /// selected rows and skips those that another node has locked; `{for_update}` locks them and waits. SQLite needs no row locks.
    /// `{matches}` is the operator for regular expressions, in the database's own locale; `{by_bytes}` compares a text by its
    /// bytes, as SQLite does anyway.
    pub fn sql(self, text: &str) -> String {
        let mut parts = text.split('{');
        let mut sql = String::with_capacity(text.len() + 64);
        sql.push_str(parts.next().unwrap_or_default());
        for part in parts {
            match part.split_once('}').and_then(|(name, rest)| Some((self.text_of(name)?, rest))) {
                Some((replacement, rest)) => sql.extend([replacement, rest]),
                None => sql.extend(["{", part]),
            }
        }
        sql
    }

    /// The text of a placeholder; `None`: it is none.
    fn text_of(self, placeholder: &str) -> Option<&'static str> {
        let (sqlite, postgres) = match placeholder {
            "rows" => ("jsonb_each($1) as j", "jsonb_array_elements(cast($1 as jsonb)) as j(value)"),
            "ids" => (SQLITE_LIST, "(select jsonb_array_elements_text(cast($1 as jsonb)))"),
            "keys" => (SQLITE_LIST, "(select cast(jsonb_array_elements_text(cast($1 as jsonb)) as bigint))"),
            "skip_locked" => ("", "for update skip locked"),
            "for_update" => ("", "for update"),
            "matches" => ("regexp", "collate \"default\" ~"),
            "by_bytes" => ("", " collate \"C\""),
            _ => return None,
        };
        Some(if self == Dialect::Sqlite { sqlite } else { postgres })
    }
}
