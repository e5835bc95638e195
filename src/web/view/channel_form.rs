//! The form of a notification channel: the types to choose from, and the fields of the chosen one.

use serde::Serialize;

use super::context::ViewContext;
use super::task_form::Fields;
use super::{Choice, View};
use crate::domain::notify::channel::{Channel, ChannelType};
use crate::i18n::Language;

/// The fields that every type has, besides its name and type.
const COMMON: [&str; 3] = ["/title_template", "/body_template", "/language"];
/// Fields whose value is not shown again.
const SECRET: [&str; 5] = ["url", "secret", "token", "key", "proxy"];
/// Fields with a text for people; the others are set in a fixed-width font.
const PROSE: [&str; 3] = ["to", "mentions", "keyword"];

#[derive(Debug, Clone, Serialize)]
pub struct ChannelForm {
    pub form: Fields,
    pub types: Vec<Choice>,
    /// The chosen type; empty: none yet.
    pub chosen: String,
    /// The fields of the chosen type.
    pub fields: Vec<ChannelField>,
    pub languages: Vec<Choice>,
    /// Whether the section of the common fields is expanded: they are in use.
    pub more_open: bool,
}

/// A field of a type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChannelField {
    /// The JSON Pointer of its value, as in the API.
    pub name: String,
    pub label: String,
    pub hint: String,
    pub required: bool,
    pub secret: bool,
    pub mono: bool,
}

impl ChannelForm {
    pub fn new(ctx: &ViewContext, form: Fields) -> ChannelForm {
        let chosen = form.values.get("/type").and_then(|text| ChannelType::parse(text));
        let is_used =
            |name: &&str| form.values.get(*name).is_some_and(|text| !text.is_empty()) || form.faults.contains_key(*name);
        ChannelForm {
            types: ChannelType::ALL
                .iter()
                .map(|kind| Choice::new(kind.as_str(), ctx.t(&format!("channels.type.{}", kind.as_str()))))
                .collect(),
            chosen: chosen.map_or("", ChannelType::as_str).to_owned(),
            fields: chosen.map(|kind| fields(ctx, kind)).unwrap_or_default(),
            languages: Language::ALL
                .iter()
                .map(|language| Choice::new(language.tag(), ctx.t(&format!("channels.language_{}", language.tag()))))
                .collect(),
            more_open: COMMON.iter().any(is_used),
            form,
        }
    }
}

fn fields(ctx: &ViewContext, kind: ChannelType) -> Vec<ChannelField> {
    let field = |name: &&str| ChannelField {
        name: format!("/{name}"),
        label: ctx.t(&label_key(name)).to_owned(),
        hint: ctx.t(&hint_key(kind, name)).to_owned(),
        required: kind.requires(name),
        secret: SECRET.contains(name),
        mono: !PROSE.contains(name),
    };
    kind.fields().iter().map(field).collect()
}

/// The key of the name of a field.
fn label_key(field: &str) -> String {
    format!("channels.field.{field}")
}

/// The key of the text below a field.
fn hint_key(kind: ChannelType, field: &str) -> String {
    match field {
        "proxy" | "mentions" => format!("channels.hint.{field}"),
        _ => format!("channels.hint.{}.{field}", kind.as_str()),
    }
}

/// The form of a stored channel; credentials stay empty.
pub fn form_of(channel: &Channel) -> Fields {
    let options = &channel.options;
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let values = [
        ("/type", channel.channel_type.as_str().to_owned()),
        ("/chat_id", text(&options.chat_id)),
        ("/corp_id", text(&options.corp_id)),
        ("/agent_id", text(&options.agent_id)),
        ("/topic", text(&options.topic)),
        ("/keyword", text(&options.keyword)),
        ("/to", options.to.join(", ")),
        ("/mentions", options.mentions.join(", ")),
        ("/smtp", text(&options.smtp)),
        ("/sms", text(&options.sms)),
        ("/template", text(&options.template)),
        ("/title_template", text(&options.title_template)),
        ("/body_template", text(&options.body_template)),
        ("/language", text(&options.language)),
    ];
    let values = values.into_iter().map(|(name, value)| (name.to_owned(), value));
    Fields { values: values.collect(), ..Fields::default() }
}

/// The part of the form that depends on the type; drawn again when another one is chosen.
#[derive(Debug, Clone, Serialize)]
pub struct ChannelTypePart {
    pub channel: ChannelForm,
}

impl View for ChannelTypePart {
    const TEMPLATE: &'static str = "fragments/channel_type.html";

    fn samples() -> Vec<Self> {
        ["", "dingtalk"].map(|chosen| ChannelTypePart { channel: sample(chosen) }).into()
    }
}

/// A form for samples, of a type or without one.
pub fn sample(chosen: &'static str) -> ChannelForm {
    let field = |name: &str, required| ChannelField {
        name: name.into(),
        label: "<b>".into(),
        hint: "<b>".into(),
        required,
        secret: name == "/token",
        mono: name == "/token",
    };
    let mut form = Fields::default();
    form.values.insert("/to".into(), "<b>".into());
    form.faults.insert("/token".into(), vec!["<b>".into()]);
    ChannelForm {
        form,
        types: vec![Choice::new("dingtalk", "<b>"), Choice::new("slack", "<b>")],
        chosen: chosen.into(),
        fields: if chosen.is_empty() { Vec::new() } else { vec![field("/token", true), field("/to", false)] },
        languages: vec![Choice::new("en", "<b>")],
        more_open: chosen.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::i18n::Texts;

    #[test]
    fn every_field_of_every_type_has_a_label_and_a_hint() {
        for language in Language::ALL {
            let texts = Texts::for_pages(language).unwrap();
            let keys = |kind: ChannelType| kind.fields().iter().flat_map(move |name| [label_key(name), hint_key(kind, name)]);
            let wanted: BTreeSet<String> = ChannelType::ALL.into_iter().flat_map(keys).collect();
            let is_of_field = |key: &&str| key.starts_with("channels.field.") || key.starts_with("channels.hint.");
            let known: BTreeSet<String> = texts.keys().filter(is_of_field).map(str::to_owned).collect();
            assert_eq!(known, wanted, "in {}", language.tag());
        }
    }
}
