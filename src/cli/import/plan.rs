//! The import of a document: shows the planned changes, asks for confirmation, then imports.

use serde_json::Value;

use super::ImportFlags;
use crate::cli::Failure;
use crate::cli::call::{ApiClient, Call, FaultSource};
use crate::cli::connection_args::ConnectionArgs;
use crate::cli::input::confirm;
use crate::cli::output_options::{OutputOptions, Tone, text, timestamp};

/// Imports a document. With a tag only tasks that have it are changed or deleted. `source` locates faults for the user.
pub(super) fn import(
    connection: &ConnectionArgs,
    document: &Value,
    prune: bool,
    tag: Option<&str>,
    flags: ImportFlags,
    source: &dyn FaultSource,
) -> Result<(), Failure> {
    connection.run(async |client, output| {
        let planned = send(client, output, call(document, prune, tag, true), source).await?;
        let nothing = changes_nothing(&planned);
        if flags.dry_run || nothing {
            return output.show(&planned, |planned| {
                render_changes(planned, output) + &summary("planned", planned, output) + &output.line("import.dry_run", &[])
            });
        }
        if !output.is_json() {
            output.note(&(render_changes(&planned, output) + summary("planned", &planned, output).trim_end()));
        }
        confirm(&output.text("import.ask"), flags.yes, output)?;
        let done = send(client, output, call(document, prune, tag, false), source).await?;
        output.show(&done, |done| summary("done", done, output))
    })
}

/// Whether an import would save nothing.
fn changes_nothing(planned: &Value) -> bool {
    let is_empty = |name: &str| planned[name].as_array().is_none_or(Vec::is_empty);
    let counts = ["states", "notify_rules", "heartbeats"];
    is_empty("changes") && is_empty("calendars") && counts.iter().all(|name| planned[*name].as_i64().unwrap_or_default() == 0)
}

fn call(document: &Value, prune: bool, tag: Option<&str>, dry_run: bool) -> Call {
    Call::post(&["import"]).query("prune", prune).query("dry_run", dry_run).query_some("tag", tag.as_ref()).json(document)
}

async fn send(client: &ApiClient, output: &OutputOptions, call: Call, source: &dyn FaultSource) -> Result<Value, Failure> {
    client.send_from(call, output, source).await?.json()
}

/// Every change, with its differences and the next fire times.
fn render_changes(outcome: &Value, output: &OutputOptions) -> String {
    let mut out = String::new();
    for change in outcome["changes"].as_array().into_iter().flatten() {
        let action = text(&change["action"]);
        let (mark, tone) = match action {
            "create" => ("+", Tone::Good),
            "delete" => ("-", Tone::Bad),
            _ => ("~", Tone::Warning),
        };
        let word = output.text(&format!("import.{action}"));
        let head = format!("{mark} {} ({}): {word}", text(&change["id"]), text(&change["type"]));
        out.push_str(&format!("{}\n", output.paint(tone, &head)));
        for difference in change["differences"].as_array().into_iter().flatten() {
            out.push_str(&format!("    {}: {} → {}\n", text(&difference["pointer"]), difference["before"], difference["after"]));
        }
        firings(&mut out, change, output);
    }
    for (name, key) in [("notify_rules", "rules"), ("heartbeats", "heartbeats")] {
        if let Some(count) = outcome[name].as_i64().filter(|count| *count > 0) {
            out.push_str(&output.line(&format!("import.{key}"), &[("count", &count.to_string())]));
        }
    }
    for (name, key) in [("calendars", "calendars"), ("missing_secrets", "missing"), ("missing_hooks", "missing_hooks")] {
        let names: Vec<&str> = outcome[name].as_array().into_iter().flatten().map(text).collect();
        if !names.is_empty() {
            let tone = if name == "calendars" { Tone::Good } else { Tone::Warning };
            out.push_str(&output.paint(tone, &output.line(&format!("import.{key}"), &[("names", &names.join(", "))])));
        }
    }
    out
}

/// The fire times before and after, if they differ.
fn firings(out: &mut String, change: &Value, output: &OutputOptions) {
    if change["firings_before"] == change["firings_after"] {
        return;
    }
    for (mark, name) in [("-", "firings_before"), ("+", "firings_after")] {
        let times: Vec<String> = change[name].as_array().into_iter().flatten().map(timestamp).collect();
        let times = if times.is_empty() { output.text("import.never") } else { times.join(", ") };
        out.push_str(&format!("    {mark} {}: {times}\n", output.text("import.fires")));
    }
}

fn summary(key: &str, outcome: &Value, output: &OutputOptions) -> String {
    let count = |action: &str| {
        let changes = outcome["changes"].as_array().into_iter().flatten();
        changes.filter(|change| change["action"] == action).count().to_string()
    };
    let unchanged = outcome["unchanged"].to_string();
    let (create, update, delete) = (count("create"), count("update"), count("delete"));
    let key = if changes_nothing(outcome) { "nothing" } else { key };
    let values = [("create", create.as_str()), ("update", &update), ("delete", &delete), ("unchanged", &unchanged)];
    output.line(&format!("import.{key}"), &values)
}
