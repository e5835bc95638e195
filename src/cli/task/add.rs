//! `belfry task add`: creates a task.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Map, Value};

use super::flags::TaskFlags;
use crate::cli::Failure;
use crate::cli::call::{ApiClient, Call, FaultSource};
use crate::cli::document::Document;
use crate::cli::output_options::{OutputOptions, text, timestamp};

/// Create a task, from flags or from a file.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry task add date --type send_cmd --every 5m --param command=date
  belfry task add report --type http_request --cron \"0 8 * * mon-fri\" --tz Asia/Shanghai --param url=https://example.com/report
  belfry task add once --type echo --at \"2026-12-10 08:00\" --param message=hello
  belfry task add -f task.yaml
  belfry task add -f task.yaml --paused            flags override the file
  belfry task show date --json | belfry task add other -f -")]
pub(super) struct Add {
    /// The task's id; may be omitted if the file has one.
    id: Option<String>,
    /// A YAML or JSON file with the task; - reads standard input.
    #[arg(long, short, value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    flags: TaskFlags,
}

/// The source of each part of the task: a flag, or else the file.
struct Source<'a> {
    flags: &'a TaskFlags,
    file: Option<&'a Document>,
}

impl FaultSource for Source<'_> {
    fn describe_fault(&self, pointer: &str, message: &str) -> String {
        match self.file {
            Some(file) if self.flags.shown(pointer).is_none() => file.describe_fault(pointer, message),
            _ => self.flags.describe_fault(pointer, message),
        }
    }
}

impl Add {
    pub(super) async fn run(self, client: &ApiClient, output: &OutputOptions) -> Result<(), Failure> {
        let file = self.file.as_deref().map(Document::read).transpose()?;
        let mut task = match file.as_ref().map(Document::value) {
            None => Map::new(),
            Some(given @ Value::Object(_)) => as_object(super::input::as_input(given)),
            Some(Value::Array(_)) => return Err(Failure::Usage(output.text("task.one_task_only"))),
            Some(_) => return Err(Failure::Usage(output.text("task.not_an_object"))),
        };
        if let Some(id) = &self.id {
            task.insert("id".to_owned(), id.as_str().into());
        }
        self.flags.apply_to(&mut task, client, output).await?;
        let source = Source { flags: &self.flags, file: file.as_ref() };
        let call = Call::post(&["tasks"]).json(&Value::Object(task));
        let created = client.send_from(call, output, &source).await?.json()?;
        output.show(&created, |created| {
            output.line("task.created", &[("id", text(&created["id"])), ("when", &when(created, output))])
        })
    }
}

fn as_object(value: Value) -> Map<String, Value> {
    if let Value::Object(map) = value { map } else { Map::new() }
}

/// When a task fires next, as text.
pub(super) fn when(task: &Value, output: &OutputOptions) -> String {
    match (task["enabled"].as_bool(), task["schedule"]["next_run_at"].is_string()) {
        (Some(false), _) => output.text("task.paused"),
        (_, true) => output.fill("task.next_at", &[("at", &timestamp(&task["schedule"]["next_run_at"]))]),
        _ => text(&task["schedule"]["description"]).to_owned(),
    }
}
