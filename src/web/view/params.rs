//! View of a task's parameters: as fields made from the schema of the type, or as JSON.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::json;

use super::context::ViewContext;
use super::{Choice, View};
use crate::tasks::Spec;
use crate::web::form;
use crate::web::form::params::kind::FieldKind;
use crate::web::form::params::{self, PARAMS, ParamField};
use crate::web::urls::Pairs;

/// How parameters are edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Shown {
    Fields,
    Json,
}

impl Shown {
    /// The value of a form's field or of a query; JSON without one, as programs submit it.
    pub fn read(text: Option<&str>) -> Shown {
        if text == Some("fields") { Shown::Fields } else { Shown::Json }
    }
}

/// The names that pickers offer; empty for what the reader may not see.
#[derive(Debug, Clone, Default)]
pub struct KnownNames {
    pub datasources: Vec<String>,
    pub http: Vec<String>,
    pub smtp: Vec<String>,
    pub sms: Vec<String>,
    pub secrets: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct ParamsView {
    pub shown: Shown,
    /// The type whose schema made the fields.
    pub task_type: String,
    /// Whether the type describes its parameters, so that they can be shown as fields.
    pub has_fields: bool,
    pub json: String,
    /// The fields that are used most, and the others.
    pub fields: Vec<FieldView>,
    pub more: Vec<FieldView>,
    pub more_open: bool,
    /// Members of the parameters that no field shows.
    pub unshown: Vec<String>,
    /// Faults that belong to no field.
    pub faults: Vec<String>,
    /// Whether they are checked while somebody types.
    pub is_checked: bool,
}

#[derive(Debug, Clone, Serialize)]
pub struct FieldView {
    #[serde(flatten)]
    pub field: ParamField,
    /// The end of the ids of its elements.
    pub id: String,
    pub title: String,
    /// The heading of the group that begins with this field, empty in between.
    pub group: String,
    /// What can be chosen.
    pub options: Vec<Choice>,
    pub suggestions: Vec<String>,
    pub faults: Vec<String>,
}

impl ParamsView {
    /// The parameters in a text of JSON; as JSON if the text is none or the type has no fields.
    pub fn new(ctx: &ViewContext, spec: Option<&Spec>, text: &str, shown: Shown, names: &KnownNames) -> ParamsView {
        let (none, empty) = (json!({}), json!({}));
        let schema = spec.map_or(&none, |spec| &spec.params_schema);
        let example = spec.map_or(&none, |spec| &spec.example);
        let read = form::to_params(text).ok();
        let has_fields = !params::fields(schema, example, &empty, ctx.language).is_empty();
        let value = read.filter(|value| shown == Shown::Fields && has_fields && value.is_object());
        let mut view = ParamsView {
            shown: if value.is_some() { Shown::Fields } else { Shown::Json },
            task_type: spec.map(|spec| spec.name.to_string()).unwrap_or_default(),
            has_fields,
            json: text.to_owned(),
            fields: Vec::new(),
            more: Vec::new(),
            more_open: false,
            unshown: value.as_ref().map(|value| params::unshown(schema, value)).unwrap_or_default(),
            faults: Vec::new(),
            is_checked: true,
        };
        if let Some(value) = value {
            let fields = params::fields(schema, example, &value, ctx.language);
            let (primary, more): (Vec<_>, Vec<_>) = fields.into_iter().partition(|field| field.is_primary);
            view.fields = field_views(ctx, primary, names);
            view.more = field_views(ctx, more, names);
        }
        view
    }

    /// The names of the fields.
    pub fn names(&self) -> Vec<String> {
        self.fields.iter().chain(&self.more).map(|view| view.field.name.clone()).collect()
    }

    /// Puts faults to their fields, by name.
    pub fn put_faults(&mut self, faults: &BTreeMap<String, Vec<String>>) {
        for view in self.fields.iter_mut().chain(&mut self.more) {
            view.faults = faults.get(&view.field.name).cloned().unwrap_or_default();
        }
        self.more_open = self.more.iter().any(|view| !view.faults.is_empty());
        self.faults = faults.get(PARAMS).cloned().unwrap_or_default();
    }

    /// Shows what was typed.
    pub fn keep_typed(&mut self, submitted: &Pairs) {
        for view in self.fields.iter_mut().chain(&mut self.more) {
            params::keep_typed(std::slice::from_mut(&mut view.field), submitted);
        }
    }

