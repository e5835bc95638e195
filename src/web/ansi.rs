//! Terminal codes within output: colours and weights become classes, everything else that is meant for a terminal goes.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// A piece of text in one look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Span {
    pub text: String,
    /// Classes, apart by blanks; empty for plain text.
    pub class: String,
}

/// The longest beginning of a code that waits for its end, in bytes; longer ones are no codes that matter.
const MAX_PENDING: usize = 256;

/// The look that codes have set so far. It travels to the browser and back, where output is read piece by piece.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Look {
    /// 0 to 15.
    colour: Option<u8>,
    bold: bool,
    italic: bool,
    underlined: bool,
    /// The beginning of a code whose end has not come yet.
    #[serde(skip_serializing_if = "String::is_empty")]
    pending: String,
}

/// The looks of standard output and standard error, as one text.
pub fn to_token(looks: &[Look; 2]) -> String {
    serde_json::to_string(looks).unwrap_or_default()
}

/// Reads such a text; any other means that no codes were set.
pub fn of_token(token: &str) -> [Look; 2] {
    serde_json::from_str(token).unwrap_or_default()
}

impl Look {
    fn class(&self) -> String {
        let mut classes: Vec<String> = self.colour.map(|colour| format!("ansi-{colour}")).into_iter().collect();
        for (on, name) in [(self.bold, "ansi-bold"), (self.italic, "ansi-italic"), (self.underlined, "ansi-underlined")] {
            if on {
                classes.push(name.to_owned());
            }
        }
        classes.join(" ")
    }

    /// Applies the numbers of `ESC [ … m`.
    fn set(&mut self, codes: &str) {
        let mut numbers = codes.split([';', ':']).map(|code| code.parse::<u16>().unwrap_or(0));
        while let Some(number) = numbers.next() {
            match number {
                0 => *self = Look::default(),
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

    /// `38;5;n` and `38;2;r;g;b`: of the many colours only the sixteen named ones are shown.
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

/// Divides text by its looks; `look` is what codes before it have set, and is carried on.
pub fn spans(text: &str, look: &mut Look) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let begun = std::mem::take(&mut look.pending);
    let whole = if begun.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(begun + text) };
    let mut rest = &*whole;
    while !rest.is_empty() {
        let end = rest.find('\u{1b}').unwrap_or(rest.len());
        if end > 0 {
            push(&mut spans, &rest[..end], look.class());
        }
        rest = &rest[end..];
        if !rest.is_empty() {
            rest = skip(rest, look);
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

/// Behind the code that begins at the start of `text`; one that is cut off waits for its end.
fn skip<'t>(text: &'t str, look: &mut Look) -> &'t str {
    let Some(rest) = behind(text, look) else {
        if text.len() <= MAX_PENDING {
            text.clone_into(&mut look.pending);
        }
        return "";
    };
    rest
}

fn behind<'t>(text: &'t str, look: &mut Look) -> Option<&'t str> {
    let code = &text[1..];
    match code.chars().next()? {
        '[' => {
            let body = &code[1..];
            let end = body.find(|c: char| ('\u{40}'..='\u{7e}').contains(&c) || !c.is_ascii())?;
            if body.as_bytes()[end] == b'm' {
                look.set(&body[..end]);
            }
            let last = body[end..].chars().next().map_or(0, char::len_utf8);
            Some(&body[end + last..])
        }
        // A title or a link for the terminal, up to BEL or ESC \.
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
        spans(text, &mut Look::default()).into_iter().map(|span| (span.text, span.class)).collect()
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
    fn other_codes_go_and_broken_ones_harm_nothing() {
        assert_eq!(read("a\u{1b}[2Kb\u{1b}]0;title\u{7}c\u{1b}]8;;x\u{1b}\\d\u{1b}Me"), owned(&[("abcde", "")]));
        assert_eq!(read("x\u{1b}[2"), owned(&[("x", "")]));
        assert_eq!(read("x\u{1b}"), owned(&[("x", "")]));
        assert_eq!(read("\u{1b}[日m;1mx"), owned(&[("m;1mx", "")]));
        assert_eq!(read("\u{1b}日x"), owned(&[("x", "")]));
    }

    #[test]
    fn a_look_is_carried_on() {
        let mut look = Look::default();
        spans("\u{1b}[33m", &mut look);
        assert_eq!(spans("x", &mut look), [Span { text: "x".into(), class: "ansi-3".into() }]);
        let mut looks = of_token(&to_token(&[look, Look::default()]));
        assert_eq!(spans("y", &mut looks[0])[0].class, "ansi-3");
        for foreign in ["", "[]", "[{\"colour\":999},{}]", "x"] {
            assert_eq!(of_token(foreign), <[Look; 2]>::default(), "{foreign}");
        }
    }

    #[test]
    fn a_code_that_is_cut_in_two_is_one_code() {
        let whole = "a\u{1b}[1;31mred\u{1b}[0m\u{1b}]0;title\u{1b}\\ok\u{1b}[32m";
        for cut in (0..whole.len()).filter(|cut| whole.is_char_boundary(*cut)) {
            let mut looks = <[Look; 2]>::default();
            let mut read = spans(&whole[..cut], &mut looks[0]);
            let mut looks = of_token(&to_token(&looks));
            read.extend(spans(&whole[cut..], &mut looks[0]));
            let of = |class: &str| read.iter().filter(|s| s.class == class).map(|s| s.text.as_str()).collect::<String>();
            assert_eq!((of(""), of("ansi-1 ansi-bold")), ("aok".into(), "red".into()), "cut at {cut}");
            assert_eq!(spans("z", &mut looks[0])[0].class, "ansi-2");
        }
        let mut look = Look::default();
        spans(&format!("\u{1b}]{}", "x".repeat(MAX_PENDING)), &mut look);
        assert_eq!(look, Look::default(), "what has no end is given up");
    }
}
