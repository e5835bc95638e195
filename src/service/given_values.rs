//! What a requested run is given beside its parameters: the values of its inputs, checked, and the call of a hook.

use serde_json::{Map, Value};

use super::{Error, Result};
use crate::domain::execution::Execution;
use crate::domain::run_data::{HookCall, RunData, seal_name};
use crate::domain::run_input::{self, InputKind};
use crate::domain::task::Task;
use crate::storage::{Tx, run_data};
use crate::vault::Vault;

/// The values of one run. No `Debug`, because it contains secrets.
#[derive(Default)]
pub(super) struct GivenValues {
    inputs: Map<String, Value>,
    hook: Option<HookCall>,
}

impl GivenValues {
    /// The inputs of a request; those not given have their defaults.
    pub fn of_request(task: &Task, inputs: Option<&Map<String, Value>>) -> Result<Self> {
        let none = Map::new();
        let inputs = run_input::fill(&task.inputs, inputs.unwrap_or(&none), "/inputs").map_err(Error::Invalid)?;
        Ok(Self { inputs, hook: None })
    }

    /// The inputs of a run that a hook starts, and its call.
    pub fn of_hook(task: &Task, call: HookCall) -> Result<Self> {
        Ok(Self { hook: Some(call), ..Self::of_request(task, None)? })
    }

    /// The inputs and the hook call of a former run; inputs that the request gives replace them. An input that the task no longer
    /// has is left out.
    pub async fn of_rerun(
        tx: &mut Tx,
        vault: &Vault,
        task: &Task,
        former: &Execution,
        inputs: Option<&Map<String, Value>>,
    ) -> Result<Self> {
        let data = run_data::get(tx, &former.id).await?;
        let mut values = match &data {
            Some(data) => opened(vault, &former.id, data)?,
            None if task.inputs.is_empty() => Map::new(),
            None => defaults(tx, &former.id).await?,
        };
        values.retain(|name, _| task.inputs.iter().any(|input| input.name == *name));
        values.extend(inputs.into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())));
        let inputs = run_input::fill(&task.inputs, &values, "/inputs").map_err(Error::Invalid)?;
        Ok(Self { inputs, hook: data.and_then(|data| data.hook) })
    }

    /// The data as it is stored with an execution, secrets encrypted; `None` if there is nothing to store.
    pub fn sealed(&self, vault: &Vault, task: &Task, execution_id: &str) -> Result<Option<RunData>> {
        if task.inputs.is_empty() && self.hook.is_none() {
            return Ok(None);
        }
        let is_secret = |name: &str| task.inputs.iter().any(|input| input.name == name && input.kind == InputKind::Secret);
        let secrets: Map<String, Value> =
            self.inputs.iter().filter(|(name, _)| is_secret(name)).map(|(name, value)| (name.clone(), value.clone())).collect();
        let secrets = match secrets.is_empty() {
            true => None,
            false => Some(vault.seal(&seal_name(execution_id), &Value::Object(secrets).to_string())?),
        };
        Ok(Some(RunData { inputs: run_input::shown(&task.inputs, &self.inputs), secrets, hook: self.hook.clone() }))
    }
}

/// The stored inputs with their secrets.
fn opened(vault: &Vault, execution_id: &str, data: &RunData) -> Result<Map<String, Value>> {
    let mut values = data.inputs.clone();
    if let Some(sealed) = &data.secrets {
        let opened = vault.open(&seal_name(execution_id), sealed)?;
        values.extend(serde_json::from_str::<Map<String, Value>>(&opened).unwrap_or_default());
    }
    Ok(values)
}

/// The defaults that the task of a run had then.
async fn defaults(tx: &mut Tx, execution_id: &str) -> Result<Map<String, Value>> {
    let definition = run_data::definition(tx, execution_id).await?.unwrap_or_default();
    let fields = run_input::parse(&definition["inputs"], "").unwrap_or_default();
    Ok(run_input::fill(&fields, &Map::new(), "").unwrap_or_default())
}
