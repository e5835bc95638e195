//! What runs were given beside their parameters, a row for each of the few that were given something.

use serde_json::{Map, Value};

use super::column::stored;
use super::statement::{execute, fetch};
use super::{Error, Result, Session, json};
use crate::domain::run_data::{HookCall, RunData};
use crate::ids::execution_key;

stored! {
    COLUMNS: RunDataRow { inputs, secrets, hook }
}

struct RunDataRow {
    inputs: Value,
    secrets: Option<String>,
    hook: Option<HookCall>,
}

/// Stores the data of a new execution.
pub async fn insert(s: &mut dyn Session, execution_id: &str, data: &RunData) -> Result<()> {
    let hook = data.hook.as_ref().map(serde_json::to_string).transpose();
    let hook = hook.map_err(|error| Error::InvalidValue(error.to_string()))?;
    let inputs = Value::Object(data.inputs.clone()).to_string();
    execute!(s, "save the inputs of a run", INSERT, execution_key(execution_id), inputs, &data.secrets, hook).map(drop)
}

pub(super) const INSERT: &str = "insert into run_data (execution_id, inputs, secrets, hook) values ($1, $2, $3, $4)";

/// Returns the data of an execution; `None` if it was given nothing.
pub async fn get(s: &mut dyn Session, execution_id: &str) -> Result<Option<RunData>> {
    let text = get_sql();
    let found: Option<RunDataRow> = fetch!(optional, s, "read the inputs of a run", &text, execution_key(execution_id))?;
    Ok(found.map(|row| RunData {
        inputs: match row.inputs {
            Value::Object(inputs) => inputs,
            _ => Map::new(),
        },
        secrets: row.secrets,
        hook: row.hook,
    }))
}

pub(super) fn get_sql() -> String {
    format!("select {COLUMNS} from run_data where execution_id = $1")
}

/// Returns the definition of the task that an execution runs, as it was then; `None` if it is no longer known.
pub async fn definition(s: &mut dyn Session, execution_id: &str) -> Result<Option<Value>> {
    let found: Option<(String,)> = fetch!(optional, s, "read the task of a run", DEFINITION, execution_key(execution_id))?;
    found.map(|(content,)| json(&content)).transpose()
}

pub(super) const DEFINITION: &str = "select v.content from executions e
    join task_versions v on v.task_id = e.task_id and v.version = e.task_version where e.id = $1";
