//! `belfry calendar`: working days and closures.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::Failure;
use super::call::{ApiClient, Call};
use super::connection_args::ConnectionArgs;
use super::document::Document;
use super::input::{confirm, read_value, unwritable};
use super::output_options::{OutputOptions, Tone, text, timestamp};
use super::table::{Cell, Table};

/// Manage calendars, which tell tasks the working days and the closures.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry calendar list
  belfry calendar days cn --from 2026-10-01 --to 2026-10-10
  belfry calendar create release --base cn
  belfry calendar create -f release.yaml
  belfry calendar import cn 2027.json --dry-run    which tasks fire at other times
  belfry calendar import cn 2027.json
  belfry calendar export release -o release.json
  belfry calendar versions release
  belfry calendar restore release 3 --dry-run

`cn` is built in: the working days of China with the make-up days, by the notices of the State Council. A file to import is JSON
({\"years\": {\"2027\": {\"off\": [\"01-01\"], \"work\": [\"02-06\"]}}}), iCalendar (.ics) or CSV (date,off|work[,name]).")]
pub(super) struct CalendarCommand {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the calendars.
    List,
    /// Show the definition of a calendar and the tasks that use it.
    Show { name: String },
    /// List the days of a calendar.
    Days {
        name: String,
        /// The first day, YYYY-MM-DD.
        #[arg(long)]
        from: String,
        /// The last day; by default the first one.
        #[arg(long)]
        to: Option<String>,
        /// Only days that are not as their weekday says.
        #[arg(long)]
        exceptions: bool,
    },
    /// Create or replace a calendar.
    Create {
        /// The name; may be in the file instead.
        name: Option<String>,
        /// The calendar that it is built on: cn, weekdays, every_day or another one.
        #[arg(long, conflicts_with = "file")]
        base: Option<String>,
        /// Read the definition from this file, YAML or JSON; - for standard input.
        #[arg(short, long, value_name = "FILE")]
        file: Option<PathBuf>,
        /// Replace an existing calendar.
        #[arg(long)]
        replace: bool,
    },
    /// Import days from a file: JSON, iCalendar or CSV, by the name's ending.
    Import {
        name: String,
        file: PathBuf,
        /// Only show the tasks whose next firings would change.
        #[arg(long)]
        dry_run: bool,
    },
    /// Write the definition of a calendar as JSON.
    Export {
        name: String,
        /// Write to this file instead of standard output.
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// List the versions of a calendar, newest first.
    Versions { name: String },
    /// Set a calendar to an earlier version; the tasks that use it are replanned.
    Restore {
        name: String,
        /// The number of the version.
        #[arg(value_parser = clap::value_parser!(i64).range(1..))]
        version: i64,
        /// Only show the tasks whose next firings would change.
        #[arg(long)]
        dry_run: bool,
        /// Do not ask for confirmation.
        #[arg(long, short)]
        yes: bool,
    },
    /// Delete a calendar; a built-in one is as it was before.
    Delete {
        name: String,
        /// Do not ask for confirmation.
        #[arg(long, short)]
        yes: bool,
    },
}

impl CalendarCommand {
    pub(super) fn run(self) -> Result<(), Failure> {
        let CalendarCommand { connection, action } = self;
        connection.run(async |client, output| action.run(client, output).await)
    }
}

impl Action {
    async fn run(self, client: &ApiClient, output: &OutputOptions) -> Result<(), Failure> {
        match self {
            Action::List => {
                let all = client.json(Call::get(&["calendars"]), output).await?;
                output.show(&all, |all| list(all, output))
            }
            Action::Show { name } => {
                let found = client.json(Call::get(&["calendars", &name]), output).await?;
                output.show(&found, |found| format!("{found:#}\n"))
            }
            Action::Days { name, from, to, exceptions } => {
                let to = to.unwrap_or_else(|| from.clone());
                let call = Call::get(&["calendars", &name, "days"]).query("from", from).query("to", to);
                let mut found = client.json(call, output).await?;
                if exceptions && let Some(days) = found["days"].as_array_mut() {
                    days.retain(|day| day["source"] == "data");
                }
                output.show(&found, |found| days(found, output))
            }
            Action::Create { name, base, file, replace } => create(client, output, (name, base, file), replace).await,
            Action::Import { name, file, dry_run } => import(client, output, &name, &file, dry_run).await,
            Action::Export { name, output: file } => {
                let found = client.json(Call::get(&["calendars", &name]), output).await?;
                let text = format!("{:#}\n", definition(found));
                match file {
                    None => super::answer(&text),
                    Some(path) => std::fs::write(&path, text).map_err(|error| unwritable(&path, &error)),
                }
            }
            Action::Versions { name } => {
                let all = client.json(Call::get(&["calendars", &name, "versions"]), output).await?;
                output.show(&all, |all| versions(all, output))
            }
            Action::Restore { name, version, dry_run, yes } => restore(client, output, &name, version, dry_run, yes).await,
            Action::Delete { name, yes } => {
                client.json(Call::get(&["calendars", &name]), output).await?;
                confirm(&output.fill("calendar.ask_delete", &[("name", &name)]), yes, output)?;
                client.send(Call::delete(&["calendars", &name]), output).await?;
                output.print_text("calendar.deleted", &[("name", &name)])
            }
        }
    }
}

type Source = (Option<String>, Option<String>, Option<PathBuf>);

async fn create(client: &ApiClient, output: &OutputOptions, (name, base, file): Source, replace: bool) -> Result<(), Failure> {
    let mut content = match &file {
        Some(path) => definition(Document::read(path)?.value().clone()),
        None => json!({}),
    };
    for (field, given) in [("name", name), ("base", base)] {
        if let Some(given) = given {
            content[field] = given.into();
        }
    }
    let name = text(&content["name"]).to_owned();
    if name.is_empty() {
        return Err(Failure::Usage(output.text("calendar.needs_name")));
    }
    let call = if replace { Call::put(&["calendars", &name]) } else { Call::post(&["calendars"]) };
    let saved = client.json(call.json(&content), output).await?;
    output.show(&saved, |_| output.line("calendar.saved", &[("name", &name)]))
}

async fn import(client: &ApiClient, output: &OutputOptions, name: &str, file: &Path, dry_run: bool) -> Result<(), Failure> {
    let text = read_value("calendar", Some(file.to_owned()))?;
    let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
    let kind = match ending.as_str() {
        "ics" | "ical" => "text/calendar",
        "csv" | "txt" => "text/csv",
        _ => "application/json",
    };
    let call = Call::post(&["calendars", name, "import"]).query("dry_run", dry_run).bytes(kind, text.into_bytes());
    let done = client.json(call, output).await?;
    output.show(&done, |done| {
        let (days, tasks) = (done["days"].to_string(), done["tasks"].as_array().map_or(0, Vec::len).to_string());
        let key = if dry_run { "calendar.would_import" } else { "calendar.imported" };
        firings(done, output) + &output.line(key, &[("name", name), ("days", &days), ("tasks", &tasks)])
    })
}

/// Shows the firings that change, then restores.
async fn restore(
    client: &ApiClient,
    output: &OutputOptions,
    name: &str,
    version: i64,
    dry_run: bool,
    yes: bool,
) -> Result<(), Failure> {
    let number = version.to_string();
    let call = |dry_run: bool| Call::post(&["calendars", name, "versions", &number, "restore"]).query("dry_run", dry_run);
    let planned = client.json(call(true), output).await?;
    let count = planned["tasks"].as_array().map_or(0, Vec::len).to_string();
    let values = [("name", name), ("version", number.as_str()), ("tasks", count.as_str())];
    if dry_run {
        return output.show(&planned, |planned| firings(planned, output) + &output.line("calendar.would_restore", &values));
    }
    if !yes {
        output.note(firings(&planned, output).trim_end());
    }
    confirm(&output.fill("calendar.ask_restore", &values), yes, output)?;
    let done = client.json(call(false), output).await?;
    output.show(&done, |_| output.line("calendar.restored", &values))
}

fn versions(all: &Value, output: &OutputOptions) -> String {
    let mut table = Table::new(&["version", "changed", "by", "days"]);
    for one in all.as_array().into_iter().flatten() {
        let days = if one["deleted"] == true { output.text("calendar.version_deleted") } else { one["dates"].to_string() };
        let cells = [one["version"].to_string(), timestamp(&one["at"]), text(&one["author"]).to_owned(), days];
        table.row(cells.into_iter().map(Cell::plain).collect());
    }
    table.draw(output)
}

/// The fields that a definition may have.
fn definition(mut calendar: Value) -> Value {
    const ANSWERED: [&str; 6] = ["built_in", "version", "used_by", "created_at", "updated_at", "updated_by"];
    if let Some(fields) = calendar.as_object_mut() {
        fields.retain(|name, value| !ANSWERED.contains(&name.as_str()) && !value.is_null());
    }
    calendar
}

fn list(all: &Value, output: &OutputOptions) -> String {
    let mut table = Table::new(&["name", "title", "base", "tasks", "changed", "by"]);
    for one in all.as_array().into_iter().flatten() {
        let used = one["used_by"].as_array().map_or(0, Vec::len);
        table.row(vec![
            Cell::plain(text(&one["name"])),
            Cell::plain(text(&one["title"])),
            Cell::plain(text(&one["base"])),
            Cell::plain(used.to_string()),
            Cell::plain(timestamp(&one["updated_at"])),
            Cell::plain(text(&one["updated_by"])),
        ]);
    }
    table.draw(output)
}

fn days(found: &Value, output: &OutputOptions) -> String {
    let mut table = Table::new(&["date", "day", "name", "source"]);
    for day in found["days"].as_array().into_iter().flatten() {
        let (key, tone) = if day["working"] == true { ("calendar.work", Tone::Good) } else { ("calendar.off", Tone::Faint) };
        table.row(vec![
            Cell::plain(text(&day["date"])),
            Cell::toned(output.text(key), tone),
            Cell::plain(text(&day["name"])),
            Cell::plain(output.text(&format!("calendar.{}", text(&day["source"])))),
        ]);
    }
    table.draw(output)
}

fn firings(done: &Value, output: &OutputOptions) -> String {
    let times = |task: &Value, field: &str| {
        let list = task[field].as_array().into_iter().flatten().map(timestamp);
        list.collect::<Vec<_>>().join(", ")
    };
    let line = |task: &Value| {
        let (before, after) = (times(task, "firings_before"), times(task, "firings_after"));
        output.line("calendar.firings", &[("task", text(&task["task_id"])), ("before", &before), ("after", &after)])
    };
    done["tasks"].as_array().into_iter().flatten().map(line).collect()
}
