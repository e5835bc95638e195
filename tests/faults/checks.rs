//! The counts that must be zero after every fault.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::history::TaskHistory;

/// A line that a run writes at its beginning and its end.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Effect {
    execution: String,
    attempt: i64,
    nanos: i64,
    begins: bool,
}

/// What must not happen, with examples.
#[derive(Debug, Default)]
pub struct Violations(BTreeMap<&'static str, Vec<String>>);

impl Violations {
    fn add(&mut self, kind: &'static str, example: impl Into<String>) {
        self.0.entry(kind).or_default().push(example.into());
    }

    /// Prints every count, and fails unless all are zero.
    pub fn assert_none(&self, scenario: &str) {
        for (kind, examples) in &self.0 {
            println!(
                "{scenario}: {} {kind}, such as {}",
                examples.len(),
                examples.iter().take(3).cloned().collect::<Vec<_>>().join("; ")
            );
        }
        assert!(
            self.0.is_empty(),
            "{scenario}: {:?}",
            self.0.iter().map(|(kind, found)| (kind, found.len())).collect::<Vec<_>>()
        );
    }
}

/// What a scenario knows at its end.
pub struct Evidence<'e> {
    pub histories: &'e [TaskHistory],
    pub executions: &'e [Value],
    /// The tasks as the API shows them.
    pub tasks: &'e [Value],
    /// The file with the lines of the runs.
    pub effects: &'e Path,
    /// The task that starts `child` after each success.
    pub parent: &'e str,
    pub child: &'e str,
    pub until: DateTime<Utc>,
    /// Spans in which ends of runs could not be recorded; until they are, the log shows the runs as running.
    pub unrecorded: &'e [(DateTime<Utc>, DateTime<Utc>)],
}

/// Whether the counters of all tasks are those of their rows.
pub fn counters_are_current(executions: &[Value], tasks: &[Value]) -> bool {
    let mut found = Violations::default();
    check_counters(executions, tasks, &mut found);
    found.0.is_empty()
}

pub fn check(evidence: &Evidence<'_>) -> Violations {
    let mut found = Violations::default();
    let effects = effects(evidence.effects);
    check_occurrences(evidence, &mut found);
    check_statuses(evidence, &effects, &mut found);
    check_overlaps(evidence, &effects, &mut found);
    check_reasons(evidence, &mut found);
    check_chains(evidence, &mut found);
    check_counters(evidence.executions, evidence.tasks, &mut found);
    found
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

fn time(value: &Value, name: &str) -> Option<DateTime<Utc>> {
    text(value, name).parse().ok()
}

fn is_occurrence(execution: &Value) -> bool {
    matches!(text(execution, "cause"), "schedule" | "catch_up")
}

fn ran(execution: &Value) -> bool {
    !matches!(text(execution, "status"), "skipped" | "missed")
}

fn about(execution: &Value) -> String {
    let [id, task, status, at] = ["id", "task_id", "status", "scheduled_at"].map(|name| text(execution, name));
    format!("{id} ({task}, {at}, {status}: {})", text(execution, "error"))
}

fn effects(file: &Path) -> Vec<Effect> {
    let lines = std::fs::read_to_string(file).unwrap_or_default();
    let parse = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let [kind, execution, attempt, nanos] = words.as_slice() else { return None };
        Some(Effect {
            execution: (*execution).to_owned(),
            attempt: attempt.parse().ok()?,
            nanos: nanos.parse().ok()?,
            begins: *kind == "b",
        })
    };
    lines.lines().filter_map(parse).collect()
}

fn check_occurrences(evidence: &Evidence<'_>, found: &mut Violations) {
    for history in evidence.histories {
        let (required, allowed) = history.occurrences(evidence.until);
        let mut recorded: BTreeMap<i64, usize> = BTreeMap::new();
        for execution in evidence.executions.iter().filter(|one| text(one, "task_id") == history.id && is_occurrence(one)) {
            *recorded.entry(time(execution, "scheduled_at").expect("a time").timestamp_millis()).or_default() += 1;
        }
        let shown = |at: &i64| format!("{} {}", history.id, DateTime::from_timestamp_millis(*at).expect("a time"));
        required.iter().filter(|at| !recorded.contains_key(at)).for_each(|at| found.add("lost", shown(at)));
        recorded.iter().filter(|(_, rows)| **rows > 1).for_each(|(at, _)| found.add("doubled", shown(at)));
        recorded.keys().filter(|at| !allowed.contains(at)).for_each(|at| found.add("not due", shown(at)));
    }
}

fn check_statuses(evidence: &Evidence<'_>, effects: &[Effect], found: &mut Violations) {
    let mut began: BTreeMap<(&str, i64), usize> = BTreeMap::new();
    let mut ended: BTreeSet<(&str, i64)> = BTreeSet::new();
    for effect in effects {
        match effect.begins {
            true => *began.entry((&effect.execution, effect.attempt)).or_default() += 1,
            false => drop(ended.insert((&effect.execution, effect.attempt))),
        }
    }
    began
        .iter()
        .filter(|(_, times)| **times > 1)
        .for_each(|(attempt, _)| found.add("attempts that ran twice", format!("{attempt:?}")));
    for execution in evidence.executions.iter().filter(|one| text(one, "task_type") == "send_cmd") {
        let (id, attempt) = (text(execution, "id"), execution["attempt"].as_i64().unwrap_or_default());
        match text(execution, "status") {
            "succeeded" if !ended.contains(&(id, attempt)) => found.add("succeeded without an end", about(execution)),
            "skipped" | "missed" if began.keys().any(|(began, _)| *began == id) => {
                found.add("ran although it did not", about(execution))
            }
            "queued" | "running" => found.add("without an end", about(execution)),
            _ => {}
        }
    }
}

