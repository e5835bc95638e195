//! Template contexts: each is bound to its template and has samples that a test renders in both languages.

pub mod account;
pub mod audit;
pub mod bulk;
pub mod calendar;
pub mod calendar_day;
pub mod calendar_minute;
pub mod calendars;
pub mod channel_form;
pub mod channels;
pub mod chart;
pub mod context;
pub mod display;
pub mod error;
pub mod execution;
pub mod execution_bulk;
pub mod executions;
pub mod fault_text;
pub mod freezes;
pub mod heartbeats;
pub mod hooks;
pub mod incidents;
pub mod managed;
pub mod nodes;
pub mod notify_rules;
pub mod occurrences;
pub mod outcome_column;
pub mod output;
pub mod output_search;
pub mod overview;
pub mod params;
pub mod params_check;
pub mod pause;
pub mod profile_lists;
pub mod profiles;
pub mod queues;
pub mod resources;
pub mod result;
pub mod run_chart;
pub mod run_inputs;
pub mod run_timeline;
pub mod saved_views;
pub mod second_factor;
pub mod spark;
pub mod task;
pub mod task_form;
pub mod task_types;
pub mod tasks;
pub mod test_run;
pub mod tokens;
pub mod transfer;
pub mod trend;
pub mod users;
pub mod versions;
pub mod why;
pub mod workbench;

use chrono::{DateTime, Datelike, SecondsFormat, Utc};
use chrono_tz::Tz;
use serde::Serialize;
use serde_json::Value;

use self::context::ViewContext;
use self::freezes::Banners;
use crate::domain::execution::{Cause, Status};
use crate::domain::grant::METRICS_GRANT;
use crate::domain::input::truncate;
pub use crate::domain::json::pretty;
use crate::domain::page::Cursor;
use crate::domain::user::{Action, Role};
use crate::i18n::Language;

/// A template's context.
pub trait View: Serialize {
    /// Name of the template.
    const TEMPLATE: &'static str;

    /// Samples that cover every branch of the template.
    fn samples() -> Vec<Self>
    where
        Self: Sized;
}

/// Context of the layout around every page.
#[derive(Debug, Clone, Serialize)]
pub struct PageLayout {
    pub language: &'static str,
    pub theme: &'static str,
    pub user: String,
    pub can_run: bool,
    pub can_edit: bool,
    pub can_administer: bool,
    /// Not limited to tags, or with extra permissions.
    pub can_see_server: bool,
    pub csrf: String,
    /// Active entry of the navigation.
    pub section: String,
    /// Path and query of this page, to return to.
    pub address: String,
    /// Position in the events that the page was drawn at.
    pub position: String,
    /// The server's time in milliseconds since 1970, for countdowns.
    pub now: i64,
    /// The server's time zone.
    pub zone: &'static str,
    pub flash: Option<FlashView>,
    /// The number of open incidents in the scope of the user.
    pub open_incidents: i64,
    pub banners: Banners,
}

#[derive(Debug, Clone, Serialize)]
pub struct FlashView {
    pub text: String,
    pub link: String,
}

/// The parts of a layout that come from the request.
#[derive(Debug, Clone, Default)]
pub struct LayoutRequest<'a> {
    pub theme: &'static str,
    pub csrf: String,
    pub section: &'a str,
    pub address: String,
    pub position: String,
    pub flash: Option<FlashView>,
    /// The number of open incidents in the scope of the user.
    pub open_incidents: i64,
    pub banners: Banners,
}

impl PageLayout {
    pub fn new(ctx: &ViewContext, request: LayoutRequest) -> PageLayout {
        let can = |action| ctx.actor.is_some_and(|actor| actor.role.allows(action));
        PageLayout {
            language: ctx.language.tag(),
            theme: request.theme,
            user: ctx.actor.map(|actor| actor.name.clone()).unwrap_or_default(),
            can_run: can(Action::Run),
            can_edit: can(Action::Edit),
            can_administer: can(Action::Administer),
            can_see_server: ctx.actor.is_some_and(|actor| actor.scope.is_all() || actor.has_type_grant()),
            csrf: request.csrf,
            section: request.section.to_owned(),
            address: request.address,
            position: request.position,
            now: ctx.now.timestamp_millis(),
            zone: ctx.zone.name(),
            flash: request.flash,
            open_incidents: request.open_incidents,
            banners: request.banners,
        }
    }
}

