//! ANSI escape codes in output: colors and text attributes become CSS classes, all other codes are removed.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// A piece of text in one style.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Span {
    pub text: String,
    /// CSS classes, separated by blanks; empty for plain text.
    pub class: String,
}

/// Maximum length of an incomplete code that is kept for the next piece, in bytes; longer ones are dropped.
const MAX_PENDING: usize = 256;

/// The style set by the codes so far. The browser sends it back when it fetches the next piece of output.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TextStyle {
    /// 0 to 15.
    colour: Option<u8>,
    bold: bool,
    italic: bool,
    underlined: bool,
    /// The start of a code that is not complete yet.
    #[serde(skip_serializing_if = "String::is_empty")]
    pending: String,
}

/// Encodes the styles of standard output and standard error as JSON.
pub fn to_token(styles: &[TextStyle; 2]) -> String {
    serde_json::to_string(styles).unwrap_or_default()
}

/// Decodes [`to_token`]; invalid text gives the default styles.
pub fn from_token(token: &str) -> [TextStyle; 2] {
    serde_json::from_str(token).unwrap_or_default()
}

impl TextStyle {
    fn class(&self) -> String {
        let mut classes: Vec<String> = self.colour.map(|colour| format!("ansi-{colour}")).into_iter().collect();
        for (on, name) in [(self.bold, "ansi-bold"), (self.italic, "ansi-italic"), (self.underlined, "ansi-underlined")] {
            if on {
                classes.push(name.to_owned());
            }
        }
        classes.join(" ")
    }

    /// Applies the parameters of `ESC [ … m`.
    fn set(&mut self, codes: &str) {
        let mut numbers = codes.split([';', ':']).map(|code| code.parse::<u16>().unwrap_or(0));
        while let Some(number) = numbers.next() {
            match number {
                0 => *self = TextStyle::default(),
                1 => self.bold = true,
                3 => self.italic = true,
                4 => self.underlined = true,
                22 => self.bold = false,
                23 => self.italic = false,
                24 => self.underlined = false,
                30..=37 => self.colour = Some((number - 30) as u8),
                90..=97 => self.colour = Some((number - 90 + 8) as u8),
                39 => self.colour = None,
                38 | 48 => self.extended(number == 38, &mut numbers),
                _ => {}
            }
        }
    }

    /// Applies `38;5;n` and skips `38;2;r;g;b`: only the 16 named colors are supported.
    fn extended(&mut self, foreground: bool, numbers: &mut impl Iterator<Item = u16>) {
        match numbers.next() {
            Some(5) => {
                let colour = numbers.next().and_then(|n| u8::try_from(n).ok()).filter(|n| *n < 16);
                if foreground {
                    self.colour = colour.or(self.colour);
                }
            }
            Some(2) => drop(numbers.take(3).count()),
            _ => {}
        }
    }
}

/// Splits text into spans of one style. `style` is the style at the start and is updated to the one at the end.
pub fn spans(text: &str, style: &mut TextStyle) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let pending = std::mem::take(&mut style.pending);
    let text_with_pending = if pending.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(pending + text) };
    let mut rest = &*text_with_pending;
    while !rest.is_empty() {
        let end = rest.find('\u{1b}').unwrap_or(rest.len());
        if end > 0 {
            push(&mut spans, &rest[..end], style.class());
        }
        rest = &rest[end..];
        if !rest.is_empty() {
            rest = skip_code(rest, style);
        }
    }
    spans
}

fn push(spans: &mut Vec<Span>, text: &str, class: String) {
    match spans.last_mut() {
        Some(last) if last.class == class => last.text.push_str(text),
        _ => spans.push(Span { text: text.to_owned(), class }),
    }
}

/// Returns the text after the code at the start of `text`; an incomplete code is kept in `style.pending`.
fn skip_code<'t>(text: &'t str, style: &mut TextStyle) -> &'t str {
    let Some(rest) = after_code(text, style) else {
        if text.len() <= MAX_PENDING {
            text.clone_into(&mut style.pending);
        }
        return "";
    };
    rest
}

