//! The independent expectation: which scheduled times the wall clock passed while the task was enabled, by counting on the grid.

use std::collections::{BTreeMap, BTreeSet};

use belfry::domain::execution::{Cause, Execution, Status};
use belfry::domain::pause_record::occurrences_of;
use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};

/// A xorshift generator.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

#[derive(Debug)]
pub struct Model {
    /// The periods of its rules.
    periods: Vec<i64>,
    coalesce: bool,
    max_instances: usize,
    on_overlap: &'static str,
    enabled: bool,
    /// Whether the clock was set.
    stepped: bool,
    /// The current time by the wall clock.
    now: DateTime<Utc>,
    /// Scheduled times that must be on record.
    expected: BTreeSet<DateTime<Utc>>,
    /// Scheduled times that fell into a pause: each is on record, alone or within a row for several.
    paused: BTreeSet<DateTime<Utc>>,
    /// Scheduled times that may be on record: at the very moment of a change, or passed before the clock was set back.
    optional: BTreeSet<DateTime<Utc>>,
}

impl Model {
    pub fn new(random: &mut Random, now: DateTime<Utc>) -> Model {
        let mut model = Model {
            periods: Vec::new(),
            coalesce: true,
            max_instances: 1,
            on_overlap: "skip",
            enabled: true,
            stepped: false,
            now,
            expected: BTreeSet::new(),
            paused: BTreeSet::new(),
            optional: BTreeSet::new(),
        };
        model.choose(random);
        model.optional.extend(model.grid(now - Duration::milliseconds(1), now));
        model
    }

    /// Chooses another rule and another policy.
    pub fn edit(&mut self, random: &mut Random, now: DateTime<Utc>) {
        self.pass(now);
        self.choose(random);
        self.optional.extend(self.grid(now - Duration::milliseconds(1), now));
    }

    fn choose(&mut self, random: &mut Random) {
        let rules = 1 + random.below(3);
        self.periods = (0..rules).map(|_| 20 + random.below(100) as i64).collect();
        self.coalesce = random.below(2) == 0;
        self.max_instances = 1 + random.below(3) as usize;
        self.on_overlap = ["skip", "queue", "cancel_running", "allow"][random.below(4) as usize];
    }

    pub fn triggers(&self) -> Value {
        let trigger = |period: &i64| json!({"type": "interval", "seconds": period, "start_date": "2026-11-01T00:00:00Z"});
        self.periods.iter().map(|period| json!({"trigger": trigger(period)})).collect()
    }

    pub fn policy(&self) -> Value {
        json!({"coalesce": self.coalesce, "max_instances": self.max_instances, "on_overlap": self.on_overlap})
    }

    pub fn is_enabled(&self) -> bool {
        self.enabled
    }

    pub fn was_stepped(&self) -> bool {
        self.stepped
    }

    /// Pauses or resumes. Returns whether the task is enabled now.
    pub fn toggle(&mut self, now: DateTime<Utc>) -> bool {
        self.pass(now);
        self.enabled = !self.enabled;
        self.optional.extend(self.grid(now - Duration::milliseconds(1), now));
        self.enabled
    }

    /// The wall clock goes on to `now`, or jumps ahead.
    pub fn pass(&mut self, now: DateTime<Utc>) {
        let passed = self.grid(self.now, now);
        if self.enabled {
            self.expected.extend(passed)
        } else {
            self.paused.extend(passed)
        }
        self.now = self.now.max(now);
    }

    /// The clock was set: ahead counts as time that passes. `unseen`: the time since the scheduler looked at the clock last; it may
    /// have been set back at the beginning of that time.
    pub fn clock_stepped(&mut self, now: DateTime<Utc>, unseen: Duration) {
        self.stepped = true;
        if now >= self.now {
            self.pass(now);
        } else {
            self.optional.extend(self.grid(now - unseen - Duration::milliseconds(1), now));
            self.now = now - Duration::milliseconds(1); // a time that equals the clock is due again
            // What the clock had passed and the server had not decided yet is due when the clock passes it again.
            self.optional.extend(self.expected.split_off(&now));
            self.optional.extend(self.paused.split_off(&now));
        }
    }

