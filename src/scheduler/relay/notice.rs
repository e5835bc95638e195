//! A notice from one node to the others, as JSON: `from` (the node), and `hello`, `missed`, `tasks` (`[id, change]`),
//! `executions` (`[id, task, status, attempt]`) or `output` (`[execution, attempt, seq, attempt, seq]`: behind the first place, up
//! to the last; the text itself is read from the database).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::domain::event::{Event, TaskChange};
use crate::domain::execution::{OutputChunk, Status};
use crate::storage::notices::MAX_BYTES;

/// More than this is not named one by one.
const MOST: usize = 1_000;

/// An attempt and a place in its output.
type Place = (i64, i64);

/// What is to be told.
#[derive(Default)]
pub(super) struct Notice {
    entries: Vec<(&'static str, Value)>,
    output: BTreeMap<String, (Place, Place)>,
    missed: bool,
}

/// Output of an execution that another node wrote.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Written {
    pub id: String,
    pub after: Place,
    pub last: Place,
}

/// Says that a node is there.
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
                Event::Missed => self.missed = true,
            }
        }
        self.missed |= self.entries.len() > MOST;
    }

    fn add_output(&mut self, id: &str, chunks: &[OutputChunk]) {
        for chunk in chunks {
            let (after, last) = ((chunk.attempt, chunk.seq - 1), (chunk.attempt, chunk.seq));
            let written = self.output.entry(id.to_owned()).or_insert((after, last));
            *written = (written.0.min(after), written.1.max(last));
        }
    }

    /// Something is known only to have happened.
    pub fn lose(&mut self) {
        self.missed = true;
    }

    /// The notice in as many parts as its size takes.
    pub fn parts(mut self, node_id: &str) -> Vec<String> {
        if self.missed {
            return vec![json!({"from": node_id, "missed": true}).to_string()];
        }
        self.entries.dedup();
        let output = self.output.into_iter().map(|(id, (after, last))| ("output", json!([id, after.0, after.1, last.0, last.1])));
        let mut parts = Vec::new();
        let mut part = json!({"from": node_id});
        let mut size = 0;
        for (kind, entry) in self.entries.into_iter().chain(output) {
            // With the comma, and room for the names of the lists.
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

/// What a notice says, but for output.
pub(super) fn events(message: &Value) -> Vec<Event> {
    let missed = (message["missed"] == true).then_some(Event::Missed);
    let tasks = list(message, "tasks").filter_map(|entry| {
        let change = TaskChange::parse(entry[1].as_str()?)?;
        Some(Event::Task { id: entry[0].as_str()?.to_owned(), change })
    });
    let executions = list(message, "executions").filter_map(|entry| {
        let text = |place: usize| entry[place].as_str().map(str::to_owned);
        Some(Event::Execution { id: text(0)?, task_id: text(1)?, status: Status::parse(&text(2)?)?, attempt: entry[3].as_i64()? })
    });
    missed.into_iter().chain(tasks).chain(executions).collect()
}

/// The output that a notice tells of.
pub(super) fn outputs(message: &Value) -> Vec<Written> {
    let written = |entry: &Value| {
        let place = |at: usize| Some((entry[at].as_i64()?, entry[at + 1].as_i64()?));
        Some(Written { id: entry[0].as_str()?.to_owned(), after: place(1)?, last: place(3)? })
    };
    list(message, "output").filter_map(written).collect()
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

    fn read(parts: &[String]) -> Vec<Event> {
        parts.iter().flat_map(|part| events(&serde_json::from_str(part).expect("JSON"))).collect()
    }

    #[test]
    fn what_is_told_is_heard_in_parts_that_the_database_takes() {
        let mut told: Vec<_> = (0..300).map(|number| task(format!("任务-{number:040}"))).collect();
        told.push(Event::Execution { id: "1".into(), task_id: "a".into(), status: Status::Running, attempt: 2 });
        let mut notice = Notice::default();
        notice.add(&told);
        let parts = notice.parts("node");
        assert!(parts.len() > 1 && parts.iter().all(|part| part.len() < MAX_BYTES), "{} parts", parts.len());
        assert_eq!(read(&parts), told);
    }

    #[test]
    fn too_much_is_told_as_missed() {
        let mut notice = Notice::default();
        notice.add(&(0..2_000).map(|number| task(number.to_string())).collect::<Vec<_>>());
        assert_eq!(read(&notice.parts("node")), [Event::Missed]);
    }

    #[test]
    fn foreign_texts_are_passed_over() {
        for text in ["{}", "[]", "{\"tasks\": [1, [], [\"a\"], [\"a\", \"gone\"]], \"output\": [[\"a\", 1]], \"executions\": {}}"]
        {
            let message = serde_json::from_str(text).expect("JSON");
            assert_eq!((events(&message), outputs(&message)), (vec![], vec![]), "{text}");
        }
    }
}
