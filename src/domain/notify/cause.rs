//! Causes of failures: the text of an error without what differs from one failure to the next, with the datasource and the host.
//! Failures of one cause make one incident a task, and one message for all their tasks.

use data_encoding::HEXLOWER;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::super::input::truncate;
use super::event::NotifyEvent;
use crate::i18n::{Language, Message};

/// The longest masked text, in characters.
const TEXT_MAX: usize = 300;
/// A word of letters and digits from this length on is an id.
const ID_MIN: usize = 16;
/// A word of hexadecimal digits from this length on is a number, if one of them is a decimal digit.
const HEX_MIN: usize = 6;
/// The bytes of the hash in a key.
const KEY_BYTES: usize = 16;

/// Why something happened.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Cause {
    /// The masked text.
    pub text: String,
    /// The same for all tasks with the same event, text, datasource and host.
    pub key: String,
}

impl Cause {
    /// The cause of an event with this error, for a task with these parameters.
    #[must_use]
    pub fn new(event: NotifyEvent, error: Option<&Message>, params: &Value) -> Cause {
        let text = cause_text(error, Language::English);
        let mut hash = Sha256::new();
        for part in [event.as_str(), &text, datasource(params), host(params)] {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        Cause { text, key: HEXLOWER.encode(&hash.finalize()[..KEY_BYTES]) }
    }
}

/// The masked text of an error in a language; empty without one.
#[must_use]
pub fn cause_text(error: Option<&Message>, language: Language) -> String {
    error.map(|error| truncate(&masked(&error.text(language)), TEXT_MAX)).unwrap_or_default()
}

fn datasource(params: &Value) -> &str {
    params.get("datasource").and_then(Value::as_str).unwrap_or_default()
}

/// The host of the parameter `url`; empty if there is none, or if it is a template.
fn host(params: &Value) -> &str {
    let url = params.get("url").and_then(Value::as_str).unwrap_or_default();
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    if host.contains('{') { "" } else { host }
}

/// The first line of a text with numbers, dates, ids and hexadecimal values as `#`. The number of a code in capitals, as in
/// `ORA-00942`, stays: it is the cause.
#[must_use]
pub fn masked(text: &str) -> String {
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim();
    let mut shown = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        if end == 0 {
            shown.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        }
        if let Some(after) = after_uuid(rest) {
            shown.push('#');
            rest = after;
            continue;
        }
        let (word, after) = rest.split_at(end);
        if is_code_number(&shown, word) {
            shown.push_str(word)
        } else {
            push_masked(&mut shown, word)
        }
        rest = after;
    }
    joined(&shown)
}

/// What follows a UUID at the beginning of a text; `None` if it begins with something else.
fn after_uuid(text: &str) -> Option<&str> {
    let (uuid, after) = text.split_at_checked(36)?;
    let fits = |(place, byte): (usize, u8)| match place {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    let ends = !after.starts_with(|c: char| c.is_ascii_alphanumeric());
    (ends && uuid.bytes().enumerate().all(fits)).then_some(after)
}

/// Whether a number follows capitals and a hyphen.
fn is_code_number(before: &str, word: &str) -> bool {
    let Some(code) = before.strip_suffix('-') else { return false };
    let letters = code.chars().rev().take_while(char::is_ascii_uppercase).count();
    letters >= 2 && !code.chars().rev().nth(letters).is_some_and(|c| c.is_ascii_alphanumeric()) && is_number(word)
}

fn is_number(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_digit())
}

fn push_masked(shown: &mut String, word: &str) {
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    let is_hex = || word.len() >= HEX_MIN && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    if digits == 0 {
        shown.push_str(word);
    } else if digits == word.len() || is_hex() || (word.len() >= ID_MIN && digits >= 2) {
        shown.push('#');
    } else {
        for c in word.chars() {
            match c.is_ascii_digit() {
                true if shown.ends_with('#') => {}
                true => shown.push('#'),
                false => shown.push(c),
            }
        }
    }
}

/// Makes one `#` of several with a separator of numbers between them: a date, an address, an identifier.
fn joined(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let chars: Vec<char> = text.chars().collect();
    let mut place = 0;
    while let Some(&c) = chars.get(place) {
        let joins = matches!(c, '-' | ':' | '.' | ',' | '/' | 'T' | '_') && shown.ends_with('#');
        match joins && chars.get(place + 1) == Some(&'#') {
            true => place += 2,
            false => {
                shown.push(c);
                place += 1;
            }
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn masked_leaves_out_what_differs_between_failures() {
        for (text, expected) in [
            ("connection to 10.1.2.3:5432 refused", "connection to # refused"),
            ("timed out after 1.5 s at 2026-11-29T08:00:00", "timed out after # s at #"),
            ("order 01J8Z3K4M5N6P7Q8R9S0T1V2W3 is missing", "order # is missing"),
            ("id 550e8400-e29b-41d4-a716-446655440000, row 17", "id #, row #"),
            ("ORA-00942: table t1 does not exist (line 12)", "ORA-00942: table t# does not exist (line #)"),
            ("pointer 0xdeadbeef12 in deadbeef", "pointer #xdeadbeef# in deadbeef"),
            ("\n  第 3 步失败\nTraceback 9", "第 # 步失败"),
            ("", ""),
        ] {
            assert_eq!(masked(text), expected, "{text}");
        }
    }

    #[test]
    fn causes_differ_by_event_text_datasource_and_host() {
        let key = |event, error: &str, params| Cause::new(event, Some(&Message::verbatim(error)), &params).key;
        let failed = |error, params| key(NotifyEvent::Failed, error, params);
        let one = failed("no answer after 3 s", json!({"url": "https://a.example/x/1"}));
        assert_eq!(one, failed("no answer after 40 s", json!({"url": "https://user@a.example/y"})));
        assert_ne!(one, failed("no answer after 3 s", json!({"url": "https://b.example/x"})));
        assert_ne!(one, failed("refused", json!({"url": "https://a.example/x"})));
        assert_ne!(failed("x", json!({"datasource": "a"})), failed("x", json!({"datasource": "b"})));
        assert_ne!(failed("x", json!({})), key(NotifyEvent::Missed, "x", json!({})));
        assert_eq!(failed("x", json!({"url": "https://{{ env.A }}/"})), failed("x", json!({"url": "https://{{ env.B }}/"})));
    }

    proptest! {
        #[test]
        fn masked_text_has_no_digits_but_those_of_codes(text in "[a-zA-Z0-9 .:-]{0,60}") {
            let shown = masked(&text);
            let codes = regex::Regex::new("[A-Z]{2,}-[0-9]+").unwrap();
            let rest = codes.replace_all(&shown, "");
            prop_assert!(!rest.bytes().any(|byte| byte.is_ascii_digit()), "{text} -> {shown}");
            prop_assert_eq!(masked(&shown), shown.clone());
        }
    }
}
