//! Parameters of `query_log`.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use encoding_rs::Encoding;
use regex::{Regex, RegexBuilder};
use serde::Deserialize;
use serde_json::Value;

use super::condition::{Condition, Metric};
use super::log_time::TimeFormat;
use crate::domain::execution::Status;
use crate::domain::fault::Fault;
use crate::domain::input::truncate;
use crate::domain::trigger::{parse_timestamp, parse_zone};
use crate::i18n::message;
use crate::tasks::process::command;
use crate::tasks::unreadable;

/// Default of `limit`.
pub(super) const DEFAULT_LIMIT: usize = 100;
/// Maximum of `limit`.
pub(super) const LIMIT_MAX: usize = 500;
/// Maximum length of a text, with room for a template.
pub(super) const TEXT_MAX: u32 = 1_000;
/// Maximum size of a compiled pattern, in bytes.
const PATTERN_MAX: usize = 1 << 20;
/// Default of `path`: Belfry's own log.
pub(super) const OWN_LOG: &str = "scheduler.log";

/// The parsed parameters.
#[derive(Debug)]
pub(super) struct Params {
    pub source: Source,
    pub task_id: Option<String>,
    pub task_type: Option<String>,
    /// Executions with any of these; empty: all.
    pub statuses: Vec<Status>,
    /// Inclusive.
    pub from: Option<DateTime<Utc>>,
    /// Exclusive.
    pub to: Option<DateTime<Utc>>,
    pub pattern: Option<Regex>,
    pub path: String,
    /// The zone of times without an offset in the lines; the server's if absent.
    pub timezone: Option<Tz>,
    pub time_format: Option<TimeFormat>,
    pub encoding: Option<&'static Encoding>,
    /// Maximum number of matches in the result; all matches are counted.
    pub limit: usize,
    pub fail_if: Option<Condition>,
    pub email_to: Vec<String>,
    pub smtp: Option<String>,
}

/// The log to search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Source {
    #[default]
    Executions,
    File,
}

/// The parameters as given.
#[derive(Debug, Deserialize)]
struct Raw {
    #[serde(default)]
    source: Source,
    task_id: Option<String>,
    task_type: Option<String>,
    status: Option<Value>,
    since: Option<String>,
    from: Option<String>,
    to: Option<String>,
    pattern: Option<String>,
    path: Option<String>,
    timezone: Option<String>,
    time_format: Option<String>,
    encoding: Option<String>,
    limit: Option<usize>,
    fail_if: Option<String>,
    #[serde(default)]
    email_to: Vec<String>,
    smtp: Option<String>,
}

impl Params {
    /// Parses parameters that match the schema; times without a zone are in `zone`. The error lists the faults that the schema
    /// cannot express.
    pub fn read(params: &Value, now: DateTime<Utc>, zone: Tz) -> Result<Params, Vec<Fault>> {
        let raw: Raw = serde_json::from_value(params.clone()).map_err(|error| unreadable(&error))?;
        let mut faults = misplaced(&raw);
        let mut note = |fault: Fault| faults.push(fault);
        let time = |name: &str, text: &Option<String>| {
            let read = text.as_deref().map(|text| parse_timestamp(text, zone)).transpose();
            read.map_err(|message| Fault::new(format!("/{name}"), message.of(name)))
        };
        let from = time("from", &raw.from).map_err(&mut note).ok().flatten();
        let to = time("to", &raw.to).map_err(&mut note).ok().flatten();
        let since = raw.since.as_deref().map(|text| since(text, now)).transpose().map_err(&mut note).ok().flatten();
        let pattern = raw.pattern.as_deref().map(pattern).transpose().map_err(&mut note).ok().flatten();
        let statuses = raw.status.as_ref().map_or(Ok(Vec::new()), statuses).map_err(&mut note).unwrap_or_default();
        let timezone = raw.timezone.as_deref().map(timezone).transpose().map_err(&mut note).ok().flatten();
        let time_format = raw.time_format.as_deref().map(time_format).transpose().map_err(&mut note).ok().flatten();
        let encoding = command::encoding(raw.encoding.as_deref()).map_err(&mut note).ok().flatten();
        let fail_if = raw.fail_if.as_deref().map(Condition::parse).transpose();
        let fail_if = fail_if.map_err(|message| note(Fault::new("/fail_if", message))).ok().flatten();
        if raw.source == Source::File && fail_if.is_some_and(|condition| condition.metric != Metric::Count) {
            note(Fault::new("/fail_if", message!("log.file_counts_only").of("fail_if")));
        }
        if from.zip(to).is_some_and(|(from, to)| from >= to) {
            note(Fault::new("/to", message!("log.to_before_from").of("to")));
        }
        match faults.is_empty() {
            false => Err(faults),
            true => Ok(Params {
                source: raw.source,
                task_id: raw.task_id,
                task_type: raw.task_type,
                statuses,
                from: from.or(since),
                to,
                pattern,
                path: raw.path.unwrap_or_else(|| OWN_LOG.to_owned()),
                timezone,
                time_format,
                encoding,
                limit: raw.limit.unwrap_or(DEFAULT_LIMIT).min(LIMIT_MAX),
                fail_if,
                email_to: raw.email_to,
                smtp: raw.smtp,
            }),
        }
    }

    /// Whether a time is within `from` and `to`.
    pub fn is_within(&self, at: DateTime<Utc>) -> bool {
        self.from.is_none_or(|from| at >= from) && self.to.is_none_or(|to| at < to)
    }
}

