//! The connection layer: SQLite with one writer and many readers, or PostgreSQL.

use std::path::Path;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection, PgConnection, PgPool, Postgres, Sqlite, SqlitePool};

use super::session::{PoolTransaction, has_no_transaction};
use super::{Error, Reader, Result, Tx, schema};

/// How long SQLite waits for another process's write lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a caller waits for a free connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);
/// Above this many WAL pages (about 200 MB) the checkpoint runs on the writer, so that SQLite can restart the log. That blocks
/// all writers for tens of milliseconds, so it must stay rare.
const LONG_WAL_PAGES: i64 = 50_000;
const WAL_STATUS: &str = "pragma wal_checkpoint(noop)";
const WAL_CHECKPOINT: &str = "pragma wal_checkpoint(passive)";
/// Number of SQLite read connections.
const SQLITE_READERS: u32 = 6;

/// A database; clones share its connection pools.
#[derive(Debug, Clone)]
pub enum Database {
    /// The writer pool has one connection, so that writes wait in its queue instead of failing as busy.
    Sqlite {
        writer: SqlitePool,
        readers: SqlitePool,
    },
    Postgres(PgPool),
}

/// Durability of commits after a power loss; a crash of the process never loses any.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Synchronous {
    /// The last seconds may be lost; the file stays consistent.
    #[default]
    Normal,
    /// Nothing is lost; each commit waits for the disk.
    Full,
}

impl Database {
    /// Opens a SQLite file, creating it if missing, and runs the migrations.
    ///
    /// # Errors
    /// [`Error::NewerSchema`] if a newer version of Belfry migrated the file; [`Error::Database`] if it cannot be opened.
    pub async fn open_sqlite(path: &Path, synchronous: Synchronous) -> Result<Database> {
        let options = sqlite_options(path, synchronous);
        // Incremental vacuum returns freed space in steps, see [`super::retention::release_free_pages`]. Only the first
        // connection sets it: on each connection it would be a write.
        let creating = options.clone().auto_vacuum(SqliteAutoVacuum::Incremental);
        let setup = sqlite_pool(1).connect_with(creating).await.map_err(Error::on("open"))?;
        let prepared = schema::sqlite(&setup).await;
        setup.close().await; // the planner reads its statistics when a connection opens
        prepared?;
        let writer = sqlite_pool(1).connect_with(options.clone()).await.map_err(Error::on("open"))?;
        let reading = options.pragma("query_only", "on");
        let readers = sqlite_pool(SQLITE_READERS).connect_with(reading).await.map_err(Error::on("open"))?;
        Ok(Database::Sqlite { writer, readers })
    }

    /// Connects to a PostgreSQL database by URL and runs the migrations.
    ///
    /// # Errors
    /// Like [`Database::open_sqlite`]; also if the extension hstore, which the queue needs, cannot be created.
    pub async fn open_postgres(url: &str, max_connections: u32) -> Result<Database> {
        let options: PgConnectOptions = url.parse().map_err(Error::on("read the database URL"))?;
        // The pool retries silently and then reports a timeout; a single connection reports the cause.
        let first = PgConnection::connect_with(&options).await.map_err(Error::on("connect"))?;
        first.close().await.map_err(Error::on("connect"))?;
        let pool = PgPoolOptions::new()
            .max_connections(max_connections.max(2))
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .test_before_acquire(false)
            .after_release(|conn, _| Box::pin(has_no_transaction::<Postgres>(conn)))
            .connect_with(options)
            .await
            .map_err(Error::on("connect"))?;
        schema::postgres(&pool).await?;
        Ok(Database::Postgres(pool))
    }

    /// Takes a read connection from the pool.
    ///
    /// # Errors
    /// If no connection becomes free in time or the database is unreachable.
    pub async fn read(&self) -> Result<Reader> {
        Ok(match self {
            Database::Sqlite { readers, .. } => Reader::Sqlite(readers.acquire().await.map_err(Error::on("get a connection"))?),
            Database::Postgres(pool) => Reader::Postgres(pool.acquire().await.map_err(Error::on("get a connection"))?),
        })
    }

