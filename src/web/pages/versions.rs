//! The versions of a task: listed, and restored after a question.

use std::sync::Arc;

use poem::http::StatusCode;

use crate::domain::task::{Task, Version};
use crate::web::error::Failure;
use crate::web::session::Flash;
use crate::web::view::tasks::{Ask, task_href};
use crate::web::view::versions::{VersionList, VersionRow, restore_href, rows};
use crate::web::visit::{Answer, Visit};

/// Versions that the page of a task shows.
const NEWEST: usize = 5;

/// The newest few versions, for the task's own page.
pub(super) async fn newest(visit: &Visit, task: &Task) -> Result<Vec<VersionRow>, Failure> {
    let mut versions = visit.service().versions(visit.actor()?, &task.id, None).await?;
    // One more than is shown, to be compared with.
    versions.truncate(NEWEST + 1);
    let mut rows = drawn(visit, task, &versions);
    rows.truncate(NEWEST);
    Ok(rows)
}

fn drawn(visit: &Visit, task: &Task, versions: &[Version]) -> Vec<VersionRow> {
    let mut rows = rows(&task.id, versions, task.version, visit.service().zone());
    // What a file says of a task is not undone here.
    if task.managed.is_some() {
        rows.iter_mut().for_each(|row| row.restore.clear());
    }
    rows
}

/// `GET /tasks/{id}/versions?before=…`
pub async fn list(visit: Arc<Visit>) -> Answer {
    let task = visit.service().task(visit.actor()?, visit.id()).await?;
    let before = visit.query.get("before").and_then(|text| text.parse().ok());
    let versions = visit.service().versions(visit.actor()?, &task.id, before).await?;
    let mut versions = drawn(&visit, &task, &versions);
    let mut older = String::new();
    // The last but the very first one has nothing to be compared with here: it begins the next page.
    if versions.len() > 1 && versions.last().is_some_and(|last| last.number > 1) {
        versions.pop();
        older =
            versions.last().map(|last| format!("{}/versions?before={}", task_href(&task.id), last.number)).unwrap_or_default();
    }
    visit.page("tasks", &VersionList { task_href: task_href(&task.id), task_id: task.id, versions, older })
}

/// `GET /tasks/{id}/restore?version=…`
pub async fn ask_restore(visit: Arc<Visit>) -> Answer {
    let task = visit.service().task_to_change(visit.actor()?, visit.id()).await?;
    let number = number(&visit, "version")?;
    let version = visit.service().version(visit.actor()?, &task.id, number).await?;
    let about = format!("{} ({})", task.id, version.version);
    let view = Ask {
        dangerous: false,
        ..Ask::plain("restore", &about, restore_href(&task.id, number, task.version), visit.back(&task_href(&task.id)))
    };
    visit.ask(StatusCode::OK, "tasks", &view)
}

/// `POST /tasks/{id}/restore?version=…&known=…`
pub async fn restore(visit: Arc<Visit>) -> Answer {
    let (number, known) = (number(&visit, "version")?, number(&visit, "known")?);
    let task = visit.service().restore_version(visit.actor()?, visit.id(), number, Some(known)).await?;
    Ok(visit.done(&Flash::new("restored", &task.id, ""), &task.id, &task_href(&task.id)))
}

fn number(visit: &Visit, name: &str) -> Result<i64, Failure> {
    let given = visit.query.get(name).and_then(|text| text.parse().ok());
    given.ok_or_else(|| Failure::BadRequest(format!("{name}: a version's number")))
}
