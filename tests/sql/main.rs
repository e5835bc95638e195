//! SQL on real databases: each test that can runs on SQLite, PostgreSQL and MariaDB alike.

#[path = "../support/mod.rs"]
mod support;

mod mssql;
#[cfg(feature = "odbc")]
mod odbc;
mod oracle;
mod queries;
mod refusals;
mod rig;
mod stopping;
mod sync;
mod types;
