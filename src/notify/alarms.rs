//! Alarms that time brings, checked every few seconds by one node: limits of policies that are exceeded without an end of a run,
//! reminders, messages that waited for others of the same cause, digests, and writes that failed.

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::calendar_watch::{self, CalendarWatch};
use super::digest;
use super::incidents::{self, DecisionTime};
use super::storage_alarm::StorageAlarm;
use crate::clock::{SharedClock, tick};
use crate::domain::notify::incident_decision::Watched;
use crate::domain::notify::limits::{Breach, TaskRuns, breaches};
use crate::domain::notify::rule::Target;
use crate::domain::task::Task;
use crate::signals::Signals;
use crate::storage::{Database, Result, Session, Tx, incident, lease, notify_rule, task_alarm, task_bulk};

/// How often alarms are checked.
const INTERVAL: Duration = Duration::from_secs(2);
/// The duty of one node.
const LEASE: &str = "alarms";
const LEASE_LENGTH: TimeDelta = TimeDelta::seconds(20);
/// The most incidents of which one transaction tells.
const BATCH: i64 = 500;

/// The background task.
pub struct AlarmWatch {
    pub database: Database,
    pub clock: SharedClock,
    pub node_id: String,
    /// The server's time zone.
    pub zone: Tz,
    pub signals: Signals,
    pub calendar: CalendarWatch,
}

impl AlarmWatch {
    /// Checks until the shutdown.
    pub async fn run(&self, mut storage: StorageAlarm, shutdown: CancellationToken) {
        while shutdown.run_until_cancelled(tick(INTERVAL)).await.is_some() {
            let now = self.clock.now();
            if let Some(cause) = self.signals.writes.failure() {
                storage.failing(&cause, now).await;
                continue;
            }
            if let Err(error) = self.check(&mut storage, now).await {
                tracing::warn!(error = &error as &dyn std::error::Error, "failed to check alarms; retrying");
            }
        }
    }

    async fn check(&self, storage: &mut StorageAlarm, now: DateTime<Utc>) -> Result<()> {
        if storage.working(now).await? {
            self.signals.notifications.notify_one();
        }
        storage.refresh(now).await?;
        self.run_once(now).await
    }

    /// Checks once. An error leaves what is left to the next check.
    pub async fn run_once(&self, now: DateTime<Utc>) -> Result<()> {
        let told = self.check_limits(now).await? | self.remind(now).await? | self.send_digests(now).await?;
        let told = told | self.check_calendar(now).await?;
        if told {
            self.signals.notifications.notify_one();
        }
        Ok(())
    }

    /// Begins a transaction if this node holds the duty.
    async fn begin(&self, now: DateTime<Utc>) -> Result<Option<Tx>> {
        let mut tx = self.database.write().await?;
        Ok(lease::hold(&mut tx, LEASE, &self.node_id, now, LEASE_LENGTH).await?.then_some(tx))
    }

    fn at(&self, now: DateTime<Utc>) -> DecisionTime {
        DecisionTime { now, zone: self.zone }
    }

    /// Opens incidents of the limits that are exceeded. Once the tasks are locked their runs are read again, so that a run that ended
    /// meanwhile opens no incident.
    async fn check_limits(&self, now: DateTime<Utc>) -> Result<bool> {
        let mut reader = self.database.read_engine().await?;
        let tasks = task_alarm::with_limits(&mut reader).await?;
        let found = new_breaches(&mut reader, &tasks, now).await?;
        drop(reader);
        if found.is_empty() {
            return Ok(false);
        }
        let Some(mut tx) = self.begin(now).await? else { return Ok(false) };
        let ids: HashSet<&str> = found.iter().map(|breach| breach.task_id.as_str()).collect();
        let mut ids: Vec<String> = ids.into_iter().map(str::to_owned).collect();
        ids.sort_unstable();
        let tasks = task_bulk::lock_many(&mut tx, &ids).await?;
        let found = new_breaches(&mut tx, &tasks, now).await?;
        let open = incidents::open_of_tasks(&mut tx, &ids).await?;
        let watched = incidents::watch(&mut tx, &tasks, open, now).await?;
        let rules = notify_rule::definitions(&mut tx).await?;
        let causes: Vec<String> =
            found.iter().map(|breach| incidents::cause_key(breach.event, None, &tasks, &breach.task_id)).collect();
        let told = incidents::decide(&mut tx, &rules, watched, &causes, self.at(now), |decider, watched| {
            for breach in &found {
                if let Some(one) = watched.iter_mut().find(|one| one.task_id.as_ref() == Some(&breach.task_id)) {
                    decider.occur(one, breach.event, None, breach.execution_id.as_deref());
                }
            }
        });
        let told = told.await?;
        tx.commit().await?;
        Ok(told)
    }

