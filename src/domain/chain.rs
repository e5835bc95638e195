//! Chains: the tasks that a task starts when a run of it ends. They form no loops; that is seen to when a task is saved.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};

use super::execution::Status;
use super::fault::Fault;
use super::input::{Fields, shown};
use super::task::check_id;

/// The most tasks that one task starts.
pub const MAX_LINKS: usize = 20;

/// One task to be started.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    pub on: On,
    /// The task to start.
    pub task: String,
    /// Override members of that task's parameters; their templates see this run as `previous`.
    pub params: Map<String, Value>,
}

/// At which end of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    Success,
    /// It failed, timed out or was interrupted, and is not tried again.
    Failure,
    /// Those, and when it was cancelled while it ran.
    Always,
}

const WORDS: [(&str, On); 3] = [("success", On::Success), ("failure", On::Failure), ("always", On::Always)];

impl On {
    pub fn as_str(self) -> &'static str {
        WORDS.into_iter().find(|(_, on)| *on == self).map_or("", |(word, _)| word)
    }

    /// Whether a run that ended like this starts the task.
    pub fn fits(self, end: Status) -> bool {
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

/// A chain as JSON, as it is stored and answered.
pub fn to_json(links: &[Link]) -> Value {
    links.iter().map(Link::to_json).collect()
}

/// Reads a chain; `pointer` is where it stands.
///
/// # Errors
/// Every fault found.
pub fn parse(value: &Value, pointer: &str) -> Result<Vec<Link>, Vec<Fault>> {
    let list = match value {
        Value::Null => return Ok(Vec::new()),
        Value::Array(list) => list,
        other => return Err(vec![Fault::new(pointer, format!("chain: must be a list, not {}", shown(other)))]),
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
        Some(other) => shown(&other),
    };
    if let Err(message) = check_id(&task) {
        f.fault("task", message.replacen("id:", "task:", 1));
    }
    let params = match f.take("params") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(map)) => map,
        Some(other) => {
            f.fault("params", format!("params: must be an object, not {}", shown(&other)));
            Map::new()
        }
    };
    f.finish(Link { on, task, params })
}

/// The way by which a task would start itself, if there is one: the task, those between, the task again. `links` gives
/// whom each task starts, with the task's new chain in place of its former one.
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
    fn a_chain_reads_back() {
        let given = json!([{"task": "b"}, {"on": "failure", "task": "c", "params": {"x": "{{ previous.error }}"}}]);
        let links = parse(&given, "/chain").unwrap();
        assert_eq!((links[0].on, links[1].on), (On::Success, On::Failure));
        assert_eq!(parse(&to_json(&links), "/chain").unwrap(), links);
        assert_eq!(parse(&Value::Null, "/chain").unwrap(), []);
    }

    #[test]
    fn faults_are_placed() {
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
    fn ends_start_what_they_should() {
        let started = |on: On| Status::ALL.into_iter().filter(|end| on.fits(*end)).collect::<Vec<_>>();
        assert_eq!(started(On::Success), [Status::Succeeded]);
        assert_eq!(started(On::Failure), [Status::Failed, Status::TimedOut, Status::Interrupted]);
        assert_eq!(started(On::Always).len(), 5);
    }

    #[test]
    fn loops_are_found_with_their_way() {
        let links = |pairs: &[(&str, &[&str])]| {
            let owned = pairs.iter().map(|(from, to)| ((*from).to_owned(), to.iter().map(|t| (*t).to_owned()).collect()));
            owned.collect::<HashMap<_, _>>()
        };
        let shared = links(&[("a", &["b", "c"]), ("b", &["d"]), ("c", &["d"]), ("d", &[])]);
        assert_eq!(find_loop("a", &shared), None, "two ways to one end are no loop");
        let looped = links(&[("a", &["b"]), ("b", &["c"]), ("c", &["a"])]);
        assert_eq!(find_loop("a", &looped).unwrap(), ["a", "b", "c", "a"]);
        assert_eq!(find_loop("a", &links(&[("a", &["a"])])).unwrap(), ["a", "a"]);
        assert_eq!(find_loop("x", &looped), None);
    }
}
