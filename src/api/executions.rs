//! `/executions`: queued, running and finished runs.

use std::collections::HashMap;
use std::sync::Arc;

use chrono_tz::Tz;
use poem_openapi::param::Path;
use poem_openapi::payload::{Attachment, Json, PlainText};
use poem_openapi::{ApiResponse, OpenApi};

use super::auth::Caller;
use super::body::{DocumentBody, OptionalBody};
use super::direct::Direct;
use super::error::{ApiResult, BatchErrors, ChangeErrors, Problem, ReadErrors, ReadOneErrors, WriteErrors};
use super::model::execution::{ExecutionDetailView, ExecutionList, ExecutionView, text_of};
use super::model::input;
use super::model::named::{PastExecutions, RunRequest};
use super::model::transfer::ImportedExecutions;
use super::query::{QueryString, Reader};
use super::{AppState, Tag, params};
use crate::domain::execution::{Cause, Execution, Status};
use crate::domain::input::percent_encoded;
use crate::domain::page::{ExecutionFilter, Page, PageRequest};
use crate::domain::trigger::parse_timestamp;
use crate::domain::user::Action;
use crate::i18n::{Message, message};
use crate::service;

/// The execution endpoints.
pub struct Executions(pub Arc<AppState>);

/// A queued run.
#[derive(ApiResponse)]
pub enum QueuedExecution {
    /// The queued execution.
    #[oai(status = 202)]
    Queued(
        Json<ExecutionView>,
        /// The execution's URL.
        #[oai(header = "Location")]
        String,
    ),
}

/// Output as text.
#[derive(ApiResponse)]
pub enum OutputText {
    /// The text.
    #[oai(status = 200)]
    Text(
        PlainText<String>,
        /// The execution's status; if it is final, no more output follows.
        #[oai(header = "Belfry-Execution-Status")]
        String,
        /// The position after this output, for `after`.
        #[oai(header = "Belfry-Output-Place")]
        String,
    ),
}

#[OpenApi(tag = "Tag::Executions")]
impl Executions {
    /// Import past executions
    ///
    /// Imports runs that ended elsewhere, at most 5000 per request, with the cause `import`. Importing the same
    /// runs again changes nothing. Schedules are not changed; the counters of existing tasks are updated. The fields may also have
    /// the names that other schedulers' histories use, in English or Chinese.
    #[oai(path = "/import/executions", method = "post", operation_id = "importExecutions")]
    async fn import(
        &self,
        caller: Caller,
        body: DocumentBody<PastExecutions>,
    ) -> ApiResult<Json<ImportedExecutions>, BatchErrors> {
        Ok(Json(self.0.services.history.import(&caller.0, &body.parse(&caller, Action::Administer)?).await?.into()))
    }

    /// List executions
    ///
    /// Newest first, paginated. `from` and `to` filter by `started_at`.
    #[oai(path = "/executions", method = "get", operation_id = "listExecutions")]
    async fn list(&self, caller: Caller, query: QueryString) -> ApiResult<Direct<ExecutionList>, ReadErrors> {
        let reader = query.reader(&[params::PAGE, params::EXECUTIONS, params::EXECUTIONS_OF_TASK]);
        let (filter, page) = read_filter(reader, self.0.services.zone)?;
        Ok(list(&self.0, &caller, &filter, &page).await?)
    }

    /// Get an execution
    ///
    /// With its output, its result and every attempt.
    #[oai(path = "/executions/:id", method = "get", operation_id = "getExecution")]
    async fn get(
        &self,
        caller: Caller,
        /// The execution's id.
        id: Path<String>,
    ) -> ApiResult<Json<ExecutionDetailView>, ReadOneErrors> {
        let detail = self.0.services.executions.get(&caller.0, &id).await?;
        let zone = zone_of(&self.0, &caller, &detail.execution.task_id).await?;
        Ok(Json(ExecutionDetailView::new(detail, zone)))
    }

    /// Get an execution's output
    ///
    /// The text that all attempts have written so far, or one of them. To follow a run, repeat the request with the position from
    /// the previous response until the status is final.
    #[oai(path = "/executions/:id/output", method = "get", operation_id = "getExecutionOutput")]
    async fn output(
        &self,
        caller: Caller,
        /// The execution's id.
        id: Path<String>,
        query: QueryString,
    ) -> ApiResult<OutputText, ReadOneErrors> {
        let mut reader = query.reader(&[params::ATTEMPT, params::OUTPUT]);
        let attempt = reader.integer("attempt", 1, 100);
        let after = reader.parse("after", read_place);
        let (attempt, after) = reader.finish((attempt, after))?;
        let (run, chunks) = self.0.services.executions.output_so_far(&caller.0, &id, after).await?;
        let last = chunks.last().map(|chunk| (chunk.attempt, chunk.seq)).or(after).unwrap_or((0, 0));
        let place = format!("{}.{}", last.0, last.1);
        Ok(OutputText::Text(PlainText(text_of(&chunks, attempt)), run.status.as_str().to_owned(), place))
    }

