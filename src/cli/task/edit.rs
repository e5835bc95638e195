//! `belfry task edit`: changes a task in the editor, from a file or field by field, after showing the difference.

use std::path::PathBuf;

use clap::Args;
use serde_json::Value;

use super::diff;
use super::find::{find_task, with_suggestion};
use super::flags::TaskFlags;
use super::input::{as_input, editable};
use super::params::{pair, schema_of};
use super::set::set;
use crate::cli::Failure;
use crate::cli::call::{ApiClient, Call, FaultSource};
use crate::cli::document::Document;
use crate::cli::editor;
use crate::cli::input::confirm;
use crate::cli::output_options::{OutputOptions, text};
use crate::domain::yaml;

/// Change a task: in $VISUAL or $EDITOR, from a file, or field by field.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry task edit date
  belfry task edit date --cron \"0 9 * * mon-fri\" --param command=\"date -u\"
  belfry task edit date --set policy.timeout_seconds=60 --set tags=report,night
  belfry task edit date -f task.yaml --yes
  belfry task edit date --set enabled=false --dry-run")]
pub(super) struct Edit {
    /// The task's id.
    id: String,
    /// A YAML or JSON file with the complete task; - reads standard input.
    #[arg(long, short, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Set a field by its path; null resets it to its default. Repeatable.
    #[arg(long, value_name = "FIELD=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
    /// Do not ask for confirmation.
    #[arg(long, short)]
    yes: bool,
    /// Only show the changes.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    flags: TaskFlags,
}

/// Locates faults where parts of the task come from different sources.
struct Source<'a> {
    edit: &'a Edit,
    file: Option<&'a Document>,
}

impl FaultSource for Source<'_> {
    fn describe_fault(&self, pointer: &str, message: &str) -> String {
        let path = pointer.trim_start_matches('/').replace('/', ".");
        let by_set = self.edit.set.iter().rev().find(|(field, _)| *field == path || path.starts_with(&format!("{field}.")));
        match (by_set, self.file) {
            (Some((field, value)), _) => format!("{message}\n  --> --set {field}={value}"),
            (None, Some(file)) if self.edit.flags.shown(pointer).is_none() => file.describe_fault(pointer, message),
            _ => self.edit.flags.describe_fault(pointer, message),
        }
    }
}

impl Edit {
    pub(super) async fn run(self, client: &ApiClient, output: &OutputOptions) -> Result<(), Failure> {
        let task = find_task(client, output, &self.id).await?;
        let before = editable(&task);
        let file = self.file.as_deref().map(Document::read).transpose()?;
        let mut after = match &file {
            Some(file) if file.value().is_object() => as_input(file.value()),
            Some(_) => return Err(Failure::Usage(output.text("task.not_an_object"))),
            None => before.clone(),
        };
        self.apply(&mut after, client, output).await?;
        if self.file.is_none() && self.set.is_empty() && self.flags == TaskFlags::default() {
            return self.edit_interactively(&task, before, client, output).await;
        }
        let change = diff::render(&before, &after, client, output).await?;
        self.put(&task, &after, &change, &Source { edit: &self, file: file.as_ref() }, client, output).await
    }

    async fn apply(&self, task: &mut Value, client: &ApiClient, output: &OutputOptions) -> Result<(), Failure> {
        if let Some(map) = task.as_object_mut() {
            self.flags.apply_to(map, client, output).await?;
        }
        let schema = match self.set.iter().any(|(path, _)| path.starts_with("params.")) {
            true => schema_of(text(&task["type"]), client, output).await?,
            false => Value::Null,
        };
        self.set.iter().try_for_each(|(path, value)| set(task, path, value, &schema))
    }

    /// Lets the user edit until the task is accepted or the user gives up; faults are shown after each attempt.
    async fn edit_interactively(
        &self,
        task: &Value,
        before: Value,
        client: &ApiClient,
        output: &OutputOptions,
    ) -> Result<(), Failure> {
        let head = output.fill("task.editor_head", &[("id", &self.id)]);
        let head: String = head.lines().map(|line| format!("# {line}\n")).collect();
        let mut session = editor::Session::begin(&self.id, &format!("{head}{}", yaml::write(&before)))?;
        loop {
            let written = session.edit(output)?;
            let done = match Document::parse(&session.name(), written) {
                Ok(file) if file.value().is_null() => return Err(Failure::Refused(output.text("ask.given_up"))),
                Ok(file) if *file.value() == before => return output.print_text("task.unchanged", &[("id", &self.id)]),
                Ok(file) => {
                    let change = diff::render(&before, file.value(), client, output).await?;
                    self.put(task, file.value(), &change, &file, client, output).await
                }
                Err(failure) => Err(failure),
            };
            match done {
                Err(Failure::Usage(faults)) => session.confirm_retry(&faults, output)?,
                done => return done,
            }
        }
    }

    async fn put(
        &self,
        task: &Value,
        after: &Value,
        change: &str,
        source: &dyn FaultSource,
        client: &ApiClient,
        output: &OutputOptions,
    ) -> Result<(), Failure> {
        if change.is_empty() {
            return output.show(task, |_| output.line("task.unchanged", &[("id", &self.id)]));
        }
        if !output.is_json() || self.dry_run {
            output.note(change.trim_end());
        }
        if self.dry_run {
            return Ok(());
        }
        confirm(&output.fill("task.ask_change", &[("id", &self.id)]), self.yes || !is_interactive(), output)?;
        // If somebody else changed the task meanwhile, nothing is overwritten.
        let call = Call::put(&["tasks", &self.id]).header("if-match", format!("\"{}\"", task["version"])).json(after);
        let done = client.send_from(call, output, source).await;
        let changed = with_suggestion(client, output, &self.id, done).await?.json()?;
        output.show(&changed, |task| {
            let values =
                [("id", self.id.as_str()), ("version", &task["version"].to_string()), ("when", &super::add::when(task, output))];
            output.line("task.changed", &values)
        })
    }
}

/// Asks for confirmation on a terminal; scripts proceed.
fn is_interactive() -> bool {
    std::io::IsTerminal::is_terminal(&std::io::stdin())
}
