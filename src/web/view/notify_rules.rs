//! Views of the notification rules.

use serde::Serialize;

use super::context::ViewContext;
use super::task_form::Fields;
use super::{Choice, Moment, View, type_choices};
use crate::domain::notify::event::NotifyEvent;
use crate::domain::notify::rule::TaskSelection;
use crate::i18n::Language;
use crate::service::StoredRule;
use crate::web::urls::with_query;

#[derive(Debug, Clone, Serialize)]
pub struct RuleList {
    pub rows: Vec<RuleRow>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleRow {
    pub name: String,
    pub enabled: bool,
    pub urgent: bool,
    /// Whether it holds for all tasks.
    pub all: bool,
    /// What it selects tasks by: ids, tags and types.
    pub tasks: Vec<String>,
    pub events: Vec<&'static str>,
    pub channels: Vec<String>,
    pub has_digest: bool,
    pub updated: Moment,
    pub updated_by: String,
    pub edit: String,
    pub delete: String,
}

/// The URL of an action on a rule.
pub fn href(action: &str, name: &str) -> String {
    with_query(&format!("/settings/rules/{action}"), &[("name", name)])
}

impl RuleRow {
    pub fn new(ctx: &ViewContext, stored: &StoredRule) -> RuleRow {
        let rule = &stored.definition;
        RuleRow {
            name: rule.name.clone(),
            enabled: rule.enabled,
            urgent: rule.urgent,
            all: rule.tasks.all,
            tasks: selected(&rule.tasks),
            events: rule.events.iter().map(|event| event.as_str()).collect(),
            channels: rule.channels.clone(),
            has_digest: rule.digest.is_some(),
            updated: Moment::new(stored.updated_at, ctx.zone),
            updated_by: stored.updated_by.clone(),
            edit: href("edit", &rule.name),
            delete: href("delete", &rule.name),
        }
    }
}

fn selected(tasks: &TaskSelection) -> Vec<String> {
    let tags = tasks.tags.iter().map(|tag| format!("tag:{tag}"));
    let types = tasks.types.iter().map(|name| format!("type:{name}"));
    tasks.ids.iter().cloned().chain(tags).chain(types).collect()
}

#[derive(Debug, Clone, Serialize)]
pub struct RuleForm {
    /// The name of an existing rule; empty for a new one.
    pub name: String,
    pub post_to: String,
    pub message: String,
    pub form: Fields,
    pub events: Vec<Check>,
    pub channels: Vec<Check>,
    pub types: Vec<Choice>,
    pub languages: Vec<Choice>,
    pub digests: Vec<Choice>,
    pub weekdays: Vec<Choice>,
}

/// A checkbox of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    pub value: String,
    pub text: String,
    pub checked: bool,
}

impl RuleForm {
    /// `events` and `channels` are those that are checked, `known` the channels to choose from.
    pub fn new(
        ctx: &ViewContext,
        name: &str,
        form: Fields,
        events: &[String],
        channels: &[String],
        known: &[String],
    ) -> RuleForm {
        let check = |value: &str, text: &str, checked: &[String]| Check {
            value: value.to_owned(),
            text: text.to_owned(),
            checked: checked.iter().any(|one| one == value),
        };
        let event = |event: NotifyEvent| check(event.as_str(), ctx.t(&format!("notify_event.{}", event.as_str())), events);
        let gone = channels.iter().filter(|name| !known.contains(name));
        let weekday = |day: &str| Choice::new(day, ctx.t(&format!("rules.weekday_{day}")));
        RuleForm {
            name: name.to_owned(),
            post_to: if name.is_empty() { "/settings/rules/new".to_owned() } else { href("edit", name) },
            message: String::new(),
            form,
            events: NotifyEvent::of_rules().map(event).collect(),
            channels: known.iter().chain(gone).map(|name| check(name, name, channels)).collect(),
            types: type_choices(ctx),
            languages: Language::ALL
                .map(|language| Choice::new(language.tag(), ctx.t(&format!("rules.language_{}", language.tag()))))
                .into(),
            digests: ["day", "week"].map(|every| Choice::new(every, ctx.t(&format!("rules.digest_{every}")))).into(),
            weekdays: ["mon", "tue", "wed", "thu", "fri", "sat", "sun"].map(weekday).into(),
        }
    }
}

impl View for RuleList {
    const TEMPLATE: &'static str = "pages/rules.html";

    fn samples() -> Vec<Self> {
        let row = RuleRow {
            name: "<b>".into(),
            enabled: true,
            urgent: true,
            all: false,
            tasks: vec!["<b>".into(), "tag:<b>".into()],
            events: NotifyEvent::of_rules().map(NotifyEvent::as_str).collect(),
            channels: vec!["<b>".into()],
            has_digest: true,
            updated: Moment::sample(),
            updated_by: "<b>".into(),
            edit: href("edit", "<b>"),
            delete: href("delete", "<b>"),
        };
        let off = RuleRow { enabled: false, urgent: false, all: true, has_digest: false, ..row.clone() };
        vec![RuleList { rows: vec![row, off] }, RuleList { rows: Vec::new() }]
    }
}

impl View for RuleForm {
    const TEMPLATE: &'static str = "pages/rule.html";

    fn samples() -> Vec<Self> {
        let check = |checked| Check { value: "failed".into(), text: "<b>".into(), checked };
        let form = |name: &str, message: &str, channels| RuleForm {
            name: name.into(),
            post_to: "/settings/rules/new".into(),
            message: message.into(),
            form: Fields::default(),
            events: vec![check(true), check(false)],
            channels,
            types: vec![Choice::new("echo", "…")],
            languages: vec![Choice::new("en", "…")],
            digests: vec![Choice::new("day", "…")],
            weekdays: vec![Choice::new("mon", "…")],
        };
        vec![form("", "…", vec![check(true)]), form("<b>", "", Vec::new())]
    }
}
