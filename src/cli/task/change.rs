//! `belfry task rm`, `pause`, `resume` and `copy`

use clap::Args;
use serde_json::Value;

use super::edit::editable;
use super::find::{found, hinted};
use crate::cli::Failure;
use crate::cli::call::{Call, Caller};
use crate::cli::input::confirm;
use crate::cli::look::{Look, text};

/// Delete tasks; their executions stay on record.
#[derive(Debug, Args)]
pub(super) struct Rm {
    /// The tasks' ids.
    #[arg(required = true)]
    ids: Vec<String>,
    /// Do not ask.
    #[arg(long, short)]
    yes: bool,
}

/// Pause tasks: their triggers fire no more until they are resumed.
#[derive(Debug, Args)]
pub(super) struct Pause {
    /// The tasks' ids.
    #[arg(required = true)]
    ids: Vec<String>,
}

/// Resume tasks that were paused.
#[derive(Debug, Args)]
pub(super) struct Resume {
    /// The tasks' ids.
    #[arg(required = true)]
    ids: Vec<String>,
}

/// Make a new task like another one.
#[derive(Debug, Args)]
pub(super) struct Copy {
    /// The id of the task to copy.
    id: String,
    /// The id of the new task.
    new_id: String,
    /// The new task is paused.
    #[arg(long)]
    paused: bool,
}

impl Rm {
    pub(super) async fn run(self, caller: &Caller, look: &Look) -> Result<(), Failure> {
        for id in &self.ids {
            found(caller, look, id).await?;
        }
        confirm(&look.fill("task.ask_delete", &[("ids", &self.ids.join(", "))]), self.yes, look)?;
        for id in &self.ids {
            caller.send(Call::delete(&["tasks", id]), look).await?;
            look.say("task.deleted", &[("id", id)])?;
        }
        Ok(())
    }
}

impl Pause {
    pub(super) async fn run(self, caller: &Caller, look: &Look) -> Result<(), Failure> {
        to_each(&self.ids, "pause", "task.now_paused", caller, look).await
    }
}

impl Resume {
    pub(super) async fn run(self, caller: &Caller, look: &Look) -> Result<(), Failure> {
        to_each(&self.ids, "resume", "task.now_resumed", caller, look).await
    }
}

async fn to_each(ids: &[String], action: &str, said: &str, caller: &Caller, look: &Look) -> Result<(), Failure> {
    for id in ids {
        let done = caller.json(Call::post(&["tasks", id, action]), look).await;
        let task = hinted(caller, look, id, done).await?;
        let next = crate::cli::look::instant(&task["schedule"]["next_run_at"]);
        look.show(&task, |_| look.line(said, &[("id", id), ("next", &next)]))?;
    }
    Ok(())
}

impl Copy {
    pub(super) async fn run(self, caller: &Caller, look: &Look) -> Result<(), Failure> {
        let mut task = editable(&found(caller, look, &self.id).await?);
        task["id"] = self.new_id.into();
        if self.paused {
            task["enabled"] = Value::Bool(false);
        }
        let made = caller.json(Call::post(&["tasks"]).json(&task), look).await?;
        look.show(&made, |made| look.line("task.made", &[("id", text(&made["id"])), ("when", &super::add::when(made, look))]))
    }
}
