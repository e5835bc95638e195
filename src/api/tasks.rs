//! `/tasks`: tasks.

use std::sync::Arc;
use std::time::Duration;

use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};

use super::answer::{Created, DeletedResponse, Found};
use super::auth::Caller;
use super::body::{Body, OptionalBody};
use super::direct::Direct;
use super::error::{ApiResult, BatchErrors, ChangeErrors, CreateErrors, Problem, ReadErrors, ReadOneErrors, WriteErrors};
use super::executions::{self, QueuedExecution};
use super::headers::{AcceptedLanguage, IdempotencyKey, IfMatch};
use super::model::execution::ExecutionList;
use super::model::input;
use super::model::named::{BulkRequest, PauseInput, RunRequest, TaskInput, TaskPatch};
use super::model::operation::BulkResult;
use super::model::task::{TaskList, TaskView};
use super::query::{QueryString, Reader};
use super::{AppState, Tag, params};
use crate::domain::execution::Status;
use crate::domain::page::{PageRequest, TaskFilter, TaskSort};
use crate::domain::pause::PauseRequest;
use crate::domain::task::Task;
use crate::domain::user::Action;

/// The task endpoints.
pub struct Tasks(pub Arc<AppState>);

/// How long a request waits for the end of an action on many tasks.
const BULK_WAIT: Duration = Duration::from_secs(5);

/// An action on many tasks.
#[derive(ApiResponse)]
pub enum BulkAnswer {
    /// The action has ended.
    #[oai(status = 200)]
    Ended(Json<BulkResult>),
    /// The action goes on as an operation.
    #[oai(status = 202)]
    Running(
        Json<BulkResult>,
        /// The operation's URL.
        #[oai(header = "Location")]
        String,
    ),
}

#[OpenApi(tag = "Tag::Tasks")]
impl Tasks {
    /// List tasks
    ///
    /// Paginated, ordered by id unless `sort` is given.
    #[oai(path = "/tasks", method = "get", operation_id = "listTasks")]
    async fn list(
        &self,
        caller: Caller,
        language: AcceptedLanguage,
        query: QueryString,
    ) -> ApiResult<Direct<TaskList>, ReadErrors> {
        let (filter, page) = read_filter(query.reader(&[params::PAGE, params::TASKS]))?;
        let write = |tasks| Direct::write(&TaskList::new(tasks, self.0.services.zone, language.0));
        let answer = self.0.services.tasks.list_written(&caller.0, &filter, &page, language.0, write).await?;
        Ok(Direct::from_written(answer))
    }

    /// Create a task
    ///
    /// Only `id`, `type` and `trigger` are required. 409 if the id already exists.
    #[oai(path = "/tasks", method = "post", operation_id = "createTask")]
    async fn create(
        &self,
        caller: Caller,
        language: AcceptedLanguage,
        body: Body<TaskInput>,
    ) -> ApiResult<Created<TaskView>, CreateErrors> {
        let task = self.0.services.tasks.create(&caller.0, &body.parse(&caller, Action::Edit)?).await?;
        let id = task.id.clone();
        Ok(Created::new(TaskView::new(task, self.0.services.zone, language.0), "/tasks", &id))
    }

    /// Get a task
    ///
    /// Its definition, its next fire time and its last run. The `ETag` is its version.
    #[oai(path = "/tasks/:id", method = "get", operation_id = "getTask")]
    async fn get(
        &self,
        caller: Caller,
        language: AcceptedLanguage,
        /// The task's id.
        id: Path<String>,
    ) -> ApiResult<Found<TaskView>, ReadOneErrors> {
        Ok(self.answer(self.0.services.tasks.get(&caller.0, &id).await?, language))
    }

    /// Replace a task
    ///
    /// Sets every writable field; omitted fields get their default. `id` and `type` cannot be changed.
    #[oai(path = "/tasks/:id", method = "put", operation_id = "replaceTask")]
    async fn replace(
        &self,
        caller: Caller,
        language: AcceptedLanguage,
        /// The task's id.
        id: Path<String>,
        if_match: IfMatch,
        body: Body<TaskInput>,
    ) -> ApiResult<Found<TaskView>, WriteErrors> {
        Ok(self.answer(
            self.0.services.tasks.replace(&caller.0, &id, &body.parse(&caller, Action::Edit)?, if_match.0).await?,
            language,
        ))
    }

    /// Change a task
    ///
    /// A JSON merge patch (RFC 7396): only the given fields change; null resets a field to its default. The body may
    /// also be sent as `application/merge-patch+json`.
    #[oai(path = "/tasks/:id", method = "patch", operation_id = "patchTask")]
    async fn patch(
        &self,
        caller: Caller,
        language: AcceptedLanguage,
        /// The task's id.
        id: Path<String>,
        if_match: IfMatch,
        body: Body<TaskPatch>,
    ) -> ApiResult<Found<TaskView>, WriteErrors> {
        Ok(self.answer(
            self.0.services.tasks.patch(&caller.0, &id, &body.parse(&caller, Action::Edit)?, if_match.0).await?,
            language,
        ))
    }

    /// Delete a task
    ///
    /// Deletes its schedule and its queued runs; its executions are kept.
    #[oai(path = "/tasks/:id", method = "delete", operation_id = "deleteTask")]
    async fn delete(
        &self,
        caller: Caller,
        /// The task's id.
        id: Path<String>,
        if_match: IfMatch,
    ) -> ApiResult<DeletedResponse, ChangeErrors> {
        self.0.services.tasks.delete(&caller.0, &id, if_match.0).await?;
        Ok(DeletedResponse::Deleted)
    }

