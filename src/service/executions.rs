//! Read access to executions.

use std::collections::HashMap;
use std::sync::Arc;

use encoding_rs::Encoding;
use serde_json::{Map, Value};

use super::audit_log::AuditLog;
use super::deps::{ServiceDeps, Shared, from_deps};
use super::recent_values::RecentValues;
use super::search::check_search;
use super::task_change::TaskChanges;
use super::task_rules::TaskRules;
use super::{Result, allow, tag_scope};
use crate::clock::SharedClock;
use crate::domain::execution::{Attempt, Execution, ExecutionDetail, OutputChunk};
use crate::domain::page::{ExecutionFilter, ExecutionSort, Page, PageRequest};
use crate::domain::run_data::{HookCall, RunData};
use crate::domain::stats::RunPoint;
use crate::domain::user::{Action, Actor};
use crate::domain::{output_lines, raw_output};
use crate::events::EventBus;
use crate::signals::Signals;
use crate::storage::{self, Database, Reader, execution, execution_list, recent_runs, run_data};
use crate::vault::Vault;
use crate::worker::cancel::CancelRegistry;

/// Reads, starts and cancels executions.
#[derive(Clone)]
pub struct ExecutionService {
    pub(super) database: Database,
    pub(super) clock: SharedClock,
    pub(super) signals: Signals,
    pub(super) events: EventBus,
    pub(super) audit_log: AuditLog,
    pub(super) rules: TaskRules,
    pub(super) cancels: CancelRegistry,
    pub(super) vault: Arc<Vault>,
    recent_totals: RecentValues<ExecutionFilter, (i64, bool)>,
    /// By filter, page and number of changes.
    recent_pages: RecentValues<(ExecutionFilter, PageRequest, u64), Arc<Page<Execution>>>,
    /// By filter, page and number of changes.
    recent_answers: RecentValues<(ExecutionFilter, PageRequest, u64), Arc<[u8]>>,
    pub(super) changes: TaskChanges,
}

impl ExecutionService {
    pub(super) fn new(deps: &ServiceDeps, shared: &Shared) -> Self {
        from_deps!(deps { database, clock, signals, events, cancels, vault }, shared { audit_log, rules, changes }, {
            recent_totals: RecentValues::new(deps.clock.clone(), shared.last_change.clone()),
            recent_pages: RecentValues::of_pages(deps.clock.clone(), shared.last_change.clone()),
            recent_answers: RecentValues::of_pages(deps.clock.clone(), shared.last_change.clone()),
        })
    }

    /// One page of executions, newest first.
    pub async fn list(&self, actor: &Actor, filter: &ExecutionFilter, page: &PageRequest) -> Result<Page<Execution>> {
        let filter = visible_filter(actor, filter)?;
        let key = (filter.clone(), page.clone(), self.events.change_count());
        let found = self.recent_pages.get_or_read(key, async { self.read_page(&filter, page).await.map(Arc::new) }).await?;
        Ok(Arc::unwrap_or_clone(found))
    }

    /// One page of executions as `write` writes it, for all readers who may see the same.
    pub async fn list_written(
        &self,
        actor: &Actor,
        filter: &ExecutionFilter,
        page: &PageRequest,
        write: impl AsyncFnOnce(Page<Execution>) -> Result<Vec<u8>>,
    ) -> Result<Arc<[u8]>> {
        let filter = visible_filter(actor, filter)?;
        let key = (filter.clone(), page.clone(), self.events.change_count());
        self.recent_answers.get_or_write(key, async { write(self.read_page(&filter, page).await?).await }).await
    }

    async fn read_page(&self, filter: &ExecutionFilter, page: &PageRequest) -> Result<Page<Execution>> {
        let mut reader = self.database.read().await?;
        let found = execution_list::rows_of(&mut reader, filter, page).await?;
        let total = match found.total {
            Some(total) => total,
            None => self.total(&mut reader, filter).await?,
        };
        Ok(execution_list::page_of(found.rows, page, total))
    }

    /// The number of matching executions and whether it is exact. Only a lower bound is kept: it stays true as runs are added.
    async fn total(&self, reader: &mut Reader, filter: &ExecutionFilter) -> Result<(i64, bool)> {
        let mut exact = None;
        let count = async {
            let total = execution_list::count(reader, filter).await?;
            exact = total.1.then_some(total);
            Ok::<_, storage::Error>((!total.1).then_some(total))
        };
        let bound = self.recent_totals.get_or_find(filter.clone(), count).await?;
        Ok(bound.or(exact).unwrap_or_default())
    }

    /// One page of executions without the total count, for reading many pages in sequence.
    pub async fn list_without_total(
        &self,
        actor: &Actor,
        filter: &ExecutionFilter,
        page: &PageRequest,
    ) -> Result<Vec<Execution>> {
        let filter = visible_filter(actor, filter)?;
        Ok(execution_list::newest(&mut self.database.read().await?, &filter, page).await?)
    }

    /// The first `size` of the newest matches in another order than by age, without those that lack the value.
    pub async fn sorted(
        &self,
        actor: &Actor,
        filter: &ExecutionFilter,
        order: (ExecutionSort, bool),
        size: u32,
    ) -> Result<Vec<Execution>> {
        let filter = visible_filter(actor, filter)?;
        Ok(execution_list::sorted(&mut self.database.read().await?, &filter, order, size).await?)
    }

