//! Secrets that tasks use by name, for administrators. A value goes in and never comes out.

use std::sync::Arc;

use poem::http::StatusCode;

use super::refusal;
use crate::web::error::Failure;
use crate::web::session::Flash;
use crate::web::view::resources::{SecretList, SecretRow, delete_href};
use crate::web::view::task_form::Fields;
use crate::web::view::tasks::Ask;
use crate::web::visit::{Answer, Visit};

const LIST: &str = "/settings/secrets";

/// `GET /settings/secrets`
pub async fn list(visit: Arc<Visit>) -> Answer {
    draw(&visit, StatusCode::OK, Fields::default(), String::new()).await
}

/// `POST /settings/secrets`: keeps a secret, in the place of an earlier one of that name.
pub async fn set(visit: Arc<Visit>) -> Answer {
    let (name, value) = (visit.form.get("/name").unwrap_or_default(), visit.form.raw("/value").unwrap_or_default());
    match visit.service().put_secret(visit.actor()?, name, value).await {
        Ok(kept) => Ok(visit.go(LIST, Some(&Flash::new("secret_set", &kept.name, "")))),
        Err(error) => {
            let mut form = refusal::typed(&visit, &["/value"]);
            let (status, message) = refusal::shown(&visit, error, &["/name", "/value"], &mut form)?;
            draw(&visit, status, form, message).await
        }
    }
}

async fn draw(visit: &Visit, status: StatusCode, form: Fields, message: String) -> Answer {
    let secrets = visit.service().secrets(visit.actor()?).await?;
    let rows = secrets.iter().map(|secret| SecretRow::new(visit, secret)).collect();
    visit.page_with(status, "settings", &SecretList { rows, message, form })
}

/// `GET /settings/secrets/delete?name=…`
pub async fn ask_delete(visit: Arc<Visit>) -> Answer {
    let name = name(&visit);
    if !visit.service().secrets(visit.actor()?).await?.iter().any(|secret| secret.name == name) {
        return Err(Failure::NotFound);
    }
    visit.ask(StatusCode::OK, "settings", &Ask::plain("delete_secret", name, delete_href(name), visit.back(LIST)))
}

/// `POST /settings/secrets/delete?name=…`
pub async fn delete(visit: Arc<Visit>) -> Answer {
    let name = name(&visit);
    visit.service().delete_secret(visit.actor()?, name).await?;
    Ok(visit.done(&Flash::new("secret_deleted", name, ""), name, LIST))
}

fn name(visit: &Visit) -> &str {
    visit.query.raw("name").unwrap_or_default()
}
