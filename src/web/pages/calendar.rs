//! Calendar page: a week by hour, or a month by day.

use std::sync::Arc;

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, Utc};
use chrono_tz::Tz;

use crate::domain::trigger::parse_datetime;
use crate::stats::calendar::Granularity;
use crate::stats::calendar_request::CalendarRequest;
use crate::stats::timeline::start_of_day;
use crate::web::request_context::{HandlerResult, RequestContext};
use crate::web::urls::with_query;
use crate::web::view::calendar::{Calendar, CalendarFilter, CellScope, days, mark_closed};
use crate::web::view::{Choice, type_choices};

/// `GET /calendar?view=week|month&date=YYYY-MM-DD&type=…&task=…`
pub async fn show(ctx: Arc<RequestContext>) -> HandlerResult {
    let zone = ctx.services().zone;
    let now = ctx.services().clock.now();
    let today = now.with_timezone(&zone).date_naive();
    let text = |name: &str| ctx.query.get(name).unwrap_or_default().to_owned();
    let filter =
        CalendarFilter { month: text("view") == "month", r#type: text("type"), task: text("task"), calendar: text("calendar") };
    let date = ctx.query.get("date").and_then(|date| date.parse().ok()).filter(is_supported).unwrap_or(today);
    let (first, count) = span(date, filter.month);
    let begin = |day: NaiveDate| begin(day, zone, now);
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let request = CalendarRequest {
        from: begin(first),
        to: begin(first + Days::new(count)),
        zone,
        granularity: if filter.month { Granularity::Day } else { Granularity::Hour },
        task_id: given(&filter.task),
        task_type: given(&filter.r#type),
    };
    let found = ctx.services().stats.calendar(ctx.actor()?, &request).await?;
    let link = |month: bool, date: NaiveDate| address(&filter, month, date);
    let (before, after) = match filter.month {
        true => (date.checked_sub_months(Months::new(1)), date.checked_add_months(Months::new(1))),
        false => (date.checked_sub_days(Days::new(7)), date.checked_add_days(Days::new(7))),
    };
    let scope = CellScope { task: &filter.task, task_type: &filter.r#type, zone };
    let calendars = ctx.services().calendars.in_force().await?;
    let mut days = days(&scope, &found, first, count, (today, date.month()));
    if let Some(calendar) = calendars.get(&filter.calendar) {
        mark_closed(&mut days, calendar, ctx.language);
    }
    let view = Calendar {
        title: title(date, first, count, filter.month),
        date: date.to_string(),
        before: link(filter.month, before.unwrap_or(date)),
        after: link(filter.month, after.unwrap_or(date)),
        today: link(filter.month, today),
        week: link(false, date),
        as_month: link(true, date),
        types: type_choices(&ctx.view()),
        calendars: calendars.names().into_iter().map(|name| Choice::new(name, name)).collect(),
        days,
        too_frequent: found.too_frequent,
        more: found.more,
        filter,
    };
    ctx.page("calendar", &view)
}

/// Whether a date is within the supported years.
fn is_supported(date: &NaiveDate) -> bool {
    (1971..=2200).contains(&date.year())
}

/// Returns the first day shown and the number of days: whole weeks from Monday.
fn span(date: NaiveDate, month: bool) -> (NaiveDate, u64) {
    let monday = |day: NaiveDate| day - Days::new(u64::from(day.weekday().num_days_from_monday()));
    if !month {
        return (monday(date), 7);
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

fn title(date: NaiveDate, first: NaiveDate, count: u64, month: bool) -> String {
    match month {
        true => date.format("%Y-%m").to_string(),
        false => format!("{first} – {}", first + Days::new(count - 1)),
    }
}

fn address(filter: &CalendarFilter, month: bool, date: NaiveDate) -> String {
    let view = if month { "month" } else { "" };
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
        assert_eq!(span(day("2026-11-21"), true), (day("2026-10-26"), 42));
        assert_eq!(span(day("2027-02-10"), true), (day("2027-02-01"), 28));
        assert_eq!(span(day("2026-11-22"), false), (day("2026-11-16"), 7));
    }
}
