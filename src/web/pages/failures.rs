//! Actions on all tasks that failed for the same cause, from the overview.

use std::sync::Arc;

use chrono::TimeDelta;

use crate::domain::notify::incident::IncidentFilter;
use crate::domain::page::PageRequest;
use crate::domain::user::Action;
use crate::service::Error;
use crate::web::request_context::{HandlerResult, RequestContext};
use crate::web::session::Flash;

/// The most tasks of one action: those among which the overview looks for causes.
const MOST_TASKS: usize = 40;
/// How many open incidents of a task are acknowledged.
const MOST_INCIDENTS: u32 = 20;
/// How long tasks are muted.
const MUTED_HOURS: i64 = 24;

/// `POST /failures/acknowledge` with `id` for each task: acknowledges their open incidents.
pub async fn acknowledge(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Run)?;
    let (actor, incidents) = (ctx.actor()?, &ctx.services().incidents);
    let mut acknowledged = 0;
    for id in ctx.form.all("id").take(MOST_TASKS) {
        let open = IncidentFilter { open: Some(true), task_id: Some(id.to_owned()), ..IncidentFilter::default() };
        let found = incidents.list(actor, &open, &PageRequest { size: MOST_INCIDENTS, cursor: None }).await?;
        for incident in found.items.iter().filter(|incident| incident.acknowledged_by.is_none()) {
            match incidents.acknowledge(actor, &incident.id).await {
                Ok(_) => acknowledged += 1,
                // Somebody else was faster.
                Err(Error::Conflict(_) | Error::NotFound(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(ctx.redirect_with_flash("/", Some(&Flash::new("failures_acknowledged", &acknowledged.to_string(), ""))))
}

/// `POST /failures/mute` with `id` for each task: tells nobody of their incidents for a day.
pub async fn mute(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Run)?;
    let until = ctx.services().clock.now() + TimeDelta::hours(MUTED_HOURS);
    let mut muted = 0;
    for id in ctx.form.all("id").take(MOST_TASKS) {
        match ctx.services().incidents.mute(ctx.actor()?, id, Some(until)).await {
            Ok(_) => muted += 1,
            Err(Error::NotFound(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(ctx.redirect_with_flash("/", Some(&Flash::new("failures_muted", &muted.to_string(), ""))))
}
