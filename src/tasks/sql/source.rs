//! Datasources by name, and connections to them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono_tz::Tz;
use tokio::sync::Semaphore;

use super::error::SqlError;
use super::lease::Lease;
use super::session::{Event, Session, row_channel};
use super::split::split;
use super::statement::Values;
use super::target::Target;
use super::{mssql, mysql, postgres, sqlite};
use crate::domain::profile::datasource::{Address, Datasource, Engine};
use crate::i18n::{Message, message};
use crate::profiles::ProfileDirectory;
use crate::tasks::template::is_template;

/// The datasources of the profiles, each with its own limit of connections as long as its profile stays the same.
pub struct Datasources {
    profiles: Arc<ProfileDirectory>,
    zone: Tz,
    sources: Mutex<BTreeMap<String, Known>>,
}

/// A datasource with the profile that it was built from.
struct Known {
    profile: Datasource,
    source: Arc<Source>,
}

/// A datasource of the profiles.
pub struct Source {
    pub name: String,
    target: Target,
    permits: Arc<Semaphore>,
}

impl Default for Datasources {
    /// None.
    fn default() -> Self {
        Self::new(Arc::default(), Tz::UTC)
    }
}

impl Datasources {
    pub fn new(profiles: Arc<ProfileDirectory>, zone: Tz) -> Datasources {
        Datasources { profiles, zone, sources: Mutex::default() }
    }

    /// All datasources, sorted by name. Profiles with an invalid URL were rejected before and are skipped.
    pub fn all(&self) -> Vec<Arc<Source>> {
        self.current().into_values().collect()
    }

    fn current(&self) -> BTreeMap<String, Arc<Source>> {
        let profiles = self.profiles.current();
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        sources.retain(|name, known| profiles.datasource.get(name) == Some(&known.profile));
        for (name, profile) in profiles.datasource.iter().filter(|(name, _)| !sources.contains_key(*name)).collect::<Vec<_>>() {
            if let Ok(address) = profile.address() {
                let source = Arc::new(Source::new(name, profile, address, self.zone));
                sources.insert(name.clone(), Known { profile: profile.clone(), source });
            }
        }
        sources.iter().map(|(name, known)| (name.clone(), known.source.clone())).collect()
    }

    /// The datasource of this name; without a name the only one. The error lists the names.
    pub fn get(&self, name: Option<&str>) -> Result<Arc<Source>, Message> {
        let sources = self.current();
        let names: Vec<&str> = sources.keys().map(String::as_str).collect();
        let known = names.join(", ");
        match (name, names.as_slice()) {
            (_, []) => Err(message!("sql.no_datasource")),
            (None, [only]) => Ok(Arc::clone(&sources[*only])),
            (None, _) => Err(message!("sql.several_datasources", known)),
            (Some(name), _) => {
                let unknown = || message!("sql.unknown_datasource", name = crate::domain::input::truncate(name, 64), known);
                sources.get(name).cloned().ok_or_else(unknown)
            }
        }
    }

    /// As [`Datasources::get`], for saving a task: any name is allowed if no datasource is configured yet.
    pub fn check(&self, name: Option<&str>) -> Result<(), Message> {
        let is_template = name.is_some_and(is_template);
        if is_template || self.profiles.current().datasource.is_empty() { Ok(()) } else { self.get(name).map(drop) }
    }
}

impl Source {
    fn new(name: &str, profile: &Datasource, address: Address, zone: Tz) -> Source {
        let target = Target {
            tls: profile.tls(&address),
            tls_ca: profile.tls_ca.clone(),
            read_only: profile.read_only,
            connect_timeout: profile.connect_timeout,
            address,
            zone,
        };
        let permits = Arc::new(Semaphore::new(profile.max_connections.max(1) as usize));
        Source { name: name.to_owned(), target, permits }
    }

    pub fn engine(&self) -> Engine {
        self.target.address.engine
    }

    pub fn read_only(&self) -> bool {
        self.target.read_only
    }

    /// `host:port` for display; `None` if the datasource has no host.
    pub fn host(&self) -> Option<String> {
        let Address { host, port, .. } = &self.target.address;
        let shown = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        (!host.is_empty()).then_some(shown)
    }

    /// The database's name or file; `None` for an ODBC connection string, which may contain a password.
    pub fn database(&self) -> Option<&str> {
        let database = self.target.address.database.as_str();
        (self.engine() != Engine::Odbc && !database.is_empty()).then_some(database)
    }

    /// The secrets that must not appear in messages.
    fn secrets(&self) -> Vec<String> {
        let Address { password, engine, database, .. } = &self.target.address;
        let mut secrets: Vec<String> = password.iter().map(|password| password.reveal().to_owned()).collect();
        if *engine == Engine::Odbc {
            let values = database.split(';').filter_map(|part| part.split_once('='));
            secrets
                .extend(values.filter(|(key, _)| is_password(key)).map(|(_, value)| value.trim_matches(['{', '}']).to_owned()));
        }
        secrets
    }