    /// Opens or closes the incident of a year that China's calendar lacks.
    async fn check_calendar(&self, now: DateTime<Utc>) -> Result<bool> {
        if !self.calendar.is_due(now) || !calendar_watch::is_changed(&mut self.database.read_engine().await?, now).await? {
            return Ok(false);
        }
        let Some(mut tx) = self.begin(now).await? else { return Ok(false) };
        let told = calendar_watch::decide(&mut tx, self.at(now)).await?;
        tx.commit().await?;
        Ok(told)
    }

    /// Sends reminders, and first messages that waited.
    async fn remind(&self, now: DateTime<Utc>) -> Result<bool> {
        let due = incident::due(&mut self.database.read_engine().await?, now, BATCH).await?;
        if due.is_empty() {
            return Ok(false);
        }
        let Some(mut tx) = self.begin(now).await? else { return Ok(false) };
        let rules = notify_rule::definitions(&mut tx).await?;
        let found = incident::lock_open(&mut tx, &due).await?;
        let tasks: Vec<&str> = found.iter().filter_map(|incident| incident.task_id.as_deref()).collect();
        let mutes = task_alarm::mutes(&mut tx, &tasks, now).await?;
        let watched = found.into_iter().map(|incident| Watched {
            subject: incident.subject.clone(),
            target: Target::SERVER,
            params: &Value::Null,
            failures: 0,
            failures_limit: None,
            muted_until: incident.task_id.as_ref().and_then(|id| mutes.get(id)).map(|mute| mute.until),
            task_id: incident.task_id.clone(),
            incidents: vec![incident],
        });
        let told = incidents::decide(&mut tx, &rules, watched.collect(), &[], self.at(now), |decider, watched| {
            for one in watched {
                let muted_until = one.muted_until;
                one.incidents.iter_mut().for_each(|incident| decider.remind(incident, muted_until));
            }
        });
        let told = told.await?;
        tx.commit().await?;
        Ok(told)
    }

    async fn send_digests(&self, now: DateTime<Utc>) -> Result<bool> {
        let due = notify_rule::due_digests(&mut self.database.read_engine().await?, now).await?;
        let mut told = false;
        for (name, due_at) in due {
            let digest = digest::read(&mut self.database.read_engine().await?, &name, due_at, self.at(now)).await?;
            let Some(mut tx) = self.begin(now).await? else { return Ok(told) };
            match digest {
                Some(digest) => told |= digest::send(&mut tx, digest, self.at(now)).await?,
                None => _ = notify_rule::move_digest(&mut tx, &name, due_at, None).await?,
            }
            tx.commit().await?;
        }
        Ok(told)
    }
}

/// The exceeded limits of these tasks of which no incident is open.
async fn new_breaches(s: &mut dyn Session, tasks: &[Task], now: DateTime<Utc>) -> Result<Vec<Breach>> {
    if tasks.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<&str> = tasks.iter().map(|task| task.id.as_str()).collect();
    let unfinished = task_alarm::unfinished(s, &ids).await?;
    let successes = task_alarm::last_successes(s, &ids).await?;
    let mut found: Vec<Breach> = Vec::new();
    for task in tasks {
        let runs = unfinished.iter().filter(|run| run.task_id == task.id).cloned().collect();
        let last_success_at = successes.get(&task.id).copied();
        found.extend(breaches(task, &TaskRuns { unfinished: runs, last_success_at }, now));
    }
    if found.is_empty() {
        return Ok(found);
    }
    let subjects: Vec<String> = found.iter().map(|breach| format!("task:{}", breach.task_id)).collect();
    let open = incident::open_events(s, &subjects).await?;
    found.retain(|breach| !open.contains(&(format!("task:{}", breach.task_id), breach.event.as_str().to_owned())));
    Ok(found)
}
