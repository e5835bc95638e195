//! Export and import: the document is downloaded, or given, looked at, and only then applied.

use std::sync::Arc;

use poem::Response;
use poem::http::{StatusCode, header};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::domain::fault::Fault;
use crate::domain::transfer::{self, Format};
use crate::service::{Error, Import, ImportOutcome};
use crate::web::error::Failure;
use crate::web::session::Flash;
use crate::web::view::transfer::{DriftRow, FileView, PlanView, TransferPage};
use crate::web::visit::{Answer, Visit};

/// The page's address.
pub const PATH: &str = "/settings/transfer";

/// `GET /settings/transfer`
pub async fn show(visit: Arc<Visit>) -> Answer {
    draw(&visit, StatusCode::OK, TransferPage::default()).await
}

/// `GET /settings/transfer/export?format=yaml`
pub async fn export(visit: Arc<Visit>) -> Answer {
    let given = visit.query.get("format").unwrap_or("yaml");
    let format = Format::parse(given).ok_or_else(|| Failure::BadRequest("format: yaml or json".to_owned()))?;
    let text = format.write(&visit.service().export(visit.actor()?).await?);
    let kind = if format == Format::Json { "application/json" } else { "application/yaml" };
    let name = format!("attachment; filename=\"tasks.{}\"", format.as_str());
    Ok(Response::builder().content_type(kind).header(header::CONTENT_DISPOSITION, name).body(text))
}

/// `POST /settings/transfer`: shows what a document would do, or does what was shown.
pub async fn import(visit: Arc<Visit>) -> Answer {
    let text = given(&visit);
    let prune = visit.form.get("prune") == Some("true");
    let document = match transfer::read(&text) {
        Ok(document) => document,
        Err(fault) => return refused(&visit, &text, prune, Error::Invalid(vec![fault])).await,
    };
    let planned = match ask(&visit, &document, prune, true).await {
        Ok(planned) => planned,
        Err(error) => return refused(&visit, &text, prune, error).await,
    };
    let seen = seen(&document, prune, &planned);
    if visit.form.get("seen") != Some(&seen) {
        let plan = PlanView::new(&visit, &planned, &document, prune, seen);
        return draw(&visit, StatusCode::OK, TransferPage { plan: Some(plan), prune, ..TransferPage::default() }).await;
    }
    match ask(&visit, &document, prune, false).await {
        Ok(done) => Ok(visit.go(PATH, Some(&Flash::new("imported", &done.changes.len().to_string(), "/tasks")))),
        Err(error) => refused(&visit, &text, prune, error).await,
    }
}

/// The file, or else what was typed.
fn given(visit: &Visit) -> String {
    let file = visit.form.raw("file").filter(|text| !text.trim().is_empty());
    file.or(visit.form.raw("document")).unwrap_or_default().to_owned()
}

async fn ask(visit: &Visit, document: &Value, prune: bool, dry_run: bool) -> Result<ImportOutcome, Error> {
    let actor = visit.actor().map_err(|_| Error::Unauthorized("nobody is signed in".to_owned()))?;
    visit.service().import(actor, document, Import { prune, dry_run }).await
}

/// Stands for what a plan does: what changed meanwhile is shown before it is done.
fn seen(document: &Value, prune: bool, planned: &ImportOutcome) -> String {
    let mut digest = Sha256::new();
    digest.update(document.to_string());
    digest.update([u8::from(prune)]);
    for change in &planned.changes {
        digest.update(format!("{} {} {:?}", change.kind.as_str(), change.id, change.differences));
    }
    digest.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

async fn refused(visit: &Visit, text: &str, prune: bool, error: Error) -> Answer {
    let page = TransferPage { document: text.to_owned(), prune, ..TransferPage::default() };
    match error {
        Error::Invalid(faults) => {
            let faults: Vec<Fault> = visit.translated(&faults).into_iter().take(100).collect();
            draw(visit, StatusCode::UNPROCESSABLE_ENTITY, TransferPage { faults, ..page }).await
        }
        Error::Conflict(message) => {
            draw(visit, StatusCode::CONFLICT, TransferPage { message: visit.said(&message), ..page }).await
        }
        other => Err(other.into()),
    }
}

async fn draw(visit: &Visit, status: StatusCode, page: TransferPage) -> Answer {
    let actor = visit.actor()?;
    let file = visit.service().tasks_file(actor)?.map(|file| FileView::new(visit, file));
    let drifted = visit.service().drifted_tasks(actor).await?.iter().map(DriftRow::new).collect();
    visit.page_with(status, "settings", &TransferPage { file, drifted, ..page })
}
