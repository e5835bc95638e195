//! The cluster: the nodes on one database, which of them are alive, and how they notify each other of changes.

pub mod external_changes;
pub mod notifier;
pub mod process_lock;
pub mod registry;
