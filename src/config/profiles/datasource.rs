//! The settings of `[datasource.<name>]`.

use std::path::PathBuf;
use std::time::Duration;

use super::super::table::{Setting, ValueType, setting};
use super::super::{Secret, Settings};
use crate::domain::profile::Datasource;
use crate::domain::profile::datasource::Tls;

const SECTION: &str = "datasource.*";

pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        secret: true,
        ..setting(
            SECTION,
            "url",
            "",
            "The database's URL: sqlite://path, postgres://, mysql://, mariadb://, mssql://, sqlserver:// or oracle://user@host/name; or \
             odbc: with a connection string.",
            ValueType::Text,
            |s, name, v| {
                of(s, name).url = Some(Secret::new(v.text()?));
                Ok(())
            },
        )
    },
    setting(SECTION, "user", "", "The user name; overrides the URL's.", ValueType::Text, |s, name, v| {
        of(s, name).user = Some(v.text()?);
        Ok(())
    }),
    Setting {
        secret: true,
        ..setting(SECTION, "password", "", "The password; overrides the URL's.", ValueType::Text, |s, name, v| {
            of(s, name).password = Some(Secret::new(v.text()?));
            Ok(())
        })
    },
    setting(
        SECTION,
        "max_connections",
        "5",
        "The maximum number of concurrent runs on this database, 1 to 1000; further runs wait.",
        ValueType::Integer,
        |s, name, v| {
            of(s, name).max_connections = v.number(1..=1000)?;
            Ok(())
        },
    ),
    setting(
        SECTION,
        "connect_timeout_seconds",
        "10",
        "The time limit for connecting, 1 to 600 seconds.",
        ValueType::Integer,
        |s, name, v| {
            of(s, name).connect_timeout = Duration::from_secs(v.number(1..=600)?);
            Ok(())
        },
    ),
    setting(SECTION, "read_only", "false", "true rejects statements that change data.", ValueType::Boolean, |s, name, v| {
        of(s, name).read_only = v.boolean()?;
        Ok(())
    }),
    setting(
        SECTION,
        "tls",
        "\"prefer\"",
        "off, prefer, require (encrypted without checking the certificate), or verify (the certificate is checked).",
        ValueType::Choice,
        |s, name, v| {
            let words = [("off", Tls::Off), ("prefer", Tls::Prefer), ("require", Tls::Require), ("verify", Tls::Verify)];
            of(s, name).tls = Some(v.choice(&words)?);
            Ok(())
        },
    ),
    setting(
        SECTION,
        "tls_ca",
        "",
        "A PEM file with CA certificates to trust instead of the system's.",
        ValueType::Path,
        |s, name, v| {
            of(s, name).tls_ca = Some(PathBuf::from(v.text()?));
            Ok(())
        },
    ),
];

fn of<'s>(settings: &'s mut Settings, name: &str) -> &'s mut Datasource {
    settings.profiles.datasource.entry(name.to_owned()).or_default()
}
