//! Logging: to standard error and to `scheduler.log` in the data folder. Standard output is left to the output of commands.

mod background;
mod one_line;
mod rolling;

use std::io::IsTerminal;
use std::path::Path;

use chrono_tz::Tz;
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::{DefaultFields, Writer};
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, registry};

use crate::clock::SharedClock;
use crate::config::{Log, LogFormat};
use crate::i18n::{Message, message};
use background::{Guard, Lines, WhenFull};
use one_line::OneLine;
pub use rolling::RollingFile;

/// The name of the log file in the data folder.
pub const LOG_FILE: &str = "scheduler.log";
/// Crates whose debug and info lines are hidden unless `RUST_LOG` enables them.
const NOISY: [&str; 10] =
    ["apalis", "apalis_core", "apalis_cron", "h2", "hyper", "hyper_util", "poem", "reqwest", "rustls", "sqlx"];

/// Keeps the log writers running; dropping it flushes them.
#[must_use]
pub struct Logs {
    _writers: Vec<Guard>,
}

/// The options of the logs.
pub struct Setup<'a> {
    pub log: &'a Log,
    /// The folder of `scheduler.log`.
    pub folder: &'a Path,
    /// The value of `RUST_LOG`, if set.
    pub rules: Option<String>,
    /// Whether lines go to standard error too.
    pub console: bool,
    pub clock: SharedClock,
    /// The time zone of the timestamps.
    pub zone: Tz,
}

/// Why logging cannot start.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The log file, or the thread that writes it.
    #[error("{0}")]
    File(Message),
    /// The rules in `RUST_LOG`.
    #[error("{0}")]
    Rules(Message),
    #[error("{0}")]
    Started(Message),
}

impl TelemetryError {
    /// What to tell the user.
    #[must_use]
    pub fn message(&self) -> Message {
        let (Self::File(message) | Self::Rules(message) | Self::Started(message)) = self;
        message.clone()
    }
}

/// Starts logging in this process. Background threads write the lines: a slow terminal loses lines instead of delaying work; a
/// slow disk delays work when the buffer is full, so that the file is complete.
///
/// # Errors
/// The file cannot be written, the rules are invalid, or logging was already started.
pub fn start(setup: Setup<'_>) -> Result<Logs, TelemetryError> {
    let filter = filter(setup.log, setup.rules.as_deref())?;
    let path = setup.folder.join(LOG_FILE);
    let file = RollingFile::open(path.clone(), setup.log.file_max_bytes, setup.log.keep).map_err(|error| {
        let (path, reason) = (path.display().to_string(), crate::config::reason(&error));
        TelemetryError::File(message!("start.log_file", path, reason))
    })?;
    let no_thread = |error: std::io::Error| TelemetryError::File(message!("start.log_thread", error = error.to_string()));
    let (file, file_guard) = background::start("log-file", file, WhenFull::Wait).map_err(no_thread)?;
    let (terminal, terminal_guard) = background::start("log-console", std::io::stderr(), WhenFull::Drop).map_err(no_thread)?;
    let time = Time { clock: setup.clock, zone: setup.zone };
    let mut layers = vec![to_file(setup.log.format, time.clone(), file)];
    if setup.console {
        layers.push(console(setup.log.format, time, terminal));
    }
    let all = registry().with(layers.with_filter(filter));
    tracing::subscriber::set_global_default(all).map_err(|_| TelemetryError::Started(message!("start.log_started")))?;
    std::panic::set_hook(Box::new(|panic| tracing::error!("{panic}")));
    Ok(Logs { _writers: vec![file_guard, terminal_guard] })
}

fn filter(log: &Log, rules: Option<&str>) -> Result<EnvFilter, TelemetryError> {
    match rules.filter(|rules| !rules.is_empty()) {
        Some(rules) => EnvFilter::try_new(rules)
            .map_err(|error| TelemetryError::Rules(message!("start.log_rules", error = error.to_string()))),
        None => Ok(EnvFilter::new(default_rules(&log.level))),
    }
}

/// The given level for Belfry; `warn`, or `error` if the level is that, for the noisy crates.
fn default_rules(level: &str) -> String {
    let noisy_level = if level == "error" { "error" } else { "warn" };
    NOISY.iter().fold(level.to_owned(), |rules, name| format!("{rules},{name}={noisy_level}"))
}

type Boxed = Box<dyn Layer<Registry> + Send + Sync>;

fn console(format: LogFormat, time: Time, terminal: Lines) -> Boxed {
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

fn to_file(format: LogFormat, time: Time, file: Lines) -> Boxed {
    let layer = fmt::layer().with_writer(file).with_ansi(false);
    match format {
        LogFormat::Text => {
            let lines = OneLine(fmt::format().with_timer(time).with_ansi(false));
            layer.event_format(lines).fmt_fields(PlainFields(DefaultFields::new())).boxed()
        }
        LogFormat::Json => layer.with_timer(time).json().flatten_event(true).boxed(),
    }
}

/// Field formatting for the file. Layers with the same formatter type share a span's formatted fields; a separate type keeps the
/// terminal's colours out of the file.
struct PlainFields(DefaultFields);

impl<'w> FormatFields<'w> for PlainFields {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'w>, fields: R) -> std::fmt::Result {
        self.0.format_fields(writer, fields)
    }
}

/// Writes the time of the clock in the configured zone.
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
    fn filter_quiets_noisy_crates_unless_rules_are_set() {
        let rules = filter(&log("debug"), None).expect("valid default rules").to_string();
        assert!(rules.contains("sqlx=warn") && rules.contains("debug"), "{rules}");
        let rules = filter(&log("debug"), Some("sqlx=trace")).expect("valid rules").to_string();
        assert_eq!(rules, "sqlx=trace");
    }

    #[test]
    fn filter_rejects_invalid_rules() {
        let error = filter(&log("info"), Some("belfry=loud")).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.starts_with("RUST_LOG: "), "{error}");
    }
}
