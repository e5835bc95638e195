//! Response models of notification rules.

use chrono_tz::Tz;

use super::named::{Seconds, Timestamp};
use super::timestamp;
use crate::api::answer::resource;
use crate::domain::input::seconds_value;
use crate::domain::notify::digest::DigestTime;
use crate::domain::notify::quiet_hours::{QuietHours, short};
use crate::domain::notify::rule::TaskSelection;
use crate::service::StoredRule;

view! {
    /// A notification rule.
    #[oai(rename = "NotifyRule", read_only_all)]
    pub struct NotifyRuleView from (stored: StoredRule) where
        rule = stored.definition;
    {
        name: String = rule.name,
        tasks: RuleTasksView = RuleTasksView::from(rule.tasks),
        /// The events that are told; empty for a rule that only sends a digest.
        events: Vec<String> = rule.events.iter().map(|event| event.as_str().to_owned()).collect(),
        /// The number of failures in a row from which on a failure is told.
        after_failures: u32 = rule.after_failures,
        /// The names of the channels.
        channels: Vec<String> = rule.channels,
        /// How often an open incident that nobody has acknowledged is told again, in seconds. Null: never.
        remind_every_seconds: Option<Seconds> = rule.remind_every.map(|every| Seconds(seconds_value(every))),
        /// When only urgent messages are sent. Null: never.
        quiet_hours: Option<QuietHoursView> = rule.quiet_hours.map(QuietHoursView::from),
        /// Whether its messages are sent in quiet hours too.
        urgent: bool = rule.urgent,
        enabled: bool = rule.enabled,
        /// The language of its messages: `en` or `zh-CN`.
        language: String = rule.language.tag().to_owned(),
        /// When a summary of the tasks is sent. Null: never.
        digest: Option<DigestView> = rule.digest.map(DigestView::from),
        /// The template of the title of its messages; null: that of the channel, or the built-in text.
        title_template: Option<String> = rule.templates.title,
        /// The template of the text below the title; null: that of the channel, or the built-in text.
        body_template: Option<String> = rule.templates.body,
        /// Incremented by each change, from 1.
        version: i64 = stored.version,
        created_at: Timestamp = timestamp(stored.created_at, Tz::UTC),
        updated_at: Timestamp = timestamp(stored.updated_at, Tz::UTC),
        /// Who changed it last.
        updated_by: String = stored.updated_by,
    }
}

resource!(NotifyRuleView, "rule", Some(|rule| rule.version));

view! {
    /// The tasks of a rule: those that one of the lists names, or all.
    #[oai(rename = "RuleTasks", read_only_all)]
    pub struct RuleTasksView from (tasks: TaskSelection) {
        /// All tasks, and what belongs to no task.
        all: bool = tasks.all,
        ids: Vec<String> = tasks.ids,
        tags: Vec<String> = tasks.tags,
        types: Vec<String> = tasks.types,
    }
}

view! {
    /// A time of the day in which only urgent messages are sent; the others are sent at its end.
    #[oai(rename = "QuietHours", read_only_all)]
    pub struct QuietHoursView from (hours: QuietHours) {
        /// `HH:MM`.
        from: String = short(hours.from),
        /// `HH:MM`, exclusive.
        to: String = short(hours.to),
        /// Null: the server's time zone.
        timezone: Option<String> = hours.zone.map(|zone| zone.name().to_owned()),
    }
}

view! {
    /// When a digest is sent.
    #[oai(rename = "DigestTime", read_only_all)]
    pub struct DigestView from (digest: DigestTime) {
        /// `day` or `week`.
        every: String = if digest.weekday.is_some() { "week" } else { "day" }.to_owned(),
        /// Of a weekly digest: `mon` to `sun`.
        weekday: Option<String> = digest.weekday.map(|day| crate::domain::notify::digest::weekday_name(day).to_owned()),
        /// `HH:MM`.
        at: String = short(digest.at),
        /// Null: the server's time zone.
        timezone: Option<String> = digest.zone.map(|zone| zone.name().to_owned()),
    }
}
