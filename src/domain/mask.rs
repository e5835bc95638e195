//! Secret masking: replaces secret values, and their usual encodings, by `***`.

use std::borrow::Cow;
use std::collections::BTreeSet;

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use data_encoding::{HEXLOWER, HEXUPPER};
use serde_json::Value;

use super::input::percent_encoded;

/// The replacement for a secret.
pub const STARS: &str = "***";
/// The minimum length of a masked value in bytes; shorter ones would match everywhere.
pub const MIN_SECRET_LENGTH: usize = 4;

/// The mark that [`truncate`](super::input::truncate) leaves where it cuts.
const CUT: char = '…';
/// The most cuts looked at in one text; the functions that cut leave one.
const CUTS_MAX: usize = 1_000;

/// The longest value that is hidden in hexadecimal, and in base64 after other bytes.
const ENCODED_MAX_BYTES: usize = 4 * 1024;

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
        Self::from_needles(values.into_iter().flat_map(needles).collect())
    }

    /// A mask for what this one masks, and for further values.
    #[must_use]
    pub fn with_values<'a>(&self, values: impl IntoIterator<Item = &'a str>) -> Self {
        let known = self.0.iter().flat_map(|known| known.needles.iter().cloned());
        Self::from_needles(known.chain(values.into_iter().flat_map(needles)).collect())
    }

    fn from_needles(needles: BTreeSet<String>) -> Self {
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

    /// The text with every secret masked, also the beginning of a secret that was cut off there (`…`).
    pub fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match &self.0 {
            Some(known) if known.finder.is_match(text) || text.contains(CUT) => match known.hide(text) {
                hidden if hidden == text => Cow::Borrowed(text),
                hidden => Cow::Owned(hidden),
            },
            _ => Cow::Borrowed(text),
        }
    }

    /// The JSON value with every secret masked, in keys too. A number that contains a secret becomes a text.
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
            Value::Number(number) => match self.text(&number.to_string()) {
                Cow::Borrowed(_) => Value::Number(number),
                Cow::Owned(_) => Value::String(STARS.to_owned()),
            },
            other => other,
        }
    }

    /// The length in bytes of the longest suffix of `text` that may be the start of a secret, or that a secret in the text
    /// overlaps. The suffix must be held back until more text arrives.
    pub fn pending_suffix_len(&self, text: &str) -> usize {
        let Some(known) = &self.0 else { return 0 };
        let Some(end) = known.beginning_at_end(text) else { return 0 };
        let across = known.finder.find_iter(text).find(|found| found.start() < end && end < found.end());
        text.len() - across.map_or(end, |found| found.start())
    }
}

impl Known {
    fn hide(&self, text: &str) -> String {
        let mut hidden = String::with_capacity(text.len());
        let mut shown_to = 0;
        for found in self.finder.find_iter(text) {
            self.push_without_beginnings(&mut hidden, &text[shown_to..found.start()]);
            hidden.push_str(STARS);
            shown_to = found.end();
        }
        self.push_without_beginnings(&mut hidden, &text[shown_to..]);
        hidden
    }

    /// Appends text without secrets, with the beginnings of secrets before [`CUT`] masked.
    fn push_without_beginnings(&self, hidden: &mut String, text: &str) {
        let mut shown_to = 0;
        for (cut, _) in text.match_indices(CUT).take(CUTS_MAX) {
            let before = &text[shown_to..cut];
            match self.beginning_at_end(before).filter(|start| before.len() - start >= MIN_SECRET_LENGTH) {
                Some(start) => {
                    hidden.push_str(&before[..start]);
                    hidden.push_str(STARS);
                }
                None => hidden.push_str(before),
            }
            shown_to = cut;
        }
        hidden.push_str(&text[shown_to..]);
    }

    /// Where the longest suffix of the text starts that is the beginning of a secret, but not a whole one.
    fn beginning_at_end(&self, text: &str) -> Option<usize> {
        let from = text.ceil_char_boundary(text.len().saturating_sub(self.longest - 1));
        let begins = |suffix: &str| {
            // The needles are sorted: those that begin with the suffix follow it directly.
            let next = self.needles.partition_point(|needle| needle.as_str() < suffix);
            self.needles.get(next).is_some_and(|needle| needle.starts_with(suffix))
        };
        (from..text.len()).filter(|at| text.is_char_boundary(*at)).find(|at| begins(&text[*at..]))
    }
}

