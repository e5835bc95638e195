//! Saved views: kept from a list, renamed and deleted on a page of their own.

use std::sync::Arc;

use poem::http::StatusCode;
use serde_json::json;

use super::refusal;
use crate::domain::saved_view::ListKind;
use crate::service::Error;
use crate::web::error::Failure;
use crate::web::session::Flash;
use crate::web::view::executions;
use crate::web::view::saved_views::{ViewMenu, ViewsPage, field_of};
use crate::web::view::task_form::Fields;
use crate::web::view::tasks;
use crate::web::visit::{Answer, Visit, told};

const PAGE: &str = "/views";

/// The menu of a list that is at `address`.
pub(super) async fn menu(visit: &Visit, list: ListKind, address: &str, filtered: bool) -> Result<ViewMenu, Failure> {
    let saved = visit.service().saved_views(visit.actor()?).await?;
    Ok(ViewMenu::new(list, address, filtered, &saved))
}

/// `GET /views`
pub async fn list(visit: Arc<Visit>) -> Answer {
    draw(&visit, StatusCode::OK, String::new(), Fields::default()).await
}

/// `POST /views/tasks?…`: keeps the filter of the address.
pub async fn save_tasks(visit: Arc<Visit>) -> Answer {
    let address = tasks::Filter::typed(&visit.query).address("");
    save(&visit, ListKind::Tasks, &address).await
}

/// `POST /views/executions?…`: keeps the filter of the address.
pub async fn save_executions(visit: Arc<Visit>) -> Answer {
    let address = executions::Filter::typed(&visit.query).here(&visit);
    save(&visit, ListKind::Executions, &address).await
}

async fn save(visit: &Visit, list: ListKind, address: &str) -> Answer {
    let query = address.split_once('?').map_or("", |(_, query)| query);
    let name = visit.form.get("name").unwrap_or_default();
    let said = match visit.service().save_view(visit.actor()?, list, name, query).await {
        Ok(view) => {
            let flash = Flash::new("view_saved", &view.name, "");
            if !visit.partial {
                return Ok(visit.go(address, Some(&flash)));
            }
            ("success", visit.flash_text(&flash))
        }
        Err(error) => {
            let (status, text) = refusal::shown(visit, error, &[], &mut Fields::default())?;
            if !visit.partial {
                return draw(visit, status, text, Fields::default()).await;
            }
            ("danger", text)
        }
    };
    let (kind, text) = said;
    Ok(told(StatusCode::NO_CONTENT, &json!({"belfry:done": {"kind": kind, "text": text, "redraw": kind == "success"}})))
}

/// `POST /views/{id}/rename`
pub async fn rename(visit: Arc<Visit>) -> Answer {
    let field = field_of(visit.id());
    let name = visit.form.get(&field).unwrap_or_default();
    match visit.service().rename_view(visit.actor()?, visit.id(), name).await {
        Ok(()) => Ok(visit.go(PAGE, Some(&Flash::new("view_saved", name.trim(), "")))),
        Err(Error::Invalid(faults)) => {
            let messages = visit.translated(&faults).into_iter().map(|fault| fault.message).collect();
            refused(&visit, StatusCode::UNPROCESSABLE_ENTITY, field, messages).await
        }
        Err(Error::Conflict(message)) => {
            let messages = vec![visit.said(&message)];
            refused(&visit, StatusCode::CONFLICT, field, messages).await
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /views/{id}/delete`
pub async fn delete(visit: Arc<Visit>) -> Answer {
    visit.service().delete_view(visit.actor()?, visit.id()).await?;
    Ok(visit.go(PAGE, Some(&Flash::new("view_deleted", "", ""))))
}

async fn refused(visit: &Visit, status: StatusCode, field: String, messages: Vec<String>) -> Answer {
    let mut form = refusal::typed(visit, &[]);
    form.faults.insert(field, messages);
    draw(visit, status, String::new(), form).await
}

async fn draw(visit: &Visit, status: StatusCode, message: String, form: Fields) -> Answer {
    let saved = visit.service().saved_views(visit.actor()?).await?;
    visit.page_with(status, "settings", &ViewsPage::new(&saved, message, form))
}
