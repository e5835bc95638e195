//! `/executions`: what ran, runs and will run, and what came of it.

use std::collections::HashMap;
use std::sync::Arc;

use chrono_tz::Tz;
use poem_openapi::param::Path;
use poem_openapi::payload::{Json, PlainText};
use poem_openapi::{ApiResponse, OpenApi};

use super::auth::Caller;
use super::body::{DocumentBody, OptionalBody};
use super::error::{Answer, Asking, Changing, Problem, Reading, ReadingOne, Writing};
use super::model::execution::{ExecutionDetailView, ExecutionList, ExecutionView, text_of};
use super::model::input;
use super::model::named::{PastExecutions, RunRequest};
use super::model::transfer::BroughtView;
use super::query::{QueryString, Reader};
use super::{Shared, Tag, params};
use crate::domain::execution::{Cause, Execution, Status};
use crate::domain::page::{ExecutionFilter, PageRequest};
use crate::domain::trigger::parse_asked;

/// The calls on executions.
pub struct Executions(pub Arc<Shared>);

/// A run that was queued.
#[derive(ApiResponse)]
pub enum Queued {
    /// The execution, queued.
    #[oai(status = 202)]
    Queued(
        Json<ExecutionView>,
        /// Where the execution is.
        #[oai(header = "Location")]
        String,
    ),
}

/// Output as text.
#[derive(ApiResponse)]
pub enum Output {
    /// The text.
    #[oai(status = 200)]
    Text(
        PlainText<String>,
        /// The execution's status; where it is a final one, no more output comes.
        #[oai(header = "Belfry-Execution-Status")]
        String,
        /// The place up to which this output goes, for `after`.
        #[oai(header = "Belfry-Output-Place")]
        String,
    ),
}

#[OpenApi(tag = "Tag::Executions")]
impl Executions {
    /// Import past executions
    ///
    /// Runs that ended elsewhere are put on record, at most 5000 at once, marked by their cause `import`. Bringing the same
    /// ones again changes nothing. No schedule is touched; the counters of tasks that there are move on. Keys may also be
    /// others that such histories have, in English or Chinese.
    #[oai(path = "/import/executions", method = "post", operation_id = "importExecutions")]
    async fn import(&self, caller: Caller, body: DocumentBody<PastExecutions>) -> Answer<Json<BroughtView>, Asking> {
        Ok(Json(self.0.service.bring_history(&caller.0, &body.0).await?.into()))
    }

    /// List executions
    ///
    /// Newest first, page by page. `from` and `to` bound `started_at`.
    #[oai(path = "/executions", method = "get", operation_id = "listExecutions")]
    async fn list(&self, caller: Caller, query: QueryString) -> Answer<Json<ExecutionList>, Reading> {
        let reader = query.by(&[params::PAGE, params::EXECUTIONS, params::EXECUTIONS_OF_TASK]);
        let (filter, page) = read_filter(reader, self.0.service.zone())?;
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
    ) -> Answer<Json<ExecutionDetailView>, ReadingOne> {
        let detail = self.0.service.execution(&caller.0, &id).await?;
        let zone = zone_of(&self.0, &caller, &detail.execution.task_id).await?;
        Ok(Json(ExecutionDetailView::new(detail, zone)))
    }

    /// Get an execution's output
    ///
    /// The text that all attempts wrote, or one of them, as far as it has come. To follow a run, ask again with the place of the
    /// answer before, until the status is a final one.
    #[oai(path = "/executions/:id/output", method = "get", operation_id = "getExecutionOutput")]
    async fn output(
        &self,
        caller: Caller,
        /// The execution's id.
        id: Path<String>,
        query: QueryString,
    ) -> Answer<Output, ReadingOne> {
        let mut reader = query.by(&[params::OUTPUT]);
        let attempt = reader.integer("attempt", 1, 100);
        let after = reader.parse("after", read_place);
        let (attempt, after) = reader.finish((attempt, after))?;
        let (run, chunks) = self.0.service.output_so_far(&caller.0, &id, after).await?;
        let last = chunks.last().map(|chunk| (chunk.attempt, chunk.seq)).or(after).unwrap_or((0, 0));
        let place = format!("{}.{}", last.0, last.1);
        Ok(Output::Text(PlainText(text_of(&chunks, attempt)), run.status.as_str().to_owned(), place))
    }

