//! Chains: the tasks that a task starts when one of its runs ends. Saving a task rejects chains that form a loop.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};

use super::execution::Status;
use super::fault::Fault;
use super::input::{Fields, display_value};
use super::task::check_id;

/// The most links in one task's chain.
pub const MAX_LINKS: usize = 20;

/// One link of a chain: the task to start, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    pub on: On,
    /// The task to start.
    pub task: String,
    /// Overrides for members of that task's parameters; their templates see this run as `previous`.
    pub params: Map<String, Value>,
}

/// The outcome of a run that starts the linked task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    Success,
    /// Failed, timed out or interrupted, with no retry left.
    Failure,
    /// Success, failure, or cancelled while running.
    Always,
}

const WORDS: [(&str, On); 3] = [("success", On::Success), ("failure", On::Failure), ("always", On::Always)];

impl On {
    pub fn as_str(self) -> &'static str {
        WORDS.into_iter().find(|(_, on)| *on == self).map_or("", |(word, _)| word)
    }

    /// Whether a run that ended with this status starts the task.
    pub fn matches(self, end: Status) -> bool {
        match self {
            On::Success => end == Status::Succeeded,
            On::Failure => end.is_failure(),
            On::Always => end == Status::Succeeded || end.is_failure() || end == Status::Cancelled,
        }
    }
}

impl Link {
    pub fn to_json(&self) -> Value {
        json!({"on": self.on.as_str(), "task": self.task, "params": self.params})
    }
}

/// A chain as JSON, the form in storage and in API responses.
pub fn to_json(links: &[Link]) -> Value {
    links.iter().map(Link::to_json).collect()
}

/// Parses a chain; `pointer` is the JSON Pointer of `value`, for faults.
///
/// # Errors
/// Every fault found.
pub fn parse(value: &Value, pointer: &str) -> Result<Vec<Link>, Vec<Fault>> {
    let list = match value {
        Value::Null => return Ok(Vec::new()),
        Value::Array(list) => list,
        other => return Err(vec![Fault::new(pointer, format!("chain: must be a list, not {}", display_value(other)))]),
    };
    if list.len() > MAX_LINKS {
        return Err(vec![Fault::new(pointer, format!("chain: names {} tasks, at most {MAX_LINKS} are allowed", list.len()))]);
    }
    let mut faults = Vec::new();
    let mut links = Vec::new();
    for (place, item) in list.iter().enumerate() {
        match parse_link(item, &format!("{pointer}/{place}")) {
            Ok(link) => links.push(link),
            Err(more) => faults.extend(more),
        }
    }
    if faults.is_empty() { Ok(links) } else { Err(faults) }
}

fn parse_link(value: &Value, pointer: &str) -> Result<Link, Vec<Fault>> {
    let mut f = Fields::new(value, pointer);
    let on = f.choice("on", &WORDS, On::Success);
    let task = match f.take("task") {
        Some(Value::String(id)) => id,
        None | Some(Value::Null) => String::new(),
        Some(other) => display_value(&other),
    };
    if let Err(message) = check_id(&task) {
        f.fault("task", message.replacen("id:", "task:", 1));
    }
    let params = match f.take("params") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(map)) => map,
        Some(other) => {
            f.fault("params", format!("params: must be an object, not {}", display_value(&other)));
            Map::new()
        }
    };
    f.finish(Link { on, task, params })
}

/// The path by which `start` would start itself, if any: the task, the tasks between, the task again. `links` maps each
/// task to the tasks it starts, with the new chain of `start` already in place.
pub fn find_loop(start: &str, links: &HashMap<String, Vec<String>>) -> Option<Vec<String>> {
    let mut seen = HashSet::new();
    let mut ways = vec![vec![start.to_owned()]];
    while let Some(way) = ways.pop() {
        let at = way.last().cloned().unwrap_or_default();
        for next in links.get(&at).into_iter().flatten() {
            let mut further = way.clone();
            further.push(next.clone());
            if next == start {
                return Some(further);
            }
            if seen.insert(next.clone()) {
                ways.push(further);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chain_round_trips_through_json() {
        let given = json!([{"task": "b"}, {"on": "failure", "task": "c", "params": {"x": "{{ previous.error }}"}}]);
        let links = parse(&given, "/chain").unwrap();
        assert_eq!((links[0].on, links[1].on), (On::Success, On::Failure));
        assert_eq!(parse(&to_json(&links), "/chain").unwrap(), links);
        assert_eq!(parse(&Value::Null, "/chain").unwrap(), []);
    }

    #[test]
    fn parse_reports_faults_with_pointers() {
        let given = json!([{"on": "sometimes", "task": "b"}, {"task": "-x"}, {"task": "c", "params": 1}, {"task": "d", "more": 1}, 5, {}]);
        let faults = parse(&given, "/chain").unwrap_err();
        let pointers: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        let expected =
            ["/chain/0/on", "/chain/1/task", "/chain/2/params", "/chain/3/more", "/chain/4", "/chain/4/task", "/chain/5/task"];
        assert_eq!(pointers, expected, "{faults:?}");
        assert!(parse(&json!({}), "/chain").is_err());
        assert!(parse(&json!(vec![json!({"task": "a"}); MAX_LINKS + 1]), "/chain").is_err());
    }

    #[test]
    fn conditions_match_statuses() {
        let started = |on: On| Status::ALL.into_iter().filter(|end| on.matches(*end)).collect::<Vec<_>>();
        assert_eq!(started(On::Success), [Status::Succeeded]);
        assert_eq!(started(On::Failure), [Status::Failed, Status::TimedOut, Status::Interrupted]);
        assert_eq!(started(On::Always).len(), 5);
    }

    #[test]
    fn find_loop_returns_the_path() {
        let links = |pairs: &[(&str, &[&str])]| {
            let owned = pairs.iter().map(|(from, to)| ((*from).to_owned(), to.iter().map(|t| (*t).to_owned()).collect()));
            owned.collect::<HashMap<_, _>>()
        };
        let shared = links(&[("a", &["b", "c"]), ("b", &["d"]), ("c", &["d"]), ("d", &[])]);
        assert_eq!(find_loop("a", &shared), None, "two paths to one task are not a loop");
        let looped = links(&[("a", &["b"]), ("b", &["c"]), ("c", &["a"])]);
        assert_eq!(find_loop("a", &looped).unwrap(), ["a", "b", "c", "a"]);
        assert_eq!(find_loop("a", &links(&[("a", &["a"])])).unwrap(), ["a", "a"]);
        assert_eq!(find_loop("x", &looped), None);
    }
}