/// A point in time, formatted in the task's or the server's time zone; the script shows it in the browser's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moment {
    pub iso: String,
    pub text: String,
    /// With milliseconds, offset and time zone.
    pub title: String,
    /// Display precision: `second`, `ms`, `clock` (hour and minute), `brief` (today the time, else day and minute), or `zoned`
    /// (shown in the zone of the task as it is written).
    pub precision: &'static str,
}

impl Moment {
    pub fn new(at: DateTime<Utc>, zone: Tz) -> Moment {
        Moment::format(at, zone, "%Y-%m-%d %H:%M:%S", "second")
    }

    /// With milliseconds.
    pub fn precise(at: DateTime<Utc>, zone: Tz) -> Moment {
        Moment::format(at, zone, "%Y-%m-%d %H:%M:%S%.3f", "ms")
    }

    /// In the zone of the task's rule, also in the browser.
    pub fn zoned(at: DateTime<Utc>, zone: Tz) -> Moment {
        Moment::format(at, zone, "%Y-%m-%d %H:%M:%S", "zoned")
    }

    /// As short as a line of a list: day and minute, or the date of another year than that of `now`.
    pub fn brief(at: DateTime<Utc>, zone: Tz, now: DateTime<Utc>) -> Moment {
        Moment::format(at, zone, brief_format(at, zone, now), "brief")
    }

    /// Like [`Moment::brief`], in the zone of the task's rule, also in the browser.
    pub fn zoned_brief(at: DateTime<Utc>, zone: Tz, now: DateTime<Utc>) -> Moment {
        Moment::format(at, zone, brief_format(at, zone, now), "zoned")
    }

    /// Hour and minute only.
    pub fn clock(at: DateTime<Utc>, zone: Tz) -> Moment {
        Moment::format(at, zone, "%H:%M", "clock")
    }

    /// Month and day, in this zone also in the browser.
    pub fn day(at: DateTime<Utc>, zone: Tz) -> Moment {
        Moment::format(at, zone, "%m-%d", "zoned")
    }

    /// A moment for samples.
    pub fn sample() -> Moment {
        Moment::precise(DateTime::UNIX_EPOCH, Tz::Asia__Shanghai)
    }

    fn format(at: DateTime<Utc>, zone: Tz, format: &str, precision: &'static str) -> Moment {
        let local = at.with_timezone(&zone);
        Moment {
            iso: at.to_rfc3339_opts(SecondsFormat::AutoSi, true),
            text: local.format(format).to_string(),
            title: format!("{} {}", local.format("%Y-%m-%d %H:%M:%S%.f %:z"), zone.name()),
            precision,
        }
    }
}

fn brief_format(at: DateTime<Utc>, zone: Tz, now: DateTime<Utc>) -> &'static str {
    let same_year = at.with_timezone(&zone).year() == now.with_timezone(&zone).year();
    if same_year { "%m-%d %H:%M" } else { "%Y-%m-%d %H:%M" }
}

/// The code of a status; its text is `status.<code>`.
pub fn status_code(status: Status) -> &'static str {
    status.as_str()
}

/// One option of a drop-down list.
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

/// Pagination of a list: URLs of the previous and next page, empty if there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Pager {
    pub previous: String,
    pub next: String,
    pub total: i64,
    pub total_is_exact: bool,
}

impl Pager {
    /// A pager for samples.
    pub fn sample() -> Pager {
        Pager { previous: "/tasks?cursor=1".into(), next: "/tasks?cursor=2".into(), total: 1234, total_is_exact: false }
    }

