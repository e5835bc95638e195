//! Operations: actions on more tasks than one request should wait for. They continue after the answer, also after a restart.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::bulk::{BulkService, BulkTarget};
use super::{Error, Result, allow};
use crate::domain::execution::Status;
use crate::domain::operation::{BulkOutcome, BulkWork, Operation};
use crate::domain::page::TaskFilter;
use crate::domain::pause::PauseRequest;
use crate::domain::tag_scope::TagScope;
use crate::domain::user::{Action, Actor, Role, Via};
use crate::i18n::message;
use crate::ids::new_id;
use crate::storage::operation::{self, OperationRequest};
use crate::storage::{account, task_list};

/// Actions on at most this many tasks are done before the answer.
const SMALL: i64 = 20;
/// How long a part may take before its progress is saved.
const PART: Duration = Duration::from_millis(500);
/// The pause after an error of the database.
const RETRY_DELAY: Duration = Duration::from_secs(1);
/// How often abandoned operations are looked for.
const INTERVAL: Duration = Duration::from_secs(10);
/// An operation that nobody has renewed for this long is taken over.
const ABANDONED_AFTER: chrono::Duration = chrono::Duration::seconds(30);
/// How long an ended operation can be read.
const KEPT: chrono::Duration = chrono::Duration::days(7);

/// What became of an action within the time that its caller waits.
#[derive(Debug, Clone, PartialEq)]
pub enum BulkProgress {
    /// It has ended.
    Ended(BulkOutcome),
    /// It continues as an operation.
    Running(Operation),
}

impl BulkService {
    /// Performs an action on many tasks, and waits at most `wait` for its end. `key` is the idempotency key of the runs.
    ///
    /// # Errors
    /// [`Error::Forbidden`]; [`Error::Invalid`] for an invalid search.
    pub async fn start(
        &self,
        actor: &Actor,
        work: impl Into<BulkWork>,
        target: &BulkTarget,
        wait: Duration,
        key: Option<&str>,
    ) -> Result<BulkProgress> {
        let work = work.into();
        allow(actor, work.action.required_action())?;
        work.pause.check(self.clock.now()).map_err(|fault| Error::Invalid(vec![fault]))?;
        let matched = self.count(actor, target).await?;
        if matched <= SMALL {
            return Ok(BulkProgress::Ended(self.apply(actor, &work, target, key).await?));
        }
        let now = self.clock.now();
        let id = new_id(now);
        let request = OperationRequest {
            run_key: key.unwrap_or(&id).to_owned(),
            id,
            actor: actor.name.clone(),
            rights: rights(actor),
            target: with_pause(target_json(target), &work.pause),
            action: work.action,
            matched,
            place: String::new(),
            updated_at: now,
        };
        let mut tx = self.database.write().await?;
        operation::insert(&mut tx, &request).await?;
        tx.commit().await?;
        let id = request.id.clone();
        let (service, actor, target) = (self.clone(), actor.clone(), target.clone());
        let working = tokio::spawn(async move { service.work(request, BulkOutcome::default(), &actor, &target).await });
        let _ = tokio::time::timeout(wait, working).await; // it goes on after the time
        let found = self.read(&id).await?;
        Ok(match found.finished_at {
            Some(_) => BulkProgress::Ended(found.outcome()),
            None => BulkProgress::Running(found),
        })
    }

