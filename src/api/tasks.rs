//! `/tasks`: what to do and when.

use std::sync::Arc;

use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};

use super::auth::Caller;
use super::body::{Body, OptionalBody};
use super::error::{Answer, Asking, Changing, Creating, Reading, ReadingOne, Writing};
use super::executions::{self, Queued};
use super::headers::{self, IdempotencyKey, IfMatch, Language};
use super::model::execution::ExecutionList;
use super::model::input;
use super::model::named::{BulkRequest, RunRequest, TaskInput, TaskPatch};
use super::model::task::{BulkResult, TaskList, TaskView};
use super::query::{QueryString, Reader};
use super::{Shared, Tag, params};
use crate::domain::execution::Status;
use crate::domain::page::{PageRequest, TaskFilter, TaskSort};
use crate::domain::task::Task;

/// The calls on tasks.
pub struct Tasks(pub Arc<Shared>);

/// A task, with its version as `ETag`.
#[derive(ApiResponse)]
pub enum TaskAnswer {
    /// The task.
    #[oai(status = 200)]
    Found(
        Json<TaskView>,
        /// The task's version, for `If-Match`.
        #[oai(header = "ETag")]
        String,
    ),
}

/// A task that was created.
#[derive(ApiResponse)]
pub enum CreatedTask {
    /// The new task.
    #[oai(status = 201)]
    Created(
        Json<TaskView>,
        /// The task's version, for `If-Match`.
        #[oai(header = "ETag")]
        String,
        /// Where the task is.
        #[oai(header = "Location")]
        String,
    ),
}

/// Nothing is left.
#[derive(ApiResponse)]
pub enum Gone {
    /// It is deleted.
    #[oai(status = 204)]
    Deleted,
}

#[OpenApi(tag = "Tag::Tasks")]
impl Tasks {
    /// List tasks
    ///
    /// Tasks page by page, ordered by id unless `sort` says otherwise.
    #[oai(path = "/tasks", method = "get", operation_id = "listTasks")]
    async fn list(&self, caller: Caller, language: Language, query: QueryString) -> Answer<Json<TaskList>, Reading> {
        let (filter, page) = read_filter(query.by(&[params::PAGE, params::TASKS]))?;
        let tasks = self.0.service.tasks(&caller.0, &filter, &page).await?;
        Ok(Json(TaskList::new(tasks, self.0.service.zone(), language.0)))
    }

    /// Create a task
    ///
    /// Only `id`, `type` and `trigger` are required. 409 where the id is taken.
    #[oai(path = "/tasks", method = "post", operation_id = "createTask")]
    async fn create(&self, caller: Caller, language: Language, body: Body<TaskInput>) -> Answer<CreatedTask, Creating> {
        let task = self.0.service.create_task(&caller.0, &body.0).await?;
        let location = format!("/api/v1/tasks/{}", super::encode_segment(&task.id));
        let tag = headers::etag(task.version);
        Ok(CreatedTask::Created(Json(TaskView::new(task, self.0.service.zone(), language.0)), tag, location))
    }

    /// Get a task
    #[oai(path = "/tasks/:id", method = "get", operation_id = "getTask")]
    async fn get(
        &self,
        caller: Caller,
        language: Language,
        /// The task's id.
        id: Path<String>,
    ) -> Answer<TaskAnswer, ReadingOne> {
        Ok(self.answer(self.0.service.task(&caller.0, &id).await?, language))
    }

    /// Replace a task
    ///
    /// Sets all that can change; what the body leaves out goes back to its default. `id` and `type` cannot change.
    #[oai(path = "/tasks/:id", method = "put", operation_id = "replaceTask")]
    async fn replace(
        &self,
        caller: Caller,
        language: Language,
        /// The task's id.
        id: Path<String>,
        if_match: IfMatch,
        body: Body<TaskInput>,
    ) -> Answer<TaskAnswer, Writing> {
        Ok(self.answer(self.0.service.replace_task(&caller.0, &id, &body.0, if_match.0).await?, language))
    }

    /// Change a task
    ///
    /// A JSON merge patch (RFC 7396): fields that are given change, null sets a field back to its default. The body may
    /// also be sent as `application/merge-patch+json`.
    #[oai(path = "/tasks/:id", method = "patch", operation_id = "patchTask")]
    async fn patch(
        &self,
        caller: Caller,
        language: Language,
        /// The task's id.
        id: Path<String>,
        if_match: IfMatch,
        body: Body<TaskPatch>,
    ) -> Answer<TaskAnswer, Writing> {
        Ok(self.answer(self.0.service.patch_task(&caller.0, &id, &body.0, if_match.0).await?, language))
    }

