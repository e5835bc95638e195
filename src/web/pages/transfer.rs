//! Export and import of tasks; an import is previewed before it is applied.

use std::sync::Arc;

use data_encoding::HEXLOWER;
use poem::Response;
use poem::http::{StatusCode, header};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::domain::transfer::{self, Format};
use crate::domain::user::Action;
use crate::i18n::message;
use crate::service::{Error, Import, ImportOutcome};
use crate::web::error::Failure;
use crate::web::request_context::{HandlerResult, RequestContext};
use crate::web::session::Flash;
use crate::web::urls::TRANSFER_PATH;
use crate::web::view::fault_text::FaultText;
use crate::web::view::transfer::{DriftRow, FileView, PlanView, TransferPage};

/// `GET /settings/transfer`
pub async fn show(ctx: Arc<RequestContext>) -> HandlerResult {
    render(&ctx, StatusCode::OK, TransferPage::default()).await
}

/// `GET /settings/transfer/export?format=yaml`
pub async fn export(ctx: Arc<RequestContext>) -> HandlerResult {
    let given = ctx.query.get("format").unwrap_or("yaml");
    let format =
        Format::parse(given).ok_or_else(|| Failure::BadRequest(message!("value.choose", known = "yaml, json").of("format")))?;
    let text = format.write(&ctx.services().transfer.export(ctx.actor()?).await?);
    let kind = if format == Format::Json { "application/json" } else { "application/yaml" };
    let name = format!("attachment; filename=\"tasks.{}\"", format.as_str());
    Ok(Response::builder().content_type(kind).header(header::CONTENT_DISPOSITION, name).body(text))
}

/// `POST /settings/transfer`: previews an import, or applies the previewed one.
pub async fn import(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Edit)?;
    let text = given(&ctx);
    let prune = ctx.form.get("prune") == Some("true");
    let document = match transfer::read(&text) {
        Ok(document) => document,
        Err(fault) => return rejected(&ctx, &text, prune, Error::Invalid(vec![fault])).await,
    };
    let planned = match run_import(&ctx, &document, prune, true).await {
        Ok(planned) => planned,
        Err(error) => return rejected(&ctx, &text, prune, error).await,
    };
    let seen = seen(&document, prune, &planned);
    if ctx.form.get("seen") != Some(&seen) {
        let plan = PlanView::new(&ctx.view(), &planned, &document, prune, seen);
        return render(&ctx, StatusCode::OK, TransferPage { plan: Some(plan), prune, ..TransferPage::default() }).await;
    }
    match run_import(&ctx, &document, prune, false).await {
        Ok(done) => {
            Ok(ctx.redirect_with_flash(TRANSFER_PATH, Some(&Flash::new("imported", &done.changes.len().to_string(), "/tasks"))))
        }
        Err(error) => rejected(&ctx, &text, prune, error).await,
    }
}

/// Returns the uploaded file, or else the pasted document.
fn given(ctx: &RequestContext) -> String {
    let file = ctx.form.raw("file").filter(|text| !text.trim().is_empty());
    file.or(ctx.form.raw("document")).unwrap_or_default().to_owned()
}

async fn run_import(ctx: &RequestContext, document: &Value, prune: bool, dry_run: bool) -> Result<ImportOutcome, Error> {
    let actor = ctx.actor().map_err(|_| Error::Unauthorized(message!("sign_in.nobody")))?;
    ctx.services().transfer.import(actor, document, Import { prune, dry_run, tag: None }).await
}

/// Returns a hash of a plan, so that a plan that changed in the meantime is previewed again.
fn seen(document: &Value, prune: bool, planned: &ImportOutcome) -> String {
    let mut digest = Sha256::new();
    digest.update(document.to_string());
    digest.update([u8::from(prune)]);
    for change in &planned.changes {
        digest.update(format!("{} {} {:?}", change.kind.as_str(), change.id, change.differences));
    }
    digest.update(planned.calendars.join(" "));
    digest.update(format!(" {} {}", planned.notify_rules, planned.heartbeats));
    HEXLOWER.encode(&digest.finalize()[..16])
}

async fn rejected(ctx: &RequestContext, text: &str, prune: bool, error: Error) -> HandlerResult {
    let page = TransferPage { document: text.to_owned(), prune, ..TransferPage::default() };
    match error {
        Error::Invalid(faults) => {
            let faults: Vec<FaultText> = ctx.translate_faults(&faults).into_iter().take(100).collect();
            render(ctx, StatusCode::UNPROCESSABLE_ENTITY, TransferPage { faults, ..page }).await
        }
        Error::Conflict(message) => {
            render(ctx, StatusCode::CONFLICT, TransferPage { message: ctx.translate(&message), ..page }).await
        }
        other => Err(other.into()),
    }
}

async fn render(ctx: &RequestContext, status: StatusCode, page: TransferPage) -> HandlerResult {
    let actor = ctx.actor()?;
    let file = ctx.services().tasks_file.status(actor)?.map(|file| FileView::new(&ctx.view(), file));
    let drifted = ctx.services().tasks_file.drifted_tasks(actor).await?.iter().map(DriftRow::new).collect();
    ctx.page_with(status, "settings", &TransferPage { file, drifted, ..page })
}