    /// `address` returns the URL of the list at a cursor.
    pub fn new(page: &crate::domain::page::Page<impl Sized>, address: impl Fn(&str) -> String) -> Pager {
        let link = |cursor: &Option<Cursor>| cursor.as_ref().map(|c| address(&c.encode())).unwrap_or_default();
        Pager { previous: link(&page.previous), next: link(&page.next), total: page.total, total_is_exact: page.total_is_exact }
    }
}

/// Parameters in one line: shortened, and in full for a tooltip if they are longer.
pub fn summarized(params: &Value) -> (String, String) {
    let (short, whole) = (shortened(params), pretty(params));
    let is_whole = !short.contains('…') && !whole.contains("\\n");
    (short, if is_whole { String::new() } else { truncate(&whole, TOOLTIP) })
}

/// The longest tooltip, in characters.
const TOOLTIP: usize = 600;

/// Formats parameters as one short line.
pub fn shortened(params: &Value) -> String {
    let Value::Object(map) = params else { return truncate(&params.to_string(), 60) };
    let parts: Vec<_> = map.iter().map(|(name, value)| format!("{name}={}", one_line(value))).collect();
    truncate(&parts.join(" "), 60)
}

fn one_line(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    truncate(&text.split_whitespace().collect::<Vec<_>>().join(" "), 40)
}

/// Options of the status filter.
pub fn status_choices(ctx: &ViewContext) -> Vec<Choice> {
    Status::ALL.into_iter().map(|s| Choice::new(s.as_str(), ctx.t(&format!("status.{}", s.as_str())))).collect()
}

pub fn cause_choices(ctx: &ViewContext) -> Vec<Choice> {
    Cause::ALL.into_iter().map(|c| Choice::new(c.as_str(), ctx.t(&format!("cause.{}", c.as_str())))).collect()
}

/// Options of the task type filter.
pub fn type_choices(ctx: &ViewContext) -> Vec<Choice> {
    let types = ctx.registry.all();
    types.iter().map(|entry| Choice::new(entry.spec.name.as_ref(), type_title(&entry.spec.name, ctx))).collect()
}

/// The task types to filter by; a chosen one that does not exist any more is among them.
pub fn filter_type_choices(ctx: &ViewContext, chosen: &str) -> Vec<Choice> {
    let mut choices = type_choices(ctx);
    if !chosen.is_empty() && choices.iter().all(|choice| choice.value != chosen) {
        choices.push(Choice::new(chosen, chosen));
    }
    choices
}

/// Returns the title of a grant: that of its task type, or of reading the metrics.
pub fn grant_title(name: &str, ctx: &ViewContext) -> String {
    if name == METRICS_GRANT { ctx.t("users.metrics").to_owned() } else { type_title(name, ctx) }
}

/// Returns the title of a task type, or its name if the type no longer exists.
pub fn type_title(name: &str, ctx: &ViewContext) -> String {
    match ctx.registry.get(name) {
        Some(entry) => entry.spec.title.in_language(ctx.language).to_owned(),
        None => name.to_owned(),
    }
}

/// Options of roles up to `highest`.
pub fn role_choices(ctx: &ViewContext, highest: Role) -> Vec<Choice> {
    let roles = Role::ALL.into_iter().filter(|role| *role <= highest);
    roles.map(|role| Choice::new(role.as_str(), ctx.t(&format!("role.{}", role.as_str())))).collect()
}

/// A layout for samples.
pub fn sample_layout(language: Language) -> PageLayout {
    PageLayout {
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
        position: "01J-1".to_owned(),
        now: 0,
        zone: "Asia/Shanghai",
        flash: Some(FlashView { text: "daily-report".to_owned(), link: "/executions/01J".to_owned() }),
        open_incidents: 3,
        banners: Banners {
            freezes: vec![freezes::FreezeRow::sample("<b>", "active"), freezes::FreezeRow::sample("", "active")],
            missing_year: 2027,
        },
    }
}
