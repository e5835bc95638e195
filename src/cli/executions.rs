//! `belfry executions`: what ran, runs and will run.

use chrono::SecondsFormat;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::call::{Call, Caller};
use super::follow::{Follow, follow};
use super::look::{Look, Tone, instant, text};
use super::pages::{Limit, items, note_more};
use super::reach::Reach;
use super::run::Waiting;
use super::table::{Cell, Table, pairs};
use super::task::ParamFlags;
use super::{Failure, answer, outcome};
use crate::clock::{Clock, SystemClock};
use crate::domain::yaml;

/// List, show, cancel and repeat runs.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry executions list --status failed,timed_out --since 2h
  belfry executions show 01KAHW3R80Z8Q1T3B1C6N5M9XA
  belfry executions output 01KAHW3R80Z8Q1T3B1C6N5M9XA --follow
  belfry executions cancel 01KAHW3R80Z8Q1T3B1C6N5M9XA
  belfry executions rerun 01KAHW3R80Z8Q1T3B1C6N5M9XA --wait")]
pub(super) struct Executions {
    #[command(flatten)]
    reach: Reach,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List runs, newest first.
    #[command(visible_alias = "ls")]
    List(List),
    /// Show a run: its result, its attempts, its parameters.
    Show {
        /// The execution's id.
        id: String,
    },
    /// Print what a run wrote.
    Output {
        /// The execution's id.
        id: String,
        /// Only what this attempt wrote.
        #[arg(long)]
        attempt: Option<u32>,
        /// Go on until the run ends, and end with what it came to.
        #[arg(long, short)]
        follow: bool,
    },
    /// Cancel runs: what waits goes at once, what runs is asked to end.
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
    /// Only runs that exist for this reason: schedule, manual, catch_up, chain or api.
    #[arg(long)]
    cause: Option<String>,
    /// Only runs started since: a span such as 2h, or a date with or without a time.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only runs started before, in the same forms.
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
        let Executions { reach, action } = self;
        reach.run(async |caller, look| match action {
            Action::List(list) => list.run(caller, look).await,
            Action::Show { id } => show(&id, caller, look).await,
            Action::Output { id, attempt, follow } => output(&id, attempt, follow, caller, look).await,
            Action::Cancel { ids } => cancel(&ids, caller, look).await,
            Action::Rerun { id, params, waiting } => rerun(&id, &params, &waiting, caller, look).await,
        })
    }
}

impl List {
    async fn run(self, caller: &Caller, look: &Look) -> Result<(), Failure> {
        let call = Call::get(&["executions"])
            .query_some("task_id", self.task.as_ref())
            .query_some("task_type", self.task_type.as_ref())
            .query_some("status", self.status.as_ref())
            .query_some("cause", self.cause.as_ref())
            .query_some("from", self.since.as_deref().map(moment).as_ref())
            .query_some("to", self.until.as_deref().map(moment).as_ref())
            .query_some("search", self.search.as_ref());
        let list = self.limit.read(caller, look, &call).await?;
        look.show(&list, |list| table(list, look))?;
        note_more(&list, look);
        Ok(())
    }
}

/// A time as the API takes it: a span counts back from now, all else is passed on.
pub(super) fn moment(text: &str) -> String {
    let with_unit = text.ends_with(|c: char| c.is_ascii_alphabetic()) && text.starts_with(|c: char| c.is_ascii_digit());
    match super::task::parse_span(text).filter(|_| with_unit).and_then(chrono::Duration::try_seconds) {
        Some(span) => (SystemClock.now() - span).to_rfc3339_opts(SecondsFormat::Millis, true),
        None => text.to_owned(),
    }
}