    /// An operation of the actor; administrators see those of everybody.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn operation(&self, actor: &Actor, id: &str) -> Result<Operation> {
        allow(actor, Action::See)?;
        let found = self.read(id).await?;
        let visible = found.actor == actor.name || actor.role.allows(Action::Administer);
        if visible { Ok(found) } else { Err(no_operation(id)) }
    }

    /// Stops an operation after the part that is being done.
    ///
    /// # Errors
    /// As [`BulkService::operation`]; [`Error::Conflict`] if it has ended.
    pub async fn cancel(&self, actor: &Actor, id: &str) -> Result<Operation> {
        allow(actor, Action::Run)?;
        self.operation(actor, id).await?;
        let mut tx = self.database.write().await?;
        let cancelled = operation::cancel(&mut tx, id, self.clock.now()).await?;
        tx.commit().await?;
        if !cancelled {
            return Err(Error::Conflict(message!("operation.ended", id)));
        }
        tracing::info!(actor = actor.name, operation.id = id, "operation stopped");
        self.read(id).await
    }

    /// Continues operations whose process has died, and deletes old ones, until the shutdown.
    pub async fn run(&self, shutdown: CancellationToken) {
        loop {
            tokio::select! {
                () = shutdown.cancelled() => break,
                () = tokio::time::sleep(INTERVAL) => {}
            }
            if let Err(error) = self.run_once(self.clock.now()).await {
                tracing::warn!(error = &error as &dyn std::error::Error, "failed to continue operations; retrying");
            }
        }
        self.stopping.cancel();
    }

    /// Continues what was abandoned at `now`. Returns how many operations.
    pub async fn run_once(&self, now: DateTime<Utc>) -> crate::storage::Result<usize> {
        let abandoned = operation::abandoned(&mut self.database.read().await?, now - ABANDONED_AFTER).await?;
        let mut tx = self.database.write().await?;
        operation::delete_finished(&mut tx, now - KEPT).await?;
        let mut taken = Vec::new();
        for request in abandoned {
            if operation::take_over(&mut tx, &request, now).await? {
                taken.push(OperationRequest { updated_at: now, ..request });
            }
        }
        tx.commit().await?;
        let count = taken.len();
        for request in taken {
            tracing::info!(operation.id = request.id, "continuing an interrupted operation");
            let service = self.clone();
            tokio::spawn(async move { service.resume(request).await });
        }
        Ok(count)
    }

    /// Continues with the rights that the actor had, unless the account was deleted or disabled since.
    async fn resume(&self, request: OperationRequest) {
        let state = async {
            let mut reader = self.database.read().await?;
            let so_far = operation::get(&mut reader, &request.id).await?;
            let user = account::by_name(&mut reader, &request.actor).await?;
            crate::storage::Result::Ok((so_far, user.is_some_and(|(user, _)| !user.disabled)))
        };
        let Ok((Some(so_far), allowed)) = state.await else { return }; // the next process takes it over
        let (actor, target) = (actor(&request), target_of(&request.target));
        let (Some(actor), Some(target), true) = (actor, target, allowed) else {
            tracing::warn!(operation.id = request.id, "operation stopped: its account was deleted or disabled");
            if let Ok(mut tx) = self.database.write().await
                && operation::cancel(&mut tx, &request.id, self.clock.now()).await.is_ok()
            {
                let _ = tx.commit().await; // the next process tries again
            }
            return;
        };
        let so_far = BulkOutcome { matched: so_far.processed, done: so_far.done, errors: so_far.errors };
        self.work(request, so_far, &actor, &target).await;
    }

    /// Processes the rest part by part, and saves the progress after each.
    async fn work(&self, mut request: OperationRequest, mut so_far: BulkOutcome, actor: &Actor, target: &BulkTarget) {
        let mut failing = false;
        while !self.stopping.is_cancelled() {
            let key = Some(request.run_key.as_str());
            let bulk = BulkWork { action: request.action, pause: pause_of(&request.target) };
            let part = self.apply_part(actor, &bulk, target, &request.place, PART, key).await;
            let saved = match part {
                Ok((part, next)) => {
                    so_far.add(part);
                    self.save_progress(&mut request, &so_far, next).await
                }
                Err(error) => Err(error),
            };
            match saved {
                Ok(true) => failing = false,
                Ok(false) => return,
                Err(error) => {
                    if !std::mem::replace(&mut failing, true) {
                        tracing::warn!(operation.id = request.id, %error, "operation is interrupted; retrying every second");
                    }
                    tokio::time::sleep(RETRY_DELAY).await;
                }
            }
        }
    }

    /// Saves the progress, again and again while the database is unavailable. Returns whether the operation goes on.
    async fn save_progress(&self, request: &mut OperationRequest, so_far: &BulkOutcome, next: Option<String>) -> Result<bool> {
        loop {
            let now = self.clock.now();
            let saved = async {
                let mut tx = self.database.write().await?;
                let saved = operation::save(&mut tx, request, so_far, next.as_deref(), now).await?;
                tx.commit().await?;
                crate::storage::Result::Ok(saved)
            };
            match saved.await {
                Ok(saved) => {
                    request.updated_at = now;
                    let goes_on = saved && next.is_some();
                    request.place = next.unwrap_or_default();
                    return Ok(goes_on);
                }
                Err(error) if error.is_transient() && !self.stopping.is_cancelled() => tokio::time::sleep(RETRY_DELAY).await,
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn read(&self, id: &str) -> Result<Operation> {
        operation::get(&mut self.database.read().await?, id).await?.ok_or_else(|| no_operation(id))
    }

    async fn count(&self, actor: &Actor, target: &BulkTarget) -> Result<i64> {
        match target {
            BulkTarget::Ids(ids) => Ok(ids.iter().collect::<std::collections::BTreeSet<_>>().len() as i64),
            BulkTarget::Filter(filter) => {
                let filter = Self::resolved(actor, filter)?;
                Ok(task_list::count(&mut self.database.read().await?, &filter).await?)
            }
        }
    }
}

fn no_operation(id: &str) -> Error {
    Error::NotFound(message!("operation.missing", id = crate::domain::input::truncate(id, 64)))
}

fn rights(actor: &Actor) -> Value {
    json!({"role": actor.role.as_str(), "via": actor.via.as_str(), "grants": actor.grants, "tags": actor.scope.tags(),
        "address": actor.address})
}

/// The actor of a stored operation; `None` for a form that an incompatible version has written.
fn actor(request: &OperationRequest) -> Option<Actor> {
    let text = |name: &str| request.rights[name].as_str();
    let texts = |name: &str| serde_json::from_value::<Vec<String>>(request.rights[name].clone()).ok();
    let scope = match texts("tags") {
        Some(tags) => TagScope::limited_to(tags),
        None => TagScope::ALL,
    };
    let actor = Actor::new(&request.actor, Role::parse(text("role")?)?, Via::parse(text("via")?)?);
    Some(Actor { grants: texts("grants")?, scope, ..actor }.with_address(text("address").map(str::to_owned)))
}

fn target_json(target: &BulkTarget) -> Value {
    match target {
        BulkTarget::Ids(ids) => json!({"ids": ids}),
        BulkTarget::Filter(filter) => json!({"search": filter.search, "type": filter.task_type,
            "status": filter.status.map(Status::as_str), "tag": filter.tag, "enabled": filter.enabled}),
    }
}

/// Adds the end and the reason of pauses to a stored target.
fn with_pause(mut target: Value, pause: &PauseRequest) -> Value {
    if !pause.is_plain() {
        target["pause"] = json!({"until": pause.until, "reason": pause.reason});
    }
    target
}

fn pause_of(stored: &Value) -> PauseRequest {
    let text = |name: &str| stored["pause"][name].as_str().map(str::to_owned);
    PauseRequest { until: text("until"), reason: text("reason").unwrap_or_default() }
}

fn target_of(stored: &Value) -> Option<BulkTarget> {
    if let Some(ids) = stored.get("ids") {
        return serde_json::from_value(ids.clone()).ok().map(BulkTarget::Ids);
    }
    let text = |name: &str| stored[name].as_str().map(str::to_owned);
    Some(BulkTarget::Filter(TaskFilter {
        search: text("search"),
        task_type: text("type"),
        status: text("status").and_then(|status| Status::parse(&status)),
        tag: text("tag"),
        enabled: stored["enabled"].as_bool(),
        ..TaskFilter::default()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::operation::BulkAction;

    #[test]
    fn stored_request_keeps_rights_and_target() {
        let scope = TagScope::limited_to(vec!["red".to_owned()]);
        let grants = vec!["send_cmd".to_owned()];
        let asked = Actor { scope, grants, ..Actor::new("eve", Role::Editor, Via::Api) }.with_address(Some("::1".to_owned()));
        let filter =
            TaskFilter { search: Some("x".into()), status: Some(Status::Failed), enabled: Some(true), ..TaskFilter::default() };
        let pause = PauseRequest { until: Some("2027-01-01".into()), reason: "x".into() };
        for target in [BulkTarget::Ids(vec!["a".into()]), BulkTarget::Filter(filter), BulkTarget::Filter(TaskFilter::default())] {
            let request = OperationRequest {
                id: "1".into(),
                actor: "eve".into(),
                rights: rights(&asked),
                target: with_pause(target_json(&target), &pause),
                action: BulkAction::Run,
                run_key: "1".into(),
                matched: 1,
                place: String::new(),
                updated_at: DateTime::UNIX_EPOCH,
            };
            assert_eq!(actor(&request).as_ref(), Some(&asked));
            assert_eq!(target_of(&request.target), Some(target));
            assert_eq!(pause_of(&request.target), pause);
        }
        let nobody = Actor { scope: TagScope::limited_to(Vec::new()), ..Actor::new("eve", Role::Editor, Via::Api) };
        assert!(!nobody.scope.is_all() && rights(&nobody)["tags"] == json!([]), "a scope without tags stays limited");
    }
}
