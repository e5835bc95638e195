//! `belfry types`: what tasks can do here.

use clap::Args;
use serde_json::Value;

use super::Failure;
use super::call::Call;
use super::look::{Look, Tone, text};
use super::reach::Reach;
use super::table::{Cell, Table};
use crate::domain::yaml;
use crate::web::language::Language;

/// List the task types, or show one with its parameters.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry types
  belfry types http_request")]
pub(super) struct Types {
    /// A task type, to be shown with its parameters and an example.
    name: Option<String>,
    #[command(flatten)]
    reach: Reach,
}

impl Types {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Types { name, reach } = self;
        reach.run(async |caller, look| {
            let types = caller.json(Call::get(&["task-types"]), look).await?;
            let Some(name) = name else { return look.show(&types, |types| table(types, look)) };
            let all = types.as_array().map_or(&[][..], Vec::as_slice);
            match all.iter().find(|known| text(&known["type"]) == name) {
                Some(found) => look.show(found, |found| told(found, look)),
                None => {
                    let known: Vec<&str> = all.iter().map(|known| text(&known["type"])).collect();
                    Err(Failure::NotFound(look.fill("types.unknown", &[("name", &name), ("known", &known.join(", "))])))
                }
            }
        })
    }
}

/// What a text says in the reader's language.
fn in_language<'a>(texts: &'a Value, look: &Look) -> &'a str {
    text(&texts[if look.language() == Language::Chinese { "zh" } else { "en" }])
}

fn table(types: &Value, look: &Look) -> String {
    let mut table = Table::new(&["type", "title", "note"]);
    for known in types.as_array().into_iter().flatten() {
        let note = if known["dangerous"] == Value::Bool(true) { look.text("types.dangerous") } else { String::new() };
        let name = Cell::toned(text(&known["type"]), Tone::Strong);
        table.row(vec![name, Cell::of(in_language(&known["title"], look)), Cell::toned(note, Tone::Faint)]);
    }
    table.draw(look)
}

fn told(found: &Value, look: &Look) -> String {
    let mut told = format!(
        "{}: {}\n{}\n\n",
        look.paint(Tone::Strong, text(&found["type"])),
        in_language(&found["title"], look),
        in_language(&found["description"], look)
    );
    let schema = &found["params_schema"];
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().map(text).collect();
    let mut table = Table::new(&["param", "kind", "needed", "meaning"]);
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let needed = if required.contains(&name.as_str()) { look.text("types.required") } else { String::new() };
        let chinese = text(&property["x-description-zh"]);
        let english = text(&property["description"]);
        let meaning = if look.language() == Language::Chinese && !chinese.is_empty() { chinese } else { english };
        table.row(vec![Cell::toned(name, Tone::Strong), Cell::of(kind(property)), Cell::of(needed), Cell::of(meaning)]);
    }
    if !table.is_empty() {
        told.push_str(&table.draw(look));
    }
    let example: String = yaml::write(&found["example"]).lines().map(|line| format!("  {line}\n")).collect();
    told + &format!("\n{}\n{example}", look.paint(Tone::Faint, &look.text("types.example")))
}

/// The kind of value that a schema wants.
fn kind(property: &Value) -> String {
    match &property["type"] {
        Value::String(one) => one.clone(),
        Value::Array(several) => several.iter().map(text).collect::<Vec<_>>().join("|"),
        _ => String::new(),
    }
}
