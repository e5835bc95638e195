//! Response models of calendars.

use chrono::NaiveDate;
use chrono_tz::Tz;
use poem_openapi::Object;
use serde_json::Value;

use super::named::Timestamp;
use super::timestamp;
use crate::api::answer::resource;
use crate::domain::calendar::{CalendarVersion, Day};
use crate::i18n::Language;
use crate::service::{CalendarChange, CalendarDetail, FiringChange};

view! {
    /// A calendar without its days.
    #[oai(rename = "CalendarSummary", read_only_all)]
    pub struct CalendarSummaryView from (calendar: CalendarDetail) where
        (updated_at, updated_by) = calendar.changed.map(|(at, by)| (timestamp(at, Tz::UTC), by)).unzip();
    {
        name: String = calendar.content.name,
        title: String = calendar.content.title,
        /// `#rrggbb`, or empty.
        color: String = calendar.content.color,
        /// The calendar that it is built on.
        base: String = calendar.content.base,
        /// Whether Belfry has a calendar of this name without any definition.
        built_in: bool = calendar.built_in,
        /// 0 for a built-in calendar that nobody changed.
        version: i64 = calendar.version,
        /// The ids of the tasks that use it, sorted.
        used_by: Vec<String> = calendar.used_by,
        /// When it was changed last; null for a built-in calendar that nobody changed.
        updated_at: Option<Timestamp> = updated_at,
        /// Who changed it last.
        updated_by: Option<String> = updated_by,
    }
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

resource!(CalendarView, "calendar", Some(|calendar| calendar.version));

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

view! {
    /// The days of a calendar.
    #[oai(rename = "CalendarDayList", read_only_all)]
    pub struct DaysView new(days: Vec<(NaiveDate, Day)>, language: Language) where
        view = |(date, day): (NaiveDate, Day)| DayView {
            date: date.to_string(),
            working: day.working,
            name: day.name.map(|name| name.message().text(language)),
            source: day.source.as_str().to_owned(),
        };
    {
        days: Vec<DayView> = days.into_iter().map(view).collect(),
    }
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

view! {
    /// The result of an import, or what it would do.
    #[oai(rename = "CalendarImportResult", read_only_all)]
    pub struct CalendarImportView from (change: CalendarChange) {
        /// False: nothing was saved.
        applied: bool = change.applied,
        /// The number of days in the file.
        days: i64 = change.days as i64,
        /// The calendar's version; with `dry_run` the current one.
        version: i64 = change.calendar.version,
        /// The tasks whose next firings change.
        tasks: Vec<FiringChangeView> = change.tasks.into_iter().map(FiringChangeView::from).collect(),
    }
}

view! {
    /// The result of a restored version, or what it would do.
    #[oai(rename = "CalendarRestoreResult", read_only_all)]
    pub struct CalendarRestoreView from (change: CalendarChange) {
        /// False: nothing was saved.
        applied: bool = change.applied,
        /// The calendar's version; with `dry_run` the current one, 0 for a deleted calendar.
        version: i64 = change.calendar.version,
        /// The tasks whose next firings change.
        tasks: Vec<FiringChangeView> = change.tasks.into_iter().map(FiringChangeView::from).collect(),
    }
}

view! {
    /// The next firings of a task before and after a change of calendars, at most ten.
    #[oai(rename = "FiringChange", read_only_all)]
    pub struct FiringChangeView from (change: FiringChange) where
        times = |list: Vec<chrono::DateTime<Tz>>| list.iter().map(|at| timestamp(at.to_utc(), at.timezone())).collect();
    {
        task_id: String = change.task_id,
        firings_before: Vec<Timestamp> = times(change.before),
        firings_after: Vec<Timestamp> = times(change.after),
    }
}

view! {
    /// A version of a calendar.
    #[oai(rename = "CalendarVersion", read_only_all)]
    pub struct CalendarVersionView from (version: CalendarVersion) {
        version: i64 = version.version,
        at: Timestamp = timestamp(version.at, Tz::UTC),
        author: String = version.author,
        /// Whether the calendar was deleted.
        deleted: bool = version.content.is_none(),
        /// The number of days that its dates cover.
        dates: i64 = version.content.map_or(0, |content| content.date_count() as i64),
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
