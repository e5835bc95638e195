//! Random crontab rules, compared with the Python package cronsim, an independent implementation of Debian's cron.

use std::io::Write;
use std::num::NonZero;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use belfry::domain::trigger::{ClockChangeClass, Trigger};
use chrono::{DateTime, Offset, TimeZone, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};
use serde_json::Value;

use crate::cron;
use crate::venv::venv;

/// Firings compared per rule.
const COUNT: usize = 5;
/// Rules compared; `BELFRY_TEST_CRONSIM_RULES` sets another number.
const RULES: usize = 100_000;
/// Rules compared by one Python process.
const BATCH: usize = 2_500;
const DAY: i64 = 86_400;
/// The zones of chrono-tz 0.10 are those of this release.
const PACKAGES: [&str; 2] = ["cronsim==2.8", "tzdata==2025.2"];

/// A generator of numbers (SplitMix64), the same on every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number from `first` to `last`.
    fn within(&mut self, first: u64, last: u64) -> u64 {
        first + self.next() % (last - first + 1)
    }

    fn pick<'l, T>(&mut self, list: &'l [T]) -> &'l T {
        &list[self.next() as usize % list.len()]
    }
}

/// A field: often `*` or a single value, else a list of elements with steps that may be larger than their range.
fn field(random: &mut Random, first: u64, last: u64, names: &[&str], words: &[String]) -> String {
    match random.within(0, 9) {
        0..=2 => return "*".to_owned(),
        3 | 4 => return random.within(first, last).to_string(),
        _ => {}
    }
    let elements: Vec<String> = (0..random.within(1, 3)).map(|_| element(random, first, last, names, words)).collect();
    elements.join(",")
}

fn element(random: &mut Random, first: u64, last: u64, names: &[&str], words: &[String]) -> String {
    let low = random.within(first, last);
    let high = random.within(low, last);
    let step = random.within(1, (last - first + 1) * 3 / 2);
    match random.within(0, 7) {
        0 => format!("*/{step}"),
        1 => format!("{low}-{high}"),
        // cronsim takes one value with a step for the start of a range.
        2 if high > low => format!("{low}-{high}/{step}"),
        3 if !names.is_empty() => (*random.pick(names)).to_owned(),
        4 if !names.is_empty() => {
            let low = random.next() as usize % names.len();
            let high = low + random.next() as usize % (names.len() - low);
            format!("{}-{}", names[low], names[high])
        }
        5 if !words.is_empty() => random.pick(words).clone(),
        _ => low.to_string(),
    }
}

fn expression(random: &mut Random) -> String {
    const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
    let nth: Vec<String> =
        (0..=7).flat_map(|day| (1..=5).map(move |nth| format!("{day}#{nth}")).chain([format!("{day}L")])).collect();
    let last = ["L".to_owned(), "LW".to_owned()];
    let minute = field(random, 0, 59, &[], &[]);
    let hour = field(random, 0, 23, &[], &[]);
    let day = field(random, 1, 31, &[], &last);
    let month = if random.within(0, 2) > 0 { "*".to_owned() } else { field(random, 1, 12, &MONTHS, &[]) };
    let weekday = field(random, 0, 7, &WEEKDAYS, &nth);
    format!("{minute} {hour} {day} {month} {weekday}")
}

fn offset(zone: Tz, at: i64) -> i32 {
    let at = DateTime::from_timestamp(at, 0).expect("a time").naive_utc();
    zone.offset_from_utc_datetime(&at).fix().local_minus_utc()
}

/// A time from 2012 to 2037, half of them within two days before a clock change. Until 2011 some clocks changed a minute after
/// midnight, from which cronsim does not return.
fn start(random: &mut Random, zone: Tz) -> i64 {
    let at = random.within(1_325_376_000, 2_114_380_800) as i64;
    let is_near = random.within(0, 1) == 0;
    match is_near.then(|| last_day_before_change(zone, at)).flatten() {
        Some(day) => day - random.within(0, 2 * DAY as u64) as i64,
        None => at,
    }
}

/// The last time in whole days after `at` with its offset; `None` if the offset stays for 400 days.
fn last_day_before_change(zone: Tz, at: i64) -> Option<i64> {
    const STEP: i64 = 10;
    let first = offset(zone, at);
    let same = |day: &i64| offset(zone, at + day * DAY) == first;
    let later = (1..=40).map(|step| step * STEP).find(|day| !same(day))?;
    let day = (later - STEP..later).take_while(same).last().unwrap_or(later - STEP);
    Some(at + day * DAY)
}

/// One rule and its start, in seconds since 1970.
struct Case {
    expression: String,
    zone: Tz,
    start: i64,
}

