//! Heartbeats: decides which expected pings were missed, and opens their incidents. The row of a heartbeat is locked, and an expected ping has one row,
//! so that each is decided once, whichever node looks.

use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use tokio_util::sync::CancellationToken;

use super::incidents::{self, DecisionTime, Trouble};
use crate::clock::{SharedClock, tick};
use crate::domain::heartbeat::{Decided, Heartbeat, Missed, Ping, PingRow, PingStatus, RULE_TYPE};
use crate::domain::notify::event::NotifyEvent;
use crate::domain::notify::rule::Target;
use crate::i18n::{Message, message};
use crate::signals::Signals;
use crate::storage::{Database, Result, Tx, heartbeat};

/// How often overdue heartbeats are looked for.
const INTERVAL: Duration = Duration::from_secs(1);
/// The most heartbeats of one look, and the most missed pings of one transaction.
const BATCH: usize = 500;

/// The background task that looks for missed pings.
pub struct HeartbeatWatch {
    pub database: Database,
    pub clock: SharedClock,
    /// The server's time zone.
    pub zone: Tz,
    pub signals: Signals,
}

impl HeartbeatWatch {
    /// Looks until the shutdown.
    pub async fn run(&self, shutdown: CancellationToken) {
        while shutdown.run_until_cancelled(tick(INTERVAL)).await.is_some() {
            if self.signals.writes.failure().is_some() {
                continue;
            }
            if let Err(error) = self.run_once(self.clock.now()).await {
                tracing::warn!(error = &error as &dyn std::error::Error, "failed to look for missed pings; retrying");
            }
        }
    }

    /// Decides what was missed by `now`. An error leaves the rest to the next look.
    pub async fn run_once(&self, now: DateTime<Utc>) -> Result<()> {
        let overdue = heartbeat::overdue(&mut self.database.read_engine().await?, now, BATCH as i64).await?;
        for id in overdue {
            while self.decide(&id, now).await? {}
        }
        Ok(())
    }

    /// Decides what one heartbeat missed. Returns whether more is left.
    async fn decide(&self, id: &str, now: DateTime<Utc>) -> Result<bool> {
        let mut tx = self.database.write().await?;
        let Some(mut found) = heartbeat::lock(&mut tx, id).await? else { return Ok(false) };
        let at = DecisionTime { now, zone: self.zone };
        let (missed, told) = settle(&mut tx, &mut found, at).await?;
        tx.commit().await?;
        if !missed.expected.is_empty() {
            tracing::warn!(heartbeat.id = id, missed = missed.expected.len(), "heartbeat lost");
        }
        if told {
            self.signals.notifications.notify_one();
        }
        Ok(missed.more)
    }
}

/// Records the expected pings of a locked heartbeat that were missed by now. Returns them, and whether messages were queued.
pub async fn settle(tx: &mut Tx, heartbeat: &mut Heartbeat, at: DecisionTime) -> Result<(Missed, bool)> {
    let missed = heartbeat.take_missed(at.now, BATCH);
    let Some(last) = missed.expected.last() else { return Ok((missed, false)) };
    let rows: Vec<PingRow> = missed.expected.iter().map(|expected| missed_row(*expected)).collect();
    heartbeat::record(tx, &heartbeat.id, &rows, at.now).await?;
    heartbeat::set_state(tx, heartbeat).await?;
    let error = message!("incident_error.no_ping", expected = last.to_rfc3339());
    let told = tell(tx, heartbeat, &error, at).await?;
    Ok((missed, told))
}

/// Records a ping of a locked heartbeat, and before it what was missed. Returns whether messages were queued.
pub async fn record_ping(tx: &mut Tx, heartbeat: &mut Heartbeat, ping: &Ping, zone: Tz) -> Result<bool> {
    let at = DecisionTime { now: ping.at, zone };
    let mut told = false;
    loop {
        let (missed, more_told) = settle(tx, heartbeat, at).await?;
        told |= more_told;
        if !missed.more {
            break;
        }
    }
    let missed = heartbeat::newest_missed(tx, &heartbeat.id).await?;
    let Decided { row, failed, recovered } = heartbeat.take_ping(ping, missed);
    if let Some(row) = row {
        let error = match row.exit_code {
            Some(code) => message!("incident_error.ping_exit_status", code),
            None => message!("incident_error.ping_failed"),
        };
        heartbeat::record(tx, &heartbeat.id, &[row], ping.at).await?;
        if failed {
            told |= tell(tx, heartbeat, &error, at).await?;
        }
    }
    heartbeat::set_state(tx, heartbeat).await?;
    if recovered {
        told |= recover(tx, heartbeat, at).await?;
    }
    Ok(told)
}

async fn tell(tx: &mut Tx, heartbeat: &Heartbeat, error: &Message, at: DecisionTime) -> Result<bool> {
    let subject = heartbeat.subject();
    incidents::raise(tx, &trouble(heartbeat, &subject, Some(error)), at).await
}

/// Closes the incidents of a heartbeat. Returns whether messages were queued.
pub async fn recover(tx: &mut Tx, heartbeat: &Heartbeat, at: DecisionTime) -> Result<bool> {
    let subject = heartbeat.subject();
    incidents::resolve(tx, &trouble(heartbeat, &subject, None), at).await
}

fn trouble<'t>(heartbeat: &'t Heartbeat, subject: &'t str, error: Option<&'t Message>) -> Trouble<'t> {
    // Ids in rules are those of tasks: a rule for a task does not cover a heartbeat of the same id.
    let target = Target { id: "", tags: &heartbeat.tags, task_type: RULE_TYPE };
    Trouble { event: NotifyEvent::HeartbeatLost, subject, target, error }
}

fn missed_row(expected: DateTime<Utc>) -> PingRow {
    PingRow {
        id: String::new(),
        expected_at: Some(expected),
        status: PingStatus::Missed,
        at: None,
        duration_ms: None,
        exit_code: None,
        body: String::new(),
    }
}
