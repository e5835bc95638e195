//! Templates of messages: a title and a body of one's own, of a channel or of a rule. They are checked and rendered where templates are.

use serde_json::{Map, Value};

use crate::domain::input::Fields;

/// The most characters of the templates.
pub const TITLE_MAX: usize = 500;
pub const BODY_MAX: usize = 8_000;
/// The fields of a channel or rule that hold them.
pub const FIELDS: [&str; 2] = ["title_template", "body_template"];
/// The variables.
pub const VARIABLES: [&str; 12] =
    ["event", "title", "subject", "subjects", "fields", "error", "url", "urgent", "channel", "rule", "incident_id", "now"];

/// Templates of a message. Without one, the text is Belfry's own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextTemplates {
    pub title: Option<String>,
    pub body: Option<String>,
}

impl TextTemplates {
    /// Takes the templates from the fields of a rule.
    pub fn take(f: &mut Fields) -> TextTemplates {
        let mut text = |name, max| Some(f.text(name, max, "")).filter(|text| !text.trim().is_empty());
        TextTemplates { title: text(FIELDS[0], TITLE_MAX), body: text(FIELDS[1], BODY_MAX) }
    }

    pub const fn is_empty(&self) -> bool {
        self.title.is_none() && self.body.is_none()
    }

    /// Those of `other` where there are none.
    #[must_use]
    pub fn or(self, other: TextTemplates) -> TextTemplates {
        TextTemplates { title: self.title.or(other.title), body: self.body.or(other.body) }
    }

    /// The templates with the names of their fields.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        FIELDS.into_iter().zip([&self.title, &self.body]).filter_map(|(name, text)| Some((name, text.as_deref()?)))
    }

    /// Adds the templates to the JSON of a rule.
    pub fn put(&self, map: &mut Map<String, Value>) {
        map.extend(self.iter().map(|(name, text)| (name.to_owned(), text.into())));
    }
}
