//! The databases of the settings, by name, and the way to a connection.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono_tz::Tz;
use tokio::sync::Semaphore;

use super::error::SqlError;
use super::lease::Lease;
use super::session::{Event, Session, way};
use super::split::split;
use super::statement::Values;
use super::{mssql, mysql, oracle, postgres, sqlite};
use crate::domain::profile::Profiles;
use crate::domain::profile::datasource::{Address, Datasource, Engine, Tls};
use crate::tasks::template::is_template;

/// All databases of the settings, by name.
#[derive(Default)]
pub struct Datasources(BTreeMap<String, Arc<Source>>);

/// A database of the settings.
pub struct Source {
    pub name: String,
    target: Target,
    turns: Arc<Semaphore>,
}

/// What connecting needs to know.
pub struct Target {
    pub address: Address,
    pub tls: Tls,
    pub tls_ca: Option<PathBuf>,
    pub read_only: bool,
    pub connect_timeout: Duration,
    /// The zone of dates and times that name none, where the server can be told.
    pub zone: Tz,
}

impl Datasources {
    /// Those of the profiles. One whose settings do not read was refused at the start, and is left out.
    pub fn new(profiles: &Profiles, zone: Tz) -> Datasources {
        let source = |(name, profile): (&String, &Datasource)| {
            let address = profile.address().ok()?;
            Some((name.clone(), Arc::new(Source::new(name, profile, address, zone))))
        };
        Datasources(profiles.datasource.iter().filter_map(source).collect())
    }

