//! Decisions on incidents: which ones open, grow and close, and when a rule sends a message about them. Each message is decided once, with the
//! change of the incident that it tells of.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::cause::Cause;
use super::event::NotifyEvent;
use super::incident::{Incident, ToldBy};
use super::quiet_hours::not_before;
use super::rule::{NotifyRule, Target};
use crate::i18n::Message;

/// Incidents of one cause that open within this time after the first message of a rule are told together at its end.
pub const GROUP_WINDOW: TimeDelta = TimeDelta::seconds(30);

/// What became of a run, or of an occurrence that did not run.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    Succeeded,
    Failed,
    /// It ended otherwise, or will be tried again.
    Neutral,
    /// It did not run: missed or skipped.
    NotRun(NotifyEvent),
}

/// One outcome of a task.
#[derive(Debug, Clone, PartialEq)]
pub struct Happened {
    pub execution_id: String,
    pub outcome: Outcome,
    /// Whether it began later than the task's limit; `None`: that was said before.
    pub late: Option<bool>,
    /// Whether the execution has ended.
    pub ended: bool,
    pub error: Option<Message>,
}

impl Happened {
    /// Whether the task's counters have it: a run that has ended.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.ended && !matches!(self.outcome, Outcome::NotRun(_))
    }
}

/// A subject with its open incidents.
#[derive(Debug)]
pub struct Watched<'t> {
    pub subject: String,
    pub task_id: Option<String>,
    pub target: Target<'t>,
    /// The parameters of the task, from which causes take the datasource and the host.
    pub params: &'t serde_json::Value,
    pub incidents: Vec<Incident>,
    /// The number of failures in a row so far.
    pub failures: u32,
    /// The limit of failures in a row of the task's policy.
    pub failures_limit: Option<u32>,
    /// Until then no message is decided; what is still open then is told.
    pub muted_until: Option<DateTime<Utc>>,
}

/// What a message tells of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    Opened,
    StillOpen,
    Closed,
}

/// A decided message: a rule tells of an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telling {
    pub rule: String,
    pub phase: Phase,
    pub incident_id: String,
    /// The end of the rule's quiet hours, or now.
    pub not_before: DateTime<Utc>,
}

/// Decides in one transaction.
pub struct Decider<'r> {
    pub rules: &'r [NotifyRule],
    pub now: DateTime<Utc>,
    /// The server's time zone.
    pub zone: Tz,
    /// When a rule, by name, told first of a cause, by key, within the window before now.
    pub lately: HashMap<(String, String), DateTime<Utc>>,
    pub new_id: &'r mut (dyn FnMut() -> String + Send),
    pub tellings: Vec<Telling>,
}

