//! Views of heartbeats: the list, one with its record, and the form.

use chrono_tz::Tz;
use serde::Serialize;

use super::context::ViewContext;
use super::task_form::Fields;
use super::{Moment, View};
use crate::domain::heartbeat::{Heartbeat, HeartbeatRule, PingRow};
use crate::domain::input::truncate;
use crate::web::urls::encode;

/// Maximum characters of a ping's body on the page.
const MAX_BODY: usize = 2_000;

#[derive(Debug, Clone, Serialize)]
pub struct HeartbeatList {
    pub rows: Vec<HeartbeatRow>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeartbeatRow {
    pub id: String,
    pub href: String,
    pub name: String,
    pub tags: Vec<String>,
    pub status: &'static str,
    pub since: Moment,
    /// The cron expression; empty for a rule by period.
    pub cron: String,
    pub zone: &'static str,
    /// The period in milliseconds; 0 for a rule by cron expression.
    pub period: i64,
    /// The grace in milliseconds.
    pub grace: i64,
    pub expected: Option<Moment>,
    pub last: Option<Moment>,
}

#[derive(Debug, Clone, Serialize)]
pub struct HeartbeatPage {
    pub row: HeartbeatRow,
    /// The address to ping; empty for those who may not change the heartbeat.
    pub url: String,
    pub snippets: Vec<Snippet>,
    pub pings: Vec<PingLine>,
}

/// Text ready to copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Snippet {
    pub name: &'static str,
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PingLine {
    pub expected: Option<Moment>,
    pub status: &'static str,
    pub at: Option<Moment>,
    pub duration: Option<i64>,
    pub exit_code: Option<i64>,
    pub body: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct HeartbeatForm {
    /// `new` or `edit`.
    pub mode: &'static str,
    pub post_to: String,
    pub back: String,
    pub version: i64,
    pub form: Fields,
    pub message: String,
    pub server_zone: String,
}

/// The URL of a heartbeat's page.
pub fn heartbeat_href(id: &str) -> String {
    format!("/heartbeats/{}", encode(id))
}

impl HeartbeatRow {
    pub fn new(ctx: &ViewContext, heartbeat: &Heartbeat) -> HeartbeatRow {
        let (cron, zone, period) = match &heartbeat.rule {
            HeartbeatRule::Cron { expression, trigger } => (expression.clone(), trigger.zone(), 0),
            HeartbeatRule::Period(period) => (String::new(), ctx.zone, period.num_milliseconds()),
        };
        let moment = |at| Moment::new(at, zone);
        HeartbeatRow {
            id: heartbeat.id.clone(),
            href: heartbeat_href(&heartbeat.id),
            name: heartbeat.name.clone(),
            tags: heartbeat.tags.clone(),
            status: heartbeat.shown_status(ctx.now),
            since: moment(heartbeat.state.since),
            cron,
            zone: zone.name(),
            period,
            grace: heartbeat.grace.num_milliseconds(),
            expected: heartbeat.state.expected_at.map(moment),
            last: heartbeat.state.last_ping_at.map(moment),
        }
    }

    /// A row for the rendering of all templates in tests.
    pub fn sample() -> HeartbeatRow {
        HeartbeatRow {
            id: "a".into(),
            href: "/heartbeats/a".into(),
            name: "<b>".into(),
            tags: vec!["x".into()],
            status: "up",
            since: Moment::sample(),
            cron: "0 3 * * *".into(),
            zone: "UTC",
            period: 0,
            grace: 60_000,
            expected: Some(Moment::sample()),
            last: Some(Moment::sample()),
        }
    }
}

impl PingLine {
    pub fn new(zone: Tz, row: &PingRow) -> PingLine {
        PingLine {
            expected: row.expected_at.map(|at| Moment::new(at, zone)),
            status: row.status.as_str(),
            at: row.at.map(|at| Moment::precise(at, zone)),
            duration: row.duration_ms,
            exit_code: row.exit_code,
            body: truncate(&row.body, MAX_BODY),
        }
    }
}

/// How the end of a job is told, in the languages of its surroundings.
pub fn snippets(url: &str) -> Vec<Snippet> {
    let systemd = format!(
        "[Service]\nExecStartPre=-curl -fsS -m 10 --retry 3 {url}/start\nExecStopPost=-/bin/sh -c 'curl -fsS -m 10 --retry 3 {url}/$EXIT_STATUS'"
    );
    [
        ("curl", format!("curl -fsS -m 10 --retry 3 -o /dev/null {url}")),
        ("crontab", format!("0 3 * * * /path/to/job; curl -fsS -m 10 --retry 3 -o /dev/null {url}/$?")),
        ("systemd", systemd),
        ("PowerShell", format!("& .\\job.ps1\nInvoke-RestMethod -Uri \"{url}/$LASTEXITCODE\" -TimeoutSec 10 | Out-Null")),
    ]
    .map(|(name, text)| Snippet { name, text })
    .into()
}

impl View for HeartbeatList {
    const TEMPLATE: &'static str = "pages/heartbeats.html";

    fn samples() -> Vec<Self> {
        let row = HeartbeatRow::sample();
        let plain = HeartbeatRow {
            status: "down",
            cron: String::new(),
            period: 5000,
            expected: None,
            last: None,
            tags: vec![],
            ..row.clone()
        };
        vec![HeartbeatList { rows: vec![row, plain] }, HeartbeatList { rows: Vec::new() }]
    }
}

impl View for HeartbeatPage {
    const TEMPLATE: &'static str = "pages/heartbeat.html";

    fn samples() -> Vec<Self> {
        let line = PingLine {
            expected: Some(Moment::sample()),
            status: "arrived",
            at: Some(Moment::sample()),
            duration: Some(5),
            exit_code: Some(0),
            body: "<b>".into(),
        };
        let missed =
            PingLine { expected: None, status: "missed", at: None, duration: None, exit_code: None, body: String::new() };
        let row = HeartbeatRow::sample();
        let plain = HeartbeatRow { cron: String::new(), period: 5000, expected: None, last: None, tags: vec![], ..row.clone() };
        let page = |row, url: &str, pings| HeartbeatPage { row, url: url.into(), snippets: snippets("http://h/ping/x"), pings };
        vec![page(row, "http://h/ping/x", vec![line, missed]), page(plain, "", Vec::new())]
    }
}

impl View for HeartbeatForm {
    const TEMPLATE: &'static str = "pages/heartbeat_form.html";

    fn samples() -> Vec<Self> {
        let form = |mode, message: &str| HeartbeatForm {
            mode,
            post_to: "/heartbeats/new".into(),
            back: "/heartbeats".into(),
            version: 1,
            form: Fields::default(),
            message: message.into(),
            server_zone: "UTC".into(),
        };
        vec![form("new", ""), form("edit", "…")]
    }
}