    /// Cancel an execution
    ///
    /// A queued one is cancelled at once. A running one is asked to end, and may still be running in the answer. 409 where
    /// it has ended.
    #[oai(path = "/executions/:id/cancel", method = "post", operation_id = "cancelExecution")]
    async fn cancel(
        &self,
        caller: Caller,
        /// The execution's id.
        id: Path<String>,
    ) -> Answer<Json<ExecutionView>, Changing> {
        let run = self.0.service.cancel(&caller.0, &id).await?;
        let zone = zone_of(&self.0, &caller, &run.task_id).await?;
        Ok(Json(ExecutionView::new(run, zone)))
    }

    /// Run again
    ///
    /// Queues a new execution of the same task with the same parameters; `params` override members of them.
    #[oai(path = "/executions/:id/rerun", method = "post", operation_id = "rerunExecution")]
    async fn rerun(
        &self,
        caller: Caller,
        /// The execution's id.
        id: Path<String>,
        body: OptionalBody<RunRequest>,
    ) -> Answer<Queued, Writing> {
        let params = input::run_params(&body.0)?;
        let run = self.0.service.rerun(&caller.0, &id, params.as_ref()).await?;
        Ok(queued(&self.0, &caller, run).await?)
    }
}

/// A place in output: the attempt and the piece's number within it.
fn read_place(text: &str) -> Result<(i64, i64), String> {
    let place = text.split_once('.').and_then(|(attempt, seq)| Some((attempt.parse().ok()?, seq.parse().ok()?)));
    place.ok_or_else(|| "is not a place that an earlier answer gave in Belfry-Output-Place, such as 1.17".to_owned())
}

/// The answer for a run that was queued.
///
/// # Errors
/// As reading the zone of its task.
pub async fn queued(shared: &Shared, caller: &Caller, run: Execution) -> Result<Queued, Problem> {
    let zone = zone_of(shared, caller, &run.task_id).await?;
    let location = format!("/api/v1/executions/{}", super::encode_segment(&run.id));
    Ok(Queued::Queued(Json(ExecutionView::new(run, zone)), location))
}

/// One page of executions, each in its task's zone.
///
/// # Errors
/// As `service` refuses.
pub async fn list(
    shared: &Shared,
    caller: &Caller,
    filter: &ExecutionFilter,
    page: &PageRequest,
) -> Result<Json<ExecutionList>, Problem> {
    let page = shared.service.executions(&caller.0, filter, page).await?;
    let zones = zones_of(shared, caller, page.items.iter().map(|run| run.task_id.clone())).await?;
    Ok(Json(ExecutionList::new(page, &zones)))
}

/// The zones of the tasks that still exist, asked for once each.
///
/// # Errors
/// As `service` fails.
pub async fn zones_of(
    shared: &Shared,
    caller: &Caller,
    ids: impl Iterator<Item = String>,
) -> Result<HashMap<String, Tz>, Problem> {
    let mut ids: Vec<String> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    Ok(shared.service.zones_of(&caller.0, &ids).await?)
}

async fn zone_of(shared: &Shared, caller: &Caller, task_id: &str) -> Result<Tz, Problem> {
    let zones = shared.service.zones_of(&caller.0, &[task_id.to_owned()]).await?;
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
        from: reader.parse("from", |text| parse_asked(text, zone)),
        to: reader.parse("to", |text| parse_asked(text, zone)),
        search: reader.text("search"),
        ..ExecutionFilter::default()
    };
    reader.finish((filter, page))
}