    /// Run a task now
    ///
    /// Queues one run, even if the task is paused. `inputs` are the values of the task's inputs; those not given have their
    /// defaults. `params` override the task's parameters for this run only. With an `Idempotency-Key`, a repeated request returns the first request's execution and queues nothing.
    #[oai(path = "/tasks/:id/run", method = "post", operation_id = "runTask")]
    async fn run(
        &self,
        caller: Caller,
        /// The task's id.
        id: Path<String>,
        key: IdempotencyKey,
        body: OptionalBody<RunRequest>,
    ) -> ApiResult<QueuedExecution, WriteErrors> {
        let given = input::run(&body.parse(&caller, Action::Run)?)?;
        let run = self.0.services.executions.run_with(&caller.0, &id, given.values(), key.0.as_deref()).await?;
        Ok(executions::queued(&self.0, &caller, run).await?)
    }

    /// Pause a task
    ///
    /// Its trigger does not fire until it is resumed or, with `until`, until that time. The occurrences that fall into the pause are
    /// recorded as `skipped`. A task that is paused already gets the given end and reason; without either nothing changes.
    #[oai(path = "/tasks/:id/pause", method = "post", operation_id = "pauseTask")]
    async fn pause(
        &self,
        caller: Caller,
        language: AcceptedLanguage,
        /// The task's id.
        id: Path<String>,
        if_match: IfMatch,
        body: OptionalBody<PauseInput>,
    ) -> ApiResult<Found<TaskView>, WriteErrors> {
        let request = PauseRequest::parse(&body.parse(&caller, Action::Run)?).map_err(Problem::invalid)?;
        Ok(self.answer(self.0.services.tasks.pause_until(&caller.0, &id, &request, if_match.0).await?, language))
    }

    /// Resume a task
    ///
    /// Its trigger fires again, from now on. Resuming a task that is not paused changes nothing.
    #[oai(path = "/tasks/:id/resume", method = "post", operation_id = "resumeTask")]
    async fn resume(
        &self,
        caller: Caller,
        language: AcceptedLanguage,
        /// The task's id.
        id: Path<String>,
        if_match: IfMatch,
    ) -> ApiResult<Found<TaskView>, ChangeErrors> {
        Ok(self.answer(self.0.services.tasks.resume(&caller.0, &id, if_match.0).await?, language))
    }

    /// List a task's executions
    ///
    /// Like `GET /executions?task_id=`, newest first; 404 if the task does not exist.
    #[oai(path = "/tasks/:id/executions", method = "get", operation_id = "listTaskExecutions")]
    async fn executions(
        &self,
        caller: Caller,
        /// The task's id.
        id: Path<String>,
        query: QueryString,
    ) -> ApiResult<Direct<ExecutionList>, ReadOneErrors> {
        let reader = query.reader(&[params::PAGE, params::EXECUTIONS_OF_TASK]);
        let (mut filter, page) = executions::read_filter(reader, self.0.services.zone)?;
        self.0.services.tasks.get(&caller.0, &id).await?;
        filter.task_id = Some(id.0);
        Ok(executions::list(&self.0, &caller, &filter, &page).await?)
    }

    /// Apply an action to many tasks
    ///
    /// The tasks are selected by `ids`, or by a `filter` (the same as the list's). A failure for one task does not affect the
    /// others. If it takes longer than a few seconds, the answer is 202 with the result so far, and the action goes on as the
    /// operation `operation_id`.
    #[oai(path = "/tasks/bulk", method = "post", operation_id = "bulkTasks")]
    async fn bulk(
        &self,
        caller: Caller,
        body: Body<BulkRequest>,
        language: AcceptedLanguage,
    ) -> ApiResult<BulkAnswer, BatchErrors> {
        let (work, target) = input::bulk(&body.parse(&caller, Action::Run)?)?;
        let wait = BULK_WAIT.min(self.0.options.request_timeout / 2);
        let progress = self.0.services.bulk.start(&caller.0, work, &target, wait, None).await?;
        let result = BulkResult::new(progress, language.0);
        Ok(match &result.operation_id {
            None => BulkAnswer::Ended(Json(result)),
            Some(id) => {
                let location = format!("/api/v1/operations/{id}");
                BulkAnswer::Running(Json(result), location)
            }
        })
    }
}

impl Tasks {
    fn answer(&self, task: Task, language: AcceptedLanguage) -> Found<TaskView> {
        Found(TaskView::new(task, self.0.services.zone, language.0))
    }
}

fn read_filter(mut reader: Reader) -> Result<(TaskFilter, PageRequest), Problem> {
    let statuses = Status::ALL.map(Status::as_str);
    let sorts = TaskSort::ALL.map(TaskSort::as_str);
    let (sort, descending) = reader.word("sort", TaskSort::parse_order, &sorts).unwrap_or_default();
    let page = reader.page();
    let filter = TaskFilter {
        search: reader.text("search"),
        task_type: reader.text("type"),
        status: reader.word("status", Status::parse, &statuses),
        tag: reader.text("tag"),
        enabled: reader.word("enabled", |text| text.parse().ok(), &["true", "false"]),
        sort,
        descending,
        ..TaskFilter::default()
    };
    reader.finish((filter, page))
}
