//! Tests of `send_sql` and `data_sync` on real databases: SQLite, PostgreSQL, MariaDB and others.

#[path = "../support/mod.rs"]
mod support;

mod errors;
mod limits;
mod mssql;
mod mysql_types;
#[cfg(feature = "odbc")]
mod odbc;
#[cfg(feature = "oracle")]
mod oracle;
mod queries;
mod rig;
mod stopping;
mod sync;
mod types;
