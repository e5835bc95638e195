//! The notice from one node to the others, as JSON: `from` (the node), and `hello`, `missed`, `tasks` (`[id, change]`),
//! `executions` (`[id, task, status, attempt]`) or `output` (`[execution, attempt, seq, attempt, seq]`: after the first
//! position, up to the last; the receiver reads the text from the database).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::domain::event::{Event, TaskChange};
use crate::domain::execution::{OutputChunk, Status};
use crate::storage::pg_notify::MAX_BYTES;

/// With more entries than this the notice only asks for a resync.
const MAX_ENTRIES: usize = 1_000;

/// An attempt and a sequence number in its output.
type Position = (i64, i64);

/// The changes to send.
#[derive(Default)]
pub(super) struct Notice {
    entries: Vec<(&'static str, Value)>,
    output: BTreeMap<String, (Position, Position)>,
    resync: bool,
}

/// A range of output of an execution that another node wrote.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OutputRange {
    pub execution_id: String,
    pub after: Position,
    pub last: Position,
}

/// The notice that a node has joined.
pub(super) fn hello(node_id: &str) -> String {
    json!({"from": node_id, "hello": true}).to_string()
}

impl Notice {
    pub fn add(&mut self, events: &[Event]) {
        for event in events {
            match event {
                Event::Task { id, change } => self.entries.push(("tasks", json!([id, change.as_str()]))),
                Event::Execution { id, task_id, status, attempt } => {
                    self.entries.push(("executions", json!([id, task_id, status.as_str(), attempt])));
                }
                Event::Output { execution_id, chunks } => self.add_output(execution_id, chunks),
                Event::Resync => self.resync = true,
            }
        }
        self.resync |= self.entries.len() > MAX_ENTRIES;
    }

    fn add_output(&mut self, id: &str, chunks: &[OutputChunk]) {
        for chunk in chunks {
            let (after, last) = ((chunk.attempt, chunk.seq - 1), (chunk.attempt, chunk.seq));
            let range = self.output.entry(id.to_owned()).or_insert((after, last));
            *range = (range.0.min(after), range.1.max(last));
        }
    }

    /// Notes that events were lost, so the receivers must reload.
    pub fn request_resync(&mut self) {
        self.resync = true;
    }

    /// The notice split into parts of at most [`MAX_BYTES`].
    pub fn parts(mut self, node_id: &str) -> Vec<String> {
        if self.resync {
            return vec![json!({"from": node_id, "missed": true}).to_string()];
        }
        self.entries.dedup();
        let output = self.output.into_iter().map(|(id, (after, last))| ("output", json!([id, after.0, after.1, last.0, last.1])));
        let mut parts = Vec::new();
        let mut part = json!({"from": node_id});
        let mut size = 0;
        for (kind, entry) in self.entries.into_iter().chain(output) {
            // With the comma; the names of the lists take the 200 bytes left free.
            let bytes = entry.to_string().len() + 1;
            if size + bytes > MAX_BYTES - 200 {
                parts.push(std::mem::replace(&mut part, json!({"from": node_id})).to_string());
                size = 0;
            }
            size += bytes;
            match part[kind].as_array_mut() {
                Some(list) => list.push(entry),
                None => part[kind] = json!([entry]),
            }
        }
        if size > 0 {
            parts.push(part.to_string());
        }
        parts
    }
}

/// The events of a notice, except output.
pub(super) fn events(message: &Value) -> Vec<Event> {
    let resync = (message["missed"] == true).then_some(Event::Resync);
    let tasks = list(message, "tasks").filter_map(|entry| {
        let change = TaskChange::parse(entry[1].as_str()?)?;
        Some(Event::Task { id: entry[0].as_str()?.to_owned(), change })
    });
    let executions = list(message, "executions").filter_map(|entry| {
        let text = |index: usize| entry[index].as_str().map(str::to_owned);
        Some(Event::Execution { id: text(0)?, task_id: text(1)?, status: Status::parse(&text(2)?)?, attempt: entry[3].as_i64()? })
    });
    resync.into_iter().chain(tasks).chain(executions).collect()
}

/// The ranges of output in a notice.
pub(super) fn output_ranges(message: &Value) -> Vec<OutputRange> {
    let range = |entry: &Value| {
        let position = |at: usize| Some((entry[at].as_i64()?, entry[at + 1].as_i64()?));
        Some(OutputRange { execution_id: entry[0].as_str()?.to_owned(), after: position(1)?, last: position(3)? })
    };
    list(message, "output").filter_map(range).collect()
}

fn list<'m>(message: &'m Value, kind: &str) -> impl Iterator<Item = &'m Value> {
    message[kind].as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(id: String) -> Event {
        Event::Task { id, change: TaskChange::Updated }
    }

    fn decode(parts: &[String]) -> Vec<Event> {
        parts.iter().flat_map(|part| events(&serde_json::from_str(part).expect("valid JSON"))).collect()
    }

    #[test]
    fn parts_stay_below_the_size_limit_and_decode_to_the_same_events() {
        let mut sent: Vec<_> = (0..300).map(|number| task(format!("任务-{number:040}"))).collect();
        sent.push(Event::Execution { id: "1".into(), task_id: "a".into(), status: Status::Running, attempt: 2 });
        let mut notice = Notice::default();
        notice.add(&sent);
        let parts = notice.parts("node");
        assert!(parts.len() > 1 && parts.iter().all(|part| part.len() < MAX_BYTES), "{} parts", parts.len());
        assert_eq!(decode(&parts), sent);
    }

    #[test]
    fn too_many_entries_become_a_resync() {
        let mut notice = Notice::default();
        notice.add(&(0..2_000).map(|number| task(number.to_string())).collect::<Vec<_>>());
        assert_eq!(decode(&notice.parts("node")), [Event::Resync]);
    }

    #[test]
    fn invalid_entries_are_ignored() {
        for text in ["{}", "[]", "{\"tasks\": [1, [], [\"a\"], [\"a\", \"gone\"]], \"output\": [[\"a\", 1]], \"executions\": {}}"]
        {
            let message = serde_json::from_str(text).expect("valid JSON");
            assert_eq!((events(&message), output_ranges(&message)), (vec![], vec![]), "{text}");
        }
    }
}