/// Runs of one task that overlap, by their own lines; each task allows one at a time.
fn check_overlaps(evidence: &Evidence<'_>, effects: &[Effect], found: &mut Violations) {
    let task_of: BTreeMap<&str, &str> = evidence.executions.iter().map(|one| (text(one, "id"), text(one, "task_id"))).collect();
    let mut intervals: BTreeMap<&str, Vec<(i64, i64, &str)>> = BTreeMap::new();
    for end in effects.iter().filter(|effect| !effect.begins) {
        let start = effects.iter().find(|one| one.begins && one.execution == end.execution && one.attempt == end.attempt);
        if let (Some(start), Some(task)) = (start, task_of.get(end.execution.as_str())) {
            intervals.entry(task).or_default().push((start.nanos, end.nanos, &end.execution));
        }
    }
    for (task, mut intervals) in intervals {
        intervals.sort_unstable();
        for pair in intervals.windows(2).filter(|pair| pair[1].0 < pair[0].1) {
            found.add("more at once than max_instances", format!("{task}: {} and {}", pair[0].2, pair[1].2));
        }
    }
}

/// Reasons that are not true: of an occurrence in whose place a later one runs, and of one that another run kept from running. A run
/// whose end could not be recorded at that time counts as running.
fn check_reasons(evidence: &Evidence<'_>, found: &mut Violations) {
    let mut by_task: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for execution in evidence.executions {
        by_task.entry(text(execution, "task_id")).or_default().push(execution);
    }
    for executions in by_task.values() {
        let mut occurrences: Vec<&Value> = executions.iter().copied().filter(|one| is_occurrence(one)).collect();
        occurrences.sort_by_key(|one| time(one, "scheduled_at"));
        let mut later_ran = None;
        for execution in occurrences.iter().rev() {
            match text(execution, "error").contains("runs instead") {
                true if later_ran == Some(false) => found.add("untrue reasons", about(execution)),
                true => {}
                false => later_ran = Some(ran(execution)),
            }
        }
        for skipped in occurrences.iter().filter(|one| text(one, "error").contains("max_instances")) {
            let decided = time(skipped, "queued_at").expect("a time");
            let is_unrecorded =
                |ended: DateTime<Utc>| evidence.unrecorded.iter().any(|(from, to)| ended >= *from && decided <= *to);
            let active = executions.iter().filter(|one| ran(one) && text(one, "id") != text(skipped, "id")).any(|one| {
                let active = time(one, "finished_at").is_none_or(|ended| ended >= decided || is_unrecorded(ended));
                time(one, "queued_at").expect("a time") <= decided && active
            });
            if !active {
                found.add("untrue reasons", about(skipped));
            }
        }
    }
}

fn check_chains(evidence: &Evidence<'_>, found: &mut Violations) {
    let mut started: BTreeMap<&str, usize> = BTreeMap::new();
    for execution in
        evidence.executions.iter().filter(|one| text(one, "task_id") == evidence.child && text(one, "cause") == "chain")
    {
        *started.entry(text(execution, "started_by")).or_default() += 1;
    }
    for execution in evidence.executions.iter().filter(|one| text(one, "task_id") == evidence.parent) {
        let children = started.get(text(execution, "id")).copied().unwrap_or_default();
        match (text(execution, "status"), children) {
            ("succeeded", 0) => found.add("chains not started", about(execution)),
            ("succeeded", 1) | (_, 0) => {}
            _ => found.add("chains started too often", about(execution)),
        }
    }
}

/// The counters of each task equal what its rows say.
fn check_counters(executions: &[Value], tasks: &[Value], found: &mut Violations) {
    for task in tasks {
        let created = time(task, "created_at").expect("a time");
        let of_task =
            |one: &&Value| text(one, "task_id") == text(task, "id") && time(one, "queued_at").is_some_and(|at| at >= created);
        let rows: Vec<&Value> = executions.iter().filter(of_task).collect();
        let with_status = |statuses: &[&str]| rows.iter().filter(|row| statuses.contains(&text(row, "status"))).count() as i64;
        let expected = [
            ("success_count", with_status(&["succeeded"])),
            ("failure_count", with_status(&["failed", "timed_out", "interrupted"])),
        ];
        for (name, number) in expected {
            let counted = task["stats"][name].as_i64();
            if counted != Some(number) {
                found.add("wrong counters", format!("{}: {name} is {counted:?}, {number} rows", text(task, "id")));
            }
        }
        let last = rows.iter().filter_map(|row| time(row, "started_at")).max();
        if time(&task["stats"], "last_run_at") != last {
            found.add(
                "wrong counters",
                format!("{}: last_run_at is {}, of the rows {last:?}", text(task, "id"), task["stats"]["last_run_at"]),
            );
        }
    }
}
