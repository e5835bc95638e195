//! `belfry backfill`: runs scheduled times of the past on purpose.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Map, Value};

use super::Failure;
use super::call::{ApiClient, Call};
use super::connection_args::ConnectionArgs;
use super::input::confirm;
use super::output_options::{OutputOptions, text, timestamp};
use super::table::{Cell, Table, pairs};

/// Run scheduled times of the past on purpose, in order, a few at a time.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry backfill occurrences daily-report --from 2026-11-01 --to 2026-11-08
  belfry backfill start daily-report --from 2026-11-01 --to 2026-11-08 --only missing --concurrency 2
  belfry backfill start daily-report --time '2026-11-02 08:00' --time '2026-11-05 08:00'
  belfry backfill show 01KAHW3R80Z8Q1T3B1C6N5M9XA
  belfry backfill cancel 01KAHW3R80Z8Q1T3B1C6N5M9XA

Times are RFC 3339, or a date with or without a time in the task's zone. The end is exclusive.")]
pub(super) struct BackfillCommand {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(subcommand)]
    action: Action,
}

/// Which scheduled times are run.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Only {
    /// Those without a run.
    Missing,
    /// Those whose newest run failed.
    Failed,
    /// All, also those that succeeded.
    All,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the scheduled times of a span, with what became of each.
    Occurrences {
        /// The task's id.
        task: String,
        /// The start of the span; by default seven days ago.
        #[arg(long)]
        from: Option<String>,
        /// The end of the span; by default a day ahead.
        #[arg(long)]
        to: Option<String>,
        /// The most lines.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
    /// Choose scheduled times and run them.
    Start {
        /// The task's id.
        task: String,
        /// The start of the span.
        #[arg(long, required_unless_present = "times")]
        from: Option<String>,
        /// The end of the span.
        #[arg(long, required_unless_present = "times")]
        to: Option<String>,
        /// Which of them are run; by default those without a run.
        #[arg(long, value_enum, conflicts_with = "times")]
        only: Option<Only>,
        /// A scheduled time to run, whatever became of it; repeatable, instead of a span.
        #[arg(long = "time", value_name = "TIME")]
        times: Vec<String>,
        /// How many run at once, within the task's own limit.
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
        concurrency: u32,
        /// Do not ask for confirmation.
        #[arg(long, short)]
        yes: bool,
    },
    /// List the backfills of a task, newest first.
    #[command(visible_alias = "ls")]
    List {
        /// The task's id.
        task: String,
    },
    /// Show the progress of a backfill.
    Show {
        /// The backfill's id.
        id: String,
    },
    /// Cancel a backfill: no further run starts, running ones go on.
    Cancel {
        /// The backfill's id.
        id: String,
    },
}

impl BackfillCommand {
    pub(super) fn run(self) -> Result<(), Failure> {
        let BackfillCommand { connection, action } = self;
        connection.run(async |client, output| match action {
            Action::Occurrences { task, from, to, limit } => {
                let call = Call::get(&["tasks", &task, "occurrences"]).query_some("from", from.as_ref());
                let found = client.json(call.query_some("to", to.as_ref()).query("limit", limit), output).await?;
                output.show(&found, |found| occurrences(found, output))
            }
            Action::Start { task, from, to, only, times, concurrency, yes } => {
                let question = match (&from, &to) {
                    (Some(from), Some(to)) => output.fill("backfill.ask", &[("task", &task), ("from", from), ("to", to)]),
                    _ => output.fill("backfill.ask_times", &[("task", &task), ("times", &times.join(", "))]),
                };
                confirm(&question, yes, output)?;
                let only = only.and_then(|only| only.to_possible_value()).map(|value| value.get_name().to_owned());
                let mut body = Map::from_iter([("concurrency".to_owned(), Value::from(concurrency))]);
                let given = [("from", from), ("to", to), ("only", only)];
                body.extend(given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into()))));
                if !times.is_empty() {
                    body.insert("times".to_owned(), times.into());
                }
                start(&task, &Value::Object(body), client, output).await
            }
            Action::List { task } => {
                let found = client.json(Call::get(&["backfills"]).query("task_id", &task), output).await?;
                output.show(&found, |found| list(found, output))
            }
            Action::Show { id } => {
                let found = client.json(Call::get(&["backfills", &id]), output).await?;
                output.show(&found, |found| details(found, output))
            }
            Action::Cancel { id } => {
                let found = client.json(Call::post(&["backfills", &id, "cancel"]), output).await?;
                output.show(&found, |_| output.line("backfill.cancelled", &[("id", &id)]))
            }
        })
    }
}

async fn start(task: &str, body: &Value, client: &ApiClient, output: &OutputOptions) -> Result<(), Failure> {
    let started = client.json(Call::post(&["tasks", task, "backfill"]).json(body), output).await?;
    output.show(&started, |started| {
        output.line("backfill.started", &[("id", text(&started["id"])), ("planned", &started["planned"].to_string())])
    })
}

fn occurrences(found: &Value, output: &OutputOptions) -> String {
    let mut table = Table::new(&["scheduled", "status", "cause", "run", "reason"]);
    for one in found["items"].as_array().into_iter().flatten() {
        let status = output.text(&format!("status.{}", text(&one["status"])));
        let cause = one["cause"].as_str().map(|cause| output.text(&format!("cause.{cause}"))).unwrap_or_default();
        let cells = [timestamp(&one["scheduled_at"]), status, cause, text(&one["execution_id"]).to_owned()];
        let mut cells: Vec<Cell> = cells.into_iter().map(Cell::plain).collect();
        cells.push(Cell::plain(text(&one["reason"])));
        table.row(cells);
    }
    let more = match found["next"].as_str() {
        Some(_) => output.line("backfill.more", &[("next", &timestamp(&found["next"]))]),
        None => String::new(),
    };
    table.draw(output) + &more
}

fn list(found: &Value, output: &OutputOptions) -> String {
    let mut table = Table::new(&["id", "status", "span", "progress", "by"]);
    for one in found.as_array().into_iter().flatten() {
        let span = format!("{} – {}", timestamp(&one["from"]), timestamp(&one["to"]));
        let status = output.text(&format!("backfill.status.{}", text(&one["status"])));
        let cells = [text(&one["id"]).to_owned(), status, span, progress(one), text(&one["requested_by"]).to_owned()];
        table.row(cells.into_iter().map(Cell::plain).collect());
    }
    table.draw(output)
}

fn details(one: &Value, output: &OutputOptions) -> String {
    let runs = one["runs"].as_object().into_iter().flatten();
    let runs: Vec<String> = runs.map(|(status, count)| format!("{} {count}", output.text(&format!("status.{status}")))).collect();
    let rows = [
        ("task.id", text(&one["task_id"]).to_owned()),
        ("head.status", output.text(&format!("backfill.status.{}", text(&one["status"])))),
        ("head.span", format!("{} – {}", timestamp(&one["from"]), timestamp(&one["to"]))),
        ("head.progress", progress(one)),
        ("head.run", runs.join(", ")),
        ("head.by", text(&one["requested_by"]).to_owned()),
    ];
    let rows: Vec<(String, Cell)> = rows.into_iter().map(|(key, value)| (output.text(key), Cell::plain(value))).collect();
    pairs(&rows, output)
}

/// How many of the chosen occurrences have had their turn.
fn progress(one: &Value) -> String {
    let count = |name: &str| one[name].as_i64().unwrap_or_default();
    format!("{} / {}", count("planned") - count("waiting"), count("planned"))
}
