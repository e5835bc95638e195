//! Notices: the content of a notification, without markup. Messages: a notice for a channel.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::super::input::truncate;
use super::super::mask::Mask;
use super::super::text_enum::text_enum;
use super::event::NotifyEvent;
use crate::i18n::{self, Language};

/// The most names of one notice; a notice about more is split into several.
pub const SUBJECTS_MAX: usize = 50;
/// The most fields of one notice.
pub const FIELDS_MAX: usize = 20;
const SUBJECT_MAX: usize = 200;
const TITLE_MAX: usize = 300;
const LABEL_MAX: usize = 60;
const VALUE_MAX: usize = 500;
const TEXT_MAX: usize = 4_000;
const BODY_MAX: usize = 8_000;
const PATH_MAX: usize = 500;

/// The content of a notification. Texts are plain: the channel escapes them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The same for each delivery of the notice.
    pub id: String,
    #[serde(with = "event_name")]
    pub event: NotifyEvent,
    pub urgent: bool,
    /// The notice in one line.
    pub title: String,
    /// The names of the tasks (or monitors, channels) that the notice is about. However short the channel's messages, these are
    /// in one of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subjects: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Field>,
    /// The last lines of an error or an output, or the text of a digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The text by a template, in place of fields and error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The page with more: a path such as `/executions/…`, without the base path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    #[serde(with = "language_tag")]
    pub language: Language,
}

/// A line of a notice: `Schedule: every day at 08:00`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    pub label: String,
    pub value: String,
}

impl Notice {
    /// A notice with a title alone.
    pub fn new(id: impl Into<String>, event: NotifyEvent, language: Language, title: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            event,
            urgent: false,
            title: title.into(),
            subjects: Vec::new(),
            fields: Vec::new(),
            error: None,
            body: None,
            path: None,
            language,
        }
    }

    /// The notice with secrets masked, then cut to the sizes that are stored.
    #[must_use]
    pub fn bounded(self, mask: &Mask) -> Self {
        let cut = |text: &str, max| truncate(&mask.text(text), max);
        let field = |field: &Field| Field { label: cut(&field.label, LABEL_MAX), value: cut(&field.value, VALUE_MAX) };
        Self {
            title: cut(&self.title, TITLE_MAX),
            subjects: self.subjects.iter().take(SUBJECTS_MAX).map(|name| cut(name, SUBJECT_MAX)).collect(),
            fields: self.fields.iter().take(FIELDS_MAX).map(field).collect(),
            error: self.error.as_deref().map(|text| last_part(&mask.text(text), TEXT_MAX)),
            body: self.body.as_deref().map(|text| cut(text, BODY_MAX)),
            path: self.path.map(|path| truncate(&path, PATH_MAX)),
            ..self
        }
    }
}

/// The last characters of a text, at most `max`; `…` stands for what is cut off.
fn last_part(text: &str, max: usize) -> String {
    let length = text.chars().count();
    if length <= max {
        return text.to_owned();
    }
    std::iter::once('…').chain(text.chars().skip(length - max + 1)).collect()
}

text_enum! {
    /// Where a message is on its way.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum MessageState {
        /// Waits for its time, for the channel's quota or for another try.
        Queued = "queued",
        /// The provider accepted it, alone or as the first of a group.
        Sent = "sent",
        /// The provider accepted it as a part of another message.
        Grouped = "grouped",
        /// Given up after the last try.
        Failed = "failed",
    }
}

/// A message to be queued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMessage {
    /// The id of its notice is not enough: one notice goes to several channels.
    pub id: String,
    pub channel: String,
    pub incident_id: Option<String>,
    /// The rule that asked for it; empty for a test.
    pub rule: String,
    pub notice: Notice,
    /// The earliest time of sending; later than `created_at` while quiet hours hold it back.
    pub not_before: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
}

/// A message on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub id: String,
    pub channel: String,
    pub incident_id: Option<String>,
    pub rule: String,
    pub notice: Notice,
    pub urgent: bool,
    pub not_before: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
    pub state: MessageState,
    /// The number of tries so far.
    pub attempts: i64,
    /// The time of the next try, while it is queued.
    pub next_try_at: Option<DateTime<Utc>>,
    pub sent_at: Option<DateTime<Utc>>,
    /// The id under which it was sent: that of the first message of its group. Set before the first try, so that a repetition
    /// after a crash has the same id and the same content.
    pub group_id: Option<String>,
    /// The HTTP status of the last answer.
    pub provider_status: Option<i64>,
    /// The provider's own code in the last answer.
    pub provider_code: Option<String>,
    /// The provider's own text in the last answer, or why there was none.
    pub provider_text: Option<i18n::Message>,
    /// Why the text was Belfry's own although there are templates.
    pub template_error: Option<i18n::Message>,
    /// The node of the last try.
    pub node: Option<String>,
}

