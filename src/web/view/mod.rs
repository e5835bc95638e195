//! What templates see: typed contexts, each bound to its template, each with samples that a test draws in both languages.

pub mod account;
pub mod audit;
pub mod bulk;
pub mod calendar;
pub mod chart;
pub mod error;
pub mod execution;
pub mod executions;
pub mod messengers;
pub mod nodes;
pub mod overview;
pub mod resources;
pub mod result;
pub mod samples;
pub mod saved_views;
pub mod second_factor;
pub mod task;
pub mod task_form;
pub mod task_types;
pub mod tasks;
pub mod tokens;
pub mod transfer;
pub mod users;
pub mod versions;

use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use serde::Serialize;
use serde_json::{Value, json};

use super::language::Language;
use super::session::Flash;
use super::visit::Visit;
use crate::domain::execution::{Cause, Status};
use crate::domain::input::cut;
use crate::domain::page::Cursor;
use crate::domain::user::{Action, Role};

/// A template's context.
pub trait View: Serialize {
    /// The template it belongs to.
    const TEMPLATE: &'static str;

    /// Examples that show every branch of the template.
    fn samples() -> Vec<Self>
    where
        Self: Sized;
}

/// What the frame around every page needs.
#[derive(Debug, Clone, Serialize)]
pub struct Shell {
    pub language: &'static str,
    pub theme: &'static str,
    pub user: String,
    pub can_run: bool,
    pub can_edit: bool,
    pub can_administer: bool,
    /// Not limited to tags, or trusted with more than those.
    pub can_see_server: bool,
    pub csrf: String,
    /// The entry of the navigation that the page belongs to.
    pub section: String,
    /// The address of this page, to come back to.
    pub address: String,
    /// The server's zone.
    pub zone: &'static str,
    pub flash: Option<FlashView>,
    /// Words for the page's script, as JSON.
    pub words: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct FlashView {
    pub text: String,
    pub link: String,
}

impl Shell {
    pub fn of(visit: &Visit, section: &str, flash: Option<&Flash>) -> Shell {
        let can = |action| visit.actor.as_ref().is_some_and(|actor| actor.role.allows(action));
        Shell {
            language: visit.language.tag(),
            theme: visit.theme.as_str(),
            user: visit.actor.as_ref().map(|actor| actor.name.clone()).unwrap_or_default(),
            can_run: can(Action::Run),
            can_edit: can(Action::Edit),
            can_administer: can(Action::Administer),
            can_see_server: visit.actor.as_ref().is_some_and(|actor| actor.reach.is_all() || !actor.grants.is_empty()),
            csrf: visit.token(),
            section: section.to_owned(),
            address: visit.address(),
            zone: visit.service().zone().name(),
            flash: flash.map(|flash| FlashView { text: visit.flash_text(flash), link: flash.link.clone() }),
            words: words(visit),
        }
    }
}

/// The texts that the script needs: units of time, marks of the stream, messages.
fn words(visit: &Visit) -> String {
    const KEYS: [&str; 13] = ["ms", "s", "min", "h", "d", "in", "ago", "due", "lost", "back", "new_rows", "copied", "failed"];
    let pairs = KEYS.map(|key| (key.to_owned(), Value::from(visit.t(&format!("script.{key}")))));
    Value::Object(pairs.into_iter().collect()).to_string()
}

/// An instant, written in a task's (or the server's) zone; the browser shows it in the reader's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moment {
    pub iso: String,
    pub text: String,
    /// The whole truth: with offset and zone.
    pub title: String,
    /// `second`, `ms`, or `clock` (hour and minute): how exactly it is shown.
    pub precision: &'static str,
}

impl Moment {
    pub fn new(at: DateTime<Utc>, zone: Tz) -> Moment {
        Moment::written(at, zone, "%Y-%m-%d %H:%M:%S", "second")
    }

    /// To the millisecond.
    pub fn precise(at: DateTime<Utc>, zone: Tz) -> Moment {
        Moment::written(at, zone, "%Y-%m-%d %H:%M:%S%.3f", "ms")
    }

