//! Replanning: computes next runs anew after the clock was set back or the server's time zone changed, and puts the change on
//! record. Nothing fires because of it: what was due is recorded first, by the rules before the change.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::clock_watch::ClockStep;
use super::planner::Planner;
use super::settle::Settlement;
use crate::domain::audit::{AuditEvent, Entry};
use crate::domain::calendar::CalendarSet;
use crate::domain::decision::{Firing, first_firing};
use crate::domain::pause::Pause;
use crate::domain::task::Task;
use crate::domain::user::Via;
use crate::ids::new_id;
use crate::storage::plan::{self, Advance};
use crate::storage::{Result, Tx, audit, pause, server_state};

/// Tasks replanned in one transaction.
const BATCH: i64 = 1000;
/// A record this much later than the clock shows that the clock was ahead before the start.
const AHEAD: TimeDelta = TimeDelta::seconds(5);

impl Planner {
    /// Reacts to a step of the clock. If it was set back, tasks and retries do not wait until the former time is reached again:
    /// occurrences count from `unseen_from` on, the earliest time that may have passed since the clock was read last.
    pub async fn clock_stepped(&self, step: ClockStep, unseen_from: DateTime<Utc>, now: DateTime<Utc>) -> Result<()> {
        let before = match step {
            ClockStep::Ahead(by) => {
                tracing::warn!(seconds = by.num_seconds(), "clock was set ahead, or the machine was suspended; catching up");
                now - by
            }
            ClockStep::Back(by) => {
                self.state.set_back(by);
                let tasks = self.replan_earlier(unseen_from, now).await?;
                tracing::warn!(seconds = by.num_seconds(), tasks, "clock was set back; next runs replanned");
                now + by
            }
        };
        let mut tx = self.database.write().await?;
        note(&mut tx, AuditEvent::ClockChange, "server:clock", [json!({"time": before}), json!({"time": now})], now).await?;
        tx.commit().await
    }

    /// Replans after a start: the clock may have been set back, and the server may have another time zone than before.
    pub async fn started(&self, now: DateTime<Utc>) -> Result<()> {
        let newest = plan::newest_record(&mut self.database.read_engine().await?).await?;
        if let Some(ahead) = newest.map(|newest| newest - now).filter(|ahead| *ahead > AHEAD) {
            // What fell due while this process started counts.
            self.clock_stepped(ClockStep::Back(ahead), self.since.min(now), now).await?;
        }
        match server_state::zone(&mut self.database.read_engine().await?).await? {
            Some(zone) if zone == self.zone => Ok(()),
            Some(zone) => self.zone_changed(zone, now).await,
            None => self.save_zone(None, now).await,
        }
    }

    /// Replans the tasks that name no time zone.
    async fn zone_changed(&self, former: Tz, now: DateTime<Utc>) -> Result<()> {
        let settlement = Settlement { zone: former, ..self.settlement() };
        self.replan_paused_in_zone(&settlement, now).await?;
        let (mut after, mut replanned) = (String::new(), 0);
        loop {
            let mut tx = self.database.write().await?;
            let mut tasks = plan::scheduled(&mut tx, DateTime::UNIX_EPOCH, &after, BATCH).await?;
            let recorded = settlement.settle(&mut tx, &mut tasks, now).await?;
            if !recorded.more {
                let calendars = self.state.calendars.current(&mut tx).await?;
                let advances: Vec<Advance> = tasks.iter().filter_map(|task| self.in_new_zone(task, &calendars, now)).collect();
                plan::advance(&mut tx, &advances).await?;
                replanned += advances.len();
            }
            tx.commit().await?;
            settlement.announce(&recorded);
            match tasks.last() {
                _ if recorded.more => {}
                Some(last) if tasks.len() as i64 == BATCH => after.clone_from(&last.id),
                _ => break,
            }
        }
        tracing::warn!(from = %former, to = %self.zone, tasks = replanned, "server's time zone changed; tasks without one replanned");
        self.save_zone(Some(former), now).await
    }

