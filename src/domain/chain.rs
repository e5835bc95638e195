//! Chains: the tasks that a task starts when one of its runs ends. Saving a task rejects chains that form a loop.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet, VecDeque};

use serde_json::{Map, Value, json};

use super::execution::Status;
use super::fault::Fault;
use super::input::{Fields, display_value};
use super::task_id::check_id;
use super::text_enum::text_enum;
use crate::i18n::message;

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

text_enum! {
    /// The outcome of a run that starts the linked task.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum On {
        Success = "success",
        /// Failed, timed out or interrupted, with no retry left.
        Failure = "failure",
        /// Success, failure, or cancelled while running.
        Always = "always",
    }
}

impl On {
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
        other => return Err(vec![Fault::new(pointer, message!("value.not_list", value = display_value(other)).of("chain"))]),
    };
    if list.len() > MAX_LINKS {
        return Err(vec![Fault::new(pointer, message!("chain.too_long", count = list.len(), max = MAX_LINKS).of("chain"))]);
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
    let on = f.choice("on", &On::WORDS, On::Success);
    let task = match f.take_nullable("task") {
        Some(Value::String(id)) => id,
        None | Some(Value::Null) => String::new(),
        Some(other) => display_value(&other).to_string(),
    };
    if let Err(message) = check_id(&task) {
        f.fault("task", message);
    }
    let params = match f.take("params") {
        None => Map::new(),
        Some(Value::Object(map)) => map,
        Some(other) => {
            f.fault("params", message!("value.not_object_but", value = display_value(&other)));
            Map::new()
        }
    };
    f.finish(Link { on, task, params })
}

/// The shortest path by which `start` would start itself, if any: the task, the tasks between, the task again. `links` maps
/// each task to the tasks it starts, with the new chain of `start` already in place.
pub fn find_loop(start: &str, links: &HashMap<String, Vec<String>>) -> Option<Vec<String>> {
    let mut reached_from: HashMap<&str, &str> = HashMap::new();
    let mut waiting: VecDeque<&str> = links.get_key_value(start).map(|(id, _)| id.as_str()).into_iter().collect();
    while let Some(at) = waiting.pop_front() {
        for next in links.get(at).into_iter().flatten() {
            if next == start {
                let mut way = vec![start, at];
                way.extend(std::iter::successors(reached_from.get(at), |id| reached_from.get(**id)).copied());
                way.reverse();
                return Some(way.into_iter().map(str::to_owned).collect());
            }
            if let Entry::Vacant(entry) = reached_from.entry(next) {
                entry.insert(at);
                waiting.push_back(next);
            }
        }
    }
    None
}

/// The most loops that are reported together.
const MAX_LOOPS: usize = 20;

/// Loops that can be reached from these tasks, each with its first task again at its end. Every link is followed once.
pub fn find_loops<'l>(starts: impl IntoIterator<Item = &'l str>, links: &'l HashMap<String, Vec<String>>) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut done: HashSet<&str> = HashSet::new();
    for start in starts {
        // The path from the start, with the number of links of each task that have been followed.
        let mut path: Vec<(&str, usize)> = if done.contains(start) { Vec::new() } else { vec![(start, 0)] };
        let mut on_path: HashMap<&str, usize> = HashMap::from([(start, 0)]);
        while let Some((at, followed)) = path.last_mut() {
            let Some(next) = links.get(*at).and_then(|next| next.get(*followed)) else {
                done.insert(at);
                on_path.remove(at);
                path.pop();
                continue;
            };
            *followed += 1;
            if let Some(position) = on_path.get(next.as_str()) {
                let way = path[*position..].iter().map(|(id, _)| (*id).to_owned());
                found.push(way.chain([next.clone()]).collect());
                if found.len() >= MAX_LOOPS {
                    return found;
                }
            } else if !done.contains(next.as_str()) {
                on_path.insert(next, path.len());
                path.push((next, 0));
            }
        }
    }
    found
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
        assert_eq!(find_loop("x", &links(&[("x", &["a"]), ("a", &["b"]), ("b", &["a"])])), None, "not a loop of its own");
    }

    #[test]
    fn find_loops_follows_every_link_once() {
        let id = |number: usize| format!("t{number}");
        let mut links: HashMap<String, Vec<String>> =
            (0..20_000).map(|n| (id(n), (1..=MAX_LINKS).map(|step| id(n + step)).collect())).collect();
        let starts: Vec<String> = (0..20_000).map(id).collect();
        let starts = || starts.iter().map(String::as_str);
        assert_eq!(find_loops(starts(), &links), Vec::<Vec<String>>::new());
        links.insert(id(5), vec![id(3), id(5)]);
        links.insert(id(3), vec![id(4)]);
        links.insert(id(4), vec![id(5)]);
        let mut found = find_loops(starts(), &links);
        found.sort();
        assert_eq!(found, [vec!["t3", "t4", "t5", "t3"], vec!["t5", "t5"]]);
    }
}
