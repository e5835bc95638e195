//! `send_cmd`: runs a command on the server's machine, with its output as it comes. When the run is cancelled or its time is
//! over, the command and everything it started is ended.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::process::{self, Ended, Launch};
use super::{Limits, Run, RunContext, RunError, Spec, TaskType, Text, Toolbox, first, settled};
use crate::domain::fault::Fault;
use crate::domain::policy::Policy;

mod params;

use params::Params;

/// Runs a command.
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
            title: Text::of("Run a command", "执行命令"),
            description: Text::of(
                "Runs a shell command or a program on the server's machine and records its output.",
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
        settled(params, Params::read(params).err().unwrap_or_default())
    }

    fn run<'a>(&'a self, params: Value, context: &'a RunContext) -> Run<'a> {
        Box::pin(async move {
            let params = Params::read(&params).map_err(first)?;
            let launch = Launch {
                cwd: params.cwd,
                env: params.env,
                stdin: params.stdin,
                encoding: params.encoding,
                ..Launch::new(params.command)
            };
            let ended = process::run(launch.with_facts(context), &self.limits, context).await?;
            outcome(&ended, &params.success_codes)
        })
    }
}

/// Success or failure by the exit code.
fn outcome(ended: &Ended, success_codes: &[i32]) -> Result<Value, RunError> {
    match ended.exit_code() {
        Some(code) if success_codes.contains(&code) => Ok(ended.result()),
        None if ended.status.is_none() => Err(RunError::fail(ended.in_words()).with_result(ended.result())),
        _ => Err(RunError::retry(ended.in_words()).with_result(ended.result())),
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
