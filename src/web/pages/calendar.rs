//! `/calendar`: a week by the hour, or a month by the day.

use std::sync::Arc;

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, Utc};
use chrono_tz::Tz;

use crate::domain::calendar::Grain;
use crate::domain::overview::day_of;
use crate::domain::trigger::parse_instant;
use crate::service::CalendarRequest;
use crate::web::urls::with_query;
use crate::web::view::calendar::{Calendar, Typed, days};
use crate::web::view::type_choices;
use crate::web::visit::{Answer, Visit};

/// `GET /calendar?view=week|month&date=YYYY-MM-DD&type=…&task=…`
pub async fn show(visit: Arc<Visit>) -> Answer {
    let zone = visit.service().zone();
    let now = visit.service().clock().now();
    let today = now.with_timezone(&zone).date_naive();
    let text = |name: &str| visit.query.get(name).unwrap_or_default().to_owned();
    let typed = Typed { month: text("view") == "month", r#type: text("type"), task: text("task") };
    let date = visit.query.get("date").and_then(|date| date.parse().ok()).filter(is_near).unwrap_or(today);
    let (first, count) = span(date, typed.month);
    let begin = |day: NaiveDate| begin(day, zone, now);
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let request = CalendarRequest {
        from: begin(first),
        to: begin(first + Days::new(count)),
        zone,
        grain: if typed.month { Grain::Day } else { Grain::Hour },
        task_id: given(&typed.task),
        task_type: given(&typed.r#type),
    };
    let found = visit.service().calendar(visit.actor()?, &request).await?;
    let link = |month: bool, date: NaiveDate| address(&typed, month, date);
    let (before, after) = match typed.month {
        true => (date.checked_sub_months(Months::new(1)), date.checked_add_months(Months::new(1))),
        false => (date.checked_sub_days(Days::new(7)), date.checked_add_days(Days::new(7))),
    };
    let view = Calendar {
        title: title(date, first, count, typed.month),
        date: date.to_string(),
        before: link(typed.month, before.unwrap_or(date)),
        after: link(typed.month, after.unwrap_or(date)),
        today: link(typed.month, today),
        week: link(false, date),
        as_month: link(true, date),
        types: type_choices(&visit),
        days: days(&visit, &found, first, count, (today, date.month())),
        often: found.often,
        more: found.more,
        typed,
    };
    visit.page("calendar", &view)
}

/// Within what the clocks and rules can tell.
fn is_near(date: &NaiveDate) -> bool {
    (1971..=2200).contains(&date.year())
}

/// The first day shown, and how many: whole weeks from Monday on.
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

/// The instant at which a day begins on a zone's clocks.
fn begin(day: NaiveDate, zone: Tz, now: DateTime<Utc>) -> DateTime<Utc> {
    // Noon exists on every day of every zone.
    parse_instant(&format!("{day} 12:00:00"), zone).map_or(now, |noon| day_of(noon, zone))
}

fn title(date: NaiveDate, first: NaiveDate, count: u64, month: bool) -> String {
    match month {
        true => date.format("%Y-%m").to_string(),
        false => format!("{first} – {}", first + Days::new(count - 1)),
    }
}

fn address(typed: &Typed, month: bool, date: NaiveDate) -> String {
    let view = if month { "month" } else { "" };
    with_query("/calendar", &[("view", view), ("date", &date.to_string()), ("type", &typed.r#type), ("task", &typed.task)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_shown_in_whole_weeks() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        assert_eq!(span(day("2026-11-21"), true), (day("2026-10-26"), 42));
        assert_eq!(span(day("2027-02-10"), true), (day("2027-02-01"), 28));
        assert_eq!(span(day("2026-11-22"), false), (day("2026-11-16"), 7));
    }
}
