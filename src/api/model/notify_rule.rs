//! Response models of notification rules.

use chrono_tz::Tz;
use poem_openapi::Object;

use super::named::{Seconds, Timestamp};
use super::timestamp;
use crate::domain::input::seconds_value;
use crate::domain::notify::digest::DigestTime;
use crate::domain::notify::quiet_hours::{QuietHours, short};
use crate::domain::notify::rule::TaskSelection;
use crate::service::StoredRule;

/// A notification rule.
#[derive(Default, Object)]
#[oai(rename = "NotifyRule", read_only_all)]
pub struct NotifyRuleView {
    name: String,
    tasks: RuleTasksView,
    /// The events that are told; empty for a rule that only sends a digest.
    events: Vec<String>,
    /// The number of failures in a row from which on a failure is told.
    after_failures: u32,
    /// The names of the channels.
    channels: Vec<String>,
    /// How often an open incident that nobody has acknowledged is told again, in seconds. Null: never.
    remind_every_seconds: Option<Seconds>,
    /// When only urgent messages are sent. Null: never.
    quiet_hours: Option<QuietHoursView>,
    /// Whether its messages are sent in quiet hours too.
    urgent: bool,
    enabled: bool,
    /// The language of its messages: `en` or `zh-CN`.
    language: String,
    /// When a summary of the tasks is sent. Null: never.
    digest: Option<DigestView>,
    /// The template of the title of its messages; null: that of the channel, or the built-in text.
    title_template: Option<String>,
    /// The template of the text below the title; null: that of the channel, or the built-in text.
    body_template: Option<String>,
    /// Incremented by each change, from 1.
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// Who changed it last.
    updated_by: String,
}

/// The tasks of a rule: those that one of the lists names, or all.
#[derive(Default, Object)]
#[oai(rename = "RuleTasks", read_only_all)]
pub struct RuleTasksView {
    /// All tasks, and what belongs to no task.
    all: bool,
    ids: Vec<String>,
    tags: Vec<String>,
    types: Vec<String>,
}

/// A time of the day in which only urgent messages are sent; the others are sent at its end.
#[derive(Default, Object)]
#[oai(rename = "QuietHours", read_only_all)]
pub struct QuietHoursView {
    /// `HH:MM`.
    from: String,
    /// `HH:MM`, exclusive.
    to: String,
    /// Null: the server's time zone.
    timezone: Option<String>,
}

/// When a digest is sent.
#[derive(Default, Object)]
#[oai(rename = "DigestTime", read_only_all)]
pub struct DigestView {
    /// `day` or `week`.
    every: String,
    /// Of a weekly digest: `mon` to `sun`.
    weekday: Option<String>,
    /// `HH:MM`.
    at: String,
    /// Null: the server's time zone.
    timezone: Option<String>,
}

impl From<StoredRule> for NotifyRuleView {
    fn from(stored: StoredRule) -> Self {
        let rule = stored.definition;
        Self {
            name: rule.name,
            tasks: RuleTasksView::from(rule.tasks),
            events: rule.events.iter().map(|event| event.as_str().to_owned()).collect(),
            after_failures: rule.after_failures,
            channels: rule.channels,
            remind_every_seconds: rule.remind_every.map(|every| Seconds(seconds_value(every))),
            quiet_hours: rule.quiet_hours.map(QuietHoursView::from),
            urgent: rule.urgent,
            enabled: rule.enabled,
            language: rule.language.tag().to_owned(),
            digest: rule.digest.map(DigestView::from),
            title_template: rule.templates.title,
            body_template: rule.templates.body,
            version: stored.version,
            created_at: timestamp(stored.created_at, Tz::UTC),
            updated_at: timestamp(stored.updated_at, Tz::UTC),
            updated_by: stored.updated_by,
        }
    }
}

impl From<TaskSelection> for RuleTasksView {
    fn from(tasks: TaskSelection) -> Self {
        Self { all: tasks.all, ids: tasks.ids, tags: tasks.tags, types: tasks.types }
    }
}

impl From<QuietHours> for QuietHoursView {
    fn from(hours: QuietHours) -> Self {
        Self { from: short(hours.from), to: short(hours.to), timezone: hours.zone.map(|zone| zone.name().to_owned()) }
    }
}

impl From<DigestTime> for DigestView {
    fn from(digest: DigestTime) -> Self {
        Self {
            every: if digest.weekday.is_some() { "week" } else { "day" }.to_owned(),
            weekday: digest.weekday.map(|day| crate::domain::notify::digest::weekday_name(day).to_owned()),
            at: short(digest.at),
            timezone: digest.zone.map(|zone| zone.name().to_owned()),
        }
    }
}
