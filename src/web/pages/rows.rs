//! Drawn rows of lists. Rows that were drawn before are taken as they are; the others are drawn.

use crate::domain::execution::Execution;
use crate::domain::task::Task;
use crate::web::error::Failure;
use crate::web::request_context::RequestContext;
use crate::web::row_cache::RowKey;
use crate::web::view::View;
use crate::web::view::executions::{DrawnExecutionRow, ExecutionRow, ExecutionState};
use crate::web::view::tasks::{DrawnTaskRow, TaskRow, TaskState};

/// The rows of tasks, in order.
pub(super) fn tasks(ctx: &RequestContext, tasks: &[Task]) -> Result<String, Failure> {
    let can_run = ctx.can_run();
    let key = |task: &Task| RowKey { id: task.id.clone(), language: ctx.language, can_run };
    let mut html = String::new();
    for task in tasks {
        let (key, state) = (key(task), TaskState::from(task));
        if let Some(row) = ctx.web.task_rows.get(&key, &state) {
            html.push_str(&row);
            continue;
        }
        let row = TaskRow::new(&ctx.view(), task);
        let drawn = ctx.web.templates.fragment(ctx.language, DrawnTaskRow::TEMPLATE, &DrawnTaskRow { row, can_run })?;
        ctx.web.task_rows.put(key, state, &drawn);
        html.push_str(&drawn);
    }
    Ok(html)
}

/// The rows of executions, in order.
pub(super) async fn executions(ctx: &RequestContext, executions: &[Execution]) -> Result<String, Failure> {
    let tasks: Vec<&str> = executions.iter().map(|execution| execution.task_id.as_str()).collect();
    let can_run = ctx.can_run();
    let existing = ctx.services().tasks.existing(ctx.actor()?, &tasks).await?;
    let mut html = String::new();
    for execution in executions {
        let task_exists = existing.contains(&execution.task_id);
        let state = ExecutionState::new(execution, task_exists);
        let key = RowKey { id: execution.id.clone(), language: ctx.language, can_run };
        if let Some(row) = ctx.web.execution_rows.get(&key, &state) {
            html.push_str(&row);
            continue;
        }
        let run = ExecutionRow::new(&ctx.view(), execution, task_exists);
        let drawn = ctx.web.templates.fragment(ctx.language, DrawnExecutionRow::TEMPLATE, &DrawnExecutionRow { run, can_run })?;
        ctx.web.execution_rows.put(key, state, &drawn);
        html.push_str(&drawn);
    }
    Ok(html)
}
