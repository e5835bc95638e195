//! Maintenance with a manual clock: retention, WAL checkpoints, orphan recovery and the clean-up of the queue.

#[path = "../support/mod.rs"]
mod support;

mod checkpoint;
mod orphan_recovery;
mod retention;