    /// Begins a write transaction; keep it short. Dropping it without [`Tx::commit`] rolls it back.
    pub async fn write(&self) -> Result<Tx> {
        let failed = Error::on("begin a transaction");
        Ok(match self {
            Database::Sqlite { writer, .. } => {
                Tx::Sqlite(PoolTransaction::begin(writer, "BEGIN IMMEDIATE").await.map_err(failed)?)
            }
            Database::Postgres(pool) => Tx::Postgres(PoolTransaction::begin(pool, "BEGIN").await.map_err(failed)?),
        })
    }

    /// Closes all connections; SQLite then checkpoints its WAL.
    pub async fn close(&self) {
        match self {
            Database::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Database::Postgres(pool) => pool.close().await,
        }
    }

    /// Returns the size of SQLite's WAL; `None` for PostgreSQL, which manages its own.
    pub async fn wal_status(&self) -> Result<Option<WalStatus>> {
        let Database::Sqlite { readers, .. } = self else { return Ok(None) };
        run_checkpoint(readers, WAL_STATUS).await.map(Some)
    }

    /// Checkpoints SQLite's WAL into the database file, as far as no reader needs it, usually without blocking writers. Does
    /// nothing for PostgreSQL.
    pub async fn checkpoint(&self) -> Result<()> {
        let Database::Sqlite { writer, readers } = self else { return Ok(()) };
        // During writes a passive checkpoint never completes, and SQLite never restarts the log. On the writer connection
        // nobody else can write, so the small rest is checkpointed there.
        if run_checkpoint(readers, WAL_CHECKPOINT).await?.pages > LONG_WAL_PAGES {
            run_checkpoint(writer, WAL_CHECKPOINT).await?;
        }
        Ok(())
    }

    /// Returns a number that changes when another process changes a SQLite file; this process's own writes do not change it.
    /// `None` for PostgreSQL.
    pub async fn data_version(&self) -> Result<Option<i64>> {
        // `data_version` reports changes by all other connections; only the writer connection of this process writes.
        let Database::Sqlite { writer, .. } = self else { return Ok(None) };
        let version = sqlx::query_scalar("pragma data_version").fetch_one(writer).await;
        version.map(Some).map_err(Error::on("check for changes"))
    }

    /// `sqlite` or `postgres`.
    pub fn kind(&self) -> &'static str {
        match self {
            Database::Sqlite { .. } => "sqlite",
            Database::Postgres(_) => "postgres",
        }
    }
}

/// The size of the write-ahead log in pages. It grows until all of it is checkpointed; then SQLite restarts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WalStatus {
    pub pages: i64,
    /// How many of them are checkpointed.
    pub checkpointed: i64,
}

/// Runs a checkpoint pragma and returns the resulting status.
async fn run_checkpoint(pool: &SqlitePool, text: &'static str) -> Result<WalStatus> {
    let (_busy, pages, checkpointed): (i64, i64, i64) =
        sqlx::query_as(text).fetch_one(pool).await.map_err(Error::on("checkpoint the write-ahead log"))?;
    Ok(WalStatus { pages, checkpointed })
}

fn sqlite_options(path: &Path, synchronous: Synchronous) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(match synchronous {
            Synchronous::Normal => SqliteSynchronous::Normal,
            Synchronous::Full => SqliteSynchronous::Full,
        })
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        // Buffer 1024 rows, so that the connection's thread does not wait for the reader of a result.
        .row_buffer_size(1024)
        .pragma("journal_size_limit", "268435456")
        .pragma("temp_store", "memory")
        .pragma("cache_size", "-32768")
        // A checkpoint inside a commit would block all other writers; [`Database::checkpoint`] runs it separately.
        .pragma("wal_autocheckpoint", "200000")
}

fn sqlite_pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .after_release(|conn, _| Box::pin(has_no_transaction::<Sqlite>(conn)))
}
