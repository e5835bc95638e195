//! Logs: lines for people on the error stream (the output stream belongs to what a command answers), and the same in
//! `scheduler.log` of the data folder. Writing to the file happens on a thread of its own.

mod one_line;
mod rolling;

use std::io::IsTerminal;
use std::path::Path;

use chrono_tz::Tz;
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::{DefaultFields, Writer};
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, registry};

use crate::clock::SharedClock;
use crate::config::{Log, LogFormat};
use one_line::OneLine;
pub use rolling::RollingFile;

/// The log's name in the data folder.
pub const LOG_FILE: &str = "scheduler.log";
/// Crates that tell more than an operator wants to know, unless `RUST_LOG` asks for it.
const NOISY: [&str; 12] = [
    "apalis",
    "apalis_core",
    "apalis_cron",
    "apalis_postgres",
    "apalis_sqlite",
    "h2",
    "hyper",
    "hyper_util",
    "poem",
    "reqwest",
    "rustls",
    "sqlx",
];

/// Keeps the logs going; dropping it writes what is still waiting.
#[must_use]
pub struct Logs {
    _writers: Vec<WorkerGuard>,
}

/// What logs are to be like.
pub struct Setup<'a> {
    pub log: &'a Log,
    /// Holds `scheduler.log`.
    pub folder: &'a Path,
    /// `RUST_LOG`, if it was given.
    pub rules: Option<String>,
    /// Whether lines go to the error stream too.
    pub console: bool,
    pub clock: SharedClock,
    /// The zone in which times are written.
    pub zone: Tz,
}

/// Why there can be no logs, in one line.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    #[error("cannot write the log {path}: {reason}")]
    File { path: String, reason: String },
    #[error("RUST_LOG: {0}; use rules such as info,belfry=debug")]
    Rules(String),
    #[error("logs were started already in this process")]
    Started,
}

/// Starts the logs of this process. Lines are written by threads of their own: work never waits for a slow terminal, and
/// for a slow disk only when more lines wait than a burst writes (waiting then beats losing the record of what was done).
///
/// # Errors
/// Where the file cannot be written or the rules do not read.
pub fn start(setup: Setup<'_>) -> Result<Logs, TelemetryError> {
    let filter = filter(setup.log, setup.rules.as_deref())?;
    let path = setup.folder.join(LOG_FILE);
    let file = RollingFile::open(path.clone(), setup.log.file_max_bytes, setup.log.keep)
        .map_err(|error| TelemetryError::File { path: path.display().to_string(), reason: crate::config::reason(&error) })?;
    let (file, file_guard) = NonBlockingBuilder::default().lossy(false).thread_name("log-file").finish(file);
    let (terminal, terminal_guard) = NonBlockingBuilder::default().thread_name("log-console").finish(std::io::stderr());
    let time = Time { clock: setup.clock, zone: setup.zone };
    let mut layers = vec![to_file(setup.log.format, time.clone(), file)];
    if setup.console {
        layers.push(console(setup.log.format, time, terminal));
    }
    let all = registry().with(layers.with_filter(filter));
    tracing::subscriber::set_global_default(all).map_err(|_| TelemetryError::Started)?;
    std::panic::set_hook(Box::new(|panic| tracing::error!("{panic}")));
    Ok(Logs { _writers: vec![file_guard, terminal_guard] })
}

fn filter(log: &Log, rules: Option<&str>) -> Result<EnvFilter, TelemetryError> {
    match rules.filter(|rules| !rules.is_empty()) {
        Some(rules) => EnvFilter::try_new(rules).map_err(|error| TelemetryError::Rules(error.to_string())),
        None => Ok(EnvFilter::new(default_rules(&log.level))),
    }
}

/// The level for Belfry itself; warnings, or what is quieter, of the noisy.
fn default_rules(level: &str) -> String {
    let of_others = if level == "error" { "error" } else { "warn" };
    NOISY.iter().fold(level.to_owned(), |rules, name| format!("{rules},{name}={of_others}"))
}

type Boxed = Box<dyn Layer<Registry> + Send + Sync>;

fn console(format: LogFormat, time: Time, terminal: NonBlocking) -> Boxed {
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let layer = fmt::layer().with_writer(terminal).with_ansi(colours);
    match format {
        LogFormat::Text => {
            let lines = OneLine(fmt::format().with_timer(time).with_ansi(colours).with_target(false));
            layer.event_format(lines).boxed()
        }
        LogFormat::Json => layer.with_timer(time).json().flatten_event(true).boxed(),
    }
}

fn to_file(format: LogFormat, time: Time, file: NonBlocking) -> Boxed {
    let layer = fmt::layer().with_writer(file).with_ansi(false);
    match format {
        LogFormat::Text => {
            let lines = OneLine(fmt::format().with_timer(time).with_ansi(false));
            layer.event_format(lines).fmt_fields(PlainFields(DefaultFields::new())).boxed()
        }
        LogFormat::Json => layer.with_timer(time).json().flatten_event(true).boxed(),
    }
}

/// Layers share the text of a span's fields by the type that wrote it; one of its own keeps a terminal's colours out of the file.
struct PlainFields(DefaultFields);

impl<'w> FormatFields<'w> for PlainFields {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'w>, fields: R) -> std::fmt::Result {
        self.0.format_fields(writer, fields)
    }
}

/// Writes the clock's time in the server's zone.
#[derive(Clone)]
struct Time {
    clock: SharedClock,
    zone: Tz,
}

impl FormatTime for Time {
    fn format_time(&self, writer: &mut Writer<'_>) -> std::fmt::Result {
        write!(writer, "{}", self.clock.now().with_timezone(&self.zone).format("%Y-%m-%d %H:%M:%S%.3f%:z"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(level: &str) -> Log {
        Log { level: level.into(), format: LogFormat::Text, file_max_bytes: 1, keep: 0 }
    }

    #[test]
    fn the_noisy_are_quiet_unless_rules_say_otherwise() {
        let rules = filter(&log("debug"), None).expect("default rules read").to_string();
        assert!(rules.contains("sqlx=warn") && rules.contains("debug"), "{rules}");
        let rules = filter(&log("debug"), Some("sqlx=trace")).expect("reads").to_string();
        assert_eq!(rules, "sqlx=trace");
    }

    #[test]
    fn rules_that_do_not_read_are_refused() {
        let refused = filter(&log("info"), Some("belfry=loud")).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(refused.starts_with("RUST_LOG: "), "{refused}");
    }
}
