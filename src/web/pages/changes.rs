//! What saving the form of a task would change: its fields, and when it fires next.

use std::sync::Arc;

use chrono::DateTime;
use chrono_tz::Tz;
use poem::http::StatusCode;

use super::task::upcoming;
use crate::domain::task::Task;
use crate::service::Error;
use crate::web::form;
use crate::web::view::task_form::{ChangesView, Difference, differences};
use crate::web::view::{Moment, View};
use crate::web::visit::{Answer, Visit};

/// Firings before and after that are shown.
const SHOWN: usize = 5;

/// `POST /tasks/-/changes`: the form as typed, beside the task as it is.
pub async fn show(visit: Arc<Visit>) -> Answer {
    let id = visit.form.get("/id").unwrap_or_default().to_owned();
    let task = visit.service().task(visit.actor()?, &id).await?;
    let differences = compare(&visit, &task);
    let moved = differences.iter().any(|one| one.field.starts_with("/trigger") || one.field == "/enabled");
    let view = ChangesView {
        before: if moved { upcoming(&visit, &task, SHOWN).0 } else { Vec::new() },
        after: if moved { after(&visit)? } else { Vec::new() },
        moved,
        differences,
    };
    visit.fragment(StatusCode::OK, ChangesView::TEMPLATE, &view)
}

/// How the task as it is and the form as typed differ.
pub fn compare(visit: &Visit, task: &Task) -> Vec<Difference> {
    let mut theirs = form::to_values(&task.to_input());
    let mine = form::to_task(&visit.form).0;
    let mut mine = mine.as_object().map(form::to_values).unwrap_or_default();
    mine.entry("/params".to_owned()).or_insert_with(|| visit.form.raw("/params").unwrap_or_default().to_owned());
    if task.name == task.id && !mine.contains_key("/name") {
        theirs.remove("/name");
    }
    if !form::chain::is_there(&visit.form) {
        theirs.retain(|name, _| !form::chain::is_field(name));
    }
    for values in [&mut theirs, &mut mine] {
        values.retain(|_, text| !text.is_empty());
    }
    differences(&theirs, &mine)
}

/// The firings by the rule as typed; none while it cannot be read, or where the task is paused.
fn after(visit: &Visit) -> Result<Vec<Moment>, crate::web::error::Failure> {
    if visit.form.all("/enabled").last() == Some("false") {
        return Ok(Vec::new());
    }
    match visit.service().preview(visit.actor()?, &form::to_trigger(&visit.form), None, SHOWN as i64) {
        Ok(preview) => Ok(preview.fire_times.iter().map(|at: &DateTime<Tz>| Moment::new(at.to_utc(), at.timezone())).collect()),
        Err(Error::Invalid(_)) => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}