    /// The newest `limit` executions of each task, oldest first; tasks without any are left out.
    pub async fn recent_runs(&self, actor: &Actor, task_ids: &[&str], limit: i64) -> Result<HashMap<String, Vec<RunPoint>>> {
        allow(actor, Action::See)?;
        let mut reader = self.database.read().await?;
        let visible = storage::tag_scope::visible_tasks(&mut reader, &actor.scope, task_ids).await?;
        let ids: Vec<&str> = task_ids.iter().copied().filter(|id| visible.contains(*id)).collect();
        Ok(recent_runs::for_tasks(&mut reader, &ids, limit).await?)
    }

    /// The executions with these ids, newest first; unknown ones are left out.
    pub async fn many(&self, actor: &Actor, ids: &[&str]) -> Result<Vec<Execution>> {
        allow(actor, Action::See)?;
        let mut reader = self.database.read().await?;
        let visible = storage::tag_scope::visible_executions(&mut reader, &actor.scope, ids).await?;
        let ids: Vec<&str> = ids.iter().copied().filter(|id| visible.contains(*id)).collect();
        Ok(execution_list::many(&mut reader, &ids).await?)
    }

    /// One execution with its result, attempts and output.
    ///
    /// # Errors
    /// [`super::Error::NotFound`], and as [`ExecutionService::list`].
    pub async fn get(&self, actor: &Actor, id: &str) -> Result<ExecutionDetail> {
        allow(actor, Action::See)?;
        let mut reader = self.database.read().await?;
        let found = tag_scope::execution(&mut reader, actor, id).await?;
        let result = execution::result(&mut reader, id).await?;
        let mut attempts = execution::attempts(&mut reader, id).await?;
        let output = output_lines::readable(execution::output(&mut reader, id, None).await?);
        attempts.extend(latest_attempt(&found));
        let filled_params = execution::rendered_params(&mut reader, id).await?;
        let given = run_data::get(&mut reader, id).await?.map(|data| self.masked(data));
        let mut started = execution::started_by(&mut reader, id).await?;
        let ids: Vec<&str> = started.iter().map(|run| run.task_id.as_str()).collect();
        let visible = storage::tag_scope::visible_tasks(&mut reader, &actor.scope, &ids).await?;
        started.retain(|run| visible.contains(&run.task_id));
        Ok(ExecutionDetail { execution: found, given, filled_params, result, started, attempts, output })
    }

    /// What a run was given, with the secrets of the vault masked.
    fn masked(&self, data: RunData) -> RunData {
        let mask = self.vault.mask();
        let object = |value: Map<String, Value>| match mask.json(Value::Object(value)) {
            Value::Object(masked) => masked,
            _ => Map::new(),
        };
        let hook = data.hook.map(|hook| HookCall {
            body: mask.text(&hook.body).into_owned(),
            headers: object(hook.headers),
            name: hook.name,
        });
        RunData { inputs: object(data.inputs), secrets: None, hook }
    }

    /// The output of all attempts in order; with `after` only the chunks after (attempt, seq).
    pub async fn output(&self, actor: &Actor, id: &str, after: Option<(i64, i64)>) -> Result<Vec<OutputChunk>> {
        Ok(self.output_so_far(actor, id, after).await?.1)
    }

    /// As [`ExecutionService::output`], with the execution as read before the output: if it had ended, the output is complete.
    pub async fn output_so_far(
        &self,
        actor: &Actor,
        id: &str,
        after: Option<(i64, i64)>,
    ) -> Result<(Execution, Vec<OutputChunk>)> {
        allow(actor, Action::See)?;
        let mut reader = self.database.read().await?;
        let found = tag_scope::execution(&mut reader, actor, id).await?;
        let output = execution::output(&mut reader, id, after).await?;
        Ok((found, output_lines::readable(output)))
    }

    /// The bytes that all attempts have written so far, or one of them, but for secrets and what is over the limit.
    pub async fn raw_output(&self, actor: &Actor, id: &str, attempt: Option<i64>) -> Result<Vec<u8>> {
        allow(actor, Action::See)?;
        let mut reader = self.database.read().await?;
        let found = tag_scope::execution(&mut reader, actor, id).await?;
        let mut output = execution::output(&mut reader, id, None).await?;
        output.retain(|chunk| attempt.is_none_or(|attempt| chunk.attempt == attempt));
        let declared = found.params.get("encoding").and_then(Value::as_str);
        Ok(raw_output::bytes(&output, declared.and_then(|label| Encoding::for_label(label.as_bytes()))))
    }
}

/// The filter within the actor's scope.
fn visible_filter(actor: &Actor, filter: &ExecutionFilter) -> Result<ExecutionFilter> {
    allow(actor, Action::See)?;
    check_search(filter.search.as_deref())?;
    Ok(ExecutionFilter { scope: actor.scope.clone(), ..filter.resolved() })
}

/// The attempt stored in the execution's own row: the current or the last one. `None` while the next one is queued.
fn latest_attempt(execution: &Execution) -> Option<Attempt> {
    let begun = execution.started_at.is_some() && execution.retry_at.is_none();
    let waits = execution.status == crate::domain::execution::Status::Queued;
    (begun && !waits).then(|| Attempt {
        attempt: execution.attempt,
        status: execution.status,
        started_at: execution.started_at,
        finished_at: execution.finished_at,
        duration_ms: execution.duration_ms,
        error: execution.error.clone(),
        error_message: execution.error_message.clone(),
        node: execution.node.clone(),
    })
}