    /// By name.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Source>> {
        self.0.values()
    }

    /// The one of this name; without a name the only one there is.
    ///
    /// # Errors
    /// A message that lists the names there are.
    pub fn get(&self, name: Option<&str>) -> Result<Arc<Source>, String> {
        let names: Vec<&str> = self.0.keys().map(String::as_str).collect();
        let known = names.join(", ");
        match (name, names.as_slice()) {
            (_, []) => Err("datasource: none is set up; the administrator adds [datasource.<name>] to the settings".to_owned()),
            (None, [only]) => Ok(Arc::clone(&self.0[*only])),
            (None, _) => Err(format!("datasource: is required, as there are several: {known}")),
            (Some(name), _) => {
                self.0.get(name).cloned().ok_or_else(|| {
                    format!("datasource: there is no '{}'; there are: {known}", crate::domain::input::cut(name, 64))
                })
            }
        }
    }

    /// As [`Datasources::get`], for a task that is saved: where none is set up yet, any name may be.
    ///
    /// # Errors
    /// As [`Datasources::get`].
    pub fn check(&self, name: Option<&str>) -> Result<(), String> {
        let is_template = name.is_some_and(is_template);
        if self.0.is_empty() || is_template { Ok(()) } else { self.get(name).map(drop) }
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
        let turns = Arc::new(Semaphore::new(profile.max_connections.max(1) as usize));
        Source { name: name.to_owned(), target, turns }
    }

    pub fn engine(&self) -> Engine {
        self.target.address.engine
    }

    pub fn read_only(&self) -> bool {
        self.target.read_only
    }

    /// Where it is, for people: `host:port`, nothing where it has no host.
    pub fn host(&self) -> Option<String> {
        let Address { host, port, .. } = &self.target.address;
        let shown = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        (!host.is_empty()).then_some(shown)
    }

    /// The database's name, or the file; nothing of a connection string, which may hold a password.
    pub fn database(&self) -> Option<&str> {
        let database = self.target.address.database.as_str();
        (self.engine() != Engine::Odbc && !database.is_empty()).then_some(database)
    }

    /// What must not show in messages.
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

    /// A message that may leave this room.
    pub fn clean(&self, error: SqlError) -> SqlError {
        error.without(&self.secrets())
    }

    /// A connection, once it is this run's turn.
    ///
    /// # Errors
    /// Where the database does not answer or refuses.
    pub async fn open(&self) -> Result<Lease, SqlError> {
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.map_err(|_| SqlError::retry("the server is stopping"))?;
        let limit = self.target.connect_timeout;
        let connected = tokio::time::timeout(limit, self.connect()).await;
        let late = || SqlError::retry(format!("the database did not answer within {} s", limit.as_secs()));
        let session = connected.unwrap_or_else(|_| Err(late())).map_err(|error| self.clean(error))?;
        Ok(Lease::new(session, turn))
    }

    async fn connect(&self) -> Result<Box<dyn Session>, SqlError> {
        let target = &self.target;
        Ok(match self.engine() {
            Engine::Sqlite => Box::new(sqlite::Sqlite::connect(target).await?),
            Engine::Postgres => Box::new(postgres::Postgres::connect(target).await?),
            Engine::MySql => Box::new(mysql::MySql::connect(target).await?),
            Engine::SqlServer => Box::new(mssql::SqlServer::connect(target).await?),
            Engine::Oracle => Box::new(oracle::Oracle::connect(target).await?),
            #[cfg(feature = "odbc")]
            Engine::Odbc => Box::new(super::odbc::Odbc::connect(target).await?),
            #[cfg(not(feature = "odbc"))]
            Engine::Odbc => return Err(SqlError::fail("this Belfry was built without ODBC")),
        })
    }

    /// Connects, and asks for the server's version.
    ///
    /// # Errors
    /// As [`Source::open`].
    pub async fn version(&self) -> Result<String, SqlError> {
        let text = match self.engine() {
            Engine::Sqlite => "select sqlite_version()",
            Engine::Postgres => "show server_version",
            Engine::MySql => "select version()",
            Engine::SqlServer => "select @@version",
            Engine::Oracle => "select version_full from product_component_version where rownum = 1",
            // There is no question that all drivers understand; that it connected is the answer.
            Engine::Odbc => return self.open().await?.finish().await.then_some(String::new()).ok_or(SqlError::retry("closed")),
        };
        let mut lease = self.open().await?;
        let statements = split(text, self.engine());
        let statement = statements.first().ok_or_else(|| SqlError::fail("nothing to ask"))?;
        let (out, mut rows) = way();
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
        ran.map_err(|error| self.clean(error))?;
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
    use crate::domain::secret::Secret;

    fn sources(urls: &[(&str, &str)]) -> Datasources {
        let mut profiles = Profiles::default();
        for (name, url) in urls {
            let profile = Datasource { url: Some(Secret::new(*url)), ..Datasource::default() };
            profiles.datasource.insert((*name).to_owned(), profile);
        }
        Datasources::new(&profiles, Tz::UTC)
    }

    #[test]
    fn a_source_is_found_by_its_name_or_by_being_the_only_one() {
        let fault = |sources: &Datasources, name| sources.get(name).map(|found| found.name.clone()).unwrap_err();
        let one = sources(&[("a", "sqlite://a.db")]);
        assert_eq!(one.get(None).unwrap().name, "a");
        assert_eq!(fault(&one, Some("b")), "datasource: there is no 'b'; there are: a");
        let two = sources(&[("a", "sqlite://a.db"), ("b", "sqlite://b.db")]);
        assert_eq!(fault(&two, None), "datasource: is required, as there are several: a, b");
        assert!(fault(&sources(&[]), None).contains("none is set up"));
        assert!(two.check(Some("{{ vars.db }}")).is_ok() && two.check(Some("c")).is_err());
    }

    #[test]
    fn what_is_shown_holds_no_secret() {
        let sources = sources(&[("a", "postgres://me:hush@db/x"), ("b", "odbc:Driver=X;PWD={hush};Server=s")]);
        for source in sources.all() {
            let shown =
                format!("{:?} {:?} {}", source.host(), source.database(), source.clean(SqlError::fail("bad hush")).message);
            assert!(!shown.contains("hush"), "{shown}");
        }
        assert_eq!(sources.get(Some("a")).unwrap().host().as_deref(), Some("db:5432"));
    }
}
