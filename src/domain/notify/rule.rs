//! Notification rules: which events of which tasks are sent through which channels.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::super::fault::Fault;
use super::super::input::{Fields, display_value, quoted, seconds_value};
use super::super::recent_outcomes::KEPT;
use super::super::tag_scope::TagScope;
use super::super::task_id::check_id;
use super::digest::DigestTime;
use super::event::NotifyEvent;
use super::quiet_hours::QuietHours;
use super::text_templates::TextTemplates;
use crate::i18n::{Language, message};

/// The most ids, tags or types of a rule.
pub const MAX_NAMES: usize = 500;
/// The most channels of a rule.
pub const MAX_CHANNELS: usize = 20;
/// The bounds of the time between reminders, in seconds.
const REMIND_MIN: f64 = 60.0;
const REMIND_MAX: f64 = 2_592_000.0;

/// A rule as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotifyRule {
    pub name: String,
    pub tasks: TaskSelection,
    /// In the order of [`NotifyEvent`], each once.
    pub events: Vec<NotifyEvent>,
    /// The number of failures in a row from which on a failure is told, 1 to 40.
    pub after_failures: u32,
    pub channels: Vec<String>,
    /// How often an open incident that nobody has acknowledged is told again. `None`: never.
    pub remind_every: Option<Duration>,
    pub quiet_hours: Option<QuietHours>,
    /// Whether its messages are sent in quiet hours too.
    pub urgent: bool,
    pub enabled: bool,
    pub language: Language,
    /// When a summary of the tasks is sent. `None`: never.
    pub digest: Option<DigestTime>,
    /// They come before those of a channel.
    pub templates: TextTemplates,
}

/// The tasks of a rule: those that one of the lists names, or all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskSelection {
    pub all: bool,
    pub ids: Vec<String>,
    pub tags: Vec<String>,
    pub types: Vec<String>,
}

/// What an event is about, as far as rules select by it.
#[derive(Debug, Clone, Copy)]
pub struct Target<'t> {
    pub id: &'t str,
    pub tags: &'t [String],
    pub task_type: &'t str,
}

impl Target<'_> {
    /// What belongs to no task: only rules for all tasks cover it.
    pub const SERVER: Target<'static> = Target { id: "", tags: &[], task_type: "" };
}

impl TaskSelection {
    #[must_use]
    pub fn selects(&self, target: &Target<'_>) -> bool {
        self.all
            || self.ids.iter().any(|id| id == target.id)
            || self.types.iter().any(|name| name == target.task_type)
            || self.tags.iter().any(|tag| target.tags.contains(tag))
    }

    /// Whether it selects tasks of the scope alone: by tags of the scope. Single tasks are looked up by the caller.
    #[must_use]
    pub fn is_within(&self, scope: &TagScope) -> bool {
        let of_scope = |tag: &String| scope.allows(std::slice::from_ref(tag));
        scope.is_all() || (!self.all && self.types.is_empty() && self.tags.iter().all(of_scope))
    }

    fn parse(value: &Value) -> Result<TaskSelection, Vec<Fault>> {
        let mut f = Fields::new(value, "/tasks");
        let selection = TaskSelection {
            all: f.boolean("all", false),
            ids: names(&mut f, "ids", MAX_NAMES),
            tags: names(&mut f, "tags", MAX_NAMES),
            types: names(&mut f, "types", MAX_NAMES),
        };
        if value.is_object() && selection == TaskSelection::default() {
            f.fault("all", message!("notify_rule.selects_nothing"));
        }
        f.finish(selection)
    }

    fn to_json(&self) -> Value {
        if self.all {
            return json!({"all": true});
        }
        let lists = [("ids", &self.ids), ("tags", &self.tags), ("types", &self.types)];
        Value::Object(
            lists.into_iter().filter(|(_, list)| !list.is_empty()).map(|(name, list)| (name.into(), json!(list))).collect(),
        )
    }
}

/// A list of names, sorted, each once.
fn names(f: &mut Fields, field: &str, max: usize) -> Vec<String> {
    let mut list = f.texts(field);
    if list.len() > max {
        f.fault(field, message!("value.too_many", count = list.len(), max));
        return Vec::new();
    }
    for (place, name) in list.iter().enumerate() {
        if let Err(message) = check_id(name) {
            f.fault(&format!("{field}/{place}"), message);
        }
    }
    list.sort_unstable();
    list.dedup();
    list
}

