//! The display of an import plan: differences with secrets masked, and firings before and after.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value};

use super::TransferService;
use super::redaction::Redactor;
use crate::domain::calendar::CalendarSet;
use crate::domain::schedule::Schedule;
use crate::domain::task::{Task, TaskInput};
use crate::domain::transfer::{Change, Plan, Step, differences};

/// The number of firings listed per task.
const FIRINGS: usize = 3;

impl TransferService {
    pub(super) fn changes(&self, plan: &Plan<'_>, redactor: &Redactor, calendars: &CalendarSet) -> Vec<Change> {
        let now = self.clock.now();
        plan.steps.iter().map(|step| self.describe_step(step, redactor, calendars, now)).collect()
    }

    fn describe_step(&self, step: &Step<'_>, redactor: &Redactor, calendars: &CalendarSet, now: DateTime<Utc>) -> Change {
        let before = step.current.map(|task| self.before(task, calendars, now)).unwrap_or_default();
        let after = step.wanted.map(|(_, input)| after(input, step.current, calendars, now)).unwrap_or_default();
        let masked = |task: Map<String, Value>| redactor.masked(task);
        let (id, task_type) = match (step.current, step.wanted) {
            (_, Some((_, input))) => (input.id.clone(), input.task_type.clone()),
            (Some(task), None) => (task.id.clone(), task.task_type.clone()),
            (None, None) => Default::default(),
        };
        let differences = match (step.current, step.wanted) {
            (Some(task), Some((_, input))) => differences(&masked(task.to_input()), &masked(input.to_input())),
            _ => Vec::new(),
        };
        Change { kind: step.kind, id, task_type, differences, firings_before: before, firings_after: after }
    }

    fn before(&self, task: &Task, calendars: &CalendarSet, now: DateTime<Utc>) -> Vec<DateTime<Tz>> {
        let schedule = task.schedule(self.rules.zone, calendars).ok().filter(|_| task.enabled);
        schedule.map(|schedule| firings(&schedule, now, task.anchor_at)).unwrap_or_default()
    }
}

fn after(input: &TaskInput, current: Option<&Task>, calendars: &CalendarSet, now: DateTime<Utc>) -> Vec<DateTime<Tz>> {
    let anchor = current.filter(|task| task.has_schedule(&input.trigger, &input.schedule)).map_or(now, |task| task.anchor_at);
    let schedule = input.schedule(calendars).ok().filter(|_| input.enabled);
    schedule.map(|schedule| firings(&schedule, now, anchor)).unwrap_or_default()
}

fn firings(schedule: &Schedule, now: DateTime<Utc>, anchor: DateTime<Utc>) -> Vec<DateTime<Tz>> {
    let first = schedule.next_open_after(now - TimeDelta::nanoseconds(1), anchor);
    let following = std::iter::successors(first, |at| schedule.next_open_after(*at, anchor));
    following.take(FIRINGS).map(|at| at.with_timezone(&schedule.zone())).collect()
}