impl Case {
    fn random(random: &mut Random) -> Case {
        // Clocks of Lord Howe change by half an hour, which cronsim does not expect.
        let zone = loop {
            let zone = *random.pick(&TZ_VARIANTS);
            if !matches!(zone, Tz::Australia__Lord_Howe | Tz::Australia__LHI) {
                break zone;
            }
        };
        Case { expression: expression(random), zone, start: start(random, zone) }
    }

    /// Why the firings differ from those of cronsim; `None` if they do not.
    fn difference(&self, expected: &Value) -> Option<String> {
        let trigger = cron(&self.expression, self.zone.name());
        let found = self.firings(&trigger);
        let told = |what: String| Some(format!("{} in {} from {}: {what}", self.expression, self.zone, self.start));
        let Some(expected) = expected.as_array() else {
            // cronsim refuses what never fires.
            return found.first().and_then(|first| told(format!("cronsim says {expected}, found {first}")));
        };
        let expected: Vec<i64> = expected.iter().filter_map(Value::as_i64).collect();
        let same_clock_rules = self.same_clock_rules(&trigger);
        let (expected, found) = match same_clock_rules {
            true => (expected, found),
            false => (self.before_clock_change(expected), self.before_clock_change(found)),
        };
        // cronsim gives up after 50 years without a firing.
        let later = expected.is_empty() && found.first().is_none_or(|first| first - self.start > 49 * 365 * DAY);
        let both = expected.len().min(found.len());
        let same = later || expected[..both] == found[..both] && (expected.len() == found.len() || !same_clock_rules);
        if same { None } else { told(format!("cronsim says {expected:?}, found {found:?}")) }
    }

    fn firings(&self, trigger: &Trigger) -> Vec<i64> {
        let after: DateTime<Utc> = DateTime::from_timestamp(self.start + 1, 0).expect("a time");
        trigger.preview(after, COUNT).iter().map(DateTime::timestamp).collect()
    }

    /// Whether both programs treat the rule alike at clock changes. cronsim goes by the first character of minute and hour.
    fn same_clock_rules(&self, trigger: &Trigger) -> bool {
        let wildcard = self.expression.split(' ').take(2).any(|field| field.starts_with('*'));
        let Trigger::Cron(cron) = trigger else { return false };
        cron.rule.class == if wildcard { ClockChangeClass::Hourly } else { ClockChangeClass::Plain }
    }

    fn before_clock_change(&self, firings: Vec<i64>) -> Vec<i64> {
        let last = last_day_before_change(self.zone, self.start).unwrap_or(self.start + 399 * DAY);
        firings.into_iter().take_while(|at| *at <= last).collect()
    }
}

fn by_cronsim(python: &std::path::Path, cases: &[Case]) -> Vec<Value> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/triggers/cronsim_firings.py");
    // Without system zones: those of the package tzdata.
    let mut command = Command::new(python);
    let command = command.arg(script).arg(COUNT.to_string()).env("PYTHONTZPATH", "").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("starts");
    let lines: String =
        cases.iter().map(|case| serde_json::json!([case.expression, case.zone.name(), case.start]).to_string() + "\n").collect();
    let mut input = child.stdin.take().expect("a pipe");
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = child.wait_with_output().expect("ends");
    writer.join().expect("ends").expect("takes all lines");
    assert!(output.status.success());
    let answers = String::from_utf8(output.stdout).expect("is text");
    answers.lines().map(|line| serde_json::from_str(line).expect("is JSON")).collect()
}

/// The differences of one batch of random rules.
fn differences(python: &std::path::Path, batch: usize, rules: usize) -> Vec<String> {
    let mut random = Random(20_261_121 + batch as u64);
    let cases: Vec<Case> = (0..rules).map(|_| Case::random(&mut random)).collect();
    let expected = by_cronsim(python, &cases);
    assert_eq!(expected.len(), rules);
    cases.iter().zip(&expected).filter_map(|(case, expected)| case.difference(expected)).collect()
}

#[test]
fn random_crontab_rules_fire_as_in_cronsim() {
    let Some(python) = venv(&PACKAGES) else { return };
    let rules = std::env::var("BELFRY_TEST_CRONSIM_RULES").map_or(RULES, |number| number.parse().expect("a number"));
    let next = AtomicUsize::new(0);
    let work = || {
        let batches = std::iter::from_fn(|| Some(next.fetch_add(1, Ordering::Relaxed)).filter(|batch| batch * BATCH < rules));
        batches.flat_map(|batch| differences(&python, batch, BATCH.min(rules - batch * BATCH))).collect::<Vec<_>>()
    };
    let threads = std::thread::available_parallelism().map_or(2, NonZero::get);
    let differences: Vec<String> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        running.into_iter().flat_map(|thread| thread.join().expect("ends")).collect()
    });
    assert!(
        differences.is_empty(),
        "{} of {rules} differ, the first:\n{}",
        differences.len(),
        differences[..differences.len().min(20)].join("\n")
    );
}
