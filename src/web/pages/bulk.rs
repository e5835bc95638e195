//! Bulk actions on the selected tasks or on all that match the list's filter, after a confirmation with their number.

use std::sync::Arc;
use std::time::Duration;

use poem::http::StatusCode;
use serde_json::json;

use crate::domain::input::truncate;
use crate::domain::page::PageRequest;
use crate::i18n::{Language, message};
use crate::service::{BulkAction, BulkOutcome, BulkTarget};
use crate::web::error::Failure;
use crate::web::request_context::{HandlerResult, RequestContext, trigger_event};
use crate::web::session::Flash;
use crate::web::urls::Pairs;
use crate::web::view::bulk::{BulkConfirm, BulkProgress, Hidden};
use crate::web::view::tasks::Filter;

/// Maximum time one request works on the tasks.
const TIME_SLICE: Duration = Duration::from_secs(1);
/// Number of ids listed in the confirmation.
const NAMED: usize = 8;

/// `GET /tasks/-/bulk?action=…&id=…` or `&all=true` with the list's filter.
pub async fn confirm(ctx: Arc<RequestContext>) -> HandlerResult {
    let action = action(&ctx.query)?;
    ctx.authorize(action.required_action())?;
    let submitted = Filter::from_query(&ctx.query);
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
        action: name(action),
        matched,
        more: matched - Vec::<String>::len(&named) as i64,
        named,
        hidden: {
            let mut hidden = hidden(&ctx.query);
            hidden.push(Hidden { name: "of".into(), value: matched.to_string() });
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

/// `POST /tasks/-/bulk`: processes tasks for [`TIME_SLICE`]. If tasks remain, the response submits itself again, or
/// shows a button without script.
pub async fn apply(ctx: Arc<RequestContext>) -> HandlerResult {
    let action = action(&ctx.form)?;
    let submitted = Filter::from_query(&ctx.form);
    let (target, after) = (target(&ctx.form, &submitted), ctx.form.raw("after").unwrap_or_default());
    let bulk = &ctx.services().bulk;
    let (outcome, next) = bulk.apply_part(ctx.actor()?, action, &target, after, TIME_SLICE, ctx.form_key()).await?;
    let totals = BulkTotals::read(&ctx.form).and(&outcome, ctx.language);
    if let Some(after) = next {
        return render_progress(&ctx, action, &submitted, &totals, after);
    }
    let flash = totals.flash();
    if !ctx.partial {
        return Ok(ctx.redirect_with_flash(&submitted.address(""), Some(&flash)));
    }
    let kind = if totals.fault.is_empty() { "success" } else { "warning" };
    Ok(trigger_event(
        StatusCode::NO_CONTENT,
        &json!({"belfry:done": {"kind": kind, "text": ctx.flash_text(&flash), "list": true}}),
    ))
}

fn render_progress(
    ctx: &RequestContext,
    action: BulkAction,
    submitted: &Filter,
    totals: &BulkTotals,
    after: String,
) -> HandlerResult {
    let mut hidden = hidden(&ctx.form);
    hidden.retain(|field| !["after", "processed", "done", "fault"].contains(&field.name.as_str()));
    let counts = [("processed", totals.processed.to_string()), ("done", totals.done.to_string())];
    let texts = [("after", after), ("fault", totals.fault.clone())];
    hidden.extend(counts.into_iter().chain(texts).map(|(name, value)| Hidden { name: name.to_owned(), value }));
    let of = ctx.form.get("of").and_then(|text| text.parse().ok()).unwrap_or(0);
    let view = BulkProgress {
        action: name(action),
        processed: totals.processed,
        of: totals.processed.max(of),
        hidden,
        back: submitted.address(""),
    };
    match ctx.partial {
        true => ctx.fragment(StatusCode::OK, "fragments/bulk_progress.html", &view),
        false => ctx.page("tasks", &view),
    }
}

/// Totals of the previous requests, carried in the form.
struct BulkTotals {
    /// Number of tasks processed.
    processed: i64,
    done: i64,
    /// Error of the first task that failed.
    fault: String,
}

impl BulkTotals {
    fn read(form: &Pairs) -> BulkTotals {
        let number = |name: &str| form.get(name).and_then(|text| text.parse().ok()).filter(|n: &i64| *n >= 0).unwrap_or(0);
        BulkTotals {
            processed: number("processed"),
            done: number("done"),
            fault: truncate(form.raw("fault").unwrap_or_default(), 300),
        }
    }

    fn and(mut self, part: &BulkOutcome, language: Language) -> BulkTotals {
        self.processed = self.processed.saturating_add(part.matched);
        self.done = self.done.saturating_add(part.done);
        if let Some(error) = part.errors.first().filter(|_| self.fault.is_empty()) {
            self.fault = truncate(&error.message.clone().of(&error.id).text(language), 300);
        }
        self
    }

    fn flash(&self) -> Flash {
        match self.fault.as_str() {
            "" => Flash::new("bulk_done", &self.done.to_string(), ""),
            fault => Flash::new("bulk_part", &format!("{}/{} ({fault})", self.done, self.processed), ""),
        }
    }
}

fn action(pairs: &Pairs) -> Result<BulkAction, Failure> {
    let all = [BulkAction::Run, BulkAction::Pause, BulkAction::Resume, BulkAction::Delete];
    let wanted = pairs.get("action").unwrap_or_default();
    all.into_iter()
        .find(|action| name(*action) == wanted)
        .ok_or_else(|| Failure::BadRequest(message!("value.choose", known = "run, pause, resume, delete").of("action")))
}

fn name(action: BulkAction) -> &'static str {
    match action {
        BulkAction::Run => "run",
        BulkAction::Pause => "pause",
        BulkAction::Resume => "resume",
        BulkAction::Delete => "delete",
    }
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
