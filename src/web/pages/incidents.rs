//! Incidents pages, and the mute of a task.

use std::sync::Arc;

use chrono::TimeDelta;

use crate::domain::notify::incident::{Incident, IncidentFilter};
use crate::domain::page::{Cursor, PageRequest};
use crate::web::request_context::{HandlerResult, RequestContext};
use crate::web::session::Flash;
use crate::web::urls::with_query;
use crate::web::view::Pager;
use crate::web::view::incidents::{IncidentPage, IncidentRow, IncidentsPage, incident_href, status_choices};
use crate::web::view::tasks::task_href;

const LIST: &str = "/incidents";

/// `GET /incidents?status=open|closed&task_id=…`
pub async fn list(ctx: Arc<RequestContext>) -> HandlerResult {
    let status = ctx.query.one_of("status", &["open", "closed"])?.unwrap_or_default();
    let task_id = ctx.query.get("task_id").unwrap_or_default();
    let filter = IncidentFilter {
        open: (!status.is_empty()).then_some(status == "open"),
        task_id: (!task_id.is_empty()).then(|| task_id.to_owned()),
        ..IncidentFilter::default()
    };
    let page = PageRequest { cursor: ctx.query.get("cursor").and_then(Cursor::decode), ..PageRequest::default() };
    let found = ctx.services().incidents.list(ctx.actor()?, &filter, &page).await?;
    let address = |cursor: &str| with_query(LIST, &[("status", status), ("task_id", task_id), ("cursor", cursor)]);
    let view = IncidentsPage {
        rows: rows(&ctx, &found.items),
        pager: Pager::new(&found, address),
        status: status.to_owned(),
        statuses: status_choices(&ctx.view()),
        task_id: task_id.to_owned(),
        filtered: !status.is_empty() || !task_id.is_empty(),
    };
    ctx.page("incidents", &view)
}

/// The rows of incidents.
pub(super) fn rows(ctx: &RequestContext, incidents: &[Incident]) -> Vec<IncidentRow> {
    incidents.iter().map(|incident| IncidentRow::new(&ctx.view(), incident)).collect()
}

/// `GET /incidents/{id}`
pub async fn show(ctx: Arc<RequestContext>) -> HandlerResult {
    let detail = ctx.services().incidents.get(ctx.actor()?, ctx.id()).await?;
    let task: Vec<&str> = detail.incident.task_id.as_deref().into_iter().collect();
    let exists = !ctx.services().tasks.existing(ctx.actor()?, &task).await?.is_empty();
    ctx.page("incidents", &IncidentPage::new(&ctx.view(), &detail, exists))
}

/// `POST /incidents/{id}/acknowledge`
pub async fn acknowledge(ctx: Arc<RequestContext>) -> HandlerResult {
    let incident = ctx.services().incidents.acknowledge(ctx.actor()?, ctx.id()).await?;
    let path = incident_href(&incident.id);
    Ok(ctx.redirect_with_flash(&path, Some(&Flash::new("incident_acknowledged", incident.name(), ""))))
}

/// `POST /incidents/{id}/close`
pub async fn close(ctx: Arc<RequestContext>) -> HandlerResult {
    let incident = ctx.services().incidents.close(ctx.actor()?, ctx.id()).await?;
    let path = incident_href(&incident.id);
    Ok(ctx.redirect_with_flash(&path, Some(&Flash::new("incident_closed", incident.name(), ""))))
}

/// `POST /tasks/{id}/mute` with `hours`; 0 ends the mute.
pub async fn mute(ctx: Arc<RequestContext>) -> HandlerResult {
    let hours: i64 = ctx.form.get("hours").and_then(|text| text.parse().ok()).unwrap_or_default();
    let until = (hours > 0).then(|| ctx.services().clock.now() + TimeDelta::hours(hours.min(24 * 366)));
    let mute = ctx.services().incidents.mute(ctx.actor()?, ctx.id(), until).await?;
    let flash = if mute.is_some() { "task_muted" } else { "task_unmuted" };
    Ok(ctx.redirect_with_flash(&task_href(ctx.id()), Some(&Flash::new(flash, ctx.id(), ""))))
}
