//! The connection layer: SQLite with one writer and many readers, or PostgreSQL. The scheduler and the workers read by connections
//! of their own, so that no person's query takes them.

use std::path::Path;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection, PgConnection, PgPool, Postgres, Sqlite, SqliteConnection, SqlitePool};

use super::session::{PoolTransaction, has_no_transaction};
use super::statement_limit::{self, StatementLimit};
use super::{Error, Reader, Result, Tx, schema};
use crate::long_path;

/// How long SQLite waits for another process's write lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a caller waits for a free connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a transaction on PostgreSQL may wait for its process. A process that stands still, so that it counts as dead after 30 s,
/// then holds no locks any more.
const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(15);
/// A connection that was idle for longer is tested before it is used.
const UNTESTED_IDLE: Duration = Duration::from_secs(1);
/// Above this many WAL pages (about 24 MB) the checkpoint runs on the writer, so that SQLite can restart the log. That blocks
/// all writers for tens of milliseconds, so it must stay rare.
const LONG_WAL_PAGES: i64 = 6_000;
/// Above this many WAL pages (about 60 MB) each commit runs a checkpoint: for commands without a server, which have no [`Database::checkpoint`].
const MAX_WAL_PAGES: &str = "15000";
/// The bytes of the WAL file that are kept once SQLite restarts the log.
const KEPT_WAL_BYTES: &str = "16777216";
const WAL_STATUS: &str = "pragma wal_checkpoint(noop)";
const WAL_CHECKPOINT: &str = "pragma wal_checkpoint(passive)";
/// Number of SQLite read connections for people and their programs, and for the scheduler and the workers.
const SQLITE_READERS: u32 = 6;
const SQLITE_ENGINE_READERS: u32 = 3;
/// The page cache of the writer and of each reader in KiB. What it does not hold comes from the operating system's cache.
const WRITER_CACHE: &str = "-8192";
const READER_CACHE: &str = "-2048";