/// The most bytes of names in one message, so that the shortest messages of the channels hold them.
const NAMES_MAX: usize = 600;

impl NewMessage {
    /// The message, or several about a part of the tasks each, so that every name has a place in one.
    pub fn split(self) -> Vec<NewMessage> {
        let mut parts: Vec<Vec<String>> = vec![Vec::new()];
        let mut used = 0;
        for name in &self.notice.subjects {
            used += name.len();
            if used > NAMES_MAX && parts.last().is_some_and(|part| !part.is_empty()) {
                parts.push(Vec::new());
                used = name.len();
            }
            parts.last_mut().into_iter().for_each(|part| part.push(name.clone()));
        }
        let part = |(number, subjects): (usize, Vec<String>)| {
            let suffix = if number == 0 { String::new() } else { format!(".{}", number + 1) };
            let notice = Notice { id: format!("{}{suffix}", self.notice.id), subjects, ..self.notice.clone() };
            NewMessage { id: format!("{}{suffix}", self.id), notice, ..self.clone() }
        };
        parts.into_iter().enumerate().map(part).collect()
    }
}

mod event_name {
    use super::*;

    pub fn serialize<S: Serializer>(event: &NotifyEvent, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(event.as_str())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NotifyEvent, D::Error> {
        let name = String::deserialize(deserializer)?;
        NotifyEvent::parse(&name).ok_or_else(|| serde::de::Error::custom(format!("event '{name}'")))
    }
}

mod language_tag {
    use super::*;

    pub fn serialize<S: Serializer>(language: &Language, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(language.tag())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Language, D::Error> {
        let tag = String::deserialize(deserializer)?;
        Language::parse(&tag).ok_or_else(|| serde::de::Error::custom(format!("language '{tag}'")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notice_is_masked_before_it_is_cut() {
        let secret = "hunter2-".repeat(20);
        let mask = Mask::from_values([secret.as_str()]);
        let mut notice =
            Notice::new("1", NotifyEvent::Failed, Language::English, format!("{}{secret}", "x".repeat(TITLE_MAX - 8)));
        notice.error = Some(format!("{}\n{secret}", "y".repeat(TEXT_MAX * 2)));
        notice.subjects = vec!["z".repeat(999); 99];
        let bounded = notice.bounded(&mask);
        assert!(!bounded.title.contains("hunter2") && bounded.title.chars().count() <= TITLE_MAX, "{}", bounded.title);
        let error = bounded.error.clone().unwrap_or_default();
        assert!(error.ends_with("***") && error.starts_with('…') && error.chars().count() == TEXT_MAX);
        assert_eq!(
            (bounded.subjects.len(), bounded.subjects[0].chars().count()),
            (SUBJECTS_MAX, SUBJECT_MAX + 1),
            "with the mark of a cut"
        );
    }

    #[test]
    fn a_message_about_many_tasks_is_split_without_losing_one() {
        let mut notice = Notice::new("n", NotifyEvent::Failed, Language::English, "50 tasks failed");
        notice.subjects = (0..SUBJECTS_MAX).map(|n| format!("{n:02} {}", "任务".repeat(n))).collect();
        let at = DateTime::UNIX_EPOCH;
        let whole = NewMessage {
            id: "m".into(),
            channel: "ops".into(),
            incident_id: None,
            rule: "all".into(),
            notice: notice.clone(),
            not_before: at,
            created_at: at,
        };
        let parts = whole.split();
        assert!(parts.len() > 1 && parts[1].id == "m.2" && parts[1].notice.id == "n.2");
        let names: Vec<String> = parts.iter().flat_map(|part| part.notice.subjects.clone()).collect();
        assert_eq!(names, notice.subjects);
        assert!(parts.iter().all(|part| part.notice.subjects.iter().map(String::len).sum::<usize>() <= NAMES_MAX));
    }

    #[test]
    fn notice_survives_its_json() {
        let mut notice = Notice::new("1", NotifyEvent::RunningLong, Language::Chinese, "任务 a 运行过久");
        notice.fields = vec![Field { label: "开始".into(), value: "08:00".into() }];
        let text = serde_json::to_string(&notice).unwrap();
        assert_eq!(serde_json::from_str::<Notice>(&text).unwrap(), notice);
    }
}
