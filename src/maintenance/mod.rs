//! Maintenance: background tasks that keep the database small and true: retention, SQLite's WAL checkpoints, the recovery of
//! orphaned runs, and the clean-up of the queue.

pub mod checkpoint;
pub mod orphan_recovery;
pub mod queue_cleanup;
pub mod retention;
