//! The settings of `[datasource.<name>]`.

use std::path::PathBuf;
use std::time::Duration;

use super::super::table::{Setting, setting};
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
            "A database for tasks: sqlite://path, postgres://, mysql://, mariadb://, mssql://, sqlserver:// or oracle://user@host/name; \
             odbc: and a connection string.",
            |s, name, v| {
                of(s, name).url = Some(Secret::new(v.text()?));
                Ok(())
            },
        )
    },
    setting(SECTION, "user", "", "Who signs in; wins over the URL's.", |s, name, v| {
        of(s, name).user = Some(v.text()?);
        Ok(())
    }),
    Setting {
        secret: true,
        ..setting(SECTION, "password", "", "The password; wins over the URL's.", |s, name, v| {
            of(s, name).password = Some(Secret::new(v.text()?));
            Ok(())
        })
    },
    setting(SECTION, "max_connections", "5", "Runs at once on this database, 1 to 1000; others wait.", |s, name, v| {
        of(s, name).max_connections = v.number(1..=1000)?;
        Ok(())
    }),
    setting(SECTION, "connect_timeout_seconds", "10", "How long connecting may take, 1 to 600.", |s, name, v| {
        of(s, name).connect_timeout = Duration::from_secs(v.number(1..=600)?);
        Ok(())
    }),
    setting(SECTION, "read_only", "false", "true: refuses whatever would change something.", |s, name, v| {
        of(s, name).read_only = v.boolean()?;
        Ok(())
    }),
    setting(
        SECTION,
        "tls",
        "\"prefer\"",
        "off, prefer, require (encrypted, whoever answers), or verify (the certificate is checked).",
        |s, name, v| {
            let words = [("off", Tls::Off), ("prefer", Tls::Prefer), ("require", Tls::Require), ("verify", Tls::Verify)];
            of(s, name).tls = Some(v.choice(&words)?);
            Ok(())
        },
    ),
    setting(SECTION, "tls_ca", "", "A file of certificates (PEM) to trust instead of the system's.", |s, name, v| {
        of(s, name).tls_ca = Some(PathBuf::from(v.text()?));
        Ok(())
    }),
];

fn of<'s>(settings: &'s mut Settings, name: &str) -> &'s mut Datasource {
    settings.profiles.datasource.entry(name.to_owned()).or_default()
}
