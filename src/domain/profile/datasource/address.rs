//! Parsed database URLs: engine, host, database and credentials.

use std::borrow::Cow;
use std::fmt;

use percent_encoding::percent_decode_str;

use crate::domain::secret::Secret;
use crate::i18n::{Message, message};

/// The supported database engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Engine {
    Sqlite,
    Postgres,
    /// MySQL and MariaDB.
    MySql,
    SqlServer,
    /// Requires the feature `oracle`.
    Oracle,
    /// Any database with an ODBC driver; requires the feature `odbc`.
    Odbc,
}

/// The URL schemes and their engines.
const SCHEMES: [(&str, Engine); 9] = [
    ("sqlite", Engine::Sqlite),
    ("postgres", Engine::Postgres),
    ("postgresql", Engine::Postgres),
    ("mysql", Engine::MySql),
    ("mariadb", Engine::MySql),
    ("mssql", Engine::SqlServer),
    ("sqlserver", Engine::SqlServer),
    ("oracle", Engine::Oracle),
    ("odbc", Engine::Odbc),
];

/// The accepted URL forms, for messages.
pub const KNOWN_SCHEMES: &str = "sqlite://path, postgres://, mysql://, mariadb://, mssql://, sqlserver://, oracle://, odbc:";

impl Engine {
    /// The name in API responses: `sqlite`, `postgres`, `mysql`, `mssql`, `oracle`, `odbc`.
    pub fn as_str(self) -> &'static str {
        match self {
            Engine::Sqlite => "sqlite",
            Engine::Postgres => "postgres",
            Engine::MySql => "mysql",
            Engine::SqlServer => "mssql",
            Engine::Oracle => "oracle",
            Engine::Odbc => "odbc",
        }
    }

    /// Whether a single statement is atomic without an explicit transaction.
    pub fn single_statement_is_atomic(self) -> bool {
        !matches!(self, Engine::SqlServer)
    }

    /// The Cargo feature with the engine's driver, if this build lacks it.
    pub fn missing_feature(self) -> Option<&'static str> {
        match self {
            Engine::Oracle if !cfg!(feature = "oracle") => Some("oracle"),
            Engine::Odbc if !cfg!(feature = "odbc") => Some("odbc"),
            _ => None,
        }
    }

    fn default_port(self) -> u16 {
        match self {
            Engine::Sqlite | Engine::Odbc => 0,
            Engine::Postgres => 5432,
            Engine::MySql => 3306,
            Engine::SqlServer => 1433,
            Engine::Oracle => 1521,
        }
    }

    /// The allowed options after `?` in the URL.
    fn options(self) -> &'static [&'static str] {
        match self {
            Engine::Sqlite => &["mode"],
            Engine::Postgres => &["sslmode", "application_name"],
            Engine::MySql => &["ssl-mode", "charset"],
            Engine::SqlServer | Engine::Oracle | Engine::Odbc => &[],
        }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Engine::Sqlite => "SQLite",
            Engine::Postgres => "PostgreSQL",
            Engine::MySql => "MySQL",
            Engine::SqlServer => "SQL Server",
            Engine::Oracle => "Oracle",
            Engine::Odbc => "ODBC",
        })
    }
}

/// A database address. `Debug` prints only engine, host and port, since a connection string may contain a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    pub engine: Engine,
    pub user: Option<String>,
    pub password: Option<Secret>,
    /// Empty for SQLite and ODBC.
    pub host: String,
    pub port: u16,
    /// SQLite: the file path. Oracle: the service. ODBC: the connection string, which may contain a password.
    pub database: String,
    options: Vec<(String, String)>,
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}:{}", self.engine, self.host, self.port)
    }
}

impl Address {
    /// Parses a URL. Error messages contain no part of it except the scheme.
    ///
    /// # Errors
    /// A message that names the invalid part and the allowed form.
    pub fn parse(url: &str) -> Result<Address, Message> {
        let (scheme, rest) = url.trim().split_once(':').ok_or_else(|| unknown(""))?;
        let scheme = scheme.to_ascii_lowercase();
        let engine = SCHEMES.iter().find(|(known, _)| *known == scheme).map(|(_, engine)| *engine);
        let engine = engine.ok_or_else(|| unknown(&scheme))?;
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        if engine == Engine::Odbc {
            return Ok(Address::local(engine, rest.to_owned(), Vec::new()));
        }
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let options = options(engine, query)?;
        if engine == Engine::Sqlite {
            return match decode(rest)? {
                path if path.is_empty() => Err(message!("datasource_profile.no_file").of("url")),
                path => Ok(Address::local(engine, path, options)),
            };
        }
        Address::from_server_url(engine, rest, options)
    }

    fn local(engine: Engine, database: String, options: Vec<(String, String)>) -> Address {
        Address { engine, user: None, password: None, host: String::new(), port: 0, database, options }
    }

