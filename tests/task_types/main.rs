//! Task types at work on real things: programs, reports, log files, databases.
#![cfg(unix)]

#[path = "../support/mod.rs"]
mod support;

mod auto_test;
mod backup;
mod executables;
mod query_log;
mod ran;
