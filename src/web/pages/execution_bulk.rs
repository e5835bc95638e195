//! Actions on the selected executions: run them again, or cancel them, each on its own.

use std::sync::Arc;

use poem::http::StatusCode;
use serde_json::json;

use crate::domain::input::truncate;
use crate::domain::text_enum::text_enum;
use crate::domain::user::Action;
use crate::i18n::message;
use crate::service::{Error, RunValues};
use crate::web::error::Failure;
use crate::web::request_context::{HandlerResult, RequestContext, trigger_event};
use crate::web::session::Flash;
use crate::web::urls::Pairs;
use crate::web::view::execution_bulk::ExecutionBulk;

/// The most executions of one action: a page of the list.
const MAX_EXECUTIONS: usize = 100;

text_enum! {
    /// What is done to each execution.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum BulkAct {
        Rerun = "rerun",
        Cancel = "cancel",
    }
}

/// `GET /executions/-/bulk?action=…&id=…`: the confirmation.
pub async fn confirm(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Run)?;
    let action = action(&ctx.query)?;
    let ids: Vec<&str> = ctx.query.all("id").take(MAX_EXECUTIONS).collect();
    let found = ctx.services().executions.many(ctx.actor()?, &ids).await?;
    let concerned = found.iter().filter(|run| run.status.is_final() == (action == BulkAct::Rerun));
    let named: Vec<(String, String)> = concerned.map(|run| (run.id.clone(), run.task_id.clone())).collect();
    let view = ExecutionBulk {
        action: action.as_str(),
        selected: found.len(),
        runs: named,
        key: ctx.new_form_key(),
        back: ctx.return_path("/executions"),
    };
    match ctx.partial {
        true => ctx.fragment(StatusCode::OK, "fragments/execution_bulk.html", &view),
        false => ctx.page("executions", &view),
    }
}

/// `POST /executions/-/bulk`
pub async fn apply(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Run)?;
    let action = action(&ctx.form)?;
    let ids: Vec<&str> = ctx.form.all("id").take(MAX_EXECUTIONS).collect();
    let (mut done, mut fault) = (0, None);
    for id in &ids {
        match apply_one(&ctx, action, id).await {
            Ok(()) => done += 1,
            Err(error @ Error::Internal(_)) => return Err(error.into()),
            Err(error) => fault = fault.or_else(|| Some(truncate(&ctx.translate(&error.message()), 300))),
        }
    }
    let flash = match fault {
        Some(fault) => Flash::new("runs_part", &format!("{done}/{} ({fault})", ids.len()), ""),
        None => Flash::new("runs_done", &done.to_string(), ""),
    };
    if !ctx.partial {
        let back = ctx.form.get("back").and_then(crate::web::urls::local).unwrap_or("/executions");
        return Ok(ctx.redirect_with_flash(back, Some(&flash)));
    }
    let kind = if done == ids.len() { "success" } else { "warning" };
    let event = json!({"belfry:done": {"kind": kind, "text": ctx.flash_text(&flash), "list": true}});
    Ok(trigger_event(StatusCode::NO_CONTENT, &event))
}

async fn apply_one(ctx: &RequestContext, action: BulkAct, id: &str) -> Result<(), Error> {
    let executions = &ctx.services().executions;
    let Some(actor) = ctx.actor.as_ref() else { return Ok(()) };
    match action {
        BulkAct::Cancel => executions.cancel(actor, id).await.map(drop),
        BulkAct::Rerun => {
            // Two runs of one task need keys of their own.
            let key = ctx.form_key().map(|key| format!("{key}{id}"));
            let values = RunValues { params: None, inputs: None };
            executions.rerun_with(actor, id, values, key.as_deref()).await.map(drop)
        }
    }
}

fn action(pairs: &Pairs) -> Result<BulkAct, Failure> {
    let known = BulkAct::ALL.map(BulkAct::as_str).join(", ");
    let found = BulkAct::parse(pairs.get("action").unwrap_or_default());
    found.ok_or_else(|| Failure::BadRequest(message!("value.choose", known).of("action")))
}
