//! Links from a response's id to other operations, for tools that explore the API.

use serde_json::{Map, Value, json};

use super::for_each_operation;

/// Operations that take the id of a task.
const OF_TASK: &[&str] =
    &["getTask", "replaceTask", "patchTask", "runTask", "pauseTask", "resumeTask", "listTaskExecutions", "deleteTask"];
/// Operations that take the id of an execution.
const OF_EXECUTION: &[&str] =
    &["getExecution", "getExecutionOutput", "getExecutionRawOutput", "cancelExecution", "rerunExecution"];

/// Adds links to the responses of creating operations.
pub fn add(document: &mut Value) {
    for_each_operation(document, |operation| {
        let (status, calls) = match operation.get("operationId").and_then(Value::as_str) {
            Some("createTask") => ("201", OF_TASK),
            Some("runTask" | "rerunExecution") => ("202", OF_EXECUTION),
            _ => return,
        };
        if let Some(answer) = operation.get_mut("responses").and_then(|responses| responses.get_mut(status)) {
            answer["links"] = Value::Object(calls.iter().map(|call| link(call)).collect::<Map<_, _>>());
        }
    });
}

fn link(call: &str) -> (String, Value) {
    (call.to_owned(), json!({"operationId": call, "parameters": {"id": "$response.body#/id"}}))
}