    /// Delete a task
    ///
    /// Its schedule and its queued runs go; its executions stay in the log.
    #[oai(path = "/tasks/:id", method = "delete", operation_id = "deleteTask")]
    async fn delete(
        &self,
        caller: Caller,
        /// The task's id.
        id: Path<String>,
        if_match: IfMatch,
    ) -> Answer<Gone, Changing> {
        self.0.service.delete_task(&caller.0, &id, if_match.0).await?;
        Ok(Gone::Deleted)
    }

    /// Run a task now
    ///
    /// Queues one run, whether the task is paused or not. `params` override members of the task's for this run only. With
    /// an `Idempotency-Key`, a repeated call gives the first call's execution and queues nothing.
    #[oai(path = "/tasks/:id/run", method = "post", operation_id = "runTask")]
    async fn run(
        &self,
        caller: Caller,
        /// The task's id.
        id: Path<String>,
        key: IdempotencyKey,
        body: OptionalBody<RunRequest>,
    ) -> Answer<Queued, Writing> {
        let params = input::run_params(&body.0)?;
        let run = self.0.service.run_task(&caller.0, &id, params.as_ref(), key.0.as_deref()).await?;
        Ok(executions::queued(&self.0, &caller, run).await?)
    }

    /// Pause a task
    ///
    /// Its trigger fires no more until it is resumed. Pausing a paused task changes nothing.
    #[oai(path = "/tasks/:id/pause", method = "post", operation_id = "pauseTask")]
    async fn pause(
        &self,
        caller: Caller,
        language: Language,
        /// The task's id.
        id: Path<String>,
        if_match: IfMatch,
    ) -> Answer<TaskAnswer, Changing> {
        Ok(self.answer(self.0.service.pause_task(&caller.0, &id, if_match.0).await?, language))
    }

    /// Resume a task
    ///
    /// Its trigger fires again, from now on. Resuming a task that is not paused changes nothing.
    #[oai(path = "/tasks/:id/resume", method = "post", operation_id = "resumeTask")]
    async fn resume(
        &self,
        caller: Caller,
        language: Language,
        /// The task's id.
        id: Path<String>,
        if_match: IfMatch,
    ) -> Answer<TaskAnswer, Changing> {
        Ok(self.answer(self.0.service.resume_task(&caller.0, &id, if_match.0).await?, language))
    }

    /// List a task's executions
    ///
    /// As `GET /executions?task_id=`, newest first; 404 where there is no such task.
    #[oai(path = "/tasks/:id/executions", method = "get", operation_id = "listTaskExecutions")]
    async fn executions(
        &self,
        caller: Caller,
        /// The task's id.
        id: Path<String>,
        query: QueryString,
    ) -> Answer<Json<ExecutionList>, ReadingOne> {
        let reader = query.by(&[params::PAGE, params::EXECUTIONS_OF_TASK]);
        let (mut filter, page) = executions::read_filter(reader, self.0.service.zone())?;
        self.0.service.task(&caller.0, &id).await?;
        filter.task_id = Some(id.0);
        Ok(executions::list(&self.0, &caller, &filter, &page).await?)
    }

    /// Do one thing to many tasks
    ///
    /// To the tasks named by `ids`, or to all that a `filter` (the same as the list's) finds. What fails for one task does
    /// not hinder the others.
    #[oai(path = "/tasks/bulk", method = "post", operation_id = "bulkTasks")]
    async fn bulk(&self, caller: Caller, body: Body<BulkRequest>) -> Answer<Json<BulkResult>, Asking> {
        let (action, target) = input::bulk(&body.0)?;
        Ok(Json(self.0.service.bulk(&caller.0, action, &target).await?.into()))
    }
}

impl Tasks {
    fn answer(&self, task: Task, language: Language) -> TaskAnswer {
        let tag = headers::etag(task.version);
        TaskAnswer::Found(Json(TaskView::new(task, self.0.service.zone(), language.0)), tag)
    }
}

fn read_filter(mut reader: Reader) -> Result<(TaskFilter, PageRequest), super::error::Problem> {
    let statuses = Status::ALL.map(Status::as_str);
    let sorts = TaskSort::ALL.map(TaskSort::as_str);
    let (sort, descending) = reader.word("sort", TaskSort::parse, &sorts).unwrap_or_default();
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
