//! The values of a run's inputs: those that it was given, else the defaults of its task as it was when the run was queued.

use serde_json::{Map, Value};

use crate::domain::fault::Fault;
use crate::domain::job::Job;
use crate::domain::run_data::{RunData, seal_name};
use crate::domain::run_input::{self, InputField, InputKind};
use crate::i18n::message;
use crate::storage::{Session, run_data};
use crate::tasks::RunError;
use crate::tasks::template::taint::InputNames;
use crate::vault::Vault;

/// The inputs of one run.
#[derive(Debug, Default)]
pub(super) struct RunInputs {
    fields: Vec<InputField>,
    pub values: Map<String, Value>,
    /// The call of the hook that started the run, as a template variable.
    pub hook: Option<Value>,
}

impl RunInputs {
    /// The names of the inputs, for the display of what their values are inserted into.
    pub fn names(&self) -> InputNames<'_> {
        let named = |secret: bool| {
            let fields = self.fields.iter().filter(move |field| (field.kind == InputKind::Secret) == secret);
            fields.map(|field| field.name.as_str()).collect()
        };
        InputNames { plain: named(false), secret: named(true) }
    }

    /// The defaults of inputs, of a run that was given none.
    ///
    /// # Errors
    /// A required input has no default.
    pub fn of_defaults(fields: &[InputField]) -> Result<RunInputs, RunError> {
        let values = run_input::fill(fields, &Map::new(), "").map_err(|faults| fault(&faults))?;
        Ok(RunInputs { fields: fields.to_vec(), values, hook: None })
    }

    /// The secret values, which are masked in whatever the run records.
    pub fn secrets(&self) -> Vec<String> {
        let names = self.names().secret;
        let values = names.into_iter().filter_map(|name| self.values.get(name).and_then(Value::as_str));
        values.map(str::to_owned).collect()
    }
}

/// Reads the inputs of a run.
///
/// # Errors
/// The database fails: retryable. A required input has no value, or a secret cannot be decrypted: not retryable.
pub(super) async fn read(s: &mut dyn Session, vault: &Vault, job: &Job) -> Result<RunInputs, RunError> {
    let data = run_data::get(s, &job.execution_id).await.map_err(|error| RunError::database(&error))?;
    let definition = run_data::definition(s, &job.execution_id).await.map_err(|error| RunError::database(&error))?;
    let fields = definition.map(|definition| run_input::parse(&definition["inputs"], "").unwrap_or_default());
    let (given, hook) = match data {
        Some(data) => (opened(vault, job, &data)?, data.hook.map(|hook| hook.variable())),
        None => (Map::new(), None),
    };
    let values = match &fields {
        Some(fields) => run_input::fill(fields, &given, "").map_err(|faults| fault(&faults))?,
        None => given,
    };
    Ok(RunInputs { fields: fields.unwrap_or_default(), values, hook })
}

/// The given values with their secrets.
fn opened(vault: &Vault, job: &Job, data: &RunData) -> Result<Map<String, Value>, RunError> {
    let mut values = data.inputs.clone();
    if let Some(sealed) = &data.secrets {
        let opened = vault.open(&seal_name(&job.execution_id), sealed);
        let opened = opened.map_err(|_| RunError::fail(message!("run.inputs_sealed")))?;
        values.extend(serde_json::from_str::<Map<String, Value>>(&opened).unwrap_or_default());
    }
    Ok(values)
}

fn fault(faults: &[Fault]) -> RunError {
    let problem = faults.first().map_or_else(|| message!("value.required"), |fault| fault.message.clone());
    RunError::fail(message!("run.input_fault", problem))
}
