//! `belfry executions`: lists, shows, cancels and reruns executions.

use chrono::SecondsFormat;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::call::{ApiClient, Call};
use super::connection_args::ConnectionArgs;
use super::follow::{Follow, follow};
use super::output_options::{OutputOptions, Tone, text, timestamp};
use super::pages::{Limit, items, note_more};
use super::run::Waiting;
use super::run_inputs::InputFlags;
use super::table::{Cell, Table, pairs};
use super::task::flags::parse_span;
use super::task::params::ParamFlags;
use super::{Failure, answer, outcome};
use crate::clock::{Clock, SystemClock};
use crate::domain::yaml;

/// List, show, cancel and rerun runs.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry executions list --status failed,timed_out --since 2h
  belfry executions show 01KAHW3R80Z8Q1T3B1C6N5M9XA
  belfry executions output 01KAHW3R80Z8Q1T3B1C6N5M9XA --follow
  belfry executions cancel 01KAHW3R80Z8Q1T3B1C6N5M9XA
  belfry executions rerun 01KAHW3R80Z8Q1T3B1C6N5M9XA --wait")]
pub(super) struct Executions {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List runs, newest first.
    #[command(visible_alias = "ls")]
    List(List),
    /// Show a run: its result, attempts and parameters.
    Show {
        /// The execution's id.
        id: String,
    },
    /// Print the output of a run.
    Output {
        /// The execution's id.
        id: String,
        /// Only the output of this attempt.
        #[arg(long)]
        attempt: Option<u32>,
        /// Follow the output until the run ends; the exit status is that of the run.
        #[arg(long, short)]
        follow: bool,
    },
    /// Cancel runs: queued ones are removed at once, running ones are asked to stop.
    Cancel {
        /// The executions' ids.
        #[arg(required = true)]
        ids: Vec<String>,
    },
    /// Run again, with the same parameters or others.
    Rerun {
        /// The execution's id.
        id: String,
        #[command(flatten)]
        inputs: InputFlags,
        #[command(flatten)]
        params: ParamFlags,
        #[command(flatten)]
        waiting: Waiting,
    },
}

#[derive(Debug, Args)]
struct List {
    /// Only runs of this task.
    #[arg(long, value_name = "ID")]
    task: Option<String>,
    /// Only runs of tasks of this type.
    #[arg(long = "type", value_name = "TYPE")]
    task_type: Option<String>,
    /// Only runs with these statuses, such as failed,timed_out.
    #[arg(long)]
    status: Option<String>,
    /// Only runs with this cause: schedule, manual, catch_up, chain, api or hook.
    #[arg(long)]
    cause: Option<String>,
    /// Only runs started since this time: a span such as 2h, or a date with or without a time.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only runs started before this time, in the same forms.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Part of the id, the task's id, the parameters or the error.
    #[arg(long)]
    search: Option<String>,
    #[command(flatten)]
    limit: Limit,
}

impl Executions {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Executions { connection, action } = self;
        connection.run(async |client, output| match action {
            Action::List(list) => list.run(client, output).await,
            Action::Show { id } => show(&id, client, output).await,
            Action::Output { id, attempt, follow } => print_output(&id, attempt, follow, client, output).await,
            Action::Cancel { ids } => cancel(&ids, client, output).await,
            Action::Rerun { id, inputs, params, waiting } => rerun(&id, &inputs, &params, &waiting, client, output).await,
        })
    }
}

impl List {
    async fn run(self, client: &ApiClient, output: &OutputOptions) -> Result<(), Failure> {
        let call = Call::get(&["executions"])
            .query_some("task_id", self.task.as_ref())
            .query_some("task_type", self.task_type.as_ref())
            .query_some("status", self.status.as_ref())
            .query_some("cause", self.cause.as_ref())
            .query_some("from", self.since.as_deref().map(time_argument).as_ref())
            .query_some("to", self.until.as_deref().map(time_argument).as_ref())
            .query_some("search", self.search.as_ref());
        let list = self.limit.read(client, output, &call).await?;
        output.show(&list, |list| table(list, output))?;
        note_more(&list, output);
        Ok(())
    }
}

/// A time as the API takes it: a span is subtracted from now, everything else is passed on.
pub(super) fn time_argument(text: &str) -> String {
    let with_unit = text.ends_with(|c: char| c.is_ascii_alphabetic()) && text.starts_with(|c: char| c.is_ascii_digit());
    match parse_span(text).filter(|_| with_unit).and_then(chrono::Duration::try_seconds) {
        Some(span) => (SystemClock.now() - span).to_rfc3339_opts(SecondsFormat::Millis, true),
        None => text.to_owned(),
    }
}

