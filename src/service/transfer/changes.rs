//! The display of an import plan: differences with secrets masked, and firings before and after.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value};

use super::TransferService;
use super::redaction::Redactor;
use crate::domain::task::{Task, TaskInput};
use crate::domain::transfer::{Change, Plan, Step, differences};
use crate::domain::trigger::Trigger;

/// The number of firings listed per task.
const FIRINGS: usize = 3;

impl TransferService {
    pub(super) fn changes(&self, plan: &Plan<'_>, redactor: &Redactor) -> Vec<Change> {
        let now = self.clock.now();
        plan.steps.iter().map(|step| self.describe_step(step, redactor, now)).collect()
    }

    fn describe_step(&self, step: &Step<'_>, redactor: &Redactor, now: DateTime<Utc>) -> Change {
        let before = step.current.map(|task| self.before(task, now)).unwrap_or_default();
        let after = step.wanted.map(|(_, input)| after(input, step.current, now)).unwrap_or_default();
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

    fn before(&self, task: &Task, now: DateTime<Utc>) -> Vec<DateTime<Tz>> {
        let rule = task.rule(self.rules.zone).ok().filter(|_| task.enabled);
        rule.map(|rule| firings(&rule, now, task.anchor_at)).unwrap_or_default()
    }
}

fn after(input: &TaskInput, current: Option<&Task>, now: DateTime<Utc>) -> Vec<DateTime<Tz>> {
    let anchor = current.filter(|task| task.trigger == input.trigger).map_or(now, |task| task.anchor_at);
    if input.enabled { firings(&input.rule, now, anchor) } else { Vec::new() }
}

fn firings(rule: &Trigger, now: DateTime<Utc>, anchor: DateTime<Utc>) -> Vec<DateTime<Tz>> {
    let following = std::iter::successors(rule.next_at_or_after(now, anchor), |at| rule.next_after(*at, anchor));
    following.take(FIRINGS).map(|at| at.with_timezone(&rule.zone())).collect()
}
