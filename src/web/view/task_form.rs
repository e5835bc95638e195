//! Views of the task form, the trigger preview and the parameter check.

use std::collections::BTreeMap;

use serde::Serialize;

use super::fault_text::FaultText;
use super::params::{ParamsView, element_id};
use super::task_types::TypeView;
use super::{Choice, Moment, View};
use crate::web::form::params::{self, PARAMS};
use crate::web::form::{TRIGGERS, Values, field_of};

mod samples;

#[derive(Debug, Clone, Serialize)]
pub struct TaskForm {
    /// `new`, `edit` or `copy`.
    pub mode: &'static str,
    pub post_to: String,
    pub back: String,
    pub version: i64,
    pub form: Fields,
    /// Faults that belong to no field.
    pub other_faults: Vec<String>,
    pub fault_count: usize,
    /// The time limit of a test run, in seconds.
    pub test_seconds: u64,
    /// Whether leaving the page loses what it shows.
    pub is_unsaved: bool,
    pub message: String,
    pub types: Vec<TypeCard>,
    pub chosen: Option<TypeView>,
    pub params: ParamsView,
    pub zones: Vec<String>,
    pub server_zone: String,
    pub queues: Vec<String>,
    /// Differences to a concurrent change of the task; `None` without one.
    pub stale: Option<Stale>,
    /// Whether the policy section is expanded: it has a fault.
    pub policy_open: bool,
    /// Whether the chain section is expanded: the chain is in use.
    pub chain_open: bool,
    /// Row numbers of the chain, including blank rows.
    pub chain_rows: Vec<usize>,
    /// Whether the section of the inputs is expanded: there are some.
    pub inputs_open: bool,
    /// Row numbers of the inputs, including a blank row.
    pub input_rows: Vec<usize>,
    /// Whether the single cron fields are expanded: they are in use.
    pub cron_open: bool,
    pub calendars: Vec<Choice>,
    /// Whether the section of further rules is expanded: they are in use.
    pub rules_open: bool,
    /// Row numbers of the further rules, including blank rows.
    pub rule_rows: Vec<usize>,
}

/// A task type to choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TypeCard {
    pub value: String,
    pub text: String,
    pub icon: &'static str,
}

impl TypeCard {
    /// A card of a type: an icon of its own for the built-in ones.
    pub fn new(choice: Choice) -> TypeCard {
        let icon = match choice.value.as_str() {
            "send_cmd" => "terminal",
            "http_request" => "world",
            "send_sql" => "database",
            "send_email" => "mail",
            "send_sms" => "message",
            "auto_test" => "tasks",
            "data_sync" => "again",
            "query_log" => "search",
            "backup" => "download",
            "echo" => "bolt",
            _ => "types",
        };
        TypeCard { value: choice.value, text: choice.text, icon }
    }
}

/// Form fields: their values and faults.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Fields {
    pub values: Values,
    pub faults: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Stale {
    pub current: i64,
    pub differences: Vec<Difference>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    pub field: String,
    pub theirs: String,
    pub mine: String,
}

impl Fields {
    /// Assigns faults to the fields of the task form, among them those of parameters with these names; returns the messages of the
    /// others.
    pub fn assign(&mut self, faults: &[FaultText], params: &[String]) -> Vec<String> {
        let mut others = Vec::new();
        for fault in faults {
            match field_of(&fault.pointer).map(|field| match field {
                PARAMS => params::field_of(params.iter().map(String::as_str), &fault.pointer),
                field => field,
            }) {
                Some(field) => self.faults.entry(field.to_owned()).or_default().push(message_at(fault, field)),
                None => others.push(fault.message.clone()),
            }
        }
        others
    }

