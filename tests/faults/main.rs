//! Faults of the surroundings: the real program keeps its promises, and what it records is compared with what was due.
#![cfg(target_os = "linux")]

#[path = "../support/mod.rs"]
mod support;

mod backlog;
mod disk;
mod ledger;
mod mount;

use support::server;