    /// Get an execution's output as bytes
    ///
    /// What the commands of all attempts have written so far, or those of one, in their own encoding. Secrets are masked, and output
    /// over the limit is left out.
    #[oai(path = "/executions/:id/output/raw", method = "get", operation_id = "getExecutionRawOutput")]
    async fn raw_output(
        &self,
        caller: Caller,
        /// The execution's id.
        id: Path<String>,
        query: QueryString,
    ) -> ApiResult<Attachment<Vec<u8>>, ReadOneErrors> {
        let mut reader = query.reader(&[params::ATTEMPT]);
        let attempt = reader.integer("attempt", 1, 100);
        let attempt = reader.finish(attempt)?;
        let bytes = self.0.services.executions.raw_output(&caller.0, &id, attempt).await?;
        Ok(Attachment::new(bytes).filename(format!("{}.bin", *id)))
    }

    /// Cancel an execution
    ///
    /// A queued execution is cancelled at once. A running one is asked to stop, and may still be running in the response. 409 if
    /// it has ended.
    #[oai(path = "/executions/:id/cancel", method = "post", operation_id = "cancelExecution")]
    async fn cancel(
        &self,
        caller: Caller,
        /// The execution's id.
        id: Path<String>,
    ) -> ApiResult<Json<ExecutionView>, ChangeErrors> {
        let run = self.0.services.executions.cancel(&caller.0, &id).await?;
        let zone = zone_of(&self.0, &caller, &run.task_id).await?;
        Ok(Json(ExecutionView::new(run, zone)))
    }

    /// Rerun an execution
    ///
    /// Queues a new execution of the same task with the same parameters, inputs and hook call; `params` and `inputs` override some
    /// of them.
    #[oai(path = "/executions/:id/rerun", method = "post", operation_id = "rerunExecution")]
    async fn rerun(
        &self,
        caller: Caller,
        /// The execution's id.
        id: Path<String>,
        body: OptionalBody<RunRequest>,
    ) -> ApiResult<QueuedExecution, WriteErrors> {
        let given = input::run(&body.parse(&caller, Action::Run)?)?;
        let run = self.0.services.executions.rerun_with(&caller.0, &id, given.values(), None).await?;
        Ok(queued(&self.0, &caller, run).await?)
    }
}

/// Reads a position in output: the attempt and the sequence number of a chunk.
fn read_place(text: &str) -> Result<(i64, i64), Message> {
    let place = text.split_once('.').and_then(|(attempt, seq)| Some((attempt.parse().ok()?, seq.parse().ok()?)));
    place.ok_or_else(|| message!("query.not_a_place"))
}

/// The response for a queued run.
pub async fn queued(shared: &AppState, caller: &Caller, run: Execution) -> Result<QueuedExecution, Problem> {
    let zone = zone_of(shared, caller, &run.task_id).await?;
    let location = format!("/api/v1/executions/{}", percent_encoded(&run.id));
    Ok(QueuedExecution::Queued(Json(ExecutionView::new(run, zone)), location))
}

/// One page of executions, each in its task's zone.
pub async fn list(
    shared: &AppState,
    caller: &Caller,
    filter: &ExecutionFilter,
    page: &PageRequest,
) -> Result<Direct<ExecutionList>, Problem> {
    let write = async |page: Page<Execution>| {
        let zones = zones_of(shared, caller, page.items.iter().map(|run| run.task_id.clone())).await?;
        Ok(Direct::write(&ExecutionList::new(page, &zones)))
    };
    Ok(Direct::from_written(shared.services.executions.list_written(&caller.0, filter, page, write).await?))
}

/// The zones of the existing tasks, each read once.
pub async fn zones_of(
    shared: &AppState,
    caller: &Caller,
    ids: impl Iterator<Item = String>,
) -> service::Result<HashMap<String, Tz>> {
    let mut ids: Vec<String> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    shared.services.tasks.zones_of(&caller.0, &ids).await
}

async fn zone_of(shared: &AppState, caller: &Caller, task_id: &str) -> Result<Tz, Problem> {
    let zones = shared.services.tasks.zones_of(&caller.0, &[task_id.to_owned()]).await?;
    Ok(zones.get(task_id).copied().unwrap_or(Tz::UTC))
}

/// Reads the filter and the page of a list of executions; times without an offset are in `zone`.
///
/// # Errors
/// 422 with every fault.
pub fn read_filter(mut reader: Reader, zone: Tz) -> Result<(ExecutionFilter, PageRequest), Problem> {
    let statuses = Status::ALL.map(Status::as_str);
    let causes = Cause::ALL.map(Cause::as_str);
    let page = reader.page();
    let filter = ExecutionFilter {
        task_id: reader.text("task_id"),
        task_type: reader.text("task_type"),
        statuses: reader.words("status", Status::parse, &statuses),
        cause: reader.word("cause", Cause::parse, &causes),
        from: reader.parse("from", |text| parse_timestamp(text, zone)),
        to: reader.parse("to", |text| parse_timestamp(text, zone)),
        search: reader.text("search"),
        ..ExecutionFilter::default()
    };
    reader.finish((filter, page))
}