impl NotifyRule {
    /// Parses a rule. `name` is that of the path, if there is one.
    ///
    /// # Errors
    /// Every fault.
    pub fn parse(value: &Value, name: Option<&str>) -> Result<NotifyRule, Vec<Fault>> {
        let mut f = Fields::new(value, "");
        let given = f.text("name", 64, name.unwrap_or_default());
        match (check_id(&given), name) {
            (Err(message), _) => f.fault("name", message),
            (Ok(()), Some(name)) if name != given => f.fault("name", message!("notify_rule.renamed", name)),
            _ => {}
        }
        let languages = Language::ALL.map(|language| (language.tag(), language));
        let rule = NotifyRule {
            tasks: selection(&mut f),
            events: events(&mut f),
            after_failures: f.integer("after_failures", 1, KEPT as i64, 1) as u32,
            channels: names(&mut f, "channels", MAX_CHANNELS),
            remind_every: f.optional_seconds("remind_every_seconds", REMIND_MIN, REMIND_MAX, None),
            quiet_hours: match f.take_nullable("quiet_hours") {
                None | Some(Value::Null) => None,
                Some(hours) => f.collect(QuietHours::parse(&hours, "/quiet_hours")),
            },
            urgent: f.boolean("urgent", false),
            enabled: f.boolean("enabled", true),
            language: f.choice("language", &languages, Language::English),
            digest: match f.take_nullable("digest") {
                None | Some(Value::Null) => None,
                Some(time) => f.collect(DigestTime::parse(&time, "/digest")),
            },
            templates: TextTemplates::take(&mut f),
            name: given,
        };
        if value.is_object() && rule.channels.is_empty() && !value.get("channels").is_some_and(has_items) {
            f.fault("channels", message!("notify_rule.without_channel"));
        }
        if value.is_object() && rule.events.is_empty() && rule.digest.is_none() && !value.get("events").is_some_and(has_items) {
            f.fault("events", message!("notify_rule.without_event"));
        }
        f.finish(rule)
    }

    /// The rule as JSON; fields without a value are left out.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut map = Map::new();
        map.insert("name".into(), self.name.clone().into());
        map.insert("tasks".into(), self.tasks.to_json());
        map.insert("events".into(), self.events.iter().map(|event| event.as_str()).collect());
        map.insert("after_failures".into(), self.after_failures.into());
        map.insert("channels".into(), self.channels.clone().into());
        if let Some(every) = self.remind_every {
            map.insert("remind_every_seconds".into(), seconds_value(every));
        }
        if let Some(hours) = &self.quiet_hours {
            map.insert("quiet_hours".into(), hours.to_json());
        }
        map.insert("urgent".into(), self.urgent.into());
        map.insert("enabled".into(), self.enabled.into());
        map.insert("language".into(), self.language.tag().into());
        if let Some(digest) = &self.digest {
            map.insert("digest".into(), digest.to_json());
        }
        self.templates.put(&mut map);
        Value::Object(map)
    }

    /// Whether the rule tells of an event of a target.
    #[must_use]
    pub fn covers(&self, event: NotifyEvent, target: &Target<'_>) -> bool {
        self.enabled && self.events.contains(&event) && self.tasks.selects(target)
    }
}

fn has_items(value: &Value) -> bool {
    value.as_array().is_some_and(|list| !list.is_empty())
}

fn selection(f: &mut Fields) -> TaskSelection {
    match f.take("tasks") {
        None => {
            f.fault("tasks", message!("value.required"));
            TaskSelection::default()
        }
        Some(Value::Object(map)) => f.collect(TaskSelection::parse(&Value::Object(map))).unwrap_or_default(),
        Some(other) => {
            f.fault("tasks", message!("value.not_object_but", value = display_value(&other)));
            TaskSelection::default()
        }
    }
}

