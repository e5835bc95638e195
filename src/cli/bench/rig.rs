//! The environment of a benchmark: a temporary folder and database, and the real server in this process.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::{StreamExt, stream};
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use ulid::Ulid;

use super::Fault;
use crate::app::{App, StartError};
use crate::clock::{Clock, SystemClock};
use crate::config::{Secret, Settings};
use crate::domain::execution::Status;
use crate::domain::user::Actor;
use crate::service::Services;
use crate::storage::temp_database::TempDatabase;
use crate::storage::{Database, Synchronous, stats};

/// Tasks that are created concurrently.
const CREATOR_TASKS: usize = 4;
/// Tasks that are created to estimate the speed.
const SAMPLE: u32 = 100;

/// The real time.
pub fn now() -> DateTime<Utc> {
    SystemClock.now()
}

/// Waits until the real clock reaches `at`.
pub async fn sleep_until(at: DateTime<Utc>) {
    tokio::time::sleep((at - now()).to_std().unwrap_or_default()).await;
}

pub fn ensure_before(at: DateTime<Utc>) -> Result<(), Fault> {
    if now() < at { Ok(()) } else { Err("creating the tasks took longer than estimated; is the machine busy?".into()) }
}

/// The folder of all benchmarks; removed when dropped.
pub struct DataLocation {
    folder: PathBuf,
    postgres: Option<String>,
}

impl DataLocation {
    pub fn new(postgres: Option<String>) -> std::io::Result<DataLocation> {
        let folder = std::env::temp_dir().join(format!("belfry-bench-{}", Ulid::generate()));
        std::fs::create_dir(&folder)?;
        Ok(DataLocation { folder, postgres })
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for DataLocation {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder); // a temporary folder
    }
}

/// A temporary database, and a server on it.
pub struct Rig {
    pub settings: Settings,
    temp_database: Option<TempDatabase>,
    pub began: DateTime<Utc>,
}

impl Rig {
    pub async fn new(location: &DataLocation) -> Result<Rig, Fault> {
        let temp_database = match &location.postgres {
            Some(url) => Some(TempDatabase::create(url).await?),
            None => None,
        };
        let mut settings = Settings { data_dir: location.folder.join(Ulid::generate().to_string()), ..Settings::default() };
        settings.server.listen = "127.0.0.1:0".to_owned();
        settings.database.url = temp_database.as_ref().map(|temp_database| Secret::new(temp_database.url()));
        Ok(Rig { settings, temp_database, began: now() })
    }

    /// A server on SQLite in this folder, which stays.
    pub fn in_folder(folder: &Path) -> Rig {
        let mut settings = Settings { data_dir: folder.to_owned(), ..Settings::default() };
        settings.server.listen = "127.0.0.1:0".to_owned();
        Rig { settings, temp_database: None, began: now() }
    }

    /// The server with all its services.
    pub async fn serve(&self) -> Result<Running, Fault> {
        let app = App::start(self.settings.clone()).await?;
        let (services, database, stop) = (app.services().clone(), app.database().clone(), CancellationToken::new());
        let address = app.address();
        let ended = tokio::spawn(app.run(stop.clone()));
        Ok(Running { services, database, address, stop, ended })
    }

    /// The empty database alone.
    pub async fn open(&self) -> Result<Database, Fault> {
        std::fs::create_dir_all(&self.settings.data_dir)?;
        Ok(match &self.settings.database.url {
            Some(url) => Database::open_postgres(url.reveal(), self.settings.database.max_connections).await?,
            None => Database::open_sqlite(&self.settings.data_dir.join("task.db"), Synchronous::Normal).await?,
        })
    }

    pub async fn remove(self) -> Result<(), Fault> {
        if let Some(temp_database) = self.temp_database {
            temp_database.remove().await?;
        }
        Ok(std::fs::remove_dir_all(&self.settings.data_dir)?)
    }
}

