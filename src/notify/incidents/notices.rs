//! The messages about incidents: those of one rule, phase and cause are one message that names all tasks.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::DecisionTime;
use crate::domain::input::truncate;
use crate::domain::notify::cause::cause_text;
use crate::domain::notify::event::NotifyEvent;
use crate::domain::notify::incident::Incident;
use crate::domain::notify::incident_decision::{Phase, Telling};
use crate::domain::notify::message::{Field, NewMessage, Notice, SUBJECTS_MAX};
use crate::domain::notify::rule::NotifyRule;
use crate::i18n::{Language, Message, message};
use crate::ids::new_id;

/// Messages to be queued, and which incidents each is about: (incident, message).
#[derive(Debug, Default)]
pub(super) struct Composed {
    pub messages: Vec<NewMessage>,
    pub links: Vec<(String, String)>,
}

/// The messages of these decisions. `ends` are the last lines of output by incident.
pub(super) fn compose(
    rules: &[NotifyRule],
    tellings: &[Telling],
    incidents: &HashMap<&str, &Incident>,
    ends: &HashMap<String, String>,
    at: DecisionTime,
) -> Composed {
    let mut groups: BTreeMap<_, Vec<(&Telling, &Incident)>> = BTreeMap::new();
    for telling in tellings {
        let Some(incident) = incidents.get(telling.incident_id.as_str()) else { continue };
        let key = (telling.rule.as_str(), telling.phase, incident.event, incident.cause_key.as_str());
        groups.entry(key).or_default().push((telling, incident));
    }
    let mut composed = Composed::default();
    for ((name, phase, ..), group) in groups {
        let Some(rule) = rules.iter().find(|rule| rule.name == name) else { continue };
        for part in group.chunks(SUBJECTS_MAX) {
            composed.add(rule, phase, part, ends, at);
        }
    }
    composed
}

impl Composed {
    fn add(
        &mut self,
        rule: &NotifyRule,
        phase: Phase,
        group: &[(&Telling, &Incident)],
        ends: &HashMap<String, String>,
        at: DecisionTime,
    ) {
        let Some((first, about)) = group.first() else { return };
        let incidents: Vec<&Incident> = group.iter().map(|(_, incident)| *incident).collect();
        let notice = Notice {
            urgent: rule.urgent,
            subjects: incidents.iter().map(|incident| incident.name().to_owned()).collect(),
            fields: fields(&incidents, phase, rule.language, at),
            error: error(about, phase, ends.get(&about.id), rule.language),
            path: Some(path(&incidents, phase)),
            ..Notice::new(new_id(at.now), event(about, phase), rule.language, title(&incidents, phase, rule.language, at))
        };
        for channel in &rule.channels {
            let id = new_id(at.now);
            self.links.extend(incidents.iter().map(|incident| (incident.id.clone(), id.clone())));
            self.messages.push(NewMessage {
                id,
                channel: channel.clone(),
                incident_id: Some(about.id.clone()),
                rule: rule.name.clone(),
                notice: notice.clone(),
                not_before: first.not_before,
                created_at: at.now,
            });
        }
    }
}

fn event(incident: &Incident, phase: Phase) -> NotifyEvent {
    if phase == Phase::Closed { NotifyEvent::Recovered } else { incident.event }
}

fn title(incidents: &[&Incident], phase: Phase, language: Language, at: DecisionTime) -> String {
    let Some(first) = incidents.first() else { return String::new() };
    let names = match incidents.len() {
        1 => Message::verbatim(first.name()),
        count => message!("incident_notice.several", first = first.name(), count = count - 1),
    };
    let title = match phase {
        Phase::Opened => happened(first.event, names),
        Phase::StillOpen => {
            let lasting = language.duration((at.now - first.opened_at).num_milliseconds());
            message!("incident_notice.still", title = happened(first.event, names), lasting)
        }
        Phase::Closed => message!("incident_notice.recovered", names),
    };
    title.text(language)
}

/// What happened, in one line.
fn happened(event: NotifyEvent, names: Message) -> Message {
    match event {
        NotifyEvent::FailuresInARow => message!("incident_notice.failures_in_a_row", names),
        NotifyEvent::Missed => message!("incident_notice.missed", names),
        NotifyEvent::Skipped => message!("incident_notice.skipped", names),
        NotifyEvent::Late => message!("incident_notice.late", names),
        NotifyEvent::RunningLong => message!("incident_notice.running_long", names),
        NotifyEvent::NoSuccess => message!("incident_notice.no_success", names),
        NotifyEvent::HeartbeatLost => message!("incident_notice.heartbeat_lost", names),
        NotifyEvent::ChannelFailing => message!("incident_notice.channel_failing", names),
        NotifyEvent::CalendarMissing => message!("incident_notice.calendar_missing", names),
        NotifyEvent::StorageTrouble => message!("incident_notice.storage_trouble", names),
        _ => message!("incident_notice.failed", names),
    }
}

