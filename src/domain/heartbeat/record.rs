//! The record of pings and of missed pings.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Heartbeat, HeartbeatStatus, PingStatus};

/// What a ping tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PingKind {
    /// A run has begun.
    Start,
    /// A run has ended well.
    Success,
    /// A run has failed.
    Fail,
    /// A run has ended with this exit status; 0 is success.
    Exit(i64),
}

impl PingKind {
    /// Parses the last part of the address: empty, `start`, `fail` or an exit status.
    pub fn parse(text: &str) -> Option<PingKind> {
        match text {
            "" => Some(PingKind::Success),
            "start" => Some(PingKind::Start),
            "fail" => Some(PingKind::Fail),
            digits => digits.parse().ok().filter(|code| (-2_147_483_648..=4_294_967_295).contains(code)).map(PingKind::Exit),
        }
    }

    fn is_failure(self) -> bool {
        matches!(self, PingKind::Fail) || matches!(self, PingKind::Exit(code) if code != 0)
    }

    fn exit_code(self) -> Option<i64> {
        match self {
            PingKind::Exit(code) => Some(code),
            _ => None,
        }
    }
}

/// A ping that has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ping {
    pub kind: PingKind,
    pub at: DateTime<Utc>,
    /// The body, cut; empty without one.
    pub body: String,
}

/// One row of the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PingRow {
    /// A ULID, given when it is stored.
    pub id: String,
    /// `None`: none was expected.
    pub expected_at: Option<DateTime<Utc>>,
    pub status: PingStatus,
    /// When it came.
    pub at: Option<DateTime<Utc>>,
    /// From the start, if that was told.
    pub duration_ms: Option<i64>,
    pub exit_code: Option<i64>,
    pub body: String,
}

/// The expected pings that were missed by a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missed {
    pub expected: Vec<DateTime<Utc>>,
    /// Whether more are to be decided.
    pub more: bool,
}

/// What a ping decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// The row to record; `None` for a start. A late one replaces the row of the missed ping.
    pub row: Option<PingRow>,
    /// Whether a run was told to have failed.
    pub failed: bool,
    /// Whether it ends an absence or a failure.
    pub recovered: bool,
}

impl Heartbeat {
    /// Takes the expected pings whose grace is over at `now`, at most `limit`, and expects the next one.
    pub fn take_missed(&mut self, now: DateTime<Utc>, limit: usize) -> Missed {
        let mut expected = Vec::new();
        while let (Some(at), Some(deadline)) = (self.state.expected_at, self.state.deadline_at) {
            if deadline >= now || !self.enabled {
                break;
            }
            if expected.len() == limit {
                return Missed { expected, more: true };
            }
            expected.push(at);
            self.expect(self.rule.next_after(at));
        }
        if !expected.is_empty() {
            self.set_status(HeartbeatStatus::Down, now);
        }
        Missed { expected, more: false }
    }

    /// Takes a ping. What was missed before it must have been taken; `missed` is the newest missed ping that is not late yet.
    pub fn take_ping(&mut self, ping: &Ping, missed: Option<DateTime<Utc>>) -> Decided {
        self.state.last_ping_at = Some(ping.at);
        if ping.kind == PingKind::Start {
            self.state.started_at = Some(ping.at);
            return Decided { row: None, failed: false, recovered: false };
        }
        let started = self.state.started_at.take().filter(|started| *started <= ping.at);
        let failed = ping.kind.is_failure();
        let (expected_at, status) = self.place(ping.at, missed);
        let row = PingRow {
            id: String::new(),
            expected_at,
            status: if failed { PingStatus::Failed } else { status },
            at: Some(ping.at),
            duration_ms: started.map(|started| (ping.at - started).num_milliseconds()),
            exit_code: ping.kind.exit_code(),
            body: ping.body.clone(),
        };
        let was_down = self.state.status == HeartbeatStatus::Down;
        self.set_status(if failed { HeartbeatStatus::Down } else { HeartbeatStatus::Up }, ping.at);
        Decided { row: Some(row), failed, recovered: was_down && !failed }
    }

    /// Which expected ping this one is, and what is expected next.
    fn place(&mut self, at: DateTime<Utc>, missed: Option<DateTime<Utc>>) -> (Option<DateTime<Utc>>, PingStatus) {
        let Some(expected) = self.state.expected_at.filter(|_| self.enabled) else { return (None, PingStatus::Extra) };
        let is_period = matches!(self.rule, super::HeartbeatRule::Period(_));
        let is_early = !is_period && at >= self.rule.accepts_from(expected);
        if let Some(missed) = missed.filter(|_| at < expected && !is_early) {
            // The period begins anew with the late ping.
            if is_period {
                self.expect(self.rule.next_after(at));
            }
            return (Some(missed), PingStatus::Late);
        }
        if at < self.rule.accepts_from(expected) {
            return (None, PingStatus::Extra);
        }
        // Each expected time is another one, also of pings within a millisecond.
        let next = self.rule.next_after(if is_period { at } else { at.max(expected) });
        self.expect(next.map(|next| next.max(expected + TimeDelta::milliseconds(1))));
        (Some(expected), PingStatus::Arrived)
    }
}
