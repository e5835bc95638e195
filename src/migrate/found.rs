//! The result of an importer: tasks and entries left out, each with its place in the source.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::to_id;
use crate::i18n::{Message, message};

/// The tasks of another scheduler.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    pub entries: Vec<Entry>,
    /// What is not migrated, with the reason.
    pub left_out: Vec<Remark>,
    /// What has no equivalent or is worth knowing, without loss of a task.
    pub notes: Vec<Remark>,
}

/// A message about a place in the source.
#[derive(Debug, Clone, PartialEq)]
pub struct Remark {
    pub place: Message,
    pub message: Message,
}

/// One job of the other scheduler.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub place: Message,
    /// What it runs, in one line.
    pub command: String,
    /// The tasks that replace it; usually one.
    pub tasks: Vec<Value>,
    /// What changes its meaning.
    pub notes: Vec<Message>,
    /// Its next firings by the other scheduler's rules.
    pub firings: Vec<DateTime<Utc>>,
}

impl Found {
    pub fn leave_out(&mut self, place: Message, message: Message) {
        self.left_out.push(Remark { place, message });
    }

    pub fn note(&mut self, place: Message, message: Message) {
        self.notes.push(Remark { place, message });
    }

    /// Adds an entry, or what was left out for the reason of the error.
    pub fn add(&mut self, place: Message, entry: Result<Entry, Message>) {
        match entry {
            Ok(entry) => self.entries.push(entry),
            Err(reason) => self.leave_out(place, reason),
        }
    }
}

/// Where tasks come from. Ids and tags made of it are the same at each import of the same source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Precedes every id.
    prefix: String,
    /// The tag of all imports of this kind, or one chosen by the user.
    kind_tag: String,
    /// The tag of this source.
    tag: String,
}

/// Most characters of an id, so that a number can still follow.
const MAX_ID: usize = 60;
/// Most characters of an id's name; a digest comes after it.
const MAX_NAME: usize = 40;

impl Origin {
    /// `kind` names the scheduler; `source` tells its file or database from others.
    pub fn new(kind: &str, source: &str, prefix: Option<&str>, tag: Option<&str>) -> Origin {
        let prefix = prefix.unwrap_or_default();
        Origin {
            prefix: prefix.to_owned(),
            kind_tag: tag.unwrap_or(kind).to_owned(),
            tag: format!("{kind}-{}", digest(&[kind, source, prefix])),
        }
    }

    /// The tag that every task of this source has, and no other task.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// The id of a job that the other scheduler knows by an id of its own.
    pub fn id(&self, id: &str) -> String {
        let whole = format!("{}{}", self.prefix, to_id(id));
        if whole.chars().count() <= MAX_ID {
            return whole;
        }
        let start: String = whole.chars().take(MAX_ID - 9).collect();
        format!("{start}-{}", digest(&[&whole]))
    }

    /// The id of a job known by its text only: a name, and a digest of the text and the source.
    pub fn id_of_text(&self, name: &str, text: &str) -> String {
        let name: String = to_id(name).chars().take(MAX_NAME).collect();
        self.id(&format!("{}-{}", name.trim_end_matches(['-', '.', '_']), digest(&[&self.tag, text])))
    }

    /// Adds the tags of the origin, and makes ids that occur twice distinct; returns what was changed.
    pub fn mark(&self, found: &mut Found) {
        let mut seen = HashSet::new();
        let mut renamed = Vec::new();
        for entry in &mut found.entries {
            for task in &mut entry.tasks {
                let own = task["tags"].as_array().cloned().unwrap_or_default();
                let tags = [json!(self.kind_tag), json!(self.tag)].into_iter().chain(own);
                task["tags"] = tags.collect();
                let id = task["id"].as_str().unwrap_or_default().to_owned();
                let mut number = 1;
                let mut distinct = id.clone();
                while !seen.insert(distinct.clone()) {
                    number += 1;
                    distinct = format!("{id}-{number}");
                }
                if distinct != id {
                    let message = message!("migrate.id_taken", id = &id, new = &distinct);
                    renamed.push(Remark { place: entry.place.clone(), message });
                    task["id"] = distinct.into();
                }
            }
        }
        found.notes.extend(renamed);
    }
}

/// Eight hexadecimal digits that depend on all texts.
fn digest(texts: &[&str]) -> String {
    let digest = Sha256::digest(json!(texts).to_string().as_bytes());
    digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_depend_on_text_source_and_prefix() {
        let origin = |source: &str, prefix| Origin::new("crontab", source, prefix, None);
        let id = |origin: &Origin| origin.id_of_text("backup.sh", "0 3 * * * /opt/backup.sh");
        assert_eq!(id(&origin("/a", None)), id(&origin("/a", None)));
        assert_ne!(id(&origin("/a", None)), id(&origin("/b", None)));
        let prefixed = id(&origin("/a", Some("web-")));
        assert!(prefixed.starts_with("web-backup.sh-"), "{prefixed}");
        let long = origin("/a", None).id_of_text(&"x".repeat(100), "");
        let prefixed = origin("/a", Some(&"p".repeat(40))).id(&"y".repeat(60));
        for id in [long, prefixed] {
            assert_eq!(crate::domain::task_id::check_id(&id), Ok(()));
        }
    }

    #[test]
    fn equal_ids_become_distinct_and_are_listed() {
        let entry = |id: &str| Entry {
            place: Message::verbatim(id),
            command: String::new(),
            tasks: vec![json!({"id": "a-b", "tags": ["x"]})],
            notes: Vec::new(),
            firings: Vec::new(),
        };
        let mut found = Found { entries: vec![entry("a b"), entry("a-b")], ..Found::default() };
        let origin = Origin::new("apscheduler", "db", None, Some("old"));
        origin.mark(&mut found);
        assert_eq!(found.entries[1].tasks[0], json!({"id": "a-b-2", "tags": ["old", origin.tag(), "x"]}));
        assert_eq!(found.notes.len(), 1);
    }
}
