//! `belfry task add`

use std::path::PathBuf;

use clap::Args;
use serde_json::{Map, Value};

use super::flags::TaskFlags;
use crate::cli::Failure;
use crate::cli::call::{Call, Caller, Told};
use crate::cli::document::Document;
use crate::cli::look::{Look, instant, text};

/// Make a task, by flags or of a file.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry task add date --type send_cmd --every 5m --param command=date
  belfry task add report --type http_request --cron \"0 8 * * mon-fri\" --tz Asia/Shanghai --param url=https://example.com/report
  belfry task add once --type echo --at \"2026-12-10 08:00\" --param message=hello
  belfry task add -f task.yaml
  belfry task add -f task.yaml --paused            flags win over the file
  belfry task show date --json | belfry task add other -f -")]
pub(super) struct Add {
    /// The task's id; may be left out where a file has one.
    id: Option<String>,
    /// A file of YAML or JSON with the task; - reads the input.
    #[arg(long, short, value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    flags: TaskFlags,
}

/// Where the parts of the task came from: a flag, or else the file.
struct Source<'a> {
    flags: &'a TaskFlags,
    file: Option<&'a Document>,
}

impl Told for Source<'_> {
    fn tell(&self, pointer: &str, message: &str) -> String {
        match self.file {
            Some(file) if self.flags.shown(pointer).is_none() => file.tell(pointer, message),
            _ => self.flags.tell(pointer, message),
        }
    }
}

impl Add {
    pub(super) async fn run(self, caller: &Caller, look: &Look) -> Result<(), Failure> {
        let file = self.file.as_deref().map(Document::read).transpose()?;
        let mut task = match file.as_ref().map(Document::value) {
            None => Map::new(),
            Some(given @ Value::Object(_)) => as_object(super::edit::as_input(given)),
            Some(Value::Array(_)) => return Err(Failure::Usage(look.text("task.one_each"))),
            Some(_) => return Err(Failure::Usage(look.text("task.not_an_object"))),
        };
        if let Some(id) = &self.id {
            task.insert("id".to_owned(), id.as_str().into());
        }
        self.flags.lay_over(&mut task, caller, look).await?;
        let source = Source { flags: &self.flags, file: file.as_ref() };
        let call = Call::post(&["tasks"]).json(&Value::Object(task));
        let made = caller.send_told(call, look, &source).await?.json()?;
        look.show(&made, |made| look.line("task.made", &[("id", text(&made["id"])), ("when", &when(made, look))]))
    }
}

fn as_object(value: Value) -> Map<String, Value> {
    if let Value::Object(map) = value { map } else { Map::new() }
}

/// When a task fires next, in words.
pub(super) fn when(task: &Value, look: &Look) -> String {
    match (task["enabled"].as_bool(), task["schedule"]["next_run_at"].is_string()) {
        (Some(false), _) => look.text("task.paused"),
        (_, true) => look.fill("task.next_at", &[("at", &instant(&task["schedule"]["next_run_at"]))]),
        _ => text(&task["schedule"]["description"]).to_owned(),
    }
}
