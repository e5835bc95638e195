//! The target of a connection.

use std::path::PathBuf;
use std::time::Duration;

use chrono_tz::Tz;

use crate::domain::profile::datasource::{Address, Tls};

/// Connection parameters.
pub struct Target {
    pub address: Address,
    pub tls: Tls,
    pub tls_ca: Option<PathBuf>,
    pub read_only: bool,
    pub connect_timeout: Duration,
    /// The session's time zone, where the database supports one.
    pub zone: Tz,
}