/// A database; clones share its connection pools.
#[derive(Debug, Clone)]
pub enum Database {
    /// The writer pool has one connection, so that writes wait in its queue instead of failing as busy.
    Sqlite { writer: SqlitePool, readers: SqlitePool, engine: SqlitePool },
    Postgres {
        /// For transactions, and for the reads of the scheduler and the workers.
        pool: PgPool,
        readers: PgPool,
    },
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
        if is_new(path) {
            // Incremental vacuum returns freed space in steps, see [`super::retention::release_free_pages`]. Only the creating
            // connection sets it: on an existing file it would be a write.
            let creating = options.clone().auto_vacuum(SqliteAutoVacuum::Incremental);
            let created = SqliteConnection::connect_with(&creating).await.map_err(Error::on("create"))?;
            created.close().await.map_err(Error::on("create"))?;
        }
        let writer = sqlite_pool(1).connect_with(options.clone()).await.map_err(Error::on("open"))?;
        schema::sqlite(&writer).await?;
        let reading = options.pragma("query_only", "on").pragma("cache_size", READER_CACHE);
        let pool = |size| sqlite_pool(size).connect_lazy_with(reading.clone());
        Ok(Database::Sqlite { writer, readers: pool(SQLITE_READERS), engine: pool(SQLITE_ENGINE_READERS) })
    }

    /// Connects to a PostgreSQL database by URL and runs the migrations.
    ///
    /// # Errors
    /// Like [`Database::open_sqlite`].
    pub async fn open_postgres(url: &str, max_connections: u32) -> Result<Database> {
        let options: PgConnectOptions = url.parse().map_err(Error::on("read the database URL"))?;
        let idle = IDLE_IN_TRANSACTION.as_millis().to_string();
        let options = options.options([("idle_in_transaction_session_timeout", idle)]);
        // The pool retries silently and then reports a timeout; a single connection reports the cause.
        let first = PgConnection::connect_with(&options).await.map_err(Error::on("connect"))?;
        first.close().await.map_err(Error::on("connect"))?;
        let for_people = (max_connections / 2).max(1);
        let limited = statement_limit::on_postgres(options.clone());
        let readers = postgres_pool(for_people).connect_lazy_with(limited);
        let pool = postgres_pool(max_connections.saturating_sub(for_people).max(2));
        let pool = pool.connect_with(options).await.map_err(Error::on("connect"))?;
        schema::postgres(&pool).await?;
        Ok(Database::Postgres { pool, readers })
    }

    /// Takes a read connection for people and their programs. A statement that takes too long is interrupted.
    ///
    /// # Errors
    /// If no connection becomes free in time or the database is unreachable.
    pub async fn read(&self) -> Result<Reader> {
        let failed = Error::on("get a connection");
        Ok(match self {
            Database::Sqlite { readers, .. } => {
                let mut conn = readers.acquire().await.map_err(failed)?;
                let limit = StatementLimit::on_sqlite(&mut conn).await.map_err(Error::on("get a connection"))?;
                Reader::Sqlite(conn, Some(limit))
            }
            Database::Postgres { readers, .. } => Reader::Postgres(readers.acquire().await.map_err(failed)?),
        })
    }

    /// Takes a read connection for the scheduler, the workers and maintenance.
    ///
    /// # Errors
    /// As [`Database::read`].
    pub async fn read_engine(&self) -> Result<Reader> {
        let failed = Error::on("get a connection");
        Ok(match self {
            Database::Sqlite { engine, .. } => Reader::Sqlite(engine.acquire().await.map_err(failed)?, None),
            Database::Postgres { pool, .. } => Reader::Postgres(pool.acquire().await.map_err(failed)?),
        })
    }

    /// Begins a write transaction; keep it short. Dropping it without [`Tx::commit`] rolls it back.
    pub async fn write(&self) -> Result<Tx> {
        let failed = Error::on("begin a transaction");
        Ok(match self {
            Database::Sqlite { writer, .. } => {
                Tx::Sqlite(PoolTransaction::begin(writer, "BEGIN IMMEDIATE").await.map_err(failed)?)
            }
            Database::Postgres { pool, .. } => Tx::Postgres(PoolTransaction::begin(pool, "BEGIN").await.map_err(failed)?),
        })
    }

    /// Closes all connections; SQLite then checkpoints its WAL.
    pub async fn close(&self) {
        match self {
            Database::Sqlite { writer, readers, engine } => {
                readers.close().await;
                engine.close().await;
                writer.close().await;
            }
            Database::Postgres { pool, readers } => {
                readers.close().await;
                pool.close().await;
            }
        }
    }

    /// Returns the size of SQLite's WAL; `None` for PostgreSQL, which manages its own.
    pub async fn wal_status(&self) -> Result<Option<WalStatus>> {
        let Database::Sqlite { engine, .. } = self else { return Ok(None) };
        run_checkpoint(engine, WAL_STATUS).await.map(Some)
    }

    /// Checkpoints SQLite's WAL into the database file, as far as no reader needs it, usually without blocking writers. Does
    /// nothing for PostgreSQL.
    pub async fn checkpoint(&self) -> Result<()> {
        let Database::Sqlite { writer, engine, .. } = self else { return Ok(()) };
        // During writes a passive checkpoint never completes, and SQLite never restarts the log. On the writer connection
        // nobody else can write, so the small rest is checkpointed there.
        if run_checkpoint(engine, WAL_CHECKPOINT).await?.is_long() {
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
            Database::Postgres { .. } => "postgres",
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

impl WalStatus {
    /// Whether SQLite should restart the log soon.
    pub fn is_long(self) -> bool {
        self.pages > LONG_WAL_PAGES
    }

    /// The pages that are not checkpointed yet.
    pub fn pending(self) -> i64 {
        self.pages - self.checkpointed
    }
}

/// Runs a checkpoint pragma and returns the resulting status.
async fn run_checkpoint(pool: &SqlitePool, text: &'static str) -> Result<WalStatus> {
    let (_busy, pages, checkpointed): (i64, i64, i64) =
        sqlx::query_as(text).fetch_one(pool).await.map_err(Error::on("checkpoint the write-ahead log"))?;
    Ok(WalStatus { pages, checkpointed })
}

fn sqlite_options(path: &Path, synchronous: Synchronous) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(long_path::without_limit(path))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(match synchronous {
            Synchronous::Normal => SqliteSynchronous::Normal,
            Synchronous::Full => SqliteSynchronous::Full,
        })
        .foreign_keys(true)
        .with_regexp()
        .busy_timeout(BUSY_TIMEOUT)
        // Buffer 1024 rows, so that the connection's thread does not wait for the reader of a result.
        .row_buffer_size(1024)
        .pragma("journal_size_limit", KEPT_WAL_BYTES)
        .pragma("temp_store", "memory")
        .pragma("cache_size", WRITER_CACHE)
        // A checkpoint inside a commit would block all other writers; [`Database::checkpoint`] runs it separately.
        .pragma("wal_autocheckpoint", MAX_WAL_PAGES)
}

/// Whether there is no database in the file yet.
fn is_new(path: &Path) -> bool {
    std::fs::metadata(path).map_or(true, |file| file.len() == 0)
}

fn postgres_pool(connections: u32) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        // A restart of the server leaves connections that fail at their next use.
        .before_acquire(|conn, meta| {
            Box::pin(async move {
                if meta.idle_for > UNTESTED_IDLE {
                    conn.ping().await?;
                }
                Ok(true)
            })
        })
        .after_release(|conn, _| Box::pin(has_no_transaction::<Postgres>(conn)))
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