fn fields(incidents: &[&Incident], phase: Phase, language: Language, at: DecisionTime) -> Vec<Field> {
    let Some(first) = incidents.first() else { return Vec::new() };
    let mut fields = Vec::new();
    let mut add = |label: Message, value: String| {
        if !value.is_empty() {
            fields.push(Field { label: label.text(language), value });
        }
    };
    if incidents.len() > 1 {
        add(message!("incident_notice.cause"), cause_text(first.error.as_ref(), language));
    }
    let opened = incidents.iter().map(|incident| incident.opened_at).min().unwrap_or(first.opened_at);
    add(message!("incident_notice.since"), local_time(opened, at.zone));
    let count: i64 = incidents.iter().map(|incident| incident.count).sum();
    if count > i64::try_from(incidents.len()).unwrap_or(i64::MAX) {
        add(message!("incident_notice.count"), count.to_string());
    }
    if phase == Phase::Closed {
        add(message!("incident_notice.lasted"), language.duration((at.now - opened).num_milliseconds()));
    }
    fields
}

fn local_time(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S %Z").to_string()
}

/// The error, and below it the last lines of the output.
fn error(incident: &Incident, phase: Phase, end: Option<&String>, language: Language) -> Option<String> {
    if phase == Phase::Closed {
        return None;
    }
    let error = truncate(&incident.error_text(language), 2_000);
    let end = end.map(String::as_str).unwrap_or_default();
    let parts: Vec<&str> = [error.as_str(), end].into_iter().filter(|part| !part.is_empty()).collect();
    (!parts.is_empty()).then(|| parts.join("\n"))
}

/// The page of the run, or of the incident where the message is about several runs.
fn path(incidents: &[&Incident], phase: Phase) -> String {
    match incidents {
        [one] if phase == Phase::Opened && one.last_execution.is_some() => {
            format!("/executions/{}", one.last_execution.as_deref().unwrap_or_default())
        }
        _ => format!("/incidents/{}", incidents.first().map(|one| one.id.as_str()).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn incident(name: &str, count: i64) -> Incident {
        let at = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        Incident {
            id: format!("i-{name}"),
            subject: format!("task:{name}"),
            task_id: Some(name.into()),
            event: NotifyEvent::Failed,
            cause_key: "k".into(),
            cause: "# refused by #".into(),
            error: Some(message!("incident_error.provider", code = 7, text = "refused by 10.0.0.1")),
            opened_at: at,
            last_at: at,
            closed_at: None,
            closed_by: None,
            count,
            first_execution: Some("01".into()),
            last_execution: Some("02".into()),
            acknowledged_at: None,
            acknowledged_by: None,
            told: Default::default(),
        }
    }

    fn composed(incidents: &[Incident], phase: Phase, language: &str, channels: &[&str]) -> Composed {
        let rule = json!({"name": "r", "tasks": {"all": true}, "events": ["failed"], "channels": channels, "language": language});
        let rules = [NotifyRule::parse(&rule, None).unwrap()];
        let now = DateTime::from_timestamp(1_800_000_060, 0).unwrap();
        let telling =
            |incident: &Incident| Telling { rule: "r".into(), phase, incident_id: incident.id.clone(), not_before: now };
        let tellings: Vec<_> = incidents.iter().map(telling).collect();
        let by_id = incidents.iter().map(|incident| (incident.id.as_str(), incident)).collect();
        let ends = HashMap::from([("i-a".to_owned(), "Traceback".to_owned())]);
        compose(&rules, &tellings, &by_id, &ends, DecisionTime { now, zone: Tz::Asia__Shanghai })
    }

    #[test]
    fn a_message_tells_task_error_and_time() {
        let told = composed(&[incident("a", 1)], Phase::Opened, "en", &["x", "y"]);
        assert_eq!(told.messages.iter().map(|one| one.channel.as_str()).collect::<Vec<_>>(), ["x", "y"]);
        let notice = &told.messages[0].notice;
        assert_eq!((notice.title.as_str(), notice.path.as_deref()), ("a failed", Some("/executions/02")));
        assert_eq!(notice.error.as_deref(), Some("7 refused by 10.0.0.1\nTraceback"));
        assert_eq!(notice.fields, [Field { label: "Since".into(), value: "2027-01-15 16:00:00 CST".into() }]);
        assert_eq!(told.links.len(), 2);
        let chinese = composed(&[incident("a", 3)], Phase::StillOpen, "zh-CN", &["x"]);
        assert_eq!(chinese.messages[0].notice.title, "a 运行失败，已持续 1 分");
    }

    #[test]
    fn incidents_of_one_cause_are_one_message_that_names_all() {
        let all: Vec<Incident> = (0..60).map(|n| incident(&format!("t{n:02}"), 1)).collect();
        let told = composed(&all, Phase::Opened, "en", &["x"]);
        let subjects: Vec<usize> = told.messages.iter().map(|one| one.notice.subjects.len()).collect();
        assert_eq!((subjects, told.links.len()), (vec![50, 10], 60));
        let notice = &told.messages[0].notice;
        assert_eq!(notice.title, "t00 and 49 more failed");
        assert_eq!(notice.fields[0], Field { label: "Cause".into(), value: "# refused by #".into() });
        assert_eq!(notice.path.as_deref(), Some("/incidents/i-t00"));
        let closed = composed(&all[..2], Phase::Closed, "en", &["x"]);
        assert_eq!((closed.messages[0].notice.event, closed.messages[0].notice.error.as_deref()), (NotifyEvent::Recovered, None));
        assert_eq!(closed.messages[0].notice.title, "t00 and 1 more recovered");
    }
}
