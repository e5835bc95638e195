//! A crowded minute of the calendar: its tasks, and moving one of them to a quieter minute.

use std::sync::Arc;

use chrono::{DateTime, Duration, Timelike, Utc};
use chrono_tz::Tz;

use crate::domain::task::Task;
use crate::domain::user::Action;
use crate::i18n::message;
use crate::stats::minute_load::{MinuteLoad, moved};
use crate::web::error::Failure;
use crate::web::request_context::{HandlerResult, RequestContext};
use crate::web::session::Flash;
use crate::web::urls::{Pairs, with_query};
use crate::web::view::calendar_minute::{CalendarMinute, MinuteTask};
use crate::web::view::chart::{Chart, Column};
use crate::web::view::tasks::task_href;

/// `GET /calendar/-/minute?at=…`
pub async fn show(ctx: Arc<RequestContext>) -> HandlerResult {
    let minute = minute(&ctx.query)?;
    let load = ctx.services().stats.minute_load(ctx.actor()?, minute).await?;
    let zone = ctx.services().zone;
    let quiet = at_minute(minute, zone, load.quietest);
    let can_edit = ctx.authorize(Action::Edit).is_ok();
    let clock = |at: DateTime<Utc>| at.with_timezone(&zone).format("%H:%M").to_string();
    let task = |task: &Task| MinuteTask {
        href: task_href(&task.id),
        rule: task.rules(zone).map_or_else(|_| task.schedule_text.clone(), |rule| rule.describe(ctx.language)),
        version: task.version,
        can_move: can_edit && task.managed.is_none() && change(task, zone, minute, quiet).is_some(),
        id: task.id.clone(),
    };
    let count = |at: DateTime<Utc>| load.counts[at.with_timezone(&zone).minute() as usize];
    let view = CalendarMinute {
        clock: clock(minute),
        firings: count(minute),
        quiet_clock: clock(quiet),
        quiet_firings: count(quiet),
        day: minute.with_timezone(&zone).format("%Y-%m-%d").to_string(),
        chart: chart(&load, minute, zone),
        tasks: load.tasks.iter().map(task).collect(),
        post_to: with_query("/calendar/-/minute", &[("at", &minute.to_rfc3339())]),
        back: with_query("/calendar", &[("date", &minute.with_timezone(&zone).date_naive().to_string())]),
    };
    ctx.page("calendar", &view)
}

/// `POST /calendar/-/minute?at=…`: moves one task to the quietest minute of the hour.
pub async fn move_task(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Edit)?;
    let minute = minute(&ctx.query)?;
    let zone = ctx.services().zone;
    let task = ctx.services().tasks.get_editable(ctx.actor()?, ctx.form.get("task").unwrap_or_default()).await?;
    let load = ctx.services().stats.minute_load(ctx.actor()?, minute).await?;
    let quiet = at_minute(minute, zone, load.quietest);
    let change = change(&task, zone, minute, quiet);
    let change = change.ok_or_else(|| Failure::BadRequest(message!("calendar.cannot_move", task = &task.id).of("task")))?;
    let version = ctx.form.get("version").and_then(|version| version.parse().ok());
    ctx.services().tasks.patch(ctx.actor()?, &task.id, &change, version).await?;
    let clock = quiet.with_timezone(&zone).format("%H:%M");
    let flash = Flash::new("moved", &format!("{} → {clock}", task.id), &task_href(&task.id));
    let back = with_query("/calendar/-/minute", &[("at", &minute.to_rfc3339())]);
    Ok(ctx.redirect_with_flash(&back, Some(&flash)))
}

/// The minute that the URL names.
fn minute(query: &Pairs) -> Result<DateTime<Utc>, Failure> {
    let given = query.get("at").unwrap_or_default();
    let at = DateTime::parse_from_rfc3339(given).ok().map(|at| at.to_utc());
    let at = at.filter(|at| (1971..=2200).contains(&chrono::Datelike::year(at)));
    let at = at.ok_or_else(|| Failure::BadRequest(message!("calendar.minute_wanted", value = given).of("at")))?;
    Ok(at - Duration::seconds(i64::from(at.second())) - Duration::nanoseconds(i64::from(at.nanosecond())))
}

/// Another minute of the same hour on the clocks of a zone.
fn at_minute(at: DateTime<Utc>, zone: Tz, minute: u32) -> DateTime<Utc> {
    at + Duration::minutes(i64::from(minute) - i64::from(at.with_timezone(&zone).minute()))
}

/// The change that moves a task, on the clocks of its own zone, if both minutes are in the same hour there.
fn change(task: &Task, zone: Tz, from: DateTime<Utc>, to: DateTime<Utc>) -> Option<serde_json::Value> {
    let own = task.rules(zone).ok()?.zone();
    let (from, to) = (from.with_timezone(&own), to.with_timezone(&own));
    (from.hour() == to.hour()).then(|| moved(task, from.minute(), to.minute())).flatten()
}

fn chart(load: &MinuteLoad, minute: DateTime<Utc>, zone: Tz) -> Chart {
    let column = |(place, count): (u32, &i64)| Column {
        href: String::new(),
        label: format!("{} · {count}", at_minute(minute, zone, place).with_timezone(&zone).format("%H:%M")),
        amounts: vec![("planned", *count)],
    };
    Chart::new((0..).zip(&load.counts).map(column).collect())
}
