//! `belfry task edit`: in the editor, of a file, or field by field; what will change is shown before it does.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Map, Value};

use super::diff;
use super::find::{found, hinted};
use super::flags::TaskFlags;
use super::params::{pair, schema_of};
use super::set::set;
use crate::cli::Failure;
use crate::cli::call::{Call, Caller, Told};
use crate::cli::document::Document;
use crate::cli::editor;
use crate::cli::input::confirm;
use crate::cli::look::{Look, text};
use crate::domain::yaml;

/// Change a task: in $VISUAL or $EDITOR, of a file, or field by field.
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
    /// A file of YAML or JSON with the whole task; - reads the input.
    #[arg(long, short, value_name = "FILE")]
    file: Option<PathBuf>,
    /// A field by its path; null sets it back to its default. May be given more than once.
    #[arg(long, value_name = "FIELD=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
    /// Do not ask.
    #[arg(long, short)]
    yes: bool,
    /// Only show what would change.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    flags: TaskFlags,
}

/// What a fault is about, where the parts came from several places.
struct Source<'a> {
    edit: &'a Edit,
    file: Option<&'a Document>,
}

impl Told for Source<'_> {
    fn tell(&self, pointer: &str, message: &str) -> String {
        let path = pointer.trim_start_matches('/').replace('/', ".");
        let by_set = self.edit.set.iter().rev().find(|(field, _)| *field == path || path.starts_with(&format!("{field}.")));
        match (by_set, self.file) {
            (Some((field, value)), _) => format!("{message}\n  --> --set {field}={value}"),
            (None, Some(file)) if self.edit.flags.shown(pointer).is_none() => file.tell(pointer, message),
            _ => self.edit.flags.tell(pointer, message),
        }
    }
}

impl Edit {
    pub(super) async fn run(self, caller: &Caller, look: &Look) -> Result<(), Failure> {
        let task = found(caller, look, &self.id).await?;
        let before = editable(&task);
        let file = self.file.as_deref().map(Document::read).transpose()?;
        let mut after = match &file {
            Some(file) if file.value().is_object() => as_input(file.value()),
            Some(_) => return Err(Failure::Usage(look.text("task.not_an_object"))),
            None => before.clone(),
        };
        self.apply(&mut after, caller, look).await?;
        if self.file.is_none() && self.set.is_empty() && self.flags == TaskFlags::default() {
            return self.by_editor(&task, before, caller, look).await;
        }
        let change = diff::told(&before, &after, caller, look).await?;
        self.put(&task, &after, &change, &Source { edit: &self, file: file.as_ref() }, caller, look).await
    }

    async fn apply(&self, task: &mut Value, caller: &Caller, look: &Look) -> Result<(), Failure> {
        if let Some(map) = task.as_object_mut() {
            self.flags.lay_over(map, caller, look).await?;
        }
        let schema = match self.set.iter().any(|(path, _)| path.starts_with("params.")) {
            true => schema_of(text(&task["type"]), caller, look).await?,
            false => Value::Null,
        };
        self.set.iter().try_for_each(|(path, value)| set(task, path, value, &schema))
    }

    /// Lets the person write; what is not right comes back with its faults until it is, or the person gives up.
    async fn by_editor(&self, task: &Value, before: Value, caller: &Caller, look: &Look) -> Result<(), Failure> {
        let head = look.fill("task.editor_head", &[("id", &self.id)]);
        let head: String = head.lines().map(|line| format!("# {line}\n")).collect();
        let mut session = editor::Session::begin(&self.id, &format!("{head}{}", yaml::write(&before)))?;
        loop {
            let written = session.edit(look)?;
            let done = match Document::parse(&session.name(), written) {
                Ok(file) if file.value().is_null() => return Err(Failure::Refused(look.text("ask.given_up"))),
                Ok(file) if *file.value() == before => return look.say("task.unchanged", &[("id", &self.id)]),
                Ok(file) => {
                    let change = diff::told(&before, file.value(), caller, look).await?;
                    self.put(task, file.value(), &change, &file, caller, look).await
                }
                Err(failure) => Err(failure),
            };
            match done {
                Err(Failure::Usage(faults)) => session.again(&faults, look)?,
                done => return done,
            }
        }
    }

    async fn put(
        &self,
        task: &Value,
        after: &Value,
        change: &str,
        source: &dyn Told,
        caller: &Caller,
        look: &Look,
    ) -> Result<(), Failure> {
        if change.is_empty() {
            return look.show(task, |_| look.line("task.unchanged", &[("id", &self.id)]));
        }
        if !look.is_json() || self.dry_run {
            look.note(change.trim_end());
        }
        if self.dry_run {
            return Ok(());
        }
        confirm(&look.fill("task.ask_change", &[("id", &self.id)]), self.yes || !asks(), look)?;
        // Somebody else may have changed it meanwhile: then nothing is overwritten.
        let call = Call::put(&["tasks", &self.id]).header("if-match", format!("\"{}\"", task["version"])).json(after);
        let done = caller.send_told(call, look, source).await;
        let changed = hinted(caller, look, &self.id, done).await?.json()?;
        look.show(&changed, |task| {
            let values =
                [("id", self.id.as_str()), ("version", &task["version"].to_string()), ("when", &super::add::when(task, look))];
            look.line("task.changed", &values)
        })
    }
}

/// A script that names the change means it; a person at a terminal is asked.
fn asks() -> bool {
    std::io::IsTerminal::is_terminal(&std::io::stdin())
}

/// A task as somebody wrote it; what an answer says beside that is left out of an answer.
pub(super) fn as_input(task: &Value) -> Value {
    if task.get("created_at").is_some() { editable(task) } else { task.clone() }
}

/// The fields of a task that can be sent again.
pub(super) fn editable(task: &Value) -> Value {
    let document = crate::api::document();
    let known = document.pointer("/components/schemas/TaskInput/properties").and_then(Value::as_object);
    let is_known = |name: &str| known.is_none_or(|known| known.contains_key(name));
    let fields = task.as_object().into_iter().flatten().filter(|(name, _)| is_known(name));
    Value::Object(fields.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_can_be_sent_is_edited() {
        let task = json!({"id": "a", "type": "echo", "trigger": {}, "version": 3, "stats": {}, "chain": []});
        assert_eq!(editable(&task), json!({"id": "a", "type": "echo", "trigger": {}, "chain": []}));
    }
}