    /// Looks for the next occurrences within the pauses of tasks that name no zone, after what was due is recorded.
    async fn replan_paused_in_zone(&self, settlement: &Settlement, now: DateTime<Utc>) -> Result<()> {
        let mut after = String::new();
        loop {
            let mut tx = self.database.write().await?;
            let mut tasks = pause::paused(&mut tx, &after, BATCH).await?;
            let recorded = settlement.settle(&mut tx, &mut tasks, now).await?;
            if !recorded.more {
                let from = now + TimeDelta::milliseconds(1);
                let calendars = self.state.calendars.current(&mut tx).await?;
                let goes_on = |task: &&Task| task.paused.as_ref().is_some_and(|pause| pause.run_at.is_some());
                let unzoned = tasks.iter().filter(goes_on).filter(|task| !names_zone(task));
                let replanned = unzoned.filter_map(|task| self.paused_from(task, &calendars, from));
                advance_pauses(&mut tx, replanned.collect()).await?;
            }
            tx.commit().await?;
            settlement.announce(&recorded);
            match tasks.last() {
                _ if recorded.more => {}
                Some(last) if tasks.len() as i64 == BATCH => after.clone_from(&last.id),
                _ => return Ok(()),
            }
        }
    }

    /// Looks for the next occurrences within pauses from `unseen_from` on, and deletes what a clock that was ahead has recorded.
    async fn replan_paused_earlier(&self, unseen_from: DateTime<Utc>, now: DateTime<Utc>) -> Result<()> {
        let mut after = String::new();
        loop {
            let mut tx = self.database.write().await?;
            let tasks = pause::paused(&mut tx, &after, BATCH).await?;
            let calendars = self.state.calendars.current(&mut tx).await?;
            let ids: Vec<String> = tasks.iter().map(|task| task.id.clone()).collect();
            let mut from: HashMap<String, DateTime<Utc>> = HashMap::new();
            for (id, at) in pause::delete_premature(&mut tx, &ids, now).await? {
                from.entry(id).and_modify(|first| *first = at.min(*first)).or_insert(at.min(now));
            }
            let earlier = |task: &Task| {
                let unseen_from = since_change(task, unseen_from, now);
                let from = from.get(&task.id).map_or(unseen_from, |first| unseen_from.min(*first));
                let (id, replanned) = self.paused_from(task, &calendars, from)?;
                let planned = task.paused.as_ref().and_then(|pause| pause.run_at);
                replanned.run_at.is_some_and(|at| planned.is_none_or(|planned| at < planned)).then_some((id, replanned))
            };
            advance_pauses(&mut tx, tasks.iter().filter_map(earlier).collect()).await?;
            tx.commit().await?;
            match tasks.last() {
                Some(last) if tasks.len() as i64 == BATCH => after.clone_from(&last.id),
                _ => return Ok(()),
            }
        }
    }

    /// The pause of a task with its first occurrence at or after `from`.
    fn paused_from(&self, task: &Task, calendars: &CalendarSet, from: DateTime<Utc>) -> Option<(String, Pause)> {
        let (pause, schedule) = (task.paused.clone()?, task.schedule_from(from, self.zone, calendars).ok()?);
        let next = first_firing(&task.id, &schedule, from, task.anchor_at);
        let (rule_at, run_at) = next.map(|next| (next.rule_at, next.run_at)).unzip();
        Some((task.id.clone(), pause.with_next(rule_at, run_at)))
    }

    /// The next run of a task by the server's zone; `None` if the task names a zone, or has no further run.
    fn in_new_zone(&self, task: &Task, calendars: &CalendarSet, now: DateTime<Utc>) -> Option<Advance> {
        if names_zone(task) || task.next_run_at.is_none() {
            return None;
        }
        let from = now + TimeDelta::milliseconds(1);
        let schedule = task.schedule_from(from, self.zone, calendars).ok()?;
        let next = first_firing(&task.id, &schedule, from, task.anchor_at);
        Some(advance(task, next))
    }