fn after_code<'t>(text: &'t str, style: &mut TextStyle) -> Option<&'t str> {
    let code = &text[1..];
    match code.chars().next()? {
        '[' => {
            let body = &code[1..];
            let end = body.find(|c: char| ('\u{40}'..='\u{7e}').contains(&c) || !c.is_ascii())?;
            if body.as_bytes()[end] == b'm' {
                style.set(&body[..end]);
            }
            let last = body[end..].chars().next().map_or(0, char::len_utf8);
            Some(&body[end + last..])
        }
        // An operating system command (title, link), up to BEL or ESC \.
        ']' => {
            let end = code.find(['\u{7}', '\u{1b}'])?;
            let rest = &code[end..];
            match rest {
                "\u{1b}" => None,
                rest => Some(rest.strip_prefix('\u{7}').or_else(|| rest.strip_prefix("\u{1b}\\")).unwrap_or(rest)),
            }
        }
        other => Some(&code[other.len_utf8()..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, String)> {
        spans(text, &mut TextStyle::default()).into_iter().map(|span| (span.text, span.class)).collect()
    }

    fn owned(parts: &[(&str, &str)]) -> Vec<(String, String)> {
        parts.iter().map(|(text, class)| ((*text).to_owned(), (*class).to_owned())).collect()
    }

    #[test]
    fn colours_become_classes() {
        assert_eq!(
            read("\u{1b}[1;31mred\u{1b}[0m \u{1b}[92mok"),
            owned(&[("red", "ansi-1 ansi-bold"), (" ", ""), ("ok", "ansi-10")])
        );
        assert_eq!(read("\u{1b}[38;5;3my\u{1b}[38;2;1;2;3mz\u{1b}[39mn"), owned(&[("yz", "ansi-3"), ("n", "")]));
        assert_eq!(read("100% 日\n"), owned(&[("100% 日\n", "")]));
    }

    #[test]
    fn other_and_malformed_codes_are_removed() {
        assert_eq!(read("a\u{1b}[2Kb\u{1b}]0;title\u{7}c\u{1b}]8;;x\u{1b}\\d\u{1b}Me"), owned(&[("abcde", "")]));
        assert_eq!(read("x\u{1b}[2"), owned(&[("x", "")]));
        assert_eq!(read("x\u{1b}"), owned(&[("x", "")]));
        assert_eq!(read("\u{1b}[日m;1mx"), owned(&[("m;1mx", "")]));
        assert_eq!(read("\u{1b}日x"), owned(&[("x", "")]));
    }

    #[test]
    fn style_continues_in_the_next_piece() {
        let mut style = TextStyle::default();
        spans("\u{1b}[33m", &mut style);
        assert_eq!(spans("x", &mut style), [Span { text: "x".into(), class: "ansi-3".into() }]);
        let mut styles = from_token(&to_token(&[style, TextStyle::default()]));
        assert_eq!(spans("y", &mut styles[0])[0].class, "ansi-3");
        for foreign in ["", "[]", "[{\"colour\":999},{}]", "x"] {
            assert_eq!(from_token(foreign), <[TextStyle; 2]>::default(), "{foreign}");
        }
    }

    #[test]
    fn code_split_across_pieces() {
        let full = "a\u{1b}[1;31mred\u{1b}[0m\u{1b}]0;title\u{1b}\\ok\u{1b}[32m";
        for cut in (0..full.len()).filter(|cut| full.is_char_boundary(*cut)) {
            let mut styles = <[TextStyle; 2]>::default();
            let mut read = spans(&full[..cut], &mut styles[0]);
            let mut styles = from_token(&to_token(&styles));
            read.extend(spans(&full[cut..], &mut styles[0]));
            let of = |class: &str| read.iter().filter(|s| s.class == class).map(|s| s.text.as_str()).collect::<String>();
            assert_eq!((of(""), of("ansi-1 ansi-bold")), ("aok".into(), "red".into()), "cut at {cut}");
            assert_eq!(spans("z", &mut styles[0])[0].class, "ansi-2");
        }
        let mut style = TextStyle::default();
        spans(&format!("\u{1b}]{}", "x".repeat(MAX_PENDING)), &mut style);
        assert_eq!(style, TextStyle::default(), "an unterminated code is dropped");
    }
}
