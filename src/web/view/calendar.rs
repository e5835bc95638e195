//! View of the calendar page.

use chrono::{Datelike, Days, NaiveDate};
use chrono_tz::Tz;
use serde::Serialize;

use super::{Choice, View};
use crate::domain::calendar::CompiledCalendar;
use crate::i18n::Language;
use crate::stats::calendar as domain;
use crate::web::urls::with_query;

/// The heat of the fullest cell.
const HOTTEST: i64 = 5;

#[derive(Debug, Clone, Serialize)]
pub struct Calendar {
    #[serde(flatten)]
    pub nav: CalendarNav,
    /// Whole weeks, from Monday.
    pub days: Vec<Day>,
    /// Ids of tasks that fire too often to be shown.
    pub too_frequent: Vec<String>,
    pub more: bool,
}

/// What every view of the calendar has: title, links and filter.
#[derive(Debug, Clone, Serialize)]
pub struct CalendarNav {
    pub title: String,
    /// A day of the shown period, as in the URL.
    pub date: String,
    pub before: String,
    pub after: String,
    pub today: String,
    /// URLs of the day, the week and the month of the same date.
    pub as_day: String,
    pub week: String,
    pub as_month: String,
    pub filter: CalendarFilter,
    pub types: Vec<Choice>,
    /// The calendars to choose from.
    pub calendars: Vec<Choice>,
}

impl CalendarNav {
    pub fn sample(view: &'static str) -> CalendarNav {
        let url = || "/calendar".to_owned();
        CalendarNav {
            title: "2026-11".into(),
            date: "2026-11-21".into(),
            before: url(),
            after: url(),
            today: url(),
            as_day: url(),
            week: url(),
            as_month: url(),
            filter: CalendarFilter { view, r#type: "echo".into(), task: "日报".into(), calendar: "cn".into() },
            types: vec![Choice::new("echo", "…")],
            calendars: vec![Choice::new("cn", "cn")],
        }
    }
}

/// The view and filter of the request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CalendarFilter {
    /// `day`, `week` or `month`.
    pub view: &'static str,
    pub r#type: String,
    pub task: String,
    /// The calendar whose closed days are shaded; empty: none.
    pub calendar: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct Day {
    pub date: String,
    /// URL of the plan of the day.
    pub href: String,
    /// Day of the month.
    pub number: u32,
    pub weekday: &'static str,
    pub is_today: bool,
    /// Whether the day is in the shown month.
    pub inside: bool,
    /// Whether the chosen calendar is closed.
    pub is_closed: bool,
    /// The name of the day in the chosen calendar.
    pub name: String,
    /// One per day in the month view, one per hour in the week view.
    pub cells: Vec<Cell>,
}

#[derive(Debug, Clone, Default, Serialize)]
pub struct Cell {
    /// Hour as `HH:00`; empty for a whole day.
    pub hour: String,
    /// URL of its executions; empty without any.
    pub href: String,
    pub good: i64,
    pub bad: i64,
    pub other: i64,
    pub planned: i64,
    pub tasks: String,
    /// The peak minute and its number of planned runs; empty without one.
    pub peak: String,
    /// URL of the peak minute.
    pub peak_href: String,
    /// How many runs it has, past and planned, compared with the fullest cell: 0 (none) to 5.
    pub heat: i64,
}

/// The filter of the calendar and its time zone, for the links of its cells.
#[derive(Debug, Clone, Copy)]
pub struct CellScope<'a> {
    pub task: &'a str,
    pub task_type: &'a str,
    pub zone: Tz,
}

/// Builds `count` days from `first`; `around` is today and the shown month.
pub fn days(scope: &CellScope, found: &domain::Calendar, first: NaiveDate, count: u64, around: (NaiveDate, u32)) -> Vec<Day> {
    const NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let by_hour = count == 7;
    let hours = if by_hour { (0..24).map(Some).collect() } else { vec![None] };
    let day = |offset| {
        let date = first + Days::new(offset);
        Day {
            date: date.to_string(),
            href: String::new(),
            number: date.day(),
            weekday: NAMES[date.weekday().num_days_from_monday() as usize],
            is_today: date == around.0,
            inside: by_hour || date.month() == around.1,
            is_closed: false,
            name: String::new(),
            cells: hours.iter().map(|hour| cell(scope, found.cells.get(&(date, *hour)), date, *hour)).collect(),
        }
    };
    let mut days: Vec<Day> = (0..count).map(day).collect();
    set_heat(&mut days);
    days
}