    /// Assigns faults to the fields with these names; returns the messages of the others.
    pub fn assign_to_fields(&mut self, names: &[&str], faults: &[FaultText]) -> Vec<String> {
        let mut others = Vec::new();
        for fault in faults {
            let at =
                |name: &&&str| fault.pointer.strip_prefix(**name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
            match names.iter().find(at) {
                Some(name) => self.faults.entry((*name).to_owned()).or_default().push(fault.message.clone()),
                None => others.push(fault.message.clone()),
            }
        }
        others
    }
}

/// Returns the message, prefixed with the pointer within the field if the fault is deeper.
fn message_at(fault: &FaultText, field: &str) -> String {
    match fault.pointer.strip_prefix(field) {
        Some(rest) if !rest.is_empty() => format!("{rest}: {}", fault.message),
        _ => fault.message.clone(),
    }
}

/// Returns the fields that differ between the saved task and the submitted form.
pub fn differences(theirs: &Values, mine: &Values) -> Vec<Difference> {
    let names: std::collections::BTreeSet<_> = theirs.keys().chain(mine.keys()).collect();
    let text = |values: &Values, name: &String| values.get(name).map(|text| text.replace("\r\n", "\n")).unwrap_or_default();
    names
        .into_iter()
        .map(|name| Difference { field: name.clone(), theirs: text(theirs, name), mine: text(mine, name) })
        .filter(|difference| difference.theirs != difference.mine)
        .collect()
}

/// Preview of what saving would change, and why it would be refused.
#[derive(Debug, Clone, Serialize)]
pub struct ChangesView {
    /// A new task changes nothing.
    pub is_new: bool,
    pub faults: Vec<FormFault>,
    pub differences: Vec<Difference>,
    /// Whether the trigger or `enabled` changes.
    pub moved: bool,
    /// Upcoming runs before the change.
    pub before: Vec<Moment>,
    pub after: Vec<Moment>,
}

/// A fault with the end of the id of the field that shows it, empty for none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FormFault {
    pub id: String,
    pub message: String,
}

impl FormFault {
    /// The faults of the task form; `params` are the names of the fields of its parameters.
    pub fn all(faults: &[FaultText], params: &[String]) -> Vec<FormFault> {
        let mut fields = Fields::default();
        let others = fields.assign(faults, params);
        let own = fields.faults.into_iter().flat_map(|(name, messages)| {
            let id = element_id(&name);
            messages.into_iter().map(move |message| FormFault { id: id.clone(), message })
        });
        own.chain(others.into_iter().map(|message| FormFault { id: String::new(), message })).collect()
    }
}

impl View for ChangesView {
    const TEMPLATE: &'static str = "fragments/changes.html";

    fn samples() -> Vec<Self> {
        let moment = || vec![Moment::new(chrono::DateTime::UNIX_EPOCH, chrono_tz::Tz::UTC)];
        let difference = Difference { field: "/name".into(), theirs: "<b>".into(), mine: String::new() };
        let view = |differences, moved, before, after| ChangesView {
            is_new: false,
            faults: Vec::new(),
            differences,
            moved,
            before,
            after,
        };
        let faults = FormFault::all(&[FaultText::new("/name", "<b>"), FaultText::new("", "<b>")], &[]);
        vec![
            ChangesView { is_new: true, faults, ..view(vec![], false, vec![], vec![]) },
            view(vec![], false, vec![], vec![]),
            view(vec![difference.clone()], false, vec![], vec![]),
            view(vec![difference.clone()], true, moment(), moment()),
            view(vec![difference], true, vec![], vec![]),
        ]
    }
}

impl View for TaskForm {
    const TEMPLATE: &'static str = "pages/task_form.html";

    fn samples() -> Vec<Self> {
        samples::task_forms()
    }
}

/// Suggested tasks for a chain.
#[derive(Debug, Clone, Serialize)]
pub struct TaskNames {
    pub names: Vec<Choice>,
}

impl View for TaskNames {
    const TEMPLATE: &'static str = "fragments/task_names.html";

    fn samples() -> Vec<Self> {
        vec![TaskNames { names: vec![Choice::new("日报", "<b>")] }]
    }
}

/// The part of the form that depends on the task type; reloaded when another type is chosen.
#[derive(Debug, Clone, Serialize)]
pub struct TypePart {
    pub form: Fields,
    pub chosen: Option<TypeView>,
    pub params: ParamsView,
    pub queues: Vec<String>,
    pub policy_open: bool,
}

