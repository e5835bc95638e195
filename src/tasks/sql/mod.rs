//! Datasources: the databases of the settings that tasks use, behind a common interface to their drivers.
//!
//! Each run opens its own connection and closes it at the end, so that no temporary table, lock or session setting of one run
//! affects another, and an abandoned run leaves nothing on the server. Concurrent connections are limited per datasource.

pub mod cell;
pub mod dialect;
pub mod error;
pub mod lease;
mod meter;
mod mssql;
mod mysql;
#[cfg(feature = "odbc")]
mod odbc;
#[cfg(feature = "oracle")]
mod oracle;
mod postgres;
mod relay;
mod row_stream;
mod scan;
pub mod session;
pub mod source;
pub mod split;
mod sqlite;
pub mod statement;
mod target;

pub use cell::Cell;
pub use error::SqlError;
pub use lease::Lease;
pub use source::{Datasources, Source};
