//! Bulk actions on the selected tasks or on all that match the list's filter, after a confirmation with their number.

use std::sync::Arc;
use std::time::Duration;

use poem::Response;
use poem::http::StatusCode;
use serde_json::json;

use crate::domain::input::truncate;
use crate::domain::operation::{BulkAction, BulkError, BulkOutcome, BulkWork, Operation};
use crate::domain::page::PageRequest;
use crate::domain::pause::{MAX_REASON, PauseRequest};
use crate::i18n::{Language, message};
use crate::service::{BulkProgress, BulkTarget, Error};
use crate::web::error::Failure;
use crate::web::request_context::{HandlerResult, RequestContext, trigger_event};
use crate::web::session::Flash;
use crate::web::urls::{Pairs, encode};
use crate::web::view::bulk::{BulkConfirm, BulkProgressView, Hidden};
use crate::web::view::tasks::Filter;

/// How long a request waits for the end of the action.
const WAIT: Duration = Duration::from_secs(1);
/// Number of ids listed in the confirmation.
const NAMED: usize = 8;

/// `GET /tasks/-/bulk?action=…&id=…` or `&all=true` with the list's filter.
pub async fn confirm(ctx: Arc<RequestContext>) -> HandlerResult {
    let action = action(&ctx.query)?;
    ctx.authorize(action.required_action())?;
    let submitted = Filter::from_query(&ctx.query)?;
    let target = target(&ctx.query, &submitted);
    let (matched, named) = match &target {
        BulkTarget::Ids(ids) => (ids.len() as i64, ids.iter().take(NAMED).cloned().collect()),
        BulkTarget::Filter(filter) => {
            let page = PageRequest { size: NAMED as u32, cursor: None };
            let found = ctx.services().tasks.list(ctx.actor()?, filter, &page).await?;
            (found.total, found.items.into_iter().map(|task| task.id).collect())
        }
    };
    let view = BulkConfirm {
        action: action.as_str(),
        matched,
        more: matched - Vec::<String>::len(&named) as i64,
        named,
        hidden: {
            let mut hidden = hidden(&ctx.query);
            hidden.push(Hidden { name: "key".into(), value: ctx.new_form_key() });
            hidden
        },
        back: submitted.address(""),
        dangerous: action == BulkAction::Delete,
    };
    match ctx.partial {
        true => ctx.fragment(StatusCode::OK, "fragments/bulk_confirm.html", &view),
        false => ctx.page("tasks", &view),
    }
}

/// `POST /tasks/-/bulk`: starts the action. If it takes longer than [`WAIT`], the response shows its progress.
pub async fn apply(ctx: Arc<RequestContext>) -> HandlerResult {
    let action = action(&ctx.form)?;
    let submitted = Filter::from_query(&ctx.form)?;
    let target = target(&ctx.form, &submitted);
    let text = |name: &str| ctx.form.get(name).map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned);
    let pause = match action {
        BulkAction::Pause => {
            PauseRequest { until: text("until"), reason: truncate(&text("reason").unwrap_or_default(), MAX_REASON) }
        }
        _ => PauseRequest::default(),
    };
    let work = BulkWork { action, pause };
    match ctx.services().bulk.start(ctx.actor()?, work, &target, WAIT, ctx.form_key()).await? {
        BulkProgress::Ended(outcome) => Ok(end(&ctx, &outcome, &submitted)),
        BulkProgress::Running(operation) => show(&ctx, &operation, &submitted),
    }
}

/// `GET /tasks/-/bulk/{id}` with the list's filter: the progress of an action, or its end.
pub async fn progress(ctx: Arc<RequestContext>) -> HandlerResult {
    let operation = ctx.services().bulk.operation(ctx.actor()?, ctx.id()).await?;
    let submitted = Filter::from_query(&ctx.query)?;
    match operation.finished_at {
        Some(_) => Ok(end(&ctx, &operation.outcome(), &submitted)),
        None => show(&ctx, &operation, &submitted),
    }
}

/// `POST /tasks/-/bulk/{id}/stop`
pub async fn stop(ctx: Arc<RequestContext>) -> HandlerResult {
    let bulk = &ctx.services().bulk;
    let operation = match bulk.cancel(ctx.actor()?, ctx.id()).await {
        Err(Error::Conflict(_)) => bulk.operation(ctx.actor()?, ctx.id()).await?, // it has ended meanwhile
        stopped => stopped?,
    };
    Ok(end(&ctx, &operation.outcome(), &Filter::from_query(&ctx.query)?))
}

fn show(ctx: &RequestContext, operation: &Operation, submitted: &Filter) -> HandlerResult {
    let (list, base) = (submitted.address(""), format!("/tasks/-/bulk/{}", encode(&operation.id)));
    let query = list.split_once('?').map(|(_, query)| format!("?{query}")).unwrap_or_default();
    let view = BulkProgressView {
        action: operation.action.as_str(),
        processed: operation.processed,
        of: operation.matched,
        href: format!("{base}{query}"),
        stop: format!("{base}/stop{query}"),
    };
    match ctx.partial {
        true => ctx.fragment(StatusCode::OK, "fragments/bulk_progress.html", &view),
        false => ctx.page("tasks", &view),
    }
}

/// Returns to the list with the result.
fn end(ctx: &RequestContext, outcome: &BulkOutcome, submitted: &Filter) -> Response {
    let flash = flash(outcome, ctx.language);
    if !ctx.partial {
        return ctx.redirect_with_flash(&submitted.address(""), Some(&flash));
    }
    let kind = if outcome.done == outcome.matched { "success" } else { "warning" };
    trigger_event(StatusCode::NO_CONTENT, &json!({"belfry:done": {"kind": kind, "text": ctx.flash_text(&flash), "list": true}}))
}

fn flash(outcome: &BulkOutcome, language: Language) -> Flash {
    let BulkOutcome { matched, done, errors } = outcome;
    match errors.first() {
        Some(BulkError { id, message }) => {
            let fault = truncate(&message.clone().of(id).text(language), 300);
            Flash::new("bulk_part", &format!("{done}/{matched} ({fault})"), "")
        }
        None if done < matched => Flash::new("bulk_part", &format!("{done}/{matched}"), ""),
        None => Flash::new("bulk_done", &done.to_string(), ""),
    }
}

fn action(pairs: &Pairs) -> Result<BulkAction, Failure> {
    let known = BulkAction::ALL.map(BulkAction::as_str).join(", ");
    let found = BulkAction::parse(pairs.get("action").unwrap_or_default());
    found.ok_or_else(|| Failure::BadRequest(message!("value.choose", known).of("action")))
}

fn target(pairs: &Pairs, submitted: &Filter) -> BulkTarget {
    match pairs.get("all") {
        Some(_) => BulkTarget::Filter(submitted.read()),
        None => BulkTarget::Ids(pairs.all("id").map(str::to_owned).collect()),
    }
}

/// Returns the hidden fields of the form: everything of the request but the CSRF token.
fn hidden(pairs: &Pairs) -> Vec<Hidden> {
    let all = pairs.get("all").is_some();
    let kept = pairs.0.iter().filter(|(name, value)| name != "csrf" && !value.is_empty() && !(all && name == "id"));
    kept.map(|(name, value)| Hidden { name: name.clone(), value: value.clone() }).collect()
}