    /// The time of day alone.
    pub fn clock(at: DateTime<Utc>, zone: Tz) -> Moment {
        Moment::written(at, zone, "%H:%M", "clock")
    }

    fn written(at: DateTime<Utc>, zone: Tz, format: &str, precision: &'static str) -> Moment {
        let local = at.with_timezone(&zone);
        Moment {
            iso: at.to_rfc3339_opts(SecondsFormat::Millis, true),
            text: local.format(format).to_string(),
            title: format!("{} {}", local.format("%Y-%m-%d %H:%M:%S%.3f %:z"), zone.name()),
            precision,
        }
    }
}

/// A status with its colour; its name is text `status.<code>`.
pub fn status_code(status: Status) -> &'static str {
    status.as_str()
}

/// One choice of a drop-down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Choice {
    pub value: String,
    pub text: String,
}

impl Choice {
    pub fn new(value: impl Into<String>, text: impl Into<String>) -> Choice {
        Choice { value: value.into(), text: text.into() }
    }
}

/// Where a list goes on: addresses of its neighbours, empty where there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Pager {
    pub previous: String,
    pub next: String,
    pub total: i64,
    pub total_is_exact: bool,
}

impl Pager {
    /// `address` builds the address of this list with another cursor.
    pub fn new(page: &crate::domain::page::Page<impl Sized>, address: impl Fn(&str) -> String) -> Pager {
        let link = |cursor: &Option<Cursor>| cursor.as_ref().map(|c| address(&c.encode())).unwrap_or_default();
        Pager { previous: link(&page.previous), next: link(&page.next), total: page.total, total_is_exact: page.total_is_exact }
    }
}

/// Parameters in one short line.
pub fn shortened(params: &Value) -> String {
    let Value::Object(map) = params else { return cut(&params.to_string(), 60) };
    let parts: Vec<_> = map.iter().map(|(name, value)| format!("{name}={}", one_line(value))).collect();
    cut(&parts.join(" "), 60)
}

fn one_line(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    cut(&text.split_whitespace().collect::<Vec<_>>().join(" "), 40)
}

/// JSON as people read it.
pub fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string())
}

/// The choices of statuses, in this language.
pub fn status_choices(visit: &Visit) -> Vec<Choice> {
    Status::ALL.into_iter().map(|s| Choice::new(s.as_str(), visit.t(&format!("status.{}", s.as_str())))).collect()
}

pub fn cause_choices(visit: &Visit) -> Vec<Choice> {
    Cause::ALL.into_iter().map(|c| Choice::new(c.as_str(), visit.t(&format!("cause.{}", c.as_str())))).collect()
}

/// The choices of task types, by title.
pub fn type_choices(visit: &Visit) -> Vec<Choice> {
    let types = visit.service().registry().all();
    types.iter().map(|entry| Choice::new(entry.spec.name.as_ref(), type_title(&entry.spec.name, visit))).collect()
}

/// A task type's title, or its name where it is no longer there.
pub fn type_title(name: &str, visit: &Visit) -> String {
    match visit.service().registry().get(name) {
        Some(entry) => visit.language.pick(&entry.spec.title).to_owned(),
        None => name.to_owned(),
    }
}

/// The choices of roles up to one, in this language.
pub fn role_choices(visit: &Visit, highest: Role) -> Vec<Choice> {
    let roles = Role::ALL.into_iter().filter(|role| *role <= highest);
    roles.map(|role| Choice::new(role.as_str(), visit.t(&format!("role.{}", role.as_str())))).collect()
}

/// A frame for samples.
pub fn sample_shell(language: Language) -> Shell {
    Shell {
        language: language.tag(),
        theme: "dark",
        user: "alice".to_owned(),
        can_run: true,
        can_edit: true,
        can_administer: true,
        can_see_server: true,
        csrf: "0".repeat(64),
        section: "tasks".to_owned(),
        address: "/tasks?type=echo".to_owned(),
        zone: "Asia/Shanghai",
        flash: Some(FlashView { text: "daily-report".to_owned(), link: "/executions/01J".to_owned() }),
        words: json!({"s": "s"}).to_string(),
    }
}