/// Sets the heat of all cells.
fn set_heat(days: &mut [Day]) {
    let volume = |cell: &Cell| cell.good + cell.bad + cell.other + cell.planned;
    let most = days.iter().flat_map(|day| &day.cells).map(volume).max().unwrap_or_default().max(1);
    for cell in days.iter_mut().flat_map(|day| &mut day.cells) {
        cell.heat = (volume(cell) * HOTTEST + most - 1) / most;
    }
}

/// Marks the days on which a calendar is closed, and names those that have a name.
pub fn mark_closed(days: &mut [Day], calendar: &CompiledCalendar, language: Language) {
    for day in days {
        let Ok(date) = day.date.parse() else { continue };
        let known = calendar.day(date);
        day.is_closed = !known.working;
        day.name = known.name.map(|name| name.message().text(language)).unwrap_or_default();
    }
}

fn cell(scope: &CellScope, found: Option<&domain::Cell>, date: NaiveDate, hour: Option<u32>) -> Cell {
    let label = hour.map(|hour| format!("{hour:02}:00")).unwrap_or_default();
    let Some(found) = found else { return Cell { hour: label, ..Cell::default() } };
    let zone = scope.zone;
    let peak = found.peak.map(|(at, firings)| format!("{} ×{firings}", at.with_timezone(&zone).format("%H:%M")));
    let peak_href = found.peak.map(|(at, _)| with_query("/calendar/-/minute", &[("at", &at.to_rfc3339())]));
    let ran = found.succeeded + found.failed + found.other > 0;
    let names = found.tasks.join(", ");
    let more = if found.planned > found.tasks.len() as i64 { " …" } else { "" };
    Cell {
        hour: label,
        href: if ran { runs(scope, date, hour) } else { String::new() },
        good: found.succeeded,
        bad: found.failed,
        other: found.other,
        planned: found.planned,
        tasks: if names.is_empty() { names } else { format!("{names}{more}") },
        peak: peak.unwrap_or_default(),
        peak_href: peak_href.unwrap_or_default(),
        heat: 0,
    }
}

/// Returns the URL of the executions that started within a cell.
fn runs(scope: &CellScope, date: NaiveDate, hour: Option<u32>) -> String {
    let text = |date: NaiveDate, hour: u32| format!("{date}T{hour:02}:00:00");
    let (from, to) = match hour {
        Some(23) | None => (text(date, hour.unwrap_or(0)), text(date + Days::new(1), 0)),
        Some(hour) => (text(date, hour), text(date, hour + 1)),
    };
    let pairs =
        [("task_id", scope.task), ("type", scope.task_type), ("from", from.as_str()), ("to", &to), ("zone", scope.zone.name())];
    with_query("/executions", &pairs)
}

impl View for Calendar {
    const TEMPLATE: &'static str = "pages/calendar.html";

    fn samples() -> Vec<Self> {
        let full = Cell {
            hour: "08:00".into(),
            href: "/executions".into(),
            good: 3,
            bad: 1,
            other: 2,
            planned: 6,
            tasks: "<b>".into(),
            peak: "08:00 ×6".into(),
            peak_href: "/calendar/-/minute?at=x".into(),
            heat: 5,
        };
        let day = |number, cells| Day {
            date: "2026-11-21".into(),
            href: "/calendar?view=day".into(),
            number,
            weekday: "sat",
            is_today: number == 1,
            inside: number != 3,
            is_closed: number == 2,
            name: if number == 2 { "<b>".into() } else { String::new() },
            cells,
        };
        let calendar = |month: bool, days| Calendar {
            nav: CalendarNav::sample(if month { "month" } else { "week" }),
            days,
            too_frequent: if month { vec!["often".into()] } else { vec![] },
            more: month,
        };
        let hours = || (0..24).map(|_| full.clone()).collect::<Vec<_>>();
        vec![
            calendar(true, (1..=7).map(|n| day(n, vec![full.clone()])).collect()),
            calendar(false, (1..=7).map(|n| day(n, hours())).collect()),
        ]
    }
}
