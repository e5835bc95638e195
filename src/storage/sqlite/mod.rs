//! Belfry's own SQLite database: connections whose statements run in the thread that asks, their pools, and their rows. A driver that
//! has a thread for each connection changes threads twice for each statement, which costs more than most statements of the scheduler.

mod connection;
mod pool;
mod refusal;
mod row;
mod transaction;

pub use connection::{BUSY_TIMEOUT, SqliteConnection, SqliteOptions};
pub use pool::{SqliteLent, SqlitePool};
pub use row::{SqliteRow, Value};
pub use transaction::SqliteTransaction;
