//! `belfry bench`: measures this machine with the real components, on temporary databases and the real clock.

mod alarms;
mod burst;
mod http;
mod list;
mod machine;
mod pages;
mod report;
mod rig;
mod steady;
mod store;

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::{Failure, answer};
use crate::clock::SystemClock;
use crate::config::Settings;
use crate::telemetry::{self, Setup};
use report::Report;
use rig::DataLocation;

/// Measure this machine: how late runs start, the throughput, and the resources used.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry bench                      all benchmarks; takes some minutes
  belfry bench burst steady         only these two
  belfry bench --json > bench.json
  belfry bench --postgres postgres://postgres@127.0.0.1:5432/postgres

Use a release build on an idle machine. Files are written to the temporary folder (TMPDIR), on PostgreSQL to temporary databases;
both are removed at the end.")]
pub(super) struct Bench {
    /// The benchmarks to run; by default all.
    #[arg(value_enum)]
    only: Vec<Kind>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Measure on this PostgreSQL server instead of SQLite; the account must be allowed to create databases.
    #[arg(long, value_name = "URL")]
    postgres: Option<String>,
    /// Tasks of the burst, due at the same time.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = at_least_one())]
    burst: u32,
    /// Tasks that run every second.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = at_least_one())]
    steady: u32,
    /// Duration in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 20, value_parser = at_least_one())]
    seconds: u32,
    /// Tasks in the database of the store benchmark.
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = at_least_one())]
    store: u32,
    /// Executions in the database of the list benchmark.
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = at_least_one())]
    list: u32,
    /// Tasks in the database of the pages benchmark.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(8..=1_000_000))]
    tasks: u32,
    /// Failures of the alarm benchmark, ten a second.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    alarms: u32,
    /// Fill this folder with the data of the pages benchmark, for measurements by other programs, and measure nothing.
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["postgres", "json"])]
    fill: Option<PathBuf>,
}

/// A benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// One task each second on an idle server.
    One,
    /// Many tasks due at the same time.
    Burst,
    /// Many tasks each second, all on the second and spread over it.
    Steady,
    /// Many tasks that are not due.
    Store,
    /// Pages of a long history.
    List,
    /// Every page, and list requests per second, over sockets.
    Pages,
    /// The delay of alarms, and what rules cost a burst.
    Alarms,
}

fn at_least_one() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(1..=10_000_000)
}

/// Why a benchmark failed.
type Fault = Box<dyn std::error::Error + Send + Sync>;

impl Bench {
    pub(super) fn run(self) -> Result<(), Failure> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::failed)?;
        if let Some(folder) = &self.fill {
            return runtime.block_on(pages::fill_folder(folder, self.tasks, self.list)).map_err(Failure::failed);
        }
        let report = runtime.block_on(async {
            tokio::select! {
                report = self.measure() => report.map_err(Failure::failed),
                _ = tokio::signal::ctrl_c() => Err(Failure::failed("interrupted")),
            }
        })?;
        answer(&if self.json { report.json().map_err(Failure::failed)? } else { report.table() })
    }

    async fn measure(&self) -> Result<Report, Fault> {
        let location = DataLocation::new(self.postgres.clone())?;
        let _logs = start_logs(&location)?;
        let mut report = Report::new(self.postgres.is_some());
        if self.wants(Kind::One) {
            progress(&format!("one: one task each second for {} s", self.seconds));
            report.one = Some(steady::measure(&location, 1, self.seconds, false).await?);
        }
        if self.wants(Kind::Burst) {
            progress(&format!("burst: {} tasks due at the same time", self.burst));
            report.burst = Some(burst::measure(&location, self.burst).await?);
        }
        if self.wants(Kind::Steady) {
            progress(&format!("steady: {} tasks each second for {} s, twice", self.steady, self.seconds));
            report.steady_boundary = Some(steady::measure(&location, self.steady, self.seconds, false).await?);
            report.steady_spread = Some(steady::measure(&location, self.steady, self.seconds, true).await?);
        }
        if self.wants(Kind::Store) {
            progress(&format!("store: {} tasks, none due", self.store));
            report.store = Some(store::measure(&location, self.store).await?);
        }
        if self.wants(Kind::List) {
            progress(&format!("list: pages of {} executions", self.list));
            report.list = Some(list::measure(&location, self.list).await?);
        }
        if self.wants(Kind::Pages) {
            progress(&format!("pages: every page with {} tasks and {} executions", self.tasks, self.list));
            let each = f64::from(self.seconds) / 10.0;
            report.pages = Some(pages::measure(&location, self.tasks, self.list, each).await?);
        }
        if self.wants(Kind::Alarms) {
            progress(&format!("alarms: {} failures sent to a webhook", self.alarms));
            report.alarms = Some(alarms::measure(&location, self.alarms, self.burst).await?);
        }
        Ok(report)
    }

    fn wants(&self, kind: Kind) -> bool {
        self.only.is_empty() || self.only.contains(&kind)
    }
}

/// Logs to a file, as a server does; the console is for the results.
fn start_logs(location: &DataLocation) -> Result<telemetry::Logs, Fault> {
    let settings = Settings::default();
    Ok(telemetry::start(Setup {
        log: &settings.log,
        folder: location.folder(),
        rules: std::env::var("RUST_LOG").ok(),
        console: false,
        clock: Arc::new(SystemClock),
        zone: settings.server.zone,
    })?)
}

fn progress(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}"); // nowhere else to report it
}
