//! The nodes on one database: notifications between them and changes by other processes.

#[path = "../support/mod.rs"]
mod support;

mod external_changes;
mod notifier;
mod registry;
