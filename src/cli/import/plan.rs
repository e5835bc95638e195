//! An import in two steps: what would be done is shown, and done after a yes.

use serde_json::Value;

use super::How;
use crate::cli::Failure;
use crate::cli::call::{Call, Caller, Told};
use crate::cli::input::confirm;
use crate::cli::look::{Look, Tone, instant, text};
use crate::cli::reach::Reach;

/// Imports a document. What is wrong with it is told where `source` says that it stands.
pub(super) fn import(reach: &Reach, document: &Value, prune: bool, how: How, source: &dyn Told) -> Result<(), Failure> {
    reach.run(async |caller, look| {
        let planned = send(caller, look, document, prune, true, source).await?;
        let nothing = planned["changes"].as_array().is_none_or(Vec::is_empty);
        if how.dry_run || nothing {
            return look
                .show(&planned, |planned| shown(planned, look) + &sum("planned", planned, look) + &look.line("import.dry", &[]));
        }
        if !look.is_json() {
            look.note(&(shown(&planned, look) + sum("planned", &planned, look).trim_end()));
        }
        confirm(&look.text("import.ask"), how.yes, look)?;
        let done = send(caller, look, document, prune, false, source).await?;
        look.show(&done, |done| sum("done", done, look))
    })
}

async fn send(
    caller: &Caller,
    look: &Look,
    document: &Value,
    prune: bool,
    dry_run: bool,
    source: &dyn Told,
) -> Result<Value, Failure> {
    let call = Call::post(&["import"]).query("prune", prune).query("dry_run", dry_run).json(document);
    caller.send_told(call, look, source).await?.json()
}

/// Every change with what differs and when the task fires.
fn shown(outcome: &Value, look: &Look) -> String {
    let mut told = String::new();
    for change in outcome["changes"].as_array().into_iter().flatten() {
        let action = text(&change["action"]);
        let (mark, tone) = match action {
            "create" => ("+", Tone::Good),
            "delete" => ("-", Tone::Bad),
            _ => ("~", Tone::Warning),
        };
        let word = look.text(&format!("import.{action}"));
        let head = format!("{mark} {} ({}): {word}", text(&change["id"]), text(&change["type"]));
        told.push_str(&format!("{}\n", look.paint(tone, &head)));
        for difference in change["differences"].as_array().into_iter().flatten() {
            told.push_str(&format!("    {}: {} → {}\n", text(&difference["pointer"]), difference["before"], difference["after"]));
        }
        firings(&mut told, change, look);
    }
    let missing: Vec<&str> = outcome["missing_secrets"].as_array().into_iter().flatten().map(text).collect();
    if !missing.is_empty() {
        told.push_str(&look.paint(Tone::Warning, &look.line("import.missing", &[("names", &missing.join(", "))])));
    }
    told
}

/// The firings before and after, where they differ.
fn firings(told: &mut String, change: &Value, look: &Look) {
    if change["firings_before"] == change["firings_after"] {
        return;
    }
    for (mark, name) in [("-", "firings_before"), ("+", "firings_after")] {
        let times: Vec<String> = change[name].as_array().into_iter().flatten().map(instant).collect();
        let times = if times.is_empty() { look.text("import.never") } else { times.join(", ") };
        told.push_str(&format!("    {mark} {}: {times}\n", look.text("import.fires")));
    }
}

fn sum(key: &str, outcome: &Value, look: &Look) -> String {
    let count = |action: &str| {
        let changes = outcome["changes"].as_array().into_iter().flatten();
        changes.filter(|change| change["action"] == action).count().to_string()
    };
    let unchanged = outcome["unchanged"].to_string();
    let (create, update, delete) = (count("create"), count("update"), count("delete"));
    let key = if outcome["changes"].as_array().is_none_or(Vec::is_empty) { "nothing" } else { key };
    let values = [("create", create.as_str()), ("update", &update), ("delete", &delete), ("unchanged", &unchanged)];
    look.line(&format!("import.{key}"), &values)
}
