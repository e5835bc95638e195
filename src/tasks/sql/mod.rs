//! The databases that tasks work on: named in the settings, reached by the driver of their kind, spoken to in one way.
//!
//! A run has a connection of its own, made when it begins and closed when it ends: no temporary table, lock or setting of
//! one run reaches another, and a run that is given up leaves nothing on the server. How many there are at once is bounded
//! for each database.

mod answers;
pub mod cell;
pub mod dialect;
pub mod error;
pub mod lease;
mod mssql;
mod mysql;
#[cfg(feature = "odbc")]
mod odbc;
mod oracle;
mod postgres;
mod scan;
pub mod session;
pub mod source;
pub mod split;
mod sqlite;
pub mod statement;

pub use cell::Cell;
pub use error::SqlError;
pub use lease::Lease;
pub use source::{Datasources, Source};