/// Runs as a table.
pub(super) fn table(list: &Value, output: &OutputOptions) -> String {
    let runs = items(list);
    if runs.is_empty() {
        return output.line("execution.none", &[]);
    }
    let mut table = Table::new(&["id", "task", "status", "started", "took", "cause", "error"]);
    for run in runs {
        let took = run["duration_ms"].as_i64().map_or("–".to_owned(), |ms| output.language().duration(ms));
        table.row(vec![
            Cell::plain(text(&run["id"])),
            Cell::toned(text(&run["task_id"]), Tone::Strong),
            Cell::from(output.status(text(&run["status"]))),
            Cell::plain(timestamp(&run["started_at"])),
            Cell::plain(took),
            Cell::plain(output.text(&format!("cause.{}", text(&run["cause"])))),
            Cell::toned(text(&run["error"]), Tone::Faint),
        ]);
    }
    table.draw(output)
}

async fn show(id: &str, client: &ApiClient, output: &OutputOptions) -> Result<(), Failure> {
    let run = client.json(Call::get(&["executions", id]), output).await?;
    output.show(&run, |run| details(run, output))
}

fn details(run: &Value, output: &OutputOptions) -> String {
    let mut rows: Vec<(String, Cell)> = Vec::new();
    let mut row = |key: &str, cell: Cell| rows.push((output.text(&format!("execution.{key}")), cell));
    row("id", Cell::toned(text(&run["id"]), Tone::Strong));
    row("task", Cell::plain(format!("{} ({})", text(&run["task_id"]), text(&run["task_type"]))));
    row("status", Cell::from(output.status(text(&run["status"]))));
    row("cause", Cell::plain(output.text(&format!("cause.{}", text(&run["cause"])))));
    for key in ["scheduled_at", "started_at", "finished_at", "retry_at"] {
        if run[key].is_string() {
            row(key, Cell::plain(timestamp(&run[key])));
        }
    }
    for key in ["duration_ms", "lateness_ms"] {
        if let Some(ms) = run[key].as_i64() {
            row(key, Cell::plain(output.language().duration(ms)));
        }
    }
    for key in ["node", "requested_by", "error"] {
        if run[key].is_string() {
            row(key, Cell::plain(text(&run[key])));
        }
    }
    row("attempt", Cell::plain(run["attempt"].to_string()));
    let mut out = pairs(&rows, output);
    for (key, field) in [("params", "params"), ("result", "result")] {
        if !run[field].is_null() && run[field] != json!({}) {
            let body: String = yaml::write(&run[field]).lines().map(|line| format!("  {line}\n")).collect();
            out.push_str(&format!("{}\n{body}", output.paint(Tone::Faint, &output.text(&format!("execution.{key}")))));
        }
    }
    if !text(&run["output"]).is_empty() {
        out.push_str(&format!("{}\n{}", output.paint(Tone::Faint, &output.text("execution.output")), text(&run["output"])));
    }
    out
}

async fn print_output(
    id: &str,
    attempt: Option<u32>,
    keep_following: bool,
    client: &ApiClient,
    output: &OutputOptions,
) -> Result<(), Failure> {
    if !keep_following {
        let call = Call::get(&["executions", id, "output"]).query_some("attempt", attempt.as_ref());
        return answer(&client.send(call, output).await?.text());
    }
    let ended = follow(id, &Follow { output: true, attempt, limit: None }, client, output).await?;
    output.note(outcome::line(&ended, output).trim_end());
    outcome::status(&ended)
}

async fn cancel(ids: &[String], client: &ApiClient, output: &OutputOptions) -> Result<(), Failure> {
    for id in ids {
        let run = client.json(Call::post(&["executions", id, "cancel"]), output).await?;
        let key = if text(&run["status"]) == "cancelled" { "execution.cancelled" } else { "execution.cancelling" };
        output.show(&run, |_| output.line(key, &[("id", id)]))?;
    }
    Ok(())
}

async fn rerun(
    id: &str,
    inputs: &InputFlags,
    params: &ParamFlags,
    waiting: &Waiting,
    client: &ApiClient,
    output: &OutputOptions,
) -> Result<(), Failure> {
    let mut body = json!({});
    if !params.is_empty() || !inputs.is_empty() {
        let former = client.json(Call::get(&["executions", id]), output).await?;
        if !params.is_empty() {
            body["params"] = params.read(text(&former["task_type"]), client, output).await?;
        }
        if !inputs.is_empty() {
            let task = client.json(Call::get(&["tasks", text(&former["task_id"])]), output).await?;
            body["inputs"] = inputs.read(&task)?;
        }
    }
    let run = client.json(Call::post(&["executions", id, "rerun"]).json(&body), output).await?;
    waiting.read_more(&run, client, output).await
}