/// Parameters that are not allowed with the source or with each other.
fn misplaced(raw: &Raw) -> Vec<Fault> {
    let execution_params =
        [("task_id", raw.task_id.is_some()), ("task_type", raw.task_type.is_some()), ("status", raw.status.is_some())];
    let file_params = [
        ("path", raw.path.is_some()),
        ("timezone", raw.timezone.is_some()),
        ("time_format", raw.time_format.is_some()),
        ("encoding", raw.encoding.is_some()),
    ];
    let (foreign, source): (&[(&str, bool)], &str) = match raw.source {
        Source::File => (&execution_params, "executions"),
        Source::Executions => (&file_params, "file"),
    };
    let given = foreign.iter().filter(|(_, given)| *given);
    let mut faults: Vec<Fault> =
        given.map(|(name, _)| Fault::new(format!("/{name}"), message!("log.only_with_source", source).of(*name))).collect();
    if raw.since.is_some() && raw.from.is_some() {
        faults.push(Fault::new("/since", message!("log.since_and_from").of("since")));
    }
    if raw.smtp.is_some() && raw.email_to.is_empty() {
        faults.push(Fault::new("/smtp", message!("log.smtp_without_recipients").of("smtp")));
    }
    faults
}

fn since(text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, Fault> {
    let fault = || Fault::new("/since", message!("log.since", text = truncate(text, 40)).of("since"));
    let text = text.trim();
    let unit = text.chars().next_back().ok_or_else(fault)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return Err(fault()),
    };
    let number: u32 = text[..text.len() - 1].trim().parse().map_err(|_| fault())?;
    let ago = i64::from(number).checked_mul(seconds).and_then(TimeDelta::try_seconds).ok_or_else(fault)?;
    now.checked_sub_signed(ago).ok_or_else(fault)
}

fn pattern(text: &str) -> Result<Regex, Fault> {
    let built = RegexBuilder::new(text).size_limit(PATTERN_MAX).dfa_size_limit(PATTERN_MAX).build();
    built.map_err(|error| {
        let message = error.to_string();
        let last = message.lines().last().unwrap_or_default().trim_start_matches("error: ");
        Fault::new("/pattern", message!("log.pattern", error = truncate(last, 200)).of("pattern"))
    })
}

fn timezone(name: &str) -> Result<Tz, Fault> {
    parse_zone(name).map_err(|message| Fault::new("/timezone", message.of("timezone")))
}

fn time_format(text: &str) -> Result<TimeFormat, Fault> {
    let unreadable = || Fault::new("/time_format", message!("log.time_format", text = truncate(text, 60)).of("time_format"));
    TimeFormat::parse(text).ok_or_else(unreadable)
}

fn statuses(given: &Value) -> Result<Vec<Status>, Fault> {
    let list = given.as_array().cloned().unwrap_or_else(|| vec![given.clone()]);
    let read = |(place, value): (usize, &Value)| {
        let text = value.as_str().unwrap_or_default();
        let pointer = if given.is_array() { format!("/status/{place}") } else { "/status".to_owned() };
        let known = || Status::ALL.map(Status::as_str).join(", ");
        let unknown = || message!("value.not_one_of", value = format!("'{}'", truncate(text, 40)), known = known());
        Status::parse(text).ok_or_else(|| Fault::new(pointer, unknown().of("status")))
    };
    list.iter().enumerate().map(read).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-11-21T08:00:00Z".parse().unwrap()
    }

    #[test]
    fn times_without_offset_are_in_the_server_zone() {
        let read = |params: Value| Params::read(&params, now(), Tz::Asia__Shanghai).unwrap();
        assert_eq!(read(json!({"since": "90m"})).from, Some(now() - TimeDelta::minutes(90)));
        let bounded = read(json!({"from": "2026-11-21 08:00", "to": "2026-11-21T09:00:00Z"}));
        assert_eq!(bounded.from, Some(now() - TimeDelta::hours(8)));
        assert!(bounded.is_within(now()) && !bounded.is_within(now() + TimeDelta::hours(1)));
    }

    #[test]
    fn all_faults_are_reported() {
        let pointers = |params: Value| {
            let faults = Params::read(&params, now(), Tz::UTC).unwrap_err();
            faults.into_iter().map(|fault| fault.pointer).collect::<Vec<_>>().join(" ")
        };
        let executions = json!({"path": "x", "since": "1 week", "to": "soon", "pattern": "(", "status": ["failed", "done"], "fail_if": "x", "smtp": "x"});
        assert_eq!(pointers(executions), "/path /smtp /to /since /pattern /status/1 /fail_if");
        assert_eq!(pointers(json!({"source": "file", "task_id": "t", "fail_if": "rate > 5"})), "/task_id /fail_if");
        let file = json!({"source": "file", "timezone": "UTC+8", "time_format": "%Y", "encoding": "klingon"});
        assert_eq!(pointers(file), "/timezone /time_format /encoding");
        assert_eq!(
            pointers(json!({"timezone": "UTC", "time_format": "%s", "encoding": "gbk"})),
            "/timezone /time_format /encoding"
        );
        assert_eq!(pointers(json!({"since": "1h", "from": "2026-01-01"})), "/since");
        assert_eq!(pointers(json!({"from": "2026-01-02", "to": "2026-01-01"})), "/to");
        assert_eq!(pointers(json!({"pattern": "(a{1000}){1000}"})), "/pattern");
        for since in ["", "h", "5", "5w", "-5m", "99999999999h", "钟", "1é"] {
            assert_eq!(pointers(json!({"since": since})), "/since", "{since}");
        }
    }
}