    /// The scheduled times after `from` up to `to` of all rules, each once.
    fn grid(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<DateTime<Utc>> {
        let all: BTreeSet<_> = self.periods.iter().flat_map(|period| grid_of(*period, from, to)).collect();
        all.into_iter().collect()
    }

    /// The rule, the policy, and whether the task is enabled.
    pub fn shown(&self) -> (&[i64], bool, usize, &'static str, bool) {
        (&self.periods, self.coalesce, self.max_instances, self.on_overlap, self.enabled)
    }

    /// Whether a request is accepted while this many runs are active.
    pub fn accepts(&self, active: usize) -> bool {
        self.on_overlap != "skip" || active < self.max_instances
    }

    /// The most runs that may be started at once; `None`: any number.
    pub fn limit(&self) -> Option<usize> {
        (self.on_overlap != "allow").then_some(self.max_instances)
    }

    pub fn check(&self, recorded: &[Execution]) {
        let scheduled: Vec<&Execution> =
            recorded.iter().filter(|run| matches!(run.cause, Cause::Schedule | Cause::CatchUp)).collect();
        let mut rows: BTreeMap<DateTime<Utc>, &Execution> = BTreeMap::new();
        for run in scheduled {
            assert!(rows.insert(run.scheduled_at, run).is_none(), "doubled: {}", run.scheduled_at);
        }
        let lost: Vec<_> = self.expected.iter().filter(|at| !rows.contains_key(at)).collect();
        assert!(lost.is_empty(), "lost: {lost:?}");
        let known = |at: &DateTime<Utc>| [&self.expected, &self.paused, &self.optional].iter().any(|set| set.contains(at));
        let unexpected: Vec<_> = rows.keys().filter(|at| !known(at)).collect();
        assert!(unexpected.is_empty(), "not expected: {unexpected:?}");
        self.check_pauses(&rows);
        self.check_reasons(&rows);
    }

    /// Each time that fell into a pause has a row of its own or is among those that a row stands for.
    fn check_pauses(&self, rows: &BTreeMap<DateTime<Utc>, &Execution>) {
        let mut left = self.paused.clone();
        for row in rows.values() {
            let Some(covered) = occurrences_of(row.scheduled_at, row.status, row.error_message.as_ref()) else { continue };
            let span = covered.first..=covered.last;
            let certain = self.paused.range(span.clone()).count() as i64;
            let possible = self.paused.union(&self.optional).filter(|at| span.contains(at)).count() as i64;
            let is_true = (certain..=possible).contains(&covered.count);
            assert!(is_true || self.stepped, "{certain} to {possible} occurrences: {row:?}");
            left.retain(|at| !span.contains(at));
        }
        left.retain(|at| !rows.contains_key(at));
        assert!(left.is_empty(), "lost within a pause: {left:?}");
    }

    /// An occurrence that gives way to a later one is followed by one that runs, or says that it was skipped.
    fn check_reasons(&self, rows: &BTreeMap<DateTime<Utc>, &Execution>) {
        let code = |run: &Execution| run.error_message.as_ref().map(|message| message.code().to_owned()).unwrap_or_default();
        for (at, run) in rows {
            let runs = !matches!(run.status, Status::Missed | Status::Skipped);
            assert_eq!(runs, run.error_message.is_none() || run.status == Status::Cancelled, "{at}: {run:?}");
            if code(run) == "firing.coalesced" {
                let runs = |later: &&Execution| !matches!(later.status, Status::Missed | Status::Skipped);
                let mut later = rows.range(*at..).skip(1).map(|(_, later)| *later);
                // What a clock that was ahead recorded is decided anew at its own time, so others may lie between.
                let successor = match self.stepped {
                    true => later.find(runs),
                    false => later.find(|later| code(later) != "firing.coalesced").filter(runs),
                };
                assert!(successor.is_some(), "{at}: no later occurrence runs in its place");
            }
        }
    }
}

/// The times of one rule, by stepping along its grid.
fn grid_of(period: i64, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let origin: DateTime<Utc> = "2026-11-01T00:00:00Z".parse().expect("a time");
    let mut times = Vec::new();
    let mut number = (from - origin).num_seconds() / period - 1;
    loop {
        let at = origin + Duration::seconds(number * period);
        if at > to {
            return times;
        }
        if at > from {
            times.push(at);
        }
        number += 1;
    }
}
