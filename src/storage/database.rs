//! The two databases behind one type: SQLite with one writer and many readers, or PostgreSQL. A function of this room takes
//! a [`Session`] and runs its one SQL text on whichever connection that holds, by the macro `on_session!`.

use std::path::Path;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool, Postgres, Sqlite, SqliteConnection, SqlitePool, Transaction};

use super::{Error, Result, migrate};

/// How long a writer waits for another process's write to end.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a request waits for a free connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);
/// A write-ahead log of more pages than this, some 200 MB, should begin anew. Each time all writers wait for the disk, some
/// tens of milliseconds, so a busy server must not come here every second.
const LONG_LOG: i64 = 50_000;
const LOOK: &str = "pragma wal_checkpoint(noop)";
const FOLD: &str = "pragma wal_checkpoint(passive)";
/// Connections that read SQLite at the same time.
const SQLITE_READERS: u32 = 6;

/// A database; clones share its connections.
#[derive(Debug, Clone)]
pub enum Database {
    /// The writer pool has one connection, so that writes queue up here and not as busy errors.
    Sqlite {
        writer: SqlitePool,
        readers: SqlitePool,
    },
    Postgres(PgPool),
}

/// How much of what was committed survives a loss of power (never in question after a crash of the process).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Synchronous {
    /// The last seconds may be lost; the file stays sound.
    #[default]
    Normal,
    /// Nothing is lost; each commit waits for the disk.
    Full,
}

impl Database {
    /// Opens a SQLite file, makes it where it is missing, and brings its tables up to date.
    ///
    /// # Errors
    /// [`Error::Newer`] where a newer Belfry has changed the tables; [`Error::Database`] where it cannot be opened.
    pub async fn open_sqlite(path: &Path, synchronous: Synchronous) -> Result<Database> {
        let options = sqlite_options(path, synchronous);
        // Space that removed rows leave is given back by and by, see [`super::history::give_back`]. This is said when the file
        // is made; said again by each connection, it would be a write each time.
        let making = options.clone().auto_vacuum(SqliteAutoVacuum::Incremental);
        let setup = sqlite_pool(1).connect_with(making).await.map_err(Error::on("open"))?;
        let prepared = migrate::sqlite(&setup).await;
        setup.close().await; // the planner reads its statistics when a connection opens
        prepared?;
        let writer = sqlite_pool(1).connect_with(options.clone()).await.map_err(Error::on("open"))?;
        let reading = options.pragma("query_only", "on");
        let readers = sqlite_pool(SQLITE_READERS).connect_with(reading).await.map_err(Error::on("open"))?;
        Ok(Database::Sqlite { writer, readers })
    }

    /// Opens a PostgreSQL database by its URL and brings its tables up to date.
    ///
    /// # Errors
    /// As [`Database::open_sqlite`]; also where the extension hstore, which the queue needs, cannot be created.
    pub async fn open_postgres(url: &str, max_connections: u32) -> Result<Database> {
        let options: PgConnectOptions = url.parse().map_err(Error::on("read the database URL"))?;
        // The pool would try again in silence, and then tell that it waited, not why.
        let first = PgConnection::connect_with(&options).await.map_err(Error::on("connect"))?;
        first.close().await.map_err(Error::on("connect"))?;
        let pool = PgPoolOptions::new()
            .max_connections(max_connections.max(2))
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .test_before_acquire(false)
            .connect_with(options)
            .await
            .map_err(Error::on("connect"))?;
        migrate::postgres(&pool).await?;
        Ok(Database::Postgres(pool))
    }

    /// A connection to read on.
    ///
    /// # Errors
    /// Where none is free in time or the database is gone.
    pub async fn read(&self) -> Result<Reader> {
        Ok(match self {
            Database::Sqlite { readers, .. } => Reader::Sqlite(readers.acquire().await.map_err(Error::on("read"))?),
            Database::Postgres(pool) => Reader::Postgres(pool.acquire().await.map_err(Error::on("read"))?),
        })
    }

