//! One action on many tasks: those ticked, or all that the list's filter finds. First the question, with how many are meant.

use std::sync::Arc;

use poem::http::StatusCode;
use serde_json::json;

use crate::domain::page::PageRequest;
use crate::service::{BulkAction, BulkOutcome, BulkTarget};
use crate::web::error::Failure;
use crate::web::session::Flash;
use crate::web::urls::Pairs;
use crate::web::view::bulk::{BulkAsk, Hidden};
use crate::web::view::tasks::Filter;
use crate::web::visit::{Answer, Visit, told};

/// Ids that the question names; the others are counted.
const NAMED: usize = 8;

/// `GET /tasks/-/bulk?action=…&id=…` or `&all=true` with the list's filter.
pub async fn ask(visit: Arc<Visit>) -> Answer {
    let action = action(&visit.query)?;
    let typed = Filter::typed(&visit.query);
    let target = target(&visit.query, &typed);
    let (matched, named) = match &target {
        BulkTarget::Ids(ids) => (ids.len() as i64, ids.iter().take(NAMED).cloned().collect()),
        BulkTarget::Filter(filter) => {
            let page = PageRequest { size: NAMED as u32, cursor: None };
            let found = visit.service().tasks(visit.actor()?, filter, &page).await?;
            (found.total, found.items.into_iter().map(|task| task.id).collect())
        }
    };
    let view = BulkAsk {
        action: name(action),
        matched,
        more: matched - Vec::<String>::len(&named) as i64,
        named,
        hidden: hidden(&visit.query),
        back: typed.address(""),
        dangerous: action == BulkAction::Delete,
    };
    match visit.partial {
        true => visit.fragment(StatusCode::OK, "fragments/bulk_ask.html", &view),
        false => visit.page("tasks", &view),
    }
}

/// `POST /tasks/-/bulk`
pub async fn act(visit: Arc<Visit>) -> Answer {
    let action = action(&visit.form)?;
    let typed = Filter::typed(&visit.form);
    let outcome = visit.service().bulk(visit.actor()?, action, &target(&visit.form, &typed)).await?;
    let flash = flash(&outcome);
    if !visit.partial {
        return Ok(visit.go(&typed.address(""), Some(&flash)));
    }
    let kind = if outcome.errors.is_empty() { "success" } else { "warning" };
    Ok(told(StatusCode::NO_CONTENT, &json!({"belfry:done": {"kind": kind, "text": visit.flash_text(&flash), "list": true}})))
}

fn flash(outcome: &BulkOutcome) -> Flash {
    match outcome.errors.first() {
        None => Flash::new("bulk_done", &outcome.done.to_string(), ""),
        Some(error) => {
            let about = format!("{}/{} ({}: {})", outcome.done, outcome.matched, error.id, error.message);
            Flash::new("bulk_part", crate::domain::input::cut(&about, 300).as_str(), "")
        }
    }
}

fn action(pairs: &Pairs) -> Result<BulkAction, Failure> {
    let all = [BulkAction::Run, BulkAction::Pause, BulkAction::Resume, BulkAction::Delete];
    let wanted = pairs.get("action").unwrap_or_default();
    all.into_iter()
        .find(|action| name(*action) == wanted)
        .ok_or_else(|| Failure::BadRequest("action: run, pause, resume or delete".into()))
}

fn name(action: BulkAction) -> &'static str {
    match action {
        BulkAction::Run => "run",
        BulkAction::Pause => "pause",
        BulkAction::Resume => "resume",
        BulkAction::Delete => "delete",
    }
}

fn target(pairs: &Pairs, typed: &Filter) -> BulkTarget {
    match pairs.get("all") {
        Some(_) => BulkTarget::Filter(typed.read()),
        None => BulkTarget::Ids(pairs.all("id").map(str::to_owned).collect()),
    }
}

/// What the answer must say again: everything of the question but the session's token.
fn hidden(pairs: &Pairs) -> Vec<Hidden> {
    let all = pairs.get("all").is_some();
    let kept = pairs.0.iter().filter(|(name, value)| name != "csrf" && !value.is_empty() && !(all && name == "id"));
    kept.map(|(name, value)| Hidden { name: name.clone(), value: value.clone() }).collect()
}