fn events(f: &mut Fields) -> Vec<NotifyEvent> {
    let mut events = Vec::new();
    for (place, name) in f.texts("events").into_iter().enumerate().take(MAX_NAMES) {
        match NotifyEvent::of_rules().find(|event| event.as_str() == name) {
            Some(event) => events.push(event),
            None => {
                let known: Vec<&str> = NotifyEvent::of_rules().map(NotifyEvent::as_str).collect();
                let fault = message!("value.not_one_of", value = quoted(&name, 40), known = known.join(", "));
                f.fault(&format!("events/{place}"), fault);
            }
        }
    }
    events.sort_unstable();
    events.dedup();
    events
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_round_trips_through_json() {
        let given = json!({"name": "night", "tasks": {"tags": ["b", "a", "b"], "types": ["send_sql"]}, "events": ["missed", "failed"],
            "after_failures": 3, "channels": ["ops"], "remind_every_seconds": 3600,
            "quiet_hours": {"from": "22:00", "to": "07:00", "timezone": "Asia/Shanghai"}, "urgent": true, "enabled": false,
            "language": "zh-CN", "digest": {"every": "week", "weekday": "fri", "at": "17:30"},
            "title_template": "{{ subject }}", "body_template": "{{ error }}\n{{ url }}"});
        let rule = NotifyRule::parse(&given, None).unwrap();
        assert_eq!(rule.events, [NotifyEvent::Failed, NotifyEvent::Missed]);
        assert_eq!(rule.tasks.tags, ["a", "b"]);
        assert_eq!(NotifyRule::parse(&rule.to_json(), Some("night")), Ok(rule));
        let least =
            NotifyRule::parse(&json!({"tasks": {"all": true}, "events": ["failed"], "channels": ["a"]}), Some("x")).unwrap();
        assert_eq!((least.after_failures, least.enabled, least.language), (1, true, Language::English));
        assert_eq!(NotifyRule::parse(&least.to_json(), None), Ok(least));
    }

    #[test]
    fn parse_reports_every_fault() {
        let given = json!({"name": "-x", "tasks": {"ids": ["a b"], "every": 1}, "events": ["failed", "digest"], "after_failures": 41,
            "channels": [], "remind_every_seconds": 5, "urgent": "no", "language": "fr", "sound": 1});
        let faults = NotifyRule::parse(&given, None).unwrap_err();
        let found: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        let expected = [
            "/name",
            "/tasks/ids/0",
            "/tasks/every",
            "/events/1",
            "/after_failures",
            "/remind_every_seconds",
            "/urgent",
            "/language",
            "/channels",
            "/sound",
        ];
        assert_eq!(found, expected);
        let pointers = |value: Value| {
            let faults = NotifyRule::parse(&value, Some("a")).unwrap_err();
            faults.into_iter().map(|fault| fault.pointer).collect::<Vec<_>>()
        };
        assert_eq!(pointers(json!({})), ["/tasks", "/channels", "/events"]);
        assert_eq!(pointers(json!({"name": "b", "tasks": {}, "channels": ["x"], "events": ["late"]})), ["/name", "/tasks/all"]);
        assert_eq!(pointers(json!([])), ["", "/tasks"]);
    }

    #[test]
    fn rules_cover_events_of_selected_tasks() {
        let rule = |tasks: Value| {
            NotifyRule::parse(&json!({"tasks": tasks, "events": ["failed"], "channels": ["a"]}), Some("x")).unwrap()
        };
        let tags = ["red".to_owned()];
        let target = Target { id: "a", tags: &tags, task_type: "echo" };
        for (tasks, covers) in [
            (json!({"all": true}), true),
            (json!({"ids": ["a"]}), true),
            (json!({"ids": ["b"], "tags": ["red"]}), true),
            (json!({"types": ["echo"]}), true),
            (json!({"ids": ["b"], "tags": ["blue"], "types": ["send_sql"]}), false),
        ] {
            assert_eq!(rule(tasks.clone()).covers(NotifyEvent::Failed, &target), covers, "{tasks}");
        }
        let all = rule(json!({"all": true}));
        assert!(!all.covers(NotifyEvent::Missed, &target) && all.covers(NotifyEvent::Failed, &Target::SERVER));
        assert!(!rule(json!({"ids": ["a"]})).covers(NotifyEvent::Failed, &Target::SERVER));
        assert!(!NotifyRule { enabled: false, ..all }.covers(NotifyEvent::Failed, &target));
    }

    #[test]
    fn selections_of_limited_accounts_name_their_tags_or_single_tasks() {
        let red = TagScope::from_tags(&["red".to_owned()]);
        let select = |tags: &[&str]| TaskSelection {
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            ..TaskSelection::default()
        };
        assert!(select(&["red"]).is_within(&red) && !select(&["red", "blue"]).is_within(&red));
        assert!(!TaskSelection { all: true, ..TaskSelection::default() }.is_within(&red));
        assert!(TaskSelection { all: true, ..TaskSelection::default() }.is_within(&TagScope::ALL));
        assert!(!TaskSelection { types: vec!["echo".into()], ..TaskSelection::default() }.is_within(&red));
    }
}