    /// Samples for the templates that show parameters: JSON, and one field of each kind.
    pub fn samples() -> [ParamsView; 2] {
        let field = |kind: FieldKind| FieldView {
            id: format!("-params-{}", kind.as_str()),
            title: "<b>".into(),
            group: if kind == FieldKind::Smtp { "<b>".into() } else { String::new() },
            options: if kind == FieldKind::Sms { Vec::new() } else { vec![Choice::new("<b>", "<b>")] },
            suggestions: vec!["<b>".into()],
            faults: if kind == FieldKind::Text { vec!["<b>".into()] } else { Vec::new() },
            field: ParamField {
                name: format!("/params/{}", kind.as_str()),
                path: vec!["<b>".into()],
                kind,
                required: kind == FieldKind::Lines,
                is_primary: true,
                text: if kind == FieldKind::Switch { "true".into() } else { "<b>".into() },
                pairs: vec![("<b>".into(), "<b>".into())],
                choices: Vec::new(),
                default: "<b>".into(),
                hint: "<b>".into(),
            },
        };
        let json = ParamsView {
            shown: Shown::Json,
            task_type: "echo".into(),
            has_fields: true,
            json: "{}".into(),
            fields: Vec::new(),
            more: Vec::new(),
            more_open: false,
            unshown: Vec::new(),
            faults: vec!["<b>".into()],
            is_checked: true,
        };
        let fields = ParamsView {
            shown: Shown::Fields,
            fields: FieldKind::ALL.map(field).into(),
            more: FieldKind::ALL.map(field).into(),
            more_open: true,
            unshown: vec!["<b>".into()],
            is_checked: false,
            ..json.clone()
        };
        [json, fields]
    }
}

/// The parameters of a form, drawn again in the other view.
#[derive(Debug, Clone, Serialize)]
pub struct ParamsPart {
    pub params: ParamsView,
}

impl View for ParamsPart {
    const TEMPLATE: &'static str = "fragments/params.html";

    fn samples() -> Vec<Self> {
        ParamsView::samples().map(|params| ParamsPart { params }).into()
    }
}

/// The end of the ids of a field's elements: its name without what a selector would take for its own.
pub fn element_id(name: &str) -> String {
    name.chars().map(|c| if c.is_alphanumeric() || c == '_' { c } else { '-' }).collect()
}

fn field_views(ctx: &ViewContext, fields: Vec<ParamField>, names: &KnownNames) -> Vec<FieldView> {
    let mut former: Vec<String> = Vec::new();
    let mut views = Vec::with_capacity(fields.len());
    for field in fields {
        let (name, parents) = field.path.split_last().map(|(last, rest)| (last.clone(), rest.to_vec())).unwrap_or_default();
        let is_new = parents != former && !parents.is_empty();
        let heading = || parents.iter().map(|name| title(ctx, name)).collect::<Vec<_>>().join(" · ");
        views.push(FieldView {
            id: element_id(&field.name),
            title: title(ctx, &name),
            group: if is_new { heading() } else { String::new() },
            options: options(ctx, &field, names),
            suggestions: suggestions(&field, names),
            faults: Vec::new(),
            field,
        });
        former = parents;
    }
    views
}

/// The title of a parameter; its name if it has none.
fn title(ctx: &ViewContext, name: &str) -> String {
    ctx.texts.find(&format!("param.{name}")).unwrap_or(name).to_owned()
}

fn options(ctx: &ViewContext, field: &ParamField, names: &KnownNames) -> Vec<Choice> {
    let offered = match field.kind {
        FieldKind::Choice => &field.choices,
        FieldKind::Datasource => &names.datasources,
        FieldKind::Http => &names.http,
        FieldKind::Smtp => &names.smtp,
        FieldKind::Sms => &names.sms,
        _ => return Vec::new(),
    };
    if offered.is_empty() {
        return Vec::new();
    }
    let none = match field.default.as_str() {
        "" => ctx.t("form.param_none").to_owned(),
        default => ctx.texts.fill("form.param_default", &[("value", default)]),
    };
    let blank = (!field.required || field.text.is_empty()).then(|| Choice::new("", none));
    let own = (!field.text.is_empty() && !offered.contains(&field.text)).then(|| Choice::new(&field.text, &field.text));
    blank.into_iter().chain(offered.iter().map(|name| Choice::new(name, name))).chain(own).collect()
}

fn suggestions(field: &ParamField, names: &KnownNames) -> Vec<String> {
    match field.kind {
        FieldKind::Secret => names.secrets.iter().map(|name| secret_template(name)).collect(),
        _ => Vec::new(),
    }
}

/// The template that stands for a secret; its name has no characters that a template would have to escape.
fn secret_template(name: &str) -> String {
    format!("{{{{ secret(\"{name}\") }}}}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_elements_have_no_special_characters() {
        assert_eq!(element_id("/params/auth/a b.c~1d"), "-params-auth-a-b-c-1d");
        assert_eq!(element_id("/params/timeout_seconds"), "-params-timeout_seconds");
    }
}
