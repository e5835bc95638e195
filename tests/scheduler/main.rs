//! The scheduler with a manual clock: every occurrence gets exactly one execution.

#[path = "../support/mod.rs"]
mod support;

mod checkpoint;
mod cluster_notifier;
mod external_changes;
mod idle;
mod orphan_recovery;
mod planning;
mod prune;
mod two_nodes;
