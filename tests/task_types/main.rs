//! Tests of task types with real programs, reports, log files and databases.
#![cfg(unix)]

#[path = "../support/mod.rs"]
mod support;

mod auto_test;
mod backup;
mod docs;
mod executables;
mod query_log;
mod run_once;