    /// Parses `user:password@host:port/database`.
    fn from_server_url(engine: Engine, rest: &str, options: Vec<(String, String)>) -> Result<Address, Message> {
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        let (credentials, place) = match authority.rsplit_once('@') {
            Some((credentials, place)) => (Some(credentials), place),
            None => (None, authority),
        };
        let (user, password) = match credentials.map(|both| both.split_once(':').map_or((both, None), |(u, p)| (u, Some(p)))) {
            Some((user, password)) => (Some(decode(user)?), password.map(decode).transpose()?.map(Secret::new)),
            None => (None, None),
        };
        let (host, port) = host_and_port(place)?;
        if host.is_empty() {
            return Err(message!("datasource_profile.no_host").of("url"));
        }
        let port = port.unwrap_or(engine.default_port());
        let user = user.filter(|user| !user.is_empty());
        Ok(Address { engine, user, password, host, port, database: decode(database)?, options })
    }

    /// The value of an option after `?`.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

fn unknown(scheme: &str) -> Message {
    let is_scheme = (1..=20).contains(&scheme.len()) && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+');
    match is_scheme {
        true => message!("datasource_profile.unknown_scheme", scheme, known = KNOWN_SCHEMES).of("url"),
        false => message!("datasource_profile.no_scheme", known = KNOWN_SCHEMES).of("url"),
    }
}

fn options(engine: Engine, query: &str) -> Result<Vec<(String, String)>, Message> {
    let mut options = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = name.to_ascii_lowercase();
        if !engine.options().contains(&name.as_str()) {
            let database = engine.to_string();
            let refused = match engine.options() {
                [] => message!("datasource_profile.no_options", database),
                known => message!("datasource_profile.unknown_option", database, known = known.join(", ")),
            };
            return Err(refused.of("url"));
        }
        options.push((name, decode(value)?));
    }
    Ok(options)
}

fn host_and_port(place: &str) -> Result<(String, Option<u16>), Message> {
    let bad = || message!("datasource_profile.port").of("url");
    let port = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0).ok_or_else(bad);
    if let Some(rest) = place.strip_prefix('[') {
        let (host, after) = rest.split_once(']').ok_or_else(|| message!("datasource_profile.ipv6").of("url"))?;
        return Ok((host.to_owned(), after.strip_prefix(':').map(port).transpose()?));
    }
    match place.rsplit_once(':') {
        Some((host, text)) => Ok((decode(host)?, Some(port(text)?))),
        None => Ok((decode(place)?, None)),
    }
}

/// Decodes percent-encoding; unlike a browser, it does not accept a `%` that stands for itself.
fn decode(text: &str) -> Result<String, Message> {
    let is_code = |rest: &str| matches!(rest.as_bytes(), [high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit());
    if !text.split('%').skip(1).all(is_code) {
        return Err(message!("datasource_profile.percent").of("url"));
    }
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(Cow::into_owned).map_err(|_| message!("value.not_utf8").of("url"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_reads_all_parts() {
        let read = Address::parse("postgres://me:p%40ss@db.example.com:6432/sales?sslmode=require").unwrap();
        assert_eq!(
            (read.engine, read.host.as_str(), read.port, read.database.as_str()),
            (Engine::Postgres, "db.example.com", 6432, "sales")
        );
        assert_eq!((read.user.as_deref(), read.password.as_ref().map(Secret::reveal)), (Some("me"), Some("p@ss")));
        assert_eq!(read.option("sslmode"), Some("require"));
        let plain = Address::parse("mariadb://db/test").unwrap();
        assert_eq!((plain.engine, plain.port, plain.user, plain.password), (Engine::MySql, 3306, None, None));
        assert_eq!(Address::parse("sqlite:///var/a%20b.db?mode=rwc").unwrap().database, "/var/a b.db");
        assert_eq!(Address::parse("sqlite:data.db").unwrap().database, "data.db");
        assert_eq!(Address::parse("oracle://u@[::1]/XE").unwrap().host, "::1");
        assert_eq!(Address::parse("odbc:Driver=X;Pwd=a%b").unwrap().database, "Driver=X;Pwd=a%b");
    }

    #[test]
    fn parse_errors_do_not_contain_the_url() {
        for url in [
            "",
            "me:secret@host",
            "mongodb://me:secret@h/",
            "postgres://me:secret@h:port/d",
            "mysql://me:secret@/d",
            "postgres://me:secret%@h/d",
            "postgres://me@h/d?secret=secret",
            "sqlite://",
        ] {
            let message = Address::parse(url).unwrap_err().to_string();
            assert!(message.starts_with("url: ") && !message.contains("secret"), "{url}: {message}");
        }
        let odbc = Address::parse("odbc:Driver=X;PWD=secret").unwrap();
        assert!(!format!("{odbc:?}").contains("secret"));
        assert!(Address::parse("mongodb://h/").unwrap_err().to_string().contains("known are sqlite://path, postgres://"));
    }
}