/// The texts to hide for a value; none for a value that is too short.
fn needles(value: &str) -> Vec<String> {
    if value.len() < MIN_SECRET_LENGTH {
        return Vec::new();
    }
    forms(value).into_iter().filter(|form| form.len() >= MIN_SECRET_LENGTH).collect()
}

/// The value itself, the lines of a multi-line value, and its JSON, URL, base64 and hexadecimal encodings.
fn forms(value: &str) -> Vec<String> {
    let json = Value::from(value).to_string();
    let lines = value.lines().map(str::trim).filter(|line| line.len() >= 2 * MIN_SECRET_LENGTH && *line != value);
    let mut forms: Vec<String> = lines.map(str::to_owned).collect();
    forms.push(value.to_owned());
    forms.push(json[1..json.len() - 1].to_owned());
    forms.push(STANDARD.encode(value).trim_end_matches('=').to_owned());
    forms.push(percent_encoded(value));
    // A longer value is a key or a file, which is sent as it is.
    if value.len() <= ENCODED_MAX_BYTES {
        forms.extend((0..3).flat_map(|offset| inside_base64(value, offset)));
        forms.push(HEXLOWER.encode(value.as_bytes()));
        forms.push(HEXUPPER.encode(value.as_bytes()));
    }
    forms
}

/// The base64 characters that belong to a value alone where `offset` bytes (modulo 3) stand before it, such as `user:`, and anything
/// behind it: in the standard and in the URL-safe alphabet.
fn inside_base64(value: &str, offset: usize) -> [String; 2] {
    let bytes = [&[0; 2][..offset.min(2)], value.as_bytes()].concat();
    // A character holds 6 bits: the first and the last one may share theirs with the neighbours.
    let (first, end) = ((offset * 8).div_ceil(6), bytes.len() * 8 / 6);
    [STANDARD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)].map(|text| text.get(first..end).unwrap_or_default().to_owned())
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
    fn secrets_are_masked_in_base64_of_user_and_password_and_in_hex() {
        for secret in ["hunter2", "p>?~pass", "0123456789"] {
            let mask = Mask::from_values([secret]);
            for user in ["", "u", "me", "bob", "anna"] {
                let pair = format!("{user}:{secret}:x");
                for encoded in [STANDARD.encode(&pair), URL_SAFE_NO_PAD.encode(&pair)] {
                    let shown = mask.text(&encoded).into_owned();
                    assert!(
                        shown.contains(STARS) && encoded.len() - shown.len() + STARS.len() + 3 > secret.len() * 4 / 3,
                        "{pair}: {shown}"
                    );
                }
            }
            for encoded in [HEXLOWER.encode(secret.as_bytes()), HEXUPPER.encode(secret.as_bytes())] {
                assert_eq!(mask.text(&format!("x{encoded}x")), "x***x");
            }
        }
    }

    #[test]
    fn numbers_that_contain_a_secret_are_masked() {
        let mask = Mask::from_values(["48151623"]);
        assert_eq!(
            mask.json(json!({"code": 48_151_623, "n": 4815, "list": [148_151_623.5]})),
            json!({"code": "***", "n": 4815, "list": ["***"]})
        );
    }

    #[test]
    fn beginnings_of_secrets_are_masked_where_a_text_was_cut() {
        let mask = Mask::from_values(["correct horse battery"]);
        let cut = |length| super::super::input::truncate("said: correct horse battery", length);
        assert_eq!(mask.text(&cut(14)), "said: ***…");
        assert_eq!(mask.text(&format!("{}, {}", cut(11), cut(26))), "said: ***…, said: ***…");
        assert_eq!(mask.text(&cut(9)), "said: cor…", "shorter than the minimum length");
        assert_eq!(mask.text("correct horse"), "correct horse", "not cut");
        assert!(matches!(mask.text("something else…"), Cow::Borrowed(_)), "unchanged");
        assert_eq!(mask.json(json!([cut(20)])), json!(["said: ***…"]));
    }

    #[test]
    fn with_values_masks_further_values() {
        let mask = Mask::from_values(["hunter2"]).with_values(["2retnuh"]);
        assert_eq!(mask.text("hunter2 2retnuh"), "*** ***");
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
