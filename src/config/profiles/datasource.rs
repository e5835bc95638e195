//! The settings of `[datasource.<name>]`.

use std::path::PathBuf;
use std::time::Duration;

use super::super::setting::settings;
use super::super::{Secret, Settings};
use super::words;
use crate::domain::profile::Datasource;
use crate::domain::profile::datasource::Tls;

const SECTION: &str = "datasource.*";

/// The words of `tls`.
const TLS: [(&str, Tls); 4] = [("off", Tls::Off), ("prefer", Tls::Prefer), ("require", Tls::Require), ("verify", Tls::Verify)];

/// The words of a choice.
pub(super) fn choices(key: &str) -> Vec<&'static str> {
    if key == "tls" { words(&TLS) } else { Vec::new() }
}

settings! {
    pub(super) SETTINGS |s, name, v|

    [SECTION]
    secret "url" Text ""
        "The database's URL: sqlite://path, postgres://, mysql://, mariadb://, mssql://, sqlserver:// or oracle://user@host/name; or \
             odbc: with a connection string."
        => of(s, name).url = Some(Secret::new(v.text()?));
    "user" Text "" "The user name; overrides the URL's." => of(s, name).user = Some(v.text()?);
    secret "password" Text "" "The password; overrides the URL's." => of(s, name).password = Some(Secret::new(v.text()?));
    "max_connections" Integer "5" "The maximum number of concurrent runs on this database, 1 to 1000; further runs wait."
        => of(s, name).max_connections = v.number(1..=1000)?;
    "connect_timeout_seconds" Integer "10" "The time limit for connecting, 1 to 600 seconds."
        => of(s, name).connect_timeout = Duration::from_secs(v.number(1..=600)?);
    "read_only" Boolean "false" "true rejects statements that change data." => of(s, name).read_only = v.boolean()?;
    "tls" Choice "\"prefer\""
        "off, prefer, require (encrypted without checking the certificate), or verify (the certificate is checked)."
        => of(s, name).tls = Some(v.choice(&TLS)?);
    "tls_ca" Path "" "A PEM file with CA certificates to trust instead of the system's."
        => of(s, name).tls_ca = Some(PathBuf::from(v.text()?));
}

fn of<'s>(settings: &'s mut Settings, name: &str) -> &'s mut Datasource {
    settings.profiles.datasource.entry(name.to_owned()).or_default()
}