    /// A write transaction; keep it short. Dropped without [`Tx::commit`] it is rolled back.
    ///
    /// # Errors
    /// As [`Database::read`].
    pub async fn write(&self) -> Result<Tx> {
        Ok(match self {
            Database::Sqlite { writer, .. } => {
                Tx::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await.map_err(Error::on("begin"))?)
            }
            Database::Postgres(pool) => Tx::Postgres(pool.begin().await.map_err(Error::on("begin"))?),
        })
    }

    /// Closes all connections; SQLite folds its write-ahead log into the file.
    pub async fn close(&self) {
        match self {
            Database::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Database::Postgres(pool) => pool.close().await,
        }
    }

    /// How long SQLite's write-ahead log is; `None` for PostgreSQL, which looks after its own.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn log(&self) -> Result<Option<Log>> {
        let Database::Sqlite { readers, .. } = self else { return Ok(None) };
        checkpoint(readers, LOOK).await.map(Some)
    }

    /// Folds SQLite's write-ahead log into the file, as far as no reader needs it, mostly without holding up writers.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn fold(&self) -> Result<()> {
        let Database::Sqlite { writer, readers } = self else { return Ok(()) };
        // While others write, some of the log is always left, and it never begins anew: the little that came in meanwhile is
        // folded where nobody else can write.
        if checkpoint(readers, FOLD).await?.pages > LONG_LOG {
            checkpoint(writer, FOLD).await?;
        }
        Ok(())
    }

    /// A number that changes when another process has changed a SQLite file; what this process itself writes leaves it alone.
    /// `None` for PostgreSQL, which does not tell.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn outside_version(&self) -> Result<Option<i64>> {
        // SQLite tells each connection of the changes of all others, and only one of this process writes.
        let Database::Sqlite { writer, .. } = self else { return Ok(None) };
        let version = sqlx::query_scalar("pragma data_version").fetch_one(writer).await;
        version.map(Some).map_err(Error::on("look for changes"))
    }

    /// `sqlite` or `postgres`.
    pub fn kind(&self) -> &'static str {
        match self {
            Database::Sqlite { .. } => "sqlite",
            Database::Postgres(_) => "postgres",
        }
    }
}

/// A write-ahead log, in pages. It goes on growing until all of it is folded into the file; then it begins anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Log {
    pub pages: i64,
    /// How many of them are in the file by now.
    pub folded: i64,
}

/// Answers how the log is when the statement is done.
async fn checkpoint(pool: &SqlitePool, text: &'static str) -> Result<Log> {
    let (_busy, pages, folded): (i64, i64, i64) =
        sqlx::query_as(text).fetch_one(pool).await.map_err(Error::on("fold the write-ahead log into the file"))?;
    Ok(Log { pages, folded })
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
        // A thousand rows go back without the connection's thread waiting for whoever reads them.
        .row_buffer_size(1024)
        .pragma("journal_size_limit", "268435456")
        .pragma("temp_store", "memory")
        .pragma("cache_size", "-32768")
        // A commit that also folds the log into the file would hold up all others; [`Database::fold`] does it aside.
        .pragma("wal_autocheckpoint", "200000")
}

fn sqlite_pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
}

/// Something with a connection to run SQL on.
pub trait Session: Send {
    fn conn(&mut self) -> Conn<'_>;
}

/// A borrowed connection of either kind.
pub enum Conn<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

/// A connection to read on.
#[derive(Debug)]
pub enum Reader {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(PoolConnection<Postgres>),
}

/// A write transaction.
#[derive(Debug)]
pub enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Tx {
    /// Makes the changes last.
    ///
    /// # Errors
    /// Where the database refuses; then nothing was changed.
    pub async fn commit(self) -> Result<()> {
        match self {
            Tx::Sqlite(tx) => tx.commit().await,
            Tx::Postgres(tx) => tx.commit().await,
        }
        .map_err(Error::on("commit"))
    }
}

impl Session for Reader {
    fn conn(&mut self) -> Conn<'_> {
        match self {
            Reader::Sqlite(conn) => Conn::Sqlite(conn),
            Reader::Postgres(conn) => Conn::Postgres(conn),
        }
    }
}

impl Session for Tx {
    fn conn(&mut self) -> Conn<'_> {
        match self {
            Tx::Sqlite(tx) => Conn::Sqlite(tx),
            Tx::Postgres(tx) => Conn::Postgres(tx),
        }
    }
}

/// Which of the two a statement is written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// Fills in what the two databases write differently: `{rows}` is the JSON array bound as `$1`, as rows named `j` with a
    /// column `value`; `{ids}` the same array, of texts, as a subquery; `{lock}` takes the rows read that no other node holds;
    /// `{hold}` waits for them.
    pub fn sql(self, text: &str) -> AssertSqlSafe<String> {
        let (rows, ids, lock, hold) = match self {
            Dialect::Sqlite => ("json_each($1) as j", "(select value from json_each($1))", "", ""),
            Dialect::Postgres => (
                "jsonb_array_elements(cast($1 as jsonb)) as j(value)",
                "(select jsonb_array_elements_text(cast($1 as jsonb)))",
                "for update skip locked",
                "for update",
            ),
        };
        let text = text.replace("{rows}", rows).replace("{ids}", ids);
        AssertSqlSafe(text.replace("{lock}", lock).replace("{hold}", hold))
    }
}

/// Runs one body on whichever connection a session holds: `$conn` is the connection, `$dialect` the [`Dialect`].
macro_rules! on_session {
    ($session:expr, |$conn:ident, $dialect:ident| $body:expr) => {
        match $session.conn() {
            $crate::storage::Conn::Sqlite($conn) => {
                let $dialect = $crate::storage::Dialect::Sqlite;
                $body
            }
            $crate::storage::Conn::Postgres($conn) => {
                let $dialect = $crate::storage::Dialect::Postgres;
                $body
            }
        }
    };
}
pub(super) use on_session;
