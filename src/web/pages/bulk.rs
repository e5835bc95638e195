//! One action on many tasks: those ticked, or all that the list's filter finds. First the question, with how many are meant.

use std::sync::Arc;
use std::time::Duration;

use poem::http::StatusCode;
use serde_json::json;

use crate::domain::input::cut;
use crate::domain::page::PageRequest;
use crate::service::{BulkAction, BulkOutcome, BulkTarget};
use crate::web::error::Failure;
use crate::web::session::Flash;
use crate::web::urls::Pairs;
use crate::web::view::bulk::{BulkAsk, BulkProgress, Hidden};
use crate::web::view::tasks::Filter;
use crate::web::visit::{Answer, Visit, told};

/// How long one request works on the tasks.
const MOMENT: Duration = Duration::from_secs(1);
/// Ids that the question names; the others are counted.
const NAMED: usize = 8;

/// `GET /tasks/-/bulk?action=…&id=…` or `&all=true` with the list's filter.
pub async fn ask(visit: Arc<Visit>) -> Answer {
    let action = action(&visit.query)?;
    visit.may(action.takes())?;
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
        hidden: {
            let mut hidden = hidden(&visit.query);
            hidden.push(Hidden { name: "of".into(), value: matched.to_string() });
            hidden
        },
        back: typed.address(""),
        dangerous: action == BulkAction::Delete,
    };
    match visit.partial {
        true => visit.fragment(StatusCode::OK, "fragments/bulk_ask.html", &view),
        false => visit.page("tasks", &view),
    }
}

/// `POST /tasks/-/bulk`: does what can be done within a moment. Where tasks are left, the answer goes on by itself, or by a
/// button without script.
pub async fn act(visit: Arc<Visit>) -> Answer {
    let action = action(&visit.form)?;
    let typed = Filter::typed(&visit.form);
    let (target, after) = (target(&visit.form, &typed), visit.form.raw("after").unwrap_or_default());
    let (outcome, next) = visit.service().bulk_part(visit.actor()?, action, &target, after, MOMENT).await?;
    let so_far = SoFar::read(&visit.form).and(&outcome);
    if let Some(after) = next {
        return go_on(&visit, action, &typed, &so_far, after);
    }
    let flash = so_far.flash();
    if !visit.partial {
        return Ok(visit.go(&typed.address(""), Some(&flash)));
    }
    let kind = if so_far.fault.is_empty() { "success" } else { "warning" };
    Ok(told(StatusCode::NO_CONTENT, &json!({"belfry:done": {"kind": kind, "text": visit.flash_text(&flash), "list": true}})))
}

fn go_on(visit: &Visit, action: BulkAction, typed: &Filter, so_far: &SoFar, after: String) -> Answer {
    let mut hidden = hidden(&visit.form);
    hidden.retain(|field| !["after", "met", "done", "fault"].contains(&field.name.as_str()));
    let counts = [("met", so_far.met.to_string()), ("done", so_far.done.to_string())];
    let texts = [("after", after), ("fault", so_far.fault.clone())];
    hidden.extend(counts.into_iter().chain(texts).map(|(name, value)| Hidden { name: name.to_owned(), value }));
    let of = visit.form.get("of").and_then(|text| text.parse().ok()).unwrap_or(0);
    let view = BulkProgress { action: name(action), met: so_far.met, of: so_far.met.max(of), hidden, back: typed.address("") };
    match visit.partial {
        true => visit.fragment(StatusCode::OK, "fragments/bulk_progress.html", &view),
        false => visit.page("tasks", &view),
    }
}

/// What the parts before this one came to; it travels in the form.
struct SoFar {
    /// Tasks that were looked at.
    met: i64,
    done: i64,
    /// What the first task that was not done says.
    fault: String,
}

impl SoFar {
    fn read(form: &Pairs) -> SoFar {
        let number = |name: &str| form.get(name).and_then(|text| text.parse().ok()).filter(|n: &i64| *n >= 0).unwrap_or(0);
        SoFar { met: number("met"), done: number("done"), fault: cut(form.raw("fault").unwrap_or_default(), 300) }
    }

    fn and(mut self, part: &BulkOutcome) -> SoFar {
        self.met = self.met.saturating_add(part.matched);
        self.done = self.done.saturating_add(part.done);
        if let Some(error) = part.errors.first().filter(|_| self.fault.is_empty()) {
            self.fault = cut(&format!("{}: {}", error.id, error.message), 300);
        }
        self
    }

    fn flash(&self) -> Flash {
        match self.fault.as_str() {
            "" => Flash::new("bulk_done", &self.done.to_string(), ""),
            fault => Flash::new("bulk_part", &format!("{}/{} ({fault})", self.done, self.met), ""),
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
