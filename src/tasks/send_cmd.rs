//! `send_cmd`: runs a command on the server and streams its output. When the run is cancelled or times out, the command and its
//! descendants are killed.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::process::{self, Launch, ProcessExit};
use super::{Limits, Run, RunContext, RunError, Spec, TaskType, Text, Toolbox, first_fault, without_template_faults};
use crate::domain::fault::Fault;
use crate::domain::policy::Policy;

mod params;

use params::Params;

/// The task type `send_cmd`.
pub struct SendCmd {
    limits: Arc<Limits>,
}

impl SendCmd {
    pub fn new(toolbox: &Toolbox) -> Self {
        Self { limits: toolbox.limits.clone() }
    }
}

impl Default for SendCmd {
    /// Without limits.
    fn default() -> Self {
        Self { limits: Arc::new(Limits::within("")) }
    }
}

impl TaskType for SendCmd {
    fn spec(&self) -> Spec {
        Spec {
            name: "send_cmd".into(),
            title: Text::new("Run a command", "执行命令"),
            description: Text::new(
                "Runs a shell command or a program on the server and records its output.",
                "在服务器上执行 Shell 命令或程序，并记录其输出。",
            ),
            params_schema: params::schema(),
            example: json!({"command": "echo hello"}),
            default_policy: Policy { timeout: Some(Duration::from_secs(3600)), ..Policy::default() },
            dangerous: true,
        }
    }

    fn code(&self) -> &'static [&'static str] {
        &["/command"]
    }

    fn check(&self, params: &Value) -> Vec<Fault> {
        without_template_faults(params, Params::read(params).err().unwrap_or_default())
    }

    fn run<'a>(&'a self, params: Value, context: &'a RunContext) -> Run<'a> {
        Box::pin(async move {
            let params = Params::read(&params).map_err(first_fault)?;
            let launch = Launch {
                cwd: params.cwd,
                env: params.env,
                stdin: params.stdin,
                encoding: params.encoding,
                leave: params.leave,
                ..Launch::new(params.command)
            };
            let ended = process::run(launch.with_run_environment(context), &self.limits, context).await?;
            outcome(&ended, &params.success_codes)
        })
    }
}

/// The outcome of the run by the exit code.
fn outcome(ended: &ProcessExit, success_codes: &[i32]) -> Result<Value, RunError> {
    match ended.exit_code() {
        Some(code) if success_codes.contains(&code) => Ok(ended.result()),
        None if ended.status.is_none() => Err(RunError::fail(ended.describe()).with_result(ended.result())),
        _ => Err(RunError::retry(ended.describe()).with_result(ended.result())),
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