impl Decider<'_> {
    /// Applies an outcome to the incidents of a task.
    pub fn observe(&mut self, watched: &mut Watched<'_>, happened: &Happened) {
        match happened.outcome {
            Outcome::Succeeded => {
                watched.failures = 0;
                self.close(watched, |incident| incident.event.ends_with_success(), None);
            }
            Outcome::Failed => {
                watched.failures = watched.failures.saturating_add(1);
                self.occur(watched, NotifyEvent::Failed, happened.error.as_ref(), Some(&happened.execution_id));
                if watched.failures_limit.is_some_and(|limit| watched.failures >= limit) {
                    self.occur(watched, NotifyEvent::FailuresInARow, None, Some(&happened.execution_id));
                }
            }
            Outcome::NotRun(event) => return self.occur(watched, event, happened.error.as_ref(), Some(&happened.execution_id)),
            Outcome::Neutral => {}
        }
        match happened.late {
            Some(true) => self.occur_once(watched, NotifyEvent::Late, &happened.execution_id),
            Some(false) => self.close(watched, |incident| incident.event == NotifyEvent::Late, None),
            None => {}
        }
        if happened.ended {
            let is_of_run = |incident: &Incident| incident.last_execution.as_deref() == Some(&happened.execution_id);
            self.close(watched, |incident| incident.event == NotifyEvent::RunningLong && is_of_run(incident), None);
        }
    }

    /// As [`Decider::occur`], unless the open incident knows of this execution already.
    pub fn occur_once(&mut self, watched: &mut Watched<'_>, event: NotifyEvent, execution_id: &str) {
        let known = watched.incidents.iter().any(|incident| {
            incident.is_open() && incident.event == event && incident.last_execution.as_deref() == Some(execution_id)
        });
        if !known {
            self.occur(watched, event, None, Some(execution_id));
        }
    }

    /// Opens an incident of an event or lets it grow, and tells of it by the rules that have not told yet. Without a rule that
    /// covers the event no incident opens.
    pub fn occur(&mut self, watched: &mut Watched<'_>, event: NotifyEvent, error: Option<&Message>, execution_id: Option<&str>) {
        let cause = Cause::new(event, error, watched.params);
        let failures = watched.failures;
        let reached = |rule: &&NotifyRule| event != NotifyEvent::Failed || failures >= rule.after_failures;
        let rules: Vec<&NotifyRule> =
            self.rules.iter().filter(|rule| rule.covers(event, &watched.target)).filter(reached).collect();
        let is_same = |incident: &&mut Incident| incident.is_open() && incident.event == event && incident.cause_key == cause.key;
        let incident = match watched.incidents.iter_mut().find(is_same) {
            Some(open) => {
                open.count += 1;
                open.last_at = self.now;
                open.error = error.cloned();
                open.last_execution = execution_id.map(str::to_owned);
                open
            }
            None if rules.is_empty() => return,
            None => {
                watched.incidents.push(Incident {
                    id: (self.new_id)(),
                    subject: watched.subject.clone(),
                    task_id: watched.task_id.clone(),
                    event,
                    cause_key: cause.key,
                    cause: cause.text,
                    error: error.cloned(),
                    opened_at: self.now,
                    last_at: self.now,
                    closed_at: None,
                    closed_by: None,
                    count: 1,
                    first_execution: execution_id.map(str::to_owned),
                    last_execution: execution_id.map(str::to_owned),
                    acknowledged_at: None,
                    acknowledged_by: None,
                    told: Default::default(),
                });
                let Some(opened) = watched.incidents.last_mut() else { return };
                opened
            }
        };
        let muted_until = watched.muted_until.filter(|until| *until > self.now);
        for rule in rules {
            match muted_until {
                _ if incident.told.0.contains_key(&rule.name) => {}
                Some(until) => _ = incident.told.0.insert(rule.name.clone(), held_until(until)),
                None => self.tell_first(incident, rule),
            }
        }
    }

    /// Decides the first message of a rule on an incident: now, or together with others of the same cause.
    fn tell_first(&mut self, incident: &mut Incident, rule: &NotifyRule) {
        let lately = self.lately.get(&(incident.cause_key.clone(), rule.name.clone()));
        let waits_until = lately.map(|first| *first + GROUP_WINDOW).filter(|until| *until > self.now);
        let by = match waits_until {
            Some(until) => held_until(until),
            None => self.tell(incident, rule, Phase::Opened),
        };
        incident.told.0.insert(rule.name.clone(), by);
    }

    /// Decides a message. Returns when it was told first, and when the next is due.
    fn tell(&mut self, incident: &Incident, rule: &NotifyRule, phase: Phase) -> ToldBy {
        let at = not_before(self.now, self.quiet_until(rule));
        let (rule_name, incident_id) = (rule.name.clone(), incident.id.clone());
        self.tellings.push(Telling { rule: rule_name, phase, incident_id, not_before: at });
        let every = rule.remind_every.and_then(|every| TimeDelta::from_std(every).ok());
        let first = incident.told.0.get(&rule.name).and_then(|by| by.first).unwrap_or_else(|| self.now.timestamp_millis());
        ToldBy { first: Some(first), due: every.map(|every| (at + every).timestamp_millis()) }
    }

    fn quiet_until(&self, rule: &NotifyRule) -> Option<DateTime<Utc>> {
        rule.quiet_hours.as_ref().filter(|_| !rule.urgent).and_then(|hours| hours.end(self.now, self.zone))
    }

    /// Decides the messages of an open incident that are due: reminders, and first messages that waited for others.
    pub fn remind(&mut self, incident: &mut Incident, muted_until: Option<DateTime<Utc>>) {
        let now = self.now.timestamp_millis();
        let due: Vec<String> =
            incident.told.0.iter().filter(|(_, by)| by.due.is_some_and(|due| due <= now)).map(|(name, _)| name.clone()).collect();
        for name in due {
            let before = incident.told.0.get(&name).copied().unwrap_or_default();
            let rule = self.rules.iter().find(|rule| rule.name == name && rule.enabled);
            let after = match (rule, before.first) {
                (None, first) => ToldBy { first, due: None },
                _ if is_muted(muted_until, self.now) => {
                    ToldBy { due: muted_until.map(|until| until.timestamp_millis()), ..before }
                }
                (Some(rule), None) => self.tell(incident, rule, Phase::Opened),
                (Some(_), Some(_)) if incident.acknowledged_at.is_some() => ToldBy { due: None, ..before },
                (Some(rule), Some(_)) => match self.quiet_until(rule) {
                    Some(until) => ToldBy { due: Some(until.timestamp_millis()), ..before },
                    None => self.tell(incident, rule, Phase::StillOpen),
                },
            };
            incident.told.0.insert(name, after);
        }
    }

    /// Closes open incidents and tells of it by the rules that told of them and have the event `recovered`. `by` is the person
    /// who closes them; then nothing is told.
    pub fn close(&mut self, watched: &mut Watched<'_>, select: impl Fn(&Incident) -> bool, by: Option<&str>) {
        let mut incidents = std::mem::take(&mut watched.incidents);
        for incident in incidents.iter_mut().filter(|incident| incident.is_open() && select(incident)) {
            incident.closed_at = Some(self.now);
            incident.closed_by = by.map(str::to_owned);
            if by.is_none() && !is_muted(watched.muted_until, self.now) {
                self.tell_end(incident);
            }
            incident.told.0.values_mut().for_each(|by| by.due = None);
        }
        watched.incidents = incidents;
    }

    /// A first message that waited for others is decided now: every failure is named in a message.
    fn tell_end(&mut self, incident: &mut Incident) {
        for (name, by) in incident.told.clone().0 {
            let Some(rule) = self.rules.iter().find(|rule| rule.name == name && rule.enabled) else { continue };
            if by.first.is_none() {
                let told = self.tell(incident, rule, Phase::Opened);
                incident.told.0.insert(name, told);
            }
            if rule.events.contains(&NotifyEvent::Recovered) {
                self.tell(incident, rule, Phase::Closed);
            }
        }
    }
}

/// A first message that waits.
fn held_until(until: DateTime<Utc>) -> ToldBy {
    ToldBy { first: None, due: Some(until.timestamp_millis()) }
}

fn is_muted(until: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    until.is_some_and(|until| until > now)
}

#[cfg(test)]
mod tests;
