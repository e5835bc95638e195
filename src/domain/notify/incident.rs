//! Incidents: one per subject, event and cause. An incident opens with the first event that a rule covers, grows with each
//! repetition, and closes when the subject is well again.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::super::tag_scope::TagScope;
use super::event::NotifyEvent;
use crate::i18n::{Language, Message};

/// An incident as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// A ULID; the order of ids is the order of opening.
    pub id: String,
    /// What it is about: `task:daily-report`, `heartbeat:…`, `channel:…`, `calendar:…` or `server:…`.
    pub subject: String,
    /// The task, if it is about one.
    pub task_id: Option<String>,
    pub event: NotifyEvent,
    /// Tells the causes of one subject apart, and is the same for all subjects of one cause.
    pub cause_key: String,
    /// The masked text of the first error, in English.
    pub cause: String,
    /// The latest error.
    pub error: Option<Message>,
    pub opened_at: DateTime<Utc>,
    /// When it happened last.
    pub last_at: DateTime<Utc>,
    pub closed_at: Option<DateTime<Utc>>,
    /// Who closed it by hand.
    pub closed_by: Option<String>,
    /// How often it happened.
    pub count: i64,
    pub first_execution: Option<String>,
    pub last_execution: Option<String>,
    pub acknowledged_at: Option<DateTime<Utc>>,
    pub acknowledged_by: Option<String>,
    /// What each rule has told of it.
    pub told: Told,
}

/// What the rules have told of an incident, by rule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Told(pub BTreeMap<String, ToldBy>);

/// What one rule has told, with times in milliseconds since 1970.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldBy {
    /// When its first message was decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<i64>,
    /// When its next message is due: a reminder, or the first message if that waits for others of the same cause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<i64>,
}

impl Told {
    /// When the next message is due.
    #[must_use]
    pub fn next_due(&self) -> Option<i64> {
        self.0.values().filter_map(|by| by.due).min()
    }
}

impl Incident {
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.closed_at.is_none()
    }

    /// The latest error in a language; empty without one.
    #[must_use]
    pub fn error_text(&self, language: Language) -> String {
        self.error.as_ref().map(|error| error.text(language)).unwrap_or_default()
    }

    /// The name of the subject.
    #[must_use]
    pub fn name(&self) -> &str {
        self.subject.split_once(':').map_or(&*self.subject, |(_, name)| name)
    }
}

/// Selects incidents; every condition that is given must match.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct IncidentFilter {
    /// Whether it is open.
    pub open: Option<bool>,
    pub task_id: Option<String>,
    /// Only those of tasks in this scope; the services set it to the actor's scope.
    pub scope: TagScope,
}

/// A message of an incident, as its page lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub message_id: String,
    pub rule: String,
    pub channel: String,
    pub title: String,
    pub state: String,
    pub created_at: DateTime<Utc>,
    pub not_before: DateTime<Utc>,
    pub sent_at: Option<DateTime<Utc>>,
    pub attempts: i64,
    pub provider_code: Option<String>,
    pub provider_text: Option<Message>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn told_round_trips_and_names_the_earliest_due_time() {
        let by = |first, due| ToldBy { first, due };
        let told = Told(
            [("a".to_owned(), by(Some(1), Some(9))), ("b".to_owned(), by(None, Some(5))), ("c".to_owned(), by(Some(2), None))]
                .into(),
        );
        let text = serde_json::to_string(&told).unwrap();
        assert_eq!(text, r#"{"a":{"first":1,"due":9},"b":{"due":5},"c":{"first":2}}"#);
        assert_eq!(serde_json::from_str::<Told>(&text).unwrap(), told);
        assert_eq!((told.next_due(), Told::default().next_due()), (Some(5), None));
    }
}
