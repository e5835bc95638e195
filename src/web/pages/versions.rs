//! Versions of a task: list and restore.

use std::sync::Arc;

use poem::http::StatusCode;

use crate::domain::task::{Task, Version};
use crate::i18n::message;
use crate::web::error::Failure;
use crate::web::request_context::{HandlerResult, RequestContext};
use crate::web::session::Flash;
use crate::web::view::tasks::{ConfirmDialog, task_href};
use crate::web::view::versions::{VersionList, VersionRow, restore_href, rows};

/// Number of versions on the task page.
const NEWEST: usize = 5;
/// Number of versions that are looked at for them.
const LOOKED_AT: usize = 30;

/// Returns the latest versions for the task page, without those that only pause or resume, and the number of these.
pub(super) async fn newest(ctx: &RequestContext, task: &Task) -> Result<(Vec<VersionRow>, usize), Failure> {
    let mut versions = ctx.services().tasks.versions(ctx.actor()?, &task.id, None).await?;
    // One more than is looked at, for comparison.
    versions.truncate(LOOKED_AT + 1);
    let mut rows = version_rows(ctx, task, &versions);
    rows.truncate(LOOKED_AT);
    let (mut shown, mut pausing) = (Vec::new(), 0);
    for row in rows {
        match row.is_pausing() {
            true => pausing += 1,
            false if shown.len() < NEWEST => shown.push(row),
            false => break,
        }
    }
    Ok((shown, pausing))
}

fn version_rows(ctx: &RequestContext, task: &Task, versions: &[Version]) -> Vec<VersionRow> {
    let mut rows = rows(&task.id, versions, task.version, ctx.services().zone);
    // Tasks managed by a file cannot be changed here.
    if task.managed.is_some() {
        rows.iter_mut().for_each(|row| row.restore.clear());
    }
    rows
}

/// `GET /tasks/{id}/versions?before=…`
pub async fn list(ctx: Arc<RequestContext>) -> HandlerResult {
    let task = ctx.services().tasks.get(ctx.actor()?, ctx.id()).await?;
    let before = ctx.query.get("before").and_then(|text| text.parse().ok());
    let versions = ctx.services().tasks.versions(ctx.actor()?, &task.id, before).await?;
    let mut versions = version_rows(&ctx, &task, &versions);
    let mut older = String::new();
    // The last row has no older version to compare with; it starts the next page.
    if versions.len() > 1 && versions.last().is_some_and(|last| last.number > 1) {
        versions.pop();
        older =
            versions.last().map(|last| format!("{}/versions?before={}", task_href(&task.id), last.number)).unwrap_or_default();
    }
    ctx.page("tasks", &VersionList { task_href: task_href(&task.id), task_id: task.id, versions, older })
}

/// `GET /tasks/{id}/restore?version=…`
pub async fn confirm_restore(ctx: Arc<RequestContext>) -> HandlerResult {
    let task = ctx.services().tasks.get_editable(ctx.actor()?, ctx.id()).await?;
    let number = number(&ctx, "version")?;
    let version = ctx.services().tasks.version(ctx.actor()?, &task.id, number).await?;
    let view = ConfirmDialog {
        version: version.version,
        dangerous: false,
        ..ConfirmDialog::plain(
            "restore",
            &task.id,
            restore_href(&task.id, number, task.version),
            ctx.return_path(&task_href(&task.id)),
        )
    };
    ctx.confirm(StatusCode::OK, "tasks", &view)
}

/// `POST /tasks/{id}/restore?version=…&known=…`
pub async fn restore(ctx: Arc<RequestContext>) -> HandlerResult {
    let (number, known) = (number(&ctx, "version")?, number(&ctx, "known")?);
    let task = ctx.services().tasks.restore_version(ctx.actor()?, ctx.id(), number, Some(known)).await?;
    Ok(ctx.action_done(&Flash::new("restored", &task.id, ""), &task.id, &task_href(&task.id)))
}

fn number(ctx: &RequestContext, name: &str) -> Result<i64, Failure> {
    let given = ctx.query.get(name).and_then(|text| text.parse().ok());
    given.ok_or_else(|| Failure::BadRequest(message!("task.version_number").of(name)))
}
