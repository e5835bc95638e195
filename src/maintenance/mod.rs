//! Maintenance: background tasks that keep the database small and true: retention, SQLite's WAL checkpoints, and the
//! recovery of orphaned runs.

pub mod checkpoint;
pub mod orphan_recovery;
pub mod retention;