/// A running server.
pub struct Running {
    pub services: Services,
    pub database: Database,
    /// Its listen address.
    pub address: std::net::SocketAddr,
    stop: CancellationToken,
    ended: JoinHandle<Result<(), StartError>>,
}

impl Running {
    /// Creates tasks through the service, as the API does. Returns how long it took.
    pub async fn create(&self, tasks: impl Iterator<Item = Value>) -> Result<Duration, Fault> {
        let started = std::time::Instant::now();
        let actor = Actor::local("bench");
        let created = stream::iter(tasks).map(|task| {
            let (services, actor) = (&self.services, &actor);
            async move { services.tasks.create(actor, &task).await }
        });
        let mut created = created.buffer_unordered(CREATOR_TASKS);
        while let Some(created) = created.next().await {
            if let Err(crate::service::Error::Invalid(faults)) = &created {
                return Err(format!("a task was rejected: {faults:?}").into());
            }
            created?;
        }
        Ok(started.elapsed())
    }

    /// A time, at a whole second, by which `count` tasks can certainly be created.
    pub async fn time_to_create(&self, count: u32) -> Result<DateTime<Utc>, Fault> {
        let sample = (0..SAMPLE).map(|number| {
            serde_json::json!({"id": format!("sample-{number}"), "type": "echo", "enabled": false,
                "trigger": {"type": "date", "run_date": "2099-01-01"}, "params": {"message": "sample"}})
        });
        let needed = self.create(sample).await?.as_secs_f64() * f64::from(count) / f64::from(SAMPLE);
        let ahead = chrono::Duration::seconds(3 + (needed * 1.5).ceil() as i64);
        let at = now() + ahead;
        Ok(DateTime::from_timestamp(at.timestamp(), 0).unwrap_or(at))
    }

    /// Waits until everything due by then has run and is recorded, or until `latest`. Returns when that was seen. Checks take at
    /// most a tenth of one connection's time, so that they do not slow down what is measured.
    pub async fn wait_until_recorded(&self, due_by: DateTime<Utc>, latest: DateTime<Utc>) -> Result<DateTime<Utc>, Fault> {
        loop {
            let started = std::time::Instant::now();
            if stats::is_idle(&mut self.database.read_engine().await?, due_by).await? || now() >= latest {
                return Ok(now());
            }
            tokio::time::sleep((started.elapsed() * 9).max(Duration::from_millis(5))).await;
        }
    }

    /// The outcome of the executions since `from`.
    pub async fn outcome(&self, from: DateTime<Utc>) -> Result<Outcome, Fault> {
        let mut session = self.database.read_engine().await?;
        let runs = stats::newest_runs(&mut session, from, i64::MAX).await?;
        let by_status = stats::by_status(&mut session, from).await?;
        let succeeded = by_status.iter().filter(|(status, _)| *status == Status::Succeeded).map(|(_, count)| count).sum();
        Ok(Outcome { lateness: Lateness::of(runs.into_iter().map(|(_, lateness)| lateness).collect()), succeeded })
    }

    pub async fn stop(self) -> Result<(), Fault> {
        self.stop.cancel();
        Ok(self.ended.await??)
    }
}

/// The outcome of executions.
pub struct Outcome {
    pub lateness: Lateness,
    pub succeeded: i64,
}

/// How late runs started, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Lateness {
    pub p50: i64,
    pub p99: i64,
    pub max: i64,
}

impl Lateness {
    pub fn of(mut all: Vec<i64>) -> Lateness {
        all.sort_unstable();
        let at = |part: usize| all.get((all.len() * part / 100).min(all.len().saturating_sub(1))).copied().unwrap_or_default();
        Lateness { p50: at(50), p99: at(99), max: at(100) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_of_sorted_values() {
        assert_eq!(Lateness::of((1..=200).rev().collect()), Lateness { p50: 101, p99: 199, max: 200 });
        assert_eq!(Lateness::of(vec![7]), Lateness { p50: 7, p99: 7, max: 7 });
        assert_eq!(Lateness::of(vec![]), Lateness::default());
    }
}
