//! The tasks of another scheduler beside the tasks that replace them: what each runs, and both lists of fire times.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::Value;

use crate::cli::output_options::{OutputOptions, Tone};
use crate::i18n::Message;
use crate::migrate::{Entry, Found, ImportContext, PREVIEW_COUNT, Remark, firings};

/// Fire times shown if all are the same.
const SHOWN: usize = 3;

/// Compares every entry, and leaves out those whose trigger is invalid here. Returns the text of all comparisons.
pub(super) fn compare(found: &mut Found, context: ImportContext<'_>, output: &OutputOptions) -> String {
    let mut text = String::new();
    for entry in std::mem::take(&mut found.entries) {
        match next_firings(&entry, context) {
            Ok(new) => {
                text.push_str(&compare_entry(&entry, &new, context.zone, output));
                found.entries.push(entry);
            }
            Err(message) => found.left_out.push(Remark { place: entry.place, message }),
        }
    }
    text
}

/// Prints what is left out and what is worth knowing.
pub(super) fn print_remarks(found: &Found, output: &OutputOptions) {
    for Remark { place, message } in found.notes.iter().chain(&found.left_out) {
        let values = [("what", output.translate(place)), ("reason", output.translate(message))];
        output.note(&output.fill("import.not_migrated", &values.each_ref().map(|(name, value)| (*name, value.as_str()))));
    }
}

/// The next fire times of all tasks of an entry, for tasks created just before its first old one, or now for intervals that count from
/// their creation.
fn next_firings(entry: &Entry, context: ImportContext<'_>) -> Result<Vec<DateTime<Utc>>, Message> {
    let from = entry.firings.first().map_or(context.now, |first| *first - chrono::Duration::milliseconds(1));
    let mut new = Vec::new();
    for trigger in entry.tasks.iter().flat_map(triggers) {
        let counts_from_creation = trigger["type"] == "interval" && trigger["start_date"].is_null();
        let from = if counts_from_creation { context.now } else { from };
        new.extend(firings(trigger, context.zone, from, PREVIEW_COUNT)?);
    }
    new.sort();
    new.dedup();
    new.truncate(PREVIEW_COUNT);
    Ok(new)
}

/// The triggers of a task: its own, or those of its rules.
fn triggers(task: &Value) -> impl Iterator<Item = &Value> {
    let rules = task["triggers"].as_array().into_iter().flatten().map(|rule| &rule["trigger"]);
    task.get("trigger").into_iter().chain(rules)
}

fn compare_entry(entry: &Entry, new: &[DateTime<Utc>], zone: Tz, output: &OutputOptions) -> String {
    let old = &entry.firings;
    let close = |one: &DateTime<Utc>, other: &DateTime<Utc>| (*one - *other).abs() < chrono::Duration::milliseconds(1);
    let same = old.len() == new.len() && old.iter().zip(new).all(|(one, other)| close(one, other));
    let zone = entry.tasks.first().and_then(|task| triggers(task).next()?["timezone"].as_str()?.parse().ok()).unwrap_or(zone);
    let wall = |at: Option<&DateTime<Utc>>| {
        at.map_or_else(|| "–".to_owned(), |at| at.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S %:z").to_string())
    };
    let tone = if same { Tone::Good } else { Tone::Warning };
    let verdict =
        if same { output.fill("import.same", &[("count", &old.len().to_string())]) } else { output.text("import.differ") };
    let ids: Vec<&str> = entry.tasks.iter().filter_map(|task| task["id"].as_str()).collect();
    let place = output.translate(&entry.place);
    let command: String = entry.command.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let mut text = output.line("import.entry", &[("place", &place), ("ids", &ids.join(", ")), ("command", &command)]);
    for note in &entry.notes {
        text.push_str(&format!("  {}\n", output.paint(Tone::Warning, &output.translate(note))));
    }
    text.push_str(&format!("  {}\n", output.paint(tone, &verdict)));
    text.push_str(&format!("  {:<27}  {}\n", output.text("import.old"), output.text("import.new")));
    let rows = if same { old.len().min(SHOWN) } else { old.len().max(new.len()) };
    for place in 0..rows {
        let mark = if old.get(place).zip(new.get(place)).is_some_and(|(one, other)| close(one, other)) { ' ' } else { '!' };
        text.push_str(&format!("{mark} {:<27}  {}\n", wall(old.get(place)), wall(new.get(place))));
    }
    text
}
