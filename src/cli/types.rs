//! `belfry types`: lists the task types.

use clap::Args;
use serde_json::Value;

use super::Failure;
use super::call::Call;
use super::connection_args::ConnectionArgs;
use super::output_options::{OutputOptions, Tone, text};
use super::table::{Cell, Table};
use crate::domain::yaml;
use crate::i18n::Language;

/// List the task types, or show one with its parameters.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry types
  belfry types http_request")]
pub(super) struct Types {
    /// A task type to show with its parameters and an example.
    name: Option<String>,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl Types {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Types { name, connection } = self;
        connection.run(async |client, output| {
            let types = client.json(Call::get(&["task-types"]), output).await?;
            let Some(name) = name else { return output.show(&types, |types| table(types, output)) };
            let all = types.as_array().map_or(&[][..], Vec::as_slice);
            match all.iter().find(|known| text(&known["type"]) == name) {
                Some(found) => output.show(found, |found| details(found, output)),
                None => {
                    let known: Vec<&str> = all.iter().map(|known| text(&known["type"])).collect();
                    Err(Failure::NotFound(output.fill("types.unknown", &[("name", &name), ("known", &known.join(", "))])))
                }
            }
        })
    }
}

/// A text in the user's language.
fn in_language<'a>(texts: &'a Value, output: &OutputOptions) -> &'a str {
    text(&texts[if output.language() == Language::Chinese { "zh" } else { "en" }])
}

fn table(types: &Value, output: &OutputOptions) -> String {
    let mut table = Table::new(&["type", "title", "note"]);
    for known in types.as_array().into_iter().flatten() {
        let note = if known["dangerous"] == Value::Bool(true) { output.text("types.dangerous") } else { String::new() };
        let name = Cell::toned(text(&known["type"]), Tone::Strong);
        table.row(vec![name, Cell::plain(in_language(&known["title"], output)), Cell::toned(note, Tone::Faint)]);
    }
    table.draw(output)
}

fn details(found: &Value, output: &OutputOptions) -> String {
    let mut out = format!(
        "{}: {}\n{}\n\n",
        output.paint(Tone::Strong, text(&found["type"])),
        in_language(&found["title"], output),
        in_language(&found["description"], output)
    );
    let schema = &found["params_schema"];
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().map(text).collect();
    let mut table = Table::new(&["param", "kind", "needed", "meaning"]);
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let needed = if required.contains(&name.as_str()) { output.text("types.required") } else { String::new() };
        let chinese = text(&property["x-description-zh"]);
        let english = text(&property["description"]);
        let meaning = if output.language() == Language::Chinese && !chinese.is_empty() { chinese } else { english };
        table.row(vec![Cell::toned(name, Tone::Strong), Cell::plain(kind(property)), Cell::plain(needed), Cell::plain(meaning)]);
    }
    if !table.is_empty() {
        out.push_str(&table.draw(output));
    }
    let example: String = yaml::write(&found["example"]).lines().map(|line| format!("  {line}\n")).collect();
    out + &format!("\n{}\n{example}", output.paint(Tone::Faint, &output.text("types.example")))
}

/// The type of value in a schema.
fn kind(property: &Value) -> String {
    match &property["type"] {
        Value::String(one) => one.clone(),
        Value::Array(several) => several.iter().map(text).collect::<Vec<_>>().join("|"),
        _ => String::new(),
    }
}
