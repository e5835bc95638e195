//! `belfry task rm`, `pause`, `resume` and `copy`.

use clap::Args;
use serde_json::Value;

use super::find::{find_task, with_suggestion};
use super::input::editable;
use crate::cli::Failure;
use crate::cli::call::{ApiClient, Call};
use crate::cli::input::confirm;
use crate::cli::output_options::{OutputOptions, text};

/// Delete tasks; their executions are kept.
#[derive(Debug, Args)]
pub(super) struct Rm {
    /// The tasks' ids.
    #[arg(required = true)]
    ids: Vec<String>,
    /// Do not ask for confirmation.
    #[arg(long, short)]
    yes: bool,
}

/// Pause tasks: their triggers do not fire until they are resumed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry task pause report
  belfry task pause report import --until \"2026-12-01 08:00\" --reason \"database maintenance\"")]
pub(super) struct Pause {
    /// The tasks' ids.
    #[arg(required = true)]
    ids: Vec<String>,
    /// When the tasks resume by themselves: RFC 3339, or a date with or without a time in the task's zone.
    #[arg(long)]
    until: Option<String>,
    /// Why the tasks are paused.
    #[arg(long)]
    reason: Option<String>,
}

/// Resume paused tasks.
#[derive(Debug, Args)]
pub(super) struct Resume {
    /// The tasks' ids.
    #[arg(required = true)]
    ids: Vec<String>,
}

/// Create a task as a copy of another.
#[derive(Debug, Args)]
pub(super) struct Copy {
    /// The id of the task to copy.
    id: String,
    /// The id of the new task.
    new_id: String,
    /// Create the new task paused.
    #[arg(long)]
    paused: bool,
}

impl Rm {
    pub(super) async fn run(self, client: &ApiClient, output: &OutputOptions) -> Result<(), Failure> {
        for id in &self.ids {
            find_task(client, output, id).await?;
        }
        confirm(&output.fill("task.ask_delete", &[("ids", &self.ids.join(", "))]), self.yes, output)?;
        for id in &self.ids {
            client.send(Call::delete(&["tasks", id]), output).await?;
            output.print_text("task.deleted", &[("id", id)])?;
        }
        Ok(())
    }
}

impl Pause {
    pub(super) async fn run(self, client: &ApiClient, output: &OutputOptions) -> Result<(), Failure> {
        let given = [("until", &self.until), ("reason", &self.reason)];
        let body = given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?.into()))).collect();
        for_each_id(&self.ids, "pause", Value::Object(body), client, output).await
    }
}

impl Resume {
    pub(super) async fn run(self, client: &ApiClient, output: &OutputOptions) -> Result<(), Failure> {
        for_each_id(&self.ids, "resume", Value::Null, client, output).await
    }
}

async fn for_each_id(
    ids: &[String],
    action: &str,
    body: Value,
    client: &ApiClient,
    output: &OutputOptions,
) -> Result<(), Failure> {
    for id in ids {
        let call = Call::post(&["tasks", id, action]);
        let done = client.json(if body.is_null() { call } else { call.json(&body) }, output).await;
        let task = with_suggestion(client, output, id, done).await?;
        let (key, time) = match (&task["paused"], action) {
            (Value::Null, "pause") => ("task.now_paused", &Value::Null),
            (Value::Null, _) => ("task.now_resumed", &task["schedule"]["next_run_at"]),
            (paused, _) if paused["until"].is_null() => ("task.now_paused", &Value::Null),
            (paused, _) => ("task.now_paused_until", &paused["until"]),
        };
        let time = crate::cli::output_options::timestamp(time);
        output.show(&task, |_| output.line(key, &[("id", id), ("next", &time)]))?;
    }
    Ok(())
}

impl Copy {
    pub(super) async fn run(self, client: &ApiClient, output: &OutputOptions) -> Result<(), Failure> {
        let mut task = editable(&find_task(client, output, &self.id).await?);
        task["id"] = self.new_id.into();
        if self.paused {
            task["enabled"] = Value::Bool(false);
        }
        let created = client.json(Call::post(&["tasks"]).json(&task), output).await?;
        output.show(&created, |created| {
            output.line("task.created", &[("id", text(&created["id"])), ("when", &super::add::when(created, output))])
        })
    }
}
