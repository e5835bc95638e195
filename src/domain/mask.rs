//! Secret masking: replaces secret values, and their usual encodings, by `***`.

use std::borrow::Cow;
use std::collections::BTreeSet;

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine;
use serde_json::Value;

use super::input::percent_encoded;

/// The replacement for a secret.
pub const STARS: &str = "***";
/// The minimum length of a masked value in bytes; shorter ones would match everywhere.
pub const MIN_SECRET_LENGTH: usize = 4;

/// Masks a fixed set of secrets. Free if the set is empty.
#[derive(Debug, Clone, Default)]
pub struct Mask(Option<Known>);

#[derive(Clone)]
struct Known {
    finder: AhoCorasick,
    needles: Vec<String>,
    longest: usize,
}

impl std::fmt::Debug for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} hidden texts", self.needles.len())
    }
}

impl Mask {
    /// A mask for these values and their encodings.
    pub fn from_values<'a>(values: impl IntoIterator<Item = &'a str>) -> Self {
        let needles: BTreeSet<String> = values
            .into_iter()
            .filter(|value| value.len() >= MIN_SECRET_LENGTH)
            .flat_map(forms)
            .filter(|form| form.len() >= MIN_SECRET_LENGTH)
            .collect();
        let needles: Vec<String> = needles.into_iter().collect();
        let longest = needles.iter().map(String::len).max().unwrap_or(0);
        // The longest secret at a position is masked, so that no rest of it stays visible.
        let finder = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&needles);
        match finder {
            Ok(finder) if longest > 0 => Self(Some(Known { finder, needles, longest })),
            _ => Self(None),
        }
    }

    /// Whether there is no secret to mask.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The text with every secret masked.
    pub fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match &self.0 {
            Some(known) if known.finder.is_match(text) => Cow::Owned(known.hide(text)),
            _ => Cow::Borrowed(text),
        }
    }

    /// The JSON value with every secret masked, in keys too.
    pub fn json(&self, value: Value) -> Value {
        if self.is_empty() {
            return value;
        }
        match value {
            Value::String(text) => Value::String(self.text(&text).into_owned()),
            Value::Array(list) => list.into_iter().map(|item| self.json(item)).collect(),
            Value::Object(map) => {
                Value::Object(map.into_iter().map(|(key, item)| (self.text(&key).into_owned(), self.json(item))).collect())
            }
            other => other,
        }
    }

    /// The length in bytes of the longest suffix of `text` that may be the start of a secret, or that a secret in the text
    /// overlaps. The suffix must be held back until more text arrives.
    pub fn pending_suffix_len(&self, text: &str) -> usize {
        let Some(known) = &self.0 else { return 0 };
        let from = text.len().saturating_sub(known.longest - 1);
        let mut ends = (text.ceil_char_boundary(from)..text.len()).filter(|at| text.is_char_boundary(*at));
        let Some(end) = ends.find(|at| known.needles.iter().any(|needle| needle.starts_with(&text[*at..]))) else { return 0 };
        let across = known.finder.find_iter(text).find(|found| found.start() < end && end < found.end());
        text.len() - across.map_or(end, |found| found.start())
    }
}

impl Known {
    fn hide(&self, text: &str) -> String {
        let mut hidden = String::with_capacity(text.len());
        let mut shown_to = 0;
        for found in self.finder.find_iter(text) {
            hidden.push_str(&text[shown_to..found.start()]);
            hidden.push_str(STARS);
            shown_to = found.end();
        }
        hidden.push_str(&text[shown_to..]);
        hidden
    }
}

/// The value itself, the lines of a multi-line value, and its JSON, URL and base64 encodings.
fn forms(value: &str) -> Vec<String> {
    let json = Value::from(value).to_string();
    let lines = value.lines().map(str::trim).filter(|line| line.len() >= 2 * MIN_SECRET_LENGTH && *line != value);
    let mut forms: Vec<String> = lines.map(str::to_owned).collect();
    forms.push(value.to_owned());
    forms.push(json[1..json.len() - 1].to_owned());
    forms.push(base64::engine::general_purpose::STANDARD.encode(value).trim_end_matches('=').to_owned());
    forms.push(percent_encoded(value));
    forms
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_masked_in_every_encoding() {
        let mask = Mask::from_values(["p@ss \"word\"", "line one is long\nline two is long", "abc"]);
        let text = "p@ss \"word\" p@ss \\\"word\\\" p%40ss%20%22word%22 cEBzcyAid29yZCI= line two is long abc";
        assert_eq!(mask.text(text), "*** *** *** ***= *** abc", "values below the minimum length are not masked");
        let value = mask.json(json!({"a": ["xp@ss \"word\"x", 1], "p@ss \"word\"": null}));
        assert_eq!(value, json!({"a": ["x***x", 1], "***": null}));
    }

    #[test]
    fn the_longest_of_overlapping_secrets_is_masked() {
        let mask = Mask::from_values(["secret", "secret-and-more"]);
        assert_eq!(mask.text("secret-and-more secret-and"), "*** ***-and");
    }

    #[test]
    fn pending_suffix_may_become_a_secret() {
        let mask = Mask::from_values(["秘密-token"]);
        assert_eq!(mask.pending_suffix_len("x秘密-to"), "秘密-to".len());
        assert_eq!(mask.pending_suffix_len("x秘密-ta"), 0);
        assert_eq!(mask.pending_suffix_len("秘"), "秘".len());
        assert_eq!((mask.pending_suffix_len(""), Mask::default().pending_suffix_len("秘")), (0, 0));
    }
}
