//! `belfry notify rules`: lists, saves and deletes notification rules.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::Value;

use super::Failure;
use super::call::{ApiClient, Call};
use super::document::Document;
use super::input::confirm;
use super::output_options::{OutputOptions, Tone, text, timestamp};
use super::table::{Cell, Table};
use crate::domain::yaml;

#[derive(Debug, Subcommand)]
pub(super) enum RuleAction {
    /// List the rules.
    List,
    /// Show a rule as YAML, as it can be saved again.
    Show { name: String },
    /// Create a rule from a file, YAML or JSON, or replace the one of its name; - for standard input.
    Save { file: PathBuf },
    /// Delete a rule.
    Rm {
        name: String,
        /// Do not ask for confirmation.
        #[arg(long, short)]
        yes: bool,
    },
}

impl RuleAction {
    pub(super) async fn run(self, client: &ApiClient, output: &OutputOptions) -> Result<(), Failure> {
        match self {
            RuleAction::List => {
                let rules = client.json(Call::get(&["notify-rules"]), output).await?;
                output.show(&rules, |rules| table(rules, output))
            }
            RuleAction::Show { name } => {
                let rule = client.json(Call::get(&["notify-rules", &name]), output).await?;
                output.show(&rule, |rule| yaml::write(&settable(rule)))
            }
            RuleAction::Save { file } => save(&file, client, output).await,
            RuleAction::Rm { name, yes } => {
                confirm(&output.fill("notify_rule.ask_delete", &[("name", &name)]), yes, output)?;
                client.send(Call::delete(&["notify-rules", &name]), output).await?;
                output.print_text("notify_rule.deleted", &[("name", &name)])
            }
        }
    }
}

async fn save(file: &Path, client: &ApiClient, output: &OutputOptions) -> Result<(), Failure> {
    let rule = Document::read(file)?.value().clone();
    let name = text(&rule["name"]).to_owned();
    let known = client.json(Call::get(&["notify-rules"]), output).await?;
    let exists = known.as_array().into_iter().flatten().any(|one| one["name"] == name);
    let call = match exists {
        true => Call::put(&["notify-rules", &name]),
        false => Call::post(&["notify-rules"]),
    };
    let saved = client.json(call.json(&rule), output).await?;
    output.show(&saved, |saved| output.line("notify_rule.saved", &[("name", text(&saved["name"]))]))
}

/// The fields that can be set: without null, the version and who changed it.
fn settable(rule: &Value) -> Value {
    let mut rule = rule.clone();
    if let Some(fields) = rule.as_object_mut() {
        fields.retain(|name, value| {
            !value.is_null() && !["version", "created_at", "updated_at", "updated_by"].contains(&name.as_str())
        });
        for part in ["quiet_hours", "digest"] {
            if let Some(part) = fields.get_mut(part).and_then(Value::as_object_mut) {
                part.retain(|_, value| !value.is_null());
            }
        }
    }
    rule
}

fn table(rules: &Value, output: &OutputOptions) -> String {
    let mut table = Table::new(&["name", "tasks", "events", "channels", "changed"]);
    for rule in rules.as_array().into_iter().flatten() {
        let tone = if rule["enabled"] == true { Tone::Strong } else { Tone::Faint };
        table.row(vec![
            Cell::toned(text(&rule["name"]), tone),
            Cell::plain(tasks(&rule["tasks"])),
            Cell::plain(list(&rule["events"])),
            Cell::plain(list(&rule["channels"])),
            Cell::plain(timestamp(&rule["updated_at"])),
        ]);
    }
    if table.is_empty() { output.line("notify_rule.none", &[]) } else { table.draw(output) }
}

fn tasks(selection: &Value) -> String {
    if selection["all"] == true {
        return "*".to_owned();
    }
    let of = |field: &str, prefix: &str| {
        let names = selection[field].as_array().into_iter().flatten().map(|name| format!("{prefix}{}", text(name)));
        names.collect::<Vec<_>>()
    };
    [of("ids", ""), of("tags", "tag:"), of("types", "type:")].concat().join(", ")
}

fn list(names: &Value) -> String {
    names.as_array().into_iter().flatten().map(text).collect::<Vec<_>>().join(", ")
}
