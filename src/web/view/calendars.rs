//! Views of calendars: the list, a year, the form and the import.

use chrono::{Datelike, NaiveDate};
use serde::Serialize;

use super::context::ViewContext;
use super::task_form::Fields;
use super::tasks::task_href;
use super::{Moment, View};
use crate::domain::calendar::{CalendarVersion, Day, Source, YEARS, is_reserved};
use crate::domain::user::Action;
use crate::service::{CalendarDetail, FiringChange};
use crate::web::urls::{encode, with_query};

/// Returns the URL of a calendar.
pub fn calendar_href(name: &str) -> String {
    format!("/calendars/{}", encode(name))
}

#[derive(Debug, Clone, Serialize)]
pub struct CalendarList {
    pub rows: Vec<CalendarRow>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CalendarRow {
    pub name: String,
    pub title: String,
    pub color: String,
    pub base: String,
    pub built_in: bool,
    pub href: String,
    /// The tasks that use it, each with its URL.
    pub used_by: Vec<(String, String)>,
    pub changed: Option<Moment>,
    pub changed_by: String,
    /// Whether the user may change it.
    pub can_change: bool,
    /// Whether there is something to delete.
    pub can_delete: bool,
}

#[derive(Debug, Clone, Serialize)]
pub struct CalendarPage {
    pub row: CalendarRow,
    pub year: YearView,
    /// Windows with their names.
    pub closures: Vec<(String, String)>,
    pub versions: Vec<VersionLine>,
}

/// A year in twelve months.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct YearView {
    pub year: i32,
    pub before: String,
    pub after: String,
    /// Whether days of the year are provisional.
    pub provisional: bool,
    pub months: Vec<MonthView>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MonthView {
    pub number: u32,
    /// Weeks from Monday; `None`: a day of another month.
    pub weeks: Vec<Vec<Option<DayCell>>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DayCell {
    pub date: String,
    pub number: u32,
    pub working: bool,
    pub name: String,
    /// `rule`, `data` or `provisional`.
    pub source: &'static str,
    pub is_today: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VersionLine {
    pub version: i64,
    pub at: Moment,
    pub author: String,
    pub deleted: bool,
    pub dates: usize,
    /// The address of the page that restores it; empty: it cannot be restored.
    pub restore: String,
}

/// The next firings of a task before and after a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FiringRow {
    pub id: String,
    pub href: String,
    pub before: Vec<Moment>,
    pub after: Vec<Moment>,
}

/// The form of a calendar.
#[derive(Debug, Clone, Default, Serialize)]
pub struct CalendarForm {
    /// Empty: a new one.
    pub name: String,
    pub is_new: bool,
    /// The URL that the form posts to.
    pub post_to: String,
    pub back: String,
    pub version: i64,
    pub bases: Vec<String>,
    pub form: Fields,
    pub message: String,
    /// The hash of the change whose firings are shown.
    pub seen: String,
    pub firings: Vec<FiringRow>,
}

/// The import of days.
#[derive(Debug, Clone, Default, Serialize)]
pub struct CalendarImportPage {
    pub name: String,
    pub href: String,
    pub text: String,
    pub message: String,
    /// The hash of the import that is shown; empty: nothing is.
    pub seen: String,
    pub days: usize,
    pub firings: Vec<FiringRow>,
}

/// A version to be restored, with the firings that change.
#[derive(Debug, Clone, Serialize)]
pub struct CalendarRestorePage {
    pub name: String,
    pub href: String,
    pub version: i64,
    /// The hash of what is shown.
    pub seen: String,
    pub firings: Vec<FiringRow>,
}

impl CalendarRow {
    pub fn new(ctx: &ViewContext, calendar: &CalendarDetail) -> CalendarRow {
        let name = &calendar.content.name;
        let needed = if name == "cn" { Action::Administer } else { Action::Edit };
        let can_change = !is_reserved(name) && ctx.actor.is_some_and(|actor| actor.role.allows(needed));
        let (changed, changed_by) = calendar.changed.as_ref().map(|(at, by)| (Moment::new(*at, ctx.zone), by.clone())).unzip();
        CalendarRow {
            href: calendar_href(name),
            name: name.clone(),
            title: calendar.content.title.clone(),
            color: calendar.content.color.clone(),
            base: calendar.content.base.clone(),
            built_in: calendar.built_in,
            used_by: calendar.used_by.iter().map(|id| (id.clone(), task_href(id))).collect(),
            can_delete: can_change && calendar.version > 0,
            can_change,
            changed,
            changed_by: changed_by.unwrap_or_default(),
        }
    }

    fn sample(name: &str, built_in: bool) -> CalendarRow {
        CalendarRow {
            name: name.into(),
            title: name.into(),
            color: "#2fb344".into(),
            base: name.into(),
            built_in,
            href: calendar_href("x"),
            used_by: if built_in { vec![] } else { vec![(name.into(), "/tasks/x".into())] },
            changed: (!built_in).then(Moment::sample),
            changed_by: name.into(),
            can_change: !built_in,
            can_delete: !built_in,
        }
    }
}

impl YearView {
    pub fn new(ctx: &ViewContext, name: &str, year: i32, days: &[(NaiveDate, Day)], today: NaiveDate) -> YearView {
        let link = |year: i32| match YEARS.contains(&year) {
            true => with_query(&calendar_href(name), &[("year", &year.to_string())]),
            false => String::new(),
        };
        let cell = |(date, day): &(NaiveDate, Day)| DayCell {
            date: date.to_string(),
            number: date.day(),
            working: day.working,
            name: day.name.as_ref().map(|name| name.message().text(ctx.language)).unwrap_or_default(),
            source: day.source.as_str(),
            is_today: *date == today,
        };
        let month = |number: u32| {
            let of_month = days.iter().filter(|(date, _)| date.month() == number);
            let blank = of_month.clone().next().map_or(0, |(date, _)| date.weekday().num_days_from_monday());
            let mut cells: Vec<Option<DayCell>> = (0..blank).map(|_| None).chain(of_month.map(|day| Some(cell(day)))).collect();
            cells.resize(cells.len().div_ceil(7) * 7, None);
            MonthView { number, weeks: cells.chunks(7).map(<[_]>::to_vec).collect() }
        };
        YearView {
            year,
            before: link(year - 1),
            after: link(year + 1),
            provisional: days.iter().any(|(_, day)| day.source == Source::Provisional),
            months: (1..=12).map(month).collect(),
        }
    }

    fn sample() -> YearView {
        let cell = |working, name: &str, source| {
            Some(DayCell { date: "2027-01-01".into(), number: 1, working, name: name.into(), source, is_today: working })
        };
        let week = vec![None, cell(true, "<b>", "data"), cell(false, "<b>", "data"), cell(false, "", "provisional")];
        let month = MonthView { number: 1, weeks: vec![week] };
        YearView {
            year: 2027,
            before: "/calendars/x?year=2026".into(),
            after: String::new(),
            provisional: true,
            months: vec![month],
        }
    }
}

impl VersionLine {
    pub fn new(ctx: &ViewContext, version: &CalendarVersion, can_restore: bool) -> VersionLine {
        let restore =
            || with_query(&format!("{}/restore", calendar_href(&version.name)), &[("version", &version.version.to_string())]);
        VersionLine {
            restore: if can_restore && version.content.is_some() { restore() } else { String::new() },
            version: version.version,
            at: Moment::new(version.at, ctx.zone),
            author: version.author.clone(),
            deleted: version.content.is_none(),
            dates: version.content.as_ref().map_or(0, crate::domain::calendar::Calendar::date_count),
        }
    }
}

impl FiringRow {
    pub fn rows(changes: &[FiringChange]) -> Vec<FiringRow> {
        let moments = |times: &[chrono::DateTime<chrono_tz::Tz>]| -> Vec<Moment> {
            times.iter().map(|at| Moment::zoned(at.to_utc(), at.timezone())).collect()
        };
        let row = |change: &FiringChange| FiringRow {
            id: change.task_id.clone(),
            href: task_href(&change.task_id),
            before: moments(&change.before),
            after: moments(&change.after),
        };
        changes.iter().map(row).collect()
    }

    fn samples() -> Vec<FiringRow> {
        let row = |before, after| FiringRow { id: "<b>".into(), href: "/tasks/x".into(), before, after };
        vec![row(vec![Moment::sample()], vec![]), row(vec![], vec![Moment::sample()])]
    }
}

impl CalendarForm {
    /// The form of an existing calendar.
    pub fn of(name: &str) -> CalendarForm {
        let href = calendar_href(name);
        CalendarForm { name: name.to_owned(), post_to: format!("{href}/edit"), back: href, ..CalendarForm::default() }
    }

    /// The form of a new calendar.
    pub fn empty() -> CalendarForm {
        CalendarForm { is_new: true, post_to: "/calendars/-/new".into(), back: "/calendars".into(), ..CalendarForm::default() }
    }
}

impl CalendarImportPage {
    pub fn of(name: &str) -> CalendarImportPage {
        CalendarImportPage { name: name.to_owned(), href: calendar_href(name), ..CalendarImportPage::default() }
    }
}

impl View for CalendarList {
    const TEMPLATE: &'static str = "pages/calendars.html";

    fn samples() -> Vec<Self> {
        vec![CalendarList { rows: vec![CalendarRow::sample("<b>", true), CalendarRow::sample("<b>", false)] }]
    }
}

impl View for CalendarPage {
    const TEMPLATE: &'static str = "pages/calendar_year.html";

    fn samples() -> Vec<Self> {
        let version = |deleted| VersionLine {
            version: 1,
            at: Moment::sample(),
            author: "<b>".into(),
            deleted,
            dates: 2,
            restore: if deleted { String::new() } else { "/calendars/x/restore?version=1".into() },
        };
        let page = |built_in, closures, versions| CalendarPage {
            row: CalendarRow::sample("<b>", built_in),
            year: YearView::sample(),
            closures,
            versions,
        };
        let closures = vec![("Sat 22:00-Sun 02:00".into(), "<b>".into())];
        vec![page(false, closures, vec![version(false), version(true)]), page(true, vec![], vec![])]
    }
}

impl View for CalendarForm {
    const TEMPLATE: &'static str = "pages/calendar_form.html";

    fn samples() -> Vec<Self> {
        let form = |name: &str, firings: Vec<FiringRow>| CalendarForm {
            name: name.into(),
            is_new: name.is_empty(),
            post_to: "/calendars/x/edit".into(),
            back: "/calendars".into(),
            bases: vec!["cn".into(), "<b>".into()],
            seen: if firings.is_empty() { String::new() } else { "abc".into() },
            message: name.into(),
            firings,
            ..CalendarForm::default()
        };
        vec![form("", vec![]), form("<b>", FiringRow::samples())]
    }
}

impl View for CalendarRestorePage {
    const TEMPLATE: &'static str = "pages/calendar_restore.html";

    fn samples() -> Vec<Self> {
        let page = |firings| CalendarRestorePage {
            name: "<b>".into(),
            href: calendar_href("x"),
            version: 2,
            seen: "abc".into(),
            firings,
        };
        vec![page(FiringRow::samples()), page(vec![])]
    }
}

impl View for CalendarImportPage {
    const TEMPLATE: &'static str = "pages/calendar_import.html";

    fn samples() -> Vec<Self> {
        let page = |seen: &str, firings| CalendarImportPage {
            name: "<b>".into(),
            href: calendar_href("x"),
            text: "<b>".into(),
            message: if seen.is_empty() { "<b>".into() } else { String::new() },
            seen: seen.into(),
            days: 2,
            firings,
        };
        vec![page("", vec![]), page("abc", FiringRow::samples()), page("abc", vec![])]
    }
}
