//! Views of the profiles that administrators store, without their secrets.

use serde::Serialize;
use serde_json::Value;

use super::context::ViewContext;
use super::incidents::PageLink;
use super::managed::{href, list_path};
use super::task_form::Fields;
use super::tasks::task_href;
use super::{Choice, Moment, View, channels};
use crate::domain::profile::ProfileKind;
use crate::service::{FieldType, ProfileField, ProfileInfo, profile_choices, profile_fields};

/// The form field with the keys of the secrets to remove.
pub const REMOVE: &str = "/-/remove";

/// Settings with several lines.
const LINES: [&str; 2] = ["headers", "body"];
/// Secrets that are typed visibly, because they are addresses.
const VISIBLE: [&str; 1] = ["url"];

/// The form of a profile.
#[derive(Debug, Clone, Serialize)]
pub struct ProfileForm {
    /// The kind as in the settings file.
    pub kind: &'static str,
    /// The name of an existing profile; empty for a new one.
    pub name: String,
    /// The page of this kind of profile.
    pub list: &'static str,
    /// Whether the settings define it, so that it cannot be changed here.
    pub from_file: bool,
    /// Whether it cannot be decrypted with the present key.
    pub is_unreadable: bool,
    pub version: i64,
    pub message: String,
    pub fields: Vec<FieldView>,
    /// Whether a secret is set, which can be removed.
    pub has_secrets: bool,
    pub form: Fields,
    pub used_by: Vec<PageLink>,
    pub updated: Option<Moment>,
    pub updated_by: String,
    pub post_to: String,
    pub delete: String,
}

/// One setting of a form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldView {
    pub name: String,
    pub key: &'static str,
    /// `text`, `number`, `switch`, `choice`, `lines`, `secret`, `address` (a visible secret) or `secret_lines`.
    pub kind: &'static str,
    pub label: String,
    pub hint: String,
    /// The default.
    pub placeholder: String,
    pub options: Vec<Choice>,
    pub required: bool,
    /// Whether a secret is set.
    pub is_set: bool,
}

impl FieldView {
    fn new(ctx: &ViewContext, kind: ProfileKind, field: &ProfileField, set: &[&str]) -> FieldView {
        let lines = LINES.contains(&field.key);
        let form_kind = match field.value_type {
            FieldType::Boolean => "switch",
            FieldType::Integer => "number",
            FieldType::Choice => "choice",
            _ if field.secret && lines => "secret_lines",
            _ if field.secret && VISIBLE.contains(&field.key) => "address",
            _ if field.secret => "secret",
            _ if lines => "lines",
            _ => "text",
        };
        let text = |suffix: &str| ctx.t(&format!("profiles.{}.{}{suffix}", kind.as_str(), field.key)).to_owned();
        FieldView {
            name: format!("/{}", field.key),
            key: field.key,
            kind: form_kind,
            label: text(""),
            hint: text("_hint"),
            placeholder: field.default.trim_matches('"').to_owned(),
            options: profile_choices(kind, field.key).into_iter().map(|word| Choice::new(word, word)).collect(),
            required: matches!((kind, field.key), (ProfileKind::Sms, "provider") | (ProfileKind::Http, "base_url"))
                || (kind == ProfileKind::Datasource && field.key == "url" && !set.contains(&"url")),
            is_set: set.contains(&field.key),
        }
    }
}

impl ProfileForm {
    /// The form of a new profile, with the defaults of switches.
    pub fn new(ctx: &ViewContext, kind: ProfileKind) -> ProfileForm {
        let mut form = Fields::default();
        for field in profile_fields(kind).iter().filter(|field| field.value_type == FieldType::Boolean) {
            form.values.insert(format!("/{}", field.key), field.default.to_owned());
        }
        ProfileForm {
            kind: kind.as_str(),
            name: String::new(),
            list: list_path(kind),
            from_file: false,
            is_unreadable: false,
            version: 0,
            message: String::new(),
            fields: profile_fields(kind).iter().map(|field| FieldView::new(ctx, kind, field, &[])).collect(),
            has_secrets: false,
            form,
            used_by: Vec::new(),
            updated: None,
            updated_by: String::new(),
            post_to: href("new", kind, ""),
            delete: String::new(),
        }
    }

    /// The form of an existing profile.
    pub fn of(ctx: &ViewContext, info: &ProfileInfo) -> ProfileForm {
        let kind = info.kind;
        let mut page = ProfileForm::new(ctx, kind);
        let values = info.values.iter().flatten().map(|(key, value)| (format!("/{key}"), typed(value)));
        page.form.values.extend(values);
        let tasks = info.tasks.iter().map(|id| PageLink { href: task_href(id), name: id.clone() });
        let named = info.channels.iter().map(|name| PageLink { href: channels::href("edit", name), name: name.clone() });
        let (updated, updated_by) = info.updated.clone().unzip();
        ProfileForm {
            name: info.name.clone(),
            from_file: info.from_file,
            is_unreadable: !info.from_file && info.values.is_none(),
            version: info.version,
            fields: profile_fields(kind).iter().map(|field| FieldView::new(ctx, kind, field, &info.secrets)).collect(),
            has_secrets: !info.secrets.is_empty(),
            used_by: tasks.chain(named).collect(),
            updated: updated.map(|at| Moment::new(at, ctx.zone)),
            updated_by: updated_by.unwrap_or_default(),
            post_to: href("edit", kind, &info.name),
            delete: href("delete", kind, &info.name),
            ..page
        }
    }
}

/// A value as it is typed into a field.
fn typed(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

impl View for ProfileForm {
    const TEMPLATE: &'static str = "pages/profile.html";

    fn samples() -> Vec<Self> {
        let kinds = ["text", "number", "switch", "choice", "lines", "secret", "address", "secret_lines"];
        let field = |kind: &'static str, is_set| FieldView {
            name: format!("/{kind}"),
            key: kind,
            kind,
            label: "<b>".into(),
            hint: "<b>".into(),
            placeholder: "<b>".into(),
            options: vec![Choice::new("a", "<b>")],
            required: is_set,
            is_set,
        };
        let page = |kind: ProfileKind, name: &str, from_file, is_unreadable| ProfileForm {
            kind: kind.as_str(),
            name: name.into(),
            list: list_path(kind),
            from_file,
            is_unreadable,
            version: 3,
            message: "…".into(),
            fields: kinds.map(|kind| field(kind, !name.is_empty())).into(),
            has_secrets: !name.is_empty(),
            form: Fields::default(),
            used_by: if is_unreadable { Vec::new() } else { vec![PageLink { href: task_href("a"), name: "<b>".into() }] },
            updated: (!from_file).then(|| Moment::new(chrono::DateTime::UNIX_EPOCH, chrono_tz::Tz::UTC)),
            updated_by: "<b>".into(),
            post_to: href("edit", kind, name),
            delete: href("delete", kind, name),
        };
        vec![
            page(ProfileKind::Smtp, "", false, false),
            page(ProfileKind::Sms, "<b>", false, false),
            page(ProfileKind::Datasource, "<b>", true, false),
            page(ProfileKind::Http, "<b>", false, true),
        ]
    }
}
