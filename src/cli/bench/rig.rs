//! What a measurement runs on: a folder and a database of its own, and the real server in this process.

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
use crate::service::Service;
use crate::storage::scratch::Scratch;
use crate::storage::{Database, stats};

/// Tasks that are made at the same time.
const MAKERS: usize = 4;
/// Tasks by which the speed of making them is estimated.
const SAMPLE: u32 = 100;

/// The real time.
pub fn now() -> DateTime<Utc> {
    SystemClock.now()
}

/// Waits until the real clock shows `at`.
pub async fn sleep_until(at: DateTime<Utc>) {
    tokio::time::sleep((at - now()).to_std().unwrap_or_default()).await;
}

/// # Errors
/// Where the instant has passed already: then the tasks were not all there when it came.
pub fn ahead_of(at: DateTime<Utc>) -> Result<(), Fault> {
    if now() < at { Ok(()) } else { Err("making the tasks took longer than was estimated; is the machine busy?".into()) }
}

/// The folder of all measurements; dropped, it is removed.
pub struct Place {
    folder: PathBuf,
    postgres: Option<String>,
}

impl Place {
    pub fn new(postgres: Option<String>) -> std::io::Result<Place> {
        let folder = std::env::temp_dir().join(format!("belfry-bench-{}", Ulid::generate()));
        std::fs::create_dir(&folder)?;
        Ok(Place { folder, postgres })
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _stays_where_it_cannot_go = std::fs::remove_dir_all(&self.folder);
    }
}

/// A database of its own, and a server on it.
pub struct Rig {
    pub settings: Settings,
    scratch: Option<Scratch>,
    pub began: DateTime<Utc>,
}

impl Rig {
    pub async fn new(place: &Place) -> Result<Rig, Fault> {
        let scratch = match &place.postgres {
            Some(url) => Some(Scratch::create(url).await?),
            None => None,
        };
        let mut settings = Settings { data_dir: place.folder.join(Ulid::generate().to_string()), ..Settings::default() };
        settings.server.listen = "127.0.0.1:0".to_owned();
        settings.database.url = scratch.as_ref().map(|scratch| Secret::new(scratch.url()));
        Ok(Rig { settings, scratch, began: now() })
    }

    /// The server with all that works in it.
    pub async fn serve(&self) -> Result<Running, Fault> {
        let app = App::start(self.settings.clone()).await?;
        let (service, database, stop) = (app.service().clone(), app.database().clone(), CancellationToken::new());
        let address = app.address();
        let ended = tokio::spawn(app.run(stop.clone()));
        Ok(Running { service, database, address, stop, ended })
    }

    pub async fn remove(self) -> Result<(), Fault> {
        if let Some(scratch) = self.scratch {
            scratch.remove().await?;
        }
        Ok(std::fs::remove_dir_all(&self.settings.data_dir)?)
    }
}

/// A server that runs.
pub struct Running {
    pub service: Service,
    pub database: Database,
    /// Where it listens.
    pub address: std::net::SocketAddr,
    stop: CancellationToken,
    ended: JoinHandle<Result<(), StartError>>,
}

impl Running {
    /// Makes tasks through the service, as the API does. Answers how long it took.
    pub async fn create(&self, tasks: impl Iterator<Item = Value>) -> Result<Duration, Fault> {
        let begun = std::time::Instant::now();
        let actor = Actor::local("bench");
        let made = stream::iter(tasks).map(|task| {
            let (service, actor) = (&self.service, &actor);
            async move { service.create_task(actor, &task).await }
        });
        let mut made = made.buffer_unordered(MAKERS);
        while let Some(made) = made.next().await {
            if let Err(crate::service::Error::Invalid(faults)) = &made {
                return Err(format!("a task was refused: {faults:?}").into());
            }
            made?;
        }
        Ok(begun.elapsed())
    }

    /// An instant by which `count` tasks can be made for sure, at a whole second.
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

    /// Waits until all that is due by then has run and is on record, or until `latest`. Answers when that was seen. The look is
    /// two steps into two indexes, so that it does not slow down what it measures.
    pub async fn settled(&self, due_by: DateTime<Utc>, latest: DateTime<Utc>) -> Result<DateTime<Utc>, Fault> {
        loop {
            if stats::settled(&mut self.database.read().await?, due_by).await? || now() >= latest {
                return Ok(now());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// What came of the executions since `from`.
    pub async fn outcome(&self, from: DateTime<Utc>) -> Result<Outcome, Fault> {
        let mut session = self.database.read().await?;
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

/// What came of executions.
pub struct Outcome {
    pub lateness: Lateness,
    pub succeeded: i64,
}

/// How late runs began, in milliseconds.
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
    fn percentiles_are_those_of_the_sorted_values() {
        assert_eq!(Lateness::of((1..=200).rev().collect()), Lateness { p50: 101, p99: 199, max: 200 });
        assert_eq!(Lateness::of(vec![7]), Lateness { p50: 7, p99: 7, max: 7 });
        assert_eq!(Lateness::of(vec![]), Lateness::default());
    }
}
