//! ANSI escape codes in output: colors and text attributes become CSS classes, all other codes are removed.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use vte::{Params, Parser, Perform};

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
    fn set(&mut self, params: &Params) {
        let mut codes = params.iter();
        while let Some(code) = codes.next() {
            match code {
                [kind @ (38 | 48)] => self.extended(*kind == 38, codes.by_ref().filter_map(|code| code.first().copied())),
                [kind @ (38 | 48), rest @ ..] => self.extended(*kind == 38, rest.iter().copied()),
                [number, ..] => self.set_attribute(*number),
                [] => {}
            }
        }
    }

    fn set_attribute(&mut self, number: u16) {
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
            _ => {}
        }
    }

    /// Applies `38;5;n` and skips `38;2;r;g;b`: only the 16 named colors are supported.
    fn extended(&mut self, foreground: bool, mut numbers: impl Iterator<Item = u16>) {
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
    let pending = std::mem::take(&mut style.pending);
    let text = if pending.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(pending + text) };
    let mut parser = Parser::new();
    let mut collector = Collector { spans: Vec::new(), class: style.class(), style, completed: true };
    // An escape character ends what precedes it, so only the last code can be incomplete.
    let (before, last) = text.split_at(text.rfind('\u{1b}').unwrap_or(text.len()));
    parser.advance(&mut collector, before.as_bytes());
    if let Some(rest) = last.strip_prefix('\u{1b}') {
        parser.advance(&mut collector, b"\x1b");
        collector.completed = false;
        parser.advance(&mut collector, rest.as_bytes());
    }
    let Collector { spans, style, completed, .. } = collector;
    if !completed && last.len() <= MAX_PENDING {
        last.clone_into(&mut style.pending);
    }
    spans
}

/// Receives text and codes from the parser.
struct Collector<'s> {
    spans: Vec<Span>,
    style: &'s mut TextStyle,
    /// The classes of `style`.
    class: String,
    /// Whether a code or a character has been received since this was cleared.
    completed: bool,
}

impl Perform for Collector<'_> {
    fn print(&mut self, c: char) {
        self.completed = true;
        match self.spans.last_mut() {
            Some(last) if last.class == self.class => last.text.push(c),
            _ => self.spans.push(Span { text: c.to_string(), class: self.class.clone() }),
        }
    }

    /// Control characters such as line breaks remain text.
    fn execute(&mut self, byte: u8) {
        self.print(char::from(byte));
    }

    fn csi_dispatch(&mut self, params: &Params, intermediates: &[u8], _ignore: bool, action: char) {
        self.completed = true;
        if action == 'm' && intermediates.is_empty() {
            self.style.set(params);
            self.class = self.style.class();
        }
    }

    fn esc_dispatch(&mut self, _intermediates: &[u8], _ignore: bool, _byte: u8) {
        self.completed = true;
    }

    fn osc_dispatch(&mut self, _params: &[&[u8]], _bell_terminated: bool) {
        self.completed = true;
    }

    fn unhook(&mut self) {
        self.completed = true;
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
        assert_eq!(
            read("a\u{1b}Pq#0;2;0\u{1b}\\b\u{1b}_hidden\u{1b}\\c"),
            owned(&[("abc", "")]),
            "device and application strings"
        );
        assert_eq!(read("\u{1b}[>4;1mx\u{1b}[4:3my"), owned(&[("x", ""), ("y", "ansi-underlined")]), "not italic");
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