    /// The error with secrets redacted.
    pub fn redact(&self, error: SqlError) -> SqlError {
        error.redact(&self.secrets())
    }

    /// Opens a connection, after waiting for a free slot within `max_connections`.
    pub async fn open(&self) -> Result<Lease, SqlError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(|_| SqlError::retry(message!("sql.server_stopping")))?;
        let limit = self.target.connect_timeout;
        let connected = tokio::time::timeout(limit, self.connect()).await;
        let late = || SqlError::retry(message!("sql.connect_timed_out", seconds = limit.as_secs()));
        let session = connected.unwrap_or_else(|_| Err(late())).map_err(|error| self.redact(error))?;
        Ok(Lease::new(session, permit))
    }

    async fn connect(&self) -> Result<Box<dyn Session>, SqlError> {
        let target = &self.target;
        Ok(match self.engine() {
            Engine::Sqlite => Box::new(sqlite::Sqlite::connect(target).await?),
            Engine::Postgres => Box::new(postgres::Postgres::connect(target).await?),
            Engine::MySql => Box::new(mysql::MySql::connect(target).await?),
            Engine::SqlServer => Box::new(mssql::SqlServer::connect(target).await?),
            #[cfg(feature = "oracle")]
            Engine::Oracle => Box::new(super::oracle::Oracle::connect(target).await?),
            #[cfg(feature = "odbc")]
            Engine::Odbc => Box::new(super::odbc::Odbc::connect(target).await?),
            #[cfg(not(all(feature = "odbc", feature = "oracle")))]
            engine => return Err(SqlError::fail(message!("sql.no_driver", database = engine.to_string()))),
        })
    }

    /// Connects and queries the server's version; empty for ODBC.
    pub async fn version(&self) -> Result<String, SqlError> {
        let text = match self.engine() {
            Engine::Sqlite => "select sqlite_version()",
            Engine::Postgres => "show server_version",
            Engine::MySql => "select version()",
            Engine::SqlServer => "select @@version",
            Engine::Oracle => "select version_full from product_component_version where rownum = 1",
            // No version query works with all drivers, so connecting is the test.
            Engine::Odbc => {
                let closed = self.open().await?.finish().await.then_some(String::new());
                return closed.ok_or_else(|| SqlError::retry(message!("sql.closed")));
            }
        };
        let mut lease = self.open().await?;
        let statements = split(text, self.engine());
        let statement = statements.first().ok_or_else(|| SqlError::fail(message!("sql.no_version_query")))?;
        let (out, mut rows) = row_channel();
        let reading = async {
            let mut first = None;
            while let Some(event) = rows.recv().await {
                if let Event::Row(row) = event {
                    first = first.or(row.first().map(super::Cell::text));
                }
            }
            first
        };
        let (ran, version) = tokio::join!(lease.run(statement, &Values::None, out), reading);
        lease.finish().await;
        ran.map_err(|error| self.redact(error))?;
        let version = version.unwrap_or_default();
        Ok(version.lines().next().unwrap_or_default().trim().to_owned())
    }
}

fn is_password(key: &str) -> bool {
    ["pwd", "password"].contains(&key.trim().to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::profile::Profiles;
    use crate::domain::secret::Secret;

    fn sources(urls: &[(&str, &str)]) -> Datasources {
        let mut profiles = Profiles::default();
        for (name, url) in urls {
            let profile = Datasource { url: Some(Secret::new(*url)), ..Datasource::default() };
            profiles.datasource.insert((*name).to_owned(), profile);
        }
        Datasources::new(Arc::new(ProfileDirectory::fixed(profiles)), Tz::UTC)
    }

    #[test]
    fn get_finds_by_name_or_the_only_datasource() {
        let fault = |sources: &Datasources, name| sources.get(name).map(|found| found.name.clone()).unwrap_err().to_string();
        let one = sources(&[("a", "sqlite://a.db")]);
        assert_eq!(one.get(None).unwrap().name, "a");
        assert_eq!(fault(&one, Some("b")), "datasource: 'b' is not configured; configured are a");
        let two = sources(&[("a", "sqlite://a.db"), ("b", "sqlite://b.db")]);
        assert_eq!(fault(&two, None), "datasource: is required, because there are several: a, b");
        assert!(fault(&sources(&[]), None).contains("none is configured"));
        assert!(two.check(Some("{{ vars.db }}")).is_ok() && two.check(Some("c")).is_err());
    }

    #[test]
    fn displayed_values_contain_no_secrets() {
        let sources = sources(&[("a", "postgres://me:hush@db/x"), ("b", "odbc:Driver=X;PWD={hush};Server=s")]);
        for source in sources.all() {
            let shown = format!(
                "{:?} {:?} {}",
                source.host(),
                source.database(),
                source.redact(SqlError::fail(Message::verbatim("bad hush"))).message
            );
            assert!(!shown.contains("hush"), "{shown}");
        }
        assert_eq!(sources.get(Some("a")).unwrap().host().as_deref(), Some("db:5432"));
    }
}