impl View for TypePart {
    const TEMPLATE: &'static str = "fragments/type_part.html";

    fn samples() -> Vec<Self> {
        let [json, fields] = ParamsView::samples();
        let part = |chosen, params| TypePart {
            form: Fields::default(),
            chosen,
            params,
            queues: vec!["default".into()],
            policy_open: false,
        };
        vec![part(None, json), part(Some(TypeView::sample()), fields)]
    }
}

/// Preview of a trigger, or its faults by field.
#[derive(Debug, Clone, Serialize)]
pub struct PreviewView {
    pub text: String,
    pub description: String,
    pub moments: Vec<PreviewMoment>,
    pub notes: Vec<String>,
    pub faulty: bool,
    pub faults: Vec<FieldFaults>,
    pub idle: bool,
}

#[derive(Debug, Clone, Serialize)]
pub struct PreviewMoment {
    pub at: Moment,
    /// In the trigger's time zone, with its offset.
    pub local: String,
    pub weekday: &'static str,
    /// `moved`, `held` or `provisional`; empty: as the rule says.
    pub note: &'static str,
    /// The time by the rule, if the calendar moved it; else empty.
    pub original: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct FieldFaults {
    pub field: String,
    pub messages: Vec<String>,
}

impl PreviewView {
    /// Lists every trigger field with its faults, so that fields without faults are cleared.
    pub fn from_faults(faults: &[FaultText]) -> PreviewView {
        let mut fields = Fields::default();
        let others = fields.assign(faults, &[]);
        fields.faults.entry("/trigger".to_owned()).or_default().extend(others);
        let mut names: std::collections::BTreeSet<_> =
            TRIGGERS.iter().flat_map(|(_, members)| members.iter().map(|member| format!("/trigger/{member}"))).collect();
        names.extend(["/triggers", "/calendar", "/calendar_rule", "/on_closed", "/nth_working_day"].map(str::to_owned));
        names.extend(fields.faults.keys().filter(|name| name.starts_with("/triggers/")).cloned());
        names.insert("/trigger".to_owned());
        let listed = names
            .into_iter()
            .map(|field| FieldFaults { messages: fields.faults.remove(&field).unwrap_or_default(), field })
            .collect();
        PreviewView {
            text: String::new(),
            description: String::new(),
            moments: Vec::new(),
            notes: Vec::new(),
            faulty: !faults.is_empty(),
            faults: listed,
            idle: false,
        }
    }
}

impl PreviewView {
    /// Clears the faults of further fields that have none any more.
    pub fn clear<'f>(&mut self, fields: impl Iterator<Item = &'f str>) {
        for field in fields {
            if self.faults.iter().all(|known| known.field != field) {
                self.faults.push(FieldFaults { field: field.to_owned(), messages: Vec::new() });
            }
        }
    }
}

impl View for PreviewView {
    const TEMPLATE: &'static str = "fragments/preview.html";

    fn samples() -> Vec<Self> {
        samples::previews()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preview_lists_faults_by_field_and_clears_others() {
        let view = PreviewView::from_faults(&[FaultText::new("/trigger/hour", "hour: 25"), FaultText::new("", "odd")]);
        let messages = |field: &str| view.faults.iter().find(|f| f.field == field).map(|f| f.messages.clone());
        assert_eq!(messages("/trigger/hour"), Some(vec!["hour: 25".to_owned()]));
        assert_eq!(messages("/trigger"), Some(vec!["odd".to_owned()]));
        assert_eq!(messages("/trigger/minute"), Some(vec![]));
    }

    #[test]
    fn differences_omit_equal_fields() {
        let values = |pairs: &[(&str, &str)]| pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect::<Values>();
        let found =
            differences(&values(&[("/name", "a"), ("/params", "{\n}")]), &values(&[("/name", "b"), ("/params", "{\r\n}")]));
        assert_eq!(found, [Difference { field: "/name".into(), theirs: "a".into(), mine: "b".into() }]);
    }
}