/// Runs as a table.
pub(super) fn table(list: &Value, look: &Look) -> String {
    let runs = items(list);
    if runs.is_empty() {
        return look.line("execution.none", &[]);
    }
    let mut table = Table::new(&["id", "task", "status", "started", "took", "cause", "error"]);
    for run in runs {
        let took = run["duration_ms"].as_i64().map_or("–".to_owned(), |ms| look.language().duration(ms));
        table.row(vec![
            Cell::of(text(&run["id"])),
            Cell::toned(text(&run["task_id"]), Tone::Strong),
            Cell::from(look.status(text(&run["status"]))),
            Cell::of(instant(&run["started_at"])),
            Cell::of(took),
            Cell::of(look.text(&format!("cause.{}", text(&run["cause"])))),
            Cell::toned(text(&run["error"]), Tone::Faint),
        ]);
    }
    table.draw(look)
}

async fn show(id: &str, caller: &Caller, look: &Look) -> Result<(), Failure> {
    let run = caller.json(Call::get(&["executions", id]), look).await?;
    look.show(&run, |run| told(run, look))
}

fn told(run: &Value, look: &Look) -> String {
    let mut rows: Vec<(String, Cell)> = Vec::new();
    let mut row = |key: &str, cell: Cell| rows.push((look.text(&format!("execution.{key}")), cell));
    row("id", Cell::toned(text(&run["id"]), Tone::Strong));
    row("task", Cell::of(format!("{} ({})", text(&run["task_id"]), text(&run["task_type"]))));
    row("status", Cell::from(look.status(text(&run["status"]))));
    row("cause", Cell::of(look.text(&format!("cause.{}", text(&run["cause"])))));
    for key in ["scheduled_at", "started_at", "finished_at", "retry_at"] {
        if run[key].is_string() {
            row(key, Cell::of(instant(&run[key])));
        }
    }
    for key in ["duration_ms", "lateness_ms"] {
        if let Some(ms) = run[key].as_i64() {
            row(key, Cell::of(look.language().duration(ms)));
        }
    }
    for key in ["node", "requested_by", "error"] {
        if run[key].is_string() {
            row(key, Cell::of(text(&run[key])));
        }
    }
    row("attempt", Cell::of(run["attempt"].to_string()));
    let mut told = pairs(&rows, look);
    for (key, field) in [("params", "params"), ("result", "result")] {
        if !run[field].is_null() && run[field] != json!({}) {
            let body: String = yaml::write(&run[field]).lines().map(|line| format!("  {line}\n")).collect();
            told.push_str(&format!("{}\n{body}", look.paint(Tone::Faint, &look.text(&format!("execution.{key}")))));
        }
    }
    if !text(&run["output"]).is_empty() {
        told.push_str(&format!("{}\n{}", look.paint(Tone::Faint, &look.text("execution.output")), text(&run["output"])));
    }
    told
}

async fn output(id: &str, attempt: Option<u32>, goes_on: bool, caller: &Caller, look: &Look) -> Result<(), Failure> {
    if !goes_on {
        let call = Call::get(&["executions", id, "output"]).query_some("attempt", attempt.as_ref());
        return answer(&caller.send(call, look).await?.text());
    }
    let ended = follow(id, &Follow { output: true, attempt, limit: None }, caller, look).await?;
    look.note(outcome::line(&ended, look).trim_end());
    outcome::status(&ended)
}

async fn cancel(ids: &[String], caller: &Caller, look: &Look) -> Result<(), Failure> {
    for id in ids {
        let run = caller.json(Call::post(&["executions", id, "cancel"]), look).await?;
        let said = if text(&run["status"]) == "cancelled" { "execution.cancelled" } else { "execution.cancelling" };
        look.show(&run, |_| look.line(said, &[("id", id)]))?;
    }
    Ok(())
}

async fn rerun(id: &str, params: &ParamFlags, waiting: &Waiting, caller: &Caller, look: &Look) -> Result<(), Failure> {
    let mut body = json!({});
    if !params.is_empty() {
        let former = caller.json(Call::get(&["executions", id]), look).await?;
        body["params"] = params.read(text(&former["task_type"]), caller, look).await?;
    }
    let run = caller.json(Call::post(&["executions", id, "rerun"]).json(&body), look).await?;
    waiting.go_on(&run, caller, look).await
}
