//! Response models of calendars.

use chrono::NaiveDate;
use chrono_tz::Tz;
use poem_openapi::Object;
use serde_json::Value;

use super::named::Timestamp;
use super::timestamp;
use crate::domain::calendar::{CalendarVersion, Day};
use crate::i18n::Language;
use crate::service::{CalendarChange, CalendarDetail, FiringChange};

/// A calendar without its days.
#[derive(Default, Object)]
#[oai(rename = "CalendarSummary", read_only_all)]
pub struct CalendarSummaryView {
    name: String,
    title: String,
    /// `#rrggbb`, or empty.
    color: String,
    /// The calendar that it is built on.
    base: String,
    /// Whether Belfry has a calendar of this name without any definition.
    built_in: bool,
    /// 0 for a built-in calendar that nobody changed.
    version: i64,
    /// The ids of the tasks that use it, sorted.
    used_by: Vec<String>,
    /// When it was changed last; null for a built-in calendar that nobody changed.
    updated_at: Option<Timestamp>,
    /// Who changed it last.
    updated_by: Option<String>,
}

/// A calendar.
#[derive(Default, Object)]
#[oai(rename = "Calendar", read_only_all)]
pub struct CalendarView {
    name: String,
    title: String,
    /// `#rrggbb`, or empty.
    color: String,
    /// The time zone of its days and closures; null: that of the task.
    timezone: Option<String>,
    /// The calendar that it is built on.
    base: String,
    /// The working days of the week: `mon` to `sun`; null: those of the base.
    weekdays: Option<Vec<String>>,
    /// The years that `dates` state in full: dates of the base do not count in them.
    years: Vec<i32>,
    dates: Vec<CalendarDateView>,
    yearly: Vec<CalendarYearlyView>,
    closures: Vec<CalendarClosureView>,
    /// Whether Belfry has a calendar of this name without any definition.
    built_in: bool,
    /// 0 for a built-in calendar that nobody changed.
    version: i64,
    /// The ids of the tasks that use it, sorted.
    used_by: Vec<String>,
    created_at: Option<Timestamp>,
    updated_at: Option<Timestamp>,
    /// Who changed it last.
    updated_by: Option<String>,
}

/// A date or a range of dates.
#[derive(Default, Object)]
#[oai(rename = "CalendarDate", read_only_all)]
pub struct CalendarDateView {
    date: String,
    /// The last day; `date` itself for a single day.
    until: String,
    working: bool,
    name: String,
}

/// A date of each year.
#[derive(Default, Object)]
#[oai(rename = "CalendarYearlyDate", read_only_all)]
pub struct CalendarYearlyView {
    /// `MM-DD`.
    date: String,
    working: bool,
    name: String,
}

/// A closure with times.
#[derive(Default, Object)]
#[oai(rename = "CalendarClosure", read_only_all)]
pub struct CalendarClosureView {
    window: String,
    name: String,
}

/// The days of a calendar.
#[derive(Default, Object)]
#[oai(rename = "CalendarDayList", read_only_all)]
pub struct DaysView {
    days: Vec<DayView>,
}

/// A day of a calendar.
#[derive(Default, Object)]
#[oai(rename = "CalendarDay", read_only_all)]
pub struct DayView {
    date: String,
    working: bool,
    /// The name of the holiday; of a make-up day, the holiday that it makes up for. Null for a day without a name.
    name: Option<String>,
    /// `rule`: by the weekday; `data`: a date that is named; `provisional`: by the weekday, in a year that is not known yet.
    source: String,
}

/// The result of an import, or what it would do.
#[derive(Default, Object)]
#[oai(rename = "CalendarImportResult", read_only_all)]
pub struct CalendarImportView {
    /// False: nothing was saved.
    applied: bool,
    /// The number of days in the file.
    days: i64,
    /// The calendar's version; with `dry_run` the current one.
    version: i64,
    /// The tasks whose next firings change.
    tasks: Vec<FiringChangeView>,
}

/// The result of a restored version, or what it would do.
#[derive(Default, Object)]
#[oai(rename = "CalendarRestoreResult", read_only_all)]
pub struct CalendarRestoreView {
    /// False: nothing was saved.
    applied: bool,
    /// The calendar's version; with `dry_run` the current one, 0 for a deleted calendar.
    version: i64,
    /// The tasks whose next firings change.
    tasks: Vec<FiringChangeView>,
}