    async fn save_zone(&self, former: Option<Tz>, now: DateTime<Utc>) -> Result<()> {
        let mut tx = self.database.write().await?;
        server_state::set(&mut tx, server_state::ZONE, self.zone.name()).await?;
        if let Some(former) = former {
            let states = [json!({"zone": former.name()}), json!({"zone": self.zone.name()})];
            note(&mut tx, AuditEvent::ZoneChange, "server:zone", states, now).await?;
        }
        tx.commit().await
    }

    /// Plans tasks whose next run lies later than their rule says from `from` on, or whose schedule ended by a clock that was ahead.
    /// Returns how many.
    async fn replan_earlier(&self, from: DateTime<Utc>, now: DateTime<Utc>) -> Result<usize> {
        self.replan_paused_earlier(from, now).await?;
        let (mut after, mut replanned) = (String::new(), 0);
        loop {
            let mut tx = self.database.write().await?;
            let tasks = plan::scheduled(&mut tx, from, &after, BATCH).await?;
            let calendars = self.state.calendars.current(&mut tx).await?;
            let advances: Vec<Advance> =
                tasks.iter().filter_map(|task| self.earlier(task, &calendars, since_change(task, from, now))).collect();
            plan::advance(&mut tx, &advances).await?;
            plan::bring_retries_forward(&mut tx, now).await?;
            tx.commit().await?;
            replanned += advances.len();
            match tasks.last() {
                Some(last) if tasks.len() as i64 == BATCH => after.clone_from(&last.id),
                _ => return Ok(replanned),
            }
        }
    }

    fn earlier(&self, task: &Task, calendars: &CalendarSet, from: DateTime<Utc>) -> Option<Advance> {
        let schedule = task.schedule_from(from, self.zone, calendars).ok()?;
        let next = first_firing(&task.id, &schedule, from, task.anchor_at)?;
        task.next_run_at.is_none_or(|planned| next.run_at < planned).then(|| advance(task, Some(next)))
    }

    fn settlement(&self) -> Settlement {
        Settlement {
            zone: self.zone,
            since: self.since,
            calendars: self.state.calendars.clone(),
            signals: self.signals.clone(),
            events: self.events.clone(),
        }
    }
}

async fn advance_pauses(tx: &mut Tx, pauses: Vec<(String, Pause)>) -> Result<()> {
    pause::advance(tx, &pauses.iter().map(|(id, pause)| (id.as_str(), pause)).collect::<Vec<_>>()).await
}

/// From when on the occurrences of a task count: not before its last change, whose time the clock now set has passed.
fn since_change(task: &Task, from: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
    let changed = Some(task.updated_at).filter(|changed| *changed <= now);
    changed.map_or(from, |changed| from.max(changed + TimeDelta::milliseconds(1)).min(now))
}

/// Whether every trigger of a task names its time zone.
fn names_zone(task: &Task) -> bool {
    let names = |trigger: &Value| trigger.get("timezone").is_some_and(|zone| !zone.is_null());
    names(&task.trigger) && task.schedule.rules.iter().all(|rule| names(&rule.trigger))
}

fn advance(task: &Task, next: Option<Firing>) -> Advance {
    let (next_run_at, next_rule_at) = next.map(|next| (next.run_at, next.rule_at)).unzip();
    Advance { task_id: task.id.clone(), next_run_at, next_rule_at }
}

/// Puts a change of the server on record.
async fn note(tx: &mut Tx, action: AuditEvent, target: &str, [before, after]: [Value; 2], now: DateTime<Utc>) -> Result<()> {
    let entry = Entry {
        id: new_id(now),
        at: now,
        actor: "belfry".to_owned(),
        via: Via::Server,
        address: None,
        action,
        target: target.to_owned(),
        before: Some(before),
        after: Some(after),
    };
    audit::add(tx, &entry).await
}
