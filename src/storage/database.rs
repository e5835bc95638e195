//! The connection layer: SQLite with one writer and many readers, or PostgreSQL. The scheduler and the workers read by connections
//! of their own, so that no person's query takes them.

use std::path::Path;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgConnection, PgPool};

use super::session::{PgTransaction, has_no_transaction};
use super::sqlite::{BUSY_TIMEOUT, SqliteOptions, SqlitePool, SqliteTransaction};
use super::{Error, Reader, Result, Tx, schema, statement_limit};
use crate::long_path;

/// How long a caller waits for a free connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a transaction on PostgreSQL may wait for its process. A process that stands still, so that it counts as dead after 30 s,
/// then holds no locks any more.
const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(15);
/// A connection that was idle for longer is tested before it is used.
const UNTESTED_IDLE: Duration = Duration::from_secs(1);
/// PostgreSQL's own estimate is that of a turning disk: it then reads and sorts everything that is due for each batch of it.
const RANDOM_PAGE_COST: (&str, &str) = ("random_page_cost", "1.1");
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
        let path = long_path::without_limit(path);
        schema::sqlite(&path).await?;
        let options = sqlite_options(&path, synchronous);
        let writer = SqlitePool::new(SqliteOptions { busy_timeout: Duration::ZERO, ..options.clone() }, 1);
        drop(writer.acquire().await.map_err(Error::on("open"))?);
        let mut reading = options;
        reading.pragmas.extend([("query_only", "on"), ("cache_size", READER_CACHE)]);
        let engine = SqlitePool::new(reading.clone(), SQLITE_ENGINE_READERS);
        let readers = SqlitePool::new(SqliteOptions { for_people: true, ..reading }, SQLITE_READERS);
        Ok(Database::Sqlite { writer, readers, engine })
    }

    /// Connects to a PostgreSQL database by URL and runs the migrations.
    ///
    /// # Errors
    /// Like [`Database::open_sqlite`].
    pub async fn open_postgres(url: &str, max_connections: u32) -> Result<Database> {
        let options: PgConnectOptions = url.parse().map_err(Error::on("read the database URL"))?;
        let idle = IDLE_IN_TRANSACTION.as_millis().to_string();
        let options = options.options([("idle_in_transaction_session_timeout", idle.as_str()), RANDOM_PAGE_COST]);
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
            Database::Sqlite { readers, .. } => Reader::Sqlite(readers.acquire().await.map_err(failed)?),
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
            Database::Sqlite { engine, .. } => Reader::Sqlite(engine.acquire().await.map_err(failed)?),
            Database::Postgres { pool, .. } => Reader::Postgres(pool.acquire().await.map_err(failed)?),
        })
    }

    /// Begins a write transaction; keep it short. Dropping it without [`Tx::commit`] rolls it back.
    pub async fn write(&self) -> Result<Tx> {
        let failed = Error::on("begin a transaction");
        Ok(match self {
            Database::Sqlite { writer, .. } => Tx::Sqlite(SqliteTransaction::begin(writer).await.map_err(failed)?),
            Database::Postgres { pool, .. } => Tx::Postgres(PgTransaction::begin(pool).await.map_err(failed)?),
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
        let version = async { writer.acquire().await?.get().number("pragma data_version") };
        version.await.map(Some).map_err(Error::on("check for changes"))
    }

    /// A number that changes with each commit of this process and each call of [`Database::count_change`]. `None` for PostgreSQL, where
    /// other nodes commit all the time.
    pub fn changes(&self) -> Option<u64> {
        match self {
            Database::Sqlite { writer, .. } => Some(writer.changes()),
            Database::Postgres { .. } => None,
        }
    }

    /// Counts a change of the SQLite file by another process.
    pub fn count_change(&self) {
        if let Database::Sqlite { writer, .. } = self {
            writer.count_change();
        }
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
    let status = async { pool.acquire().await?.get().row(text) };
    let (_busy, pages, checkpointed): (i64, i64, i64) = status.await.map_err(Error::on("checkpoint the write-ahead log"))?;
    Ok(WalStatus { pages, checkpointed })
}

fn sqlite_options(path: &Path, synchronous: Synchronous) -> SqliteOptions {
    let synchronous = match synchronous {
        Synchronous::Normal => "normal",
        Synchronous::Full => "full",
    };
    let pragmas = vec![
        ("journal_mode", "wal"),
        ("synchronous", synchronous),
        ("foreign_keys", "on"),
        ("journal_size_limit", KEPT_WAL_BYTES),
        ("temp_store", "memory"),
        ("cache_size", WRITER_CACHE),
        // A checkpoint inside a commit would block all other writers; [`Database::checkpoint`] runs it separately.
        ("wal_autocheckpoint", MAX_WAL_PAGES),
    ];
    SqliteOptions { path: path.to_owned(), pragmas, busy_timeout: BUSY_TIMEOUT, for_people: false }
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
        .after_release(|conn, _| Box::pin(has_no_transaction(conn)))
}