/// The next firings of a task before and after a change of calendars, at most ten.
#[derive(Default, Object)]
#[oai(rename = "FiringChange", read_only_all)]
pub struct FiringChangeView {
    task_id: String,
    firings_before: Vec<Timestamp>,
    firings_after: Vec<Timestamp>,
}

/// A version of a calendar.
#[derive(Default, Object)]
#[oai(rename = "CalendarVersion", read_only_all)]
pub struct CalendarVersionView {
    version: i64,
    at: Timestamp,
    author: String,
    /// Whether the calendar was deleted.
    deleted: bool,
    /// The number of days that its dates cover.
    dates: i64,
}

impl From<CalendarDetail> for CalendarSummaryView {
    fn from(calendar: CalendarDetail) -> Self {
        let (updated_at, updated_by) = calendar.changed.map(|(at, by)| (timestamp(at, Tz::UTC), by)).unzip();
        Self {
            name: calendar.content.name,
            title: calendar.content.title,
            color: calendar.content.color,
            base: calendar.content.base,
            built_in: calendar.built_in,
            version: calendar.version,
            used_by: calendar.used_by,
            updated_at,
            updated_by,
        }
    }
}

impl From<CalendarDetail> for CalendarView {
    fn from(calendar: CalendarDetail) -> Self {
        let (updated_at, updated_by) = calendar.changed.map(|(at, by)| (timestamp(at, Tz::UTC), by)).unzip();
        let json = calendar.content.to_json();
        let names =
            |value: &Value| value.as_array().map(|list| list.iter().filter_map(Value::as_str).map(str::to_owned).collect());
        let content = calendar.content;
        Self {
            weekdays: names(&json["weekdays"]),
            timezone: content.zone.map(|zone| zone.name().to_owned()),
            dates: content.dates.iter().map(|rule| date_view(rule.date, rule.until, rule.working, &rule.name)).collect(),
            yearly: content.yearly.iter().map(yearly_view).collect(),
            closures: content
                .closures
                .into_iter()
                .map(|one| CalendarClosureView { window: one.window, name: one.name })
                .collect(),
            name: content.name,
            title: content.title,
            color: content.color,
            base: content.base,
            years: content.years,
            built_in: calendar.built_in,
            version: calendar.version,
            used_by: calendar.used_by,
            created_at: calendar.created_at.map(|at| timestamp(at, Tz::UTC)),
            updated_at,
            updated_by,
        }
    }
}

fn date_view(date: NaiveDate, until: NaiveDate, working: bool, name: &str) -> CalendarDateView {
    CalendarDateView { date: date.to_string(), until: until.to_string(), working, name: name.to_owned() }
}

fn yearly_view(rule: &crate::domain::calendar::YearlyRule) -> CalendarYearlyView {
    let date = format!("{:02}-{:02}", rule.month, rule.day);
    CalendarYearlyView { date, working: rule.working, name: rule.name.clone() }
}

impl DaysView {
    pub fn new(days: Vec<(NaiveDate, Day)>, language: Language) -> Self {
        let view = |(date, day): (NaiveDate, Day)| DayView {
            date: date.to_string(),
            working: day.working,
            name: day.name.map(|name| name.message().text(language)),
            source: day.source.as_str().to_owned(),
        };
        Self { days: days.into_iter().map(view).collect() }
    }
}

impl From<CalendarChange> for CalendarImportView {
    fn from(change: CalendarChange) -> Self {
        Self {
            applied: change.applied,
            days: change.days as i64,
            version: change.calendar.version,
            tasks: change.tasks.into_iter().map(FiringChangeView::from).collect(),
        }
    }
}

impl From<CalendarChange> for CalendarRestoreView {
    fn from(change: CalendarChange) -> Self {
        Self {
            applied: change.applied,
            version: change.calendar.version,
            tasks: change.tasks.into_iter().map(FiringChangeView::from).collect(),
        }
    }
}

impl From<FiringChange> for FiringChangeView {
    fn from(change: FiringChange) -> Self {
        let times = |list: Vec<chrono::DateTime<Tz>>| list.iter().map(|at| timestamp(at.to_utc(), at.timezone())).collect();
        Self { task_id: change.task_id, firings_before: times(change.before), firings_after: times(change.after) }
    }
}

impl From<CalendarVersion> for CalendarVersionView {
    fn from(version: CalendarVersion) -> Self {
        Self {
            version: version.version,
            at: timestamp(version.at, Tz::UTC),
            author: version.author,
            deleted: version.content.is_none(),
            dates: version.content.map_or(0, |content| content.date_count() as i64),
        }
    }
}
