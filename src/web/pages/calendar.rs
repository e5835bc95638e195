//! Calendar page: a week by hour and a month by day as heat maps, a day by task.

use std::sync::Arc;

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, Utc};
use chrono_tz::Tz;

use crate::domain::trigger::parse_datetime;
use crate::stats::calendar::Granularity;
use crate::stats::calendar_request::CalendarRequest;
use crate::stats::timeline::start_of_day;
use crate::web::request_context::{HandlerResult, RequestContext};
use crate::web::urls::with_query;
use crate::web::view::calendar::{Calendar, CalendarFilter, CalendarNav, CellScope, days, mark_closed};
use crate::web::view::calendar_day::CalendarDay;
use crate::web::view::{Choice, filter_type_choices};

/// The views; `week` if none is asked for.
const VIEWS: [&str; 3] = ["day", "week", "month"];

/// `GET /calendar?view=day|week|month&date=YYYY-MM-DD&type=…&task=…`
pub async fn show(ctx: Arc<RequestContext>) -> HandlerResult {
    let zone = ctx.services().zone;
    let now = ctx.services().clock.now();
    let today = now.with_timezone(&zone).date_naive();
    let text = |name: &str| ctx.query.get(name).unwrap_or_default().to_owned();
    let asked = ctx.query.one_of("view", &VIEWS)?.unwrap_or("week");
    let view = VIEWS.into_iter().find(|view| *view == asked).unwrap_or("week");
    let filter = CalendarFilter { view, r#type: text("type"), task: text("task"), calendar: text("calendar") };
    let date = ctx.query.get("date").and_then(|date| date.parse().ok()).filter(is_supported).unwrap_or(today);
    let (first, count) = span(date, view);
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let request = CalendarRequest {
        from: begin(first, zone, now),
        to: begin(first + Days::new(count), zone, now),
        zone,
        granularity: if view == "month" { Granularity::Day } else { Granularity::Hour },
        task_id: given(&filter.task),
        task_type: given(&filter.r#type),
    };
    let calendars = ctx.services().calendars.in_force().await?;
    let names = calendars.names().into_iter().map(|name| Choice::new(name, name)).collect();
    let nav = nav(&ctx, &filter, names, (date, today), (first, count));
    if view == "day" {
        let plan = ctx.services().stats.day_plan(ctx.actor()?, &request).await?;
        return ctx.page("calendar", &CalendarDay::new(&ctx.view(), nav, &plan, (request.from, request.to)));
    }
    let found = ctx.services().stats.calendar(ctx.actor()?, &request).await?;
    let scope = CellScope { task: &filter.task, task_type: &filter.r#type, zone };
    let mut days = days(&scope, &found, first, count, (today, date.month()));
    if let Some(calendar) = calendars.get(&filter.calendar) {
        mark_closed(&mut days, calendar, ctx.language);
    }
    for day in &mut days {
        day.href = day.date.parse().map(|date| address(&filter, "day", date)).unwrap_or_default();
    }
    ctx.page("calendar", &Calendar { nav, days, too_frequent: found.too_frequent, more: found.more })
}

fn nav(
    ctx: &RequestContext,
    filter: &CalendarFilter,
    calendars: Vec<Choice>,
    (date, today): (NaiveDate, NaiveDate),
    (first, count): (NaiveDate, u64),
) -> CalendarNav {
    let (before, after) = match filter.view {
        "month" => (date.checked_sub_months(Months::new(1)), date.checked_add_months(Months::new(1))),
        _ => (date.checked_sub_days(Days::new(count)), date.checked_add_days(Days::new(count))),
    };
    let link = |date: NaiveDate| address(filter, filter.view, date);
    CalendarNav {
        title: title(date, first, count, filter.view),
        date: date.to_string(),
        before: link(before.unwrap_or(date)),
        after: link(after.unwrap_or(date)),
        today: link(today),
        as_day: address(filter, "day", date),
        week: address(filter, "week", date),
        as_month: address(filter, "month", date),
        types: filter_type_choices(&ctx.view(), &filter.r#type),
        calendars,
        filter: filter.clone(),
    }
}

/// Whether a date is within the supported years.
fn is_supported(date: &NaiveDate) -> bool {
    (1971..=2200).contains(&date.year())
}

/// Returns the first day shown and the number of days: one, or whole weeks from Monday.
fn span(date: NaiveDate, view: &str) -> (NaiveDate, u64) {
    let monday = |day: NaiveDate| day - Days::new(u64::from(day.weekday().num_days_from_monday()));
    match view {
        "day" => return (date, 1),
        "month" => {}
        _ => return (monday(date), 7),
    }
    let first = date.with_day(1).unwrap_or(date);
    let begin = monday(first);
    let last = first + Months::new(1) - Days::new(1);
    let days = (last - begin).num_days().unsigned_abs() + 1;
    (begin, days.div_ceil(7) * 7)
}

/// Returns the time at which a day begins in a time zone.
fn begin(day: NaiveDate, zone: Tz, now: DateTime<Utc>) -> DateTime<Utc> {
    // Noon exists on every day in every time zone.
    parse_datetime(&format!("{day} 12:00:00"), zone).map_or(now, |noon| start_of_day(noon, zone))
}

fn title(date: NaiveDate, first: NaiveDate, count: u64, view: &str) -> String {
    match view {
        "month" => date.format("%Y-%m").to_string(),
        "day" => date.to_string(),
        _ => format!("{first} – {}", first + Days::new(count - 1)),
    }
}

fn address(filter: &CalendarFilter, view: &str, date: NaiveDate) -> String {
    let view = if view == "week" { "" } else { view };
    with_query(
        "/calendar",
        &[
            ("view", view),
            ("date", &date.to_string()),
            ("type", &filter.r#type),
            ("task", &filter.task),
            ("calendar", &filter.calendar),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn month_spans_whole_weeks() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        assert_eq!(span(day("2026-11-21"), "month"), (day("2026-10-26"), 42));
        assert_eq!(span(day("2027-02-10"), "month"), (day("2027-02-01"), 28));
        assert_eq!(span(day("2026-11-22"), "week"), (day("2026-11-16"), 7));
        assert_eq!(span(day("2026-11-22"), "day"), (day("2026-11-22"), 1));
    }
}
