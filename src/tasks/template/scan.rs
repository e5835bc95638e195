//! Template scanner: finds the expressions and statements of a template by the rules of Tera's lexer.

use crate::i18n::{Message, message};

/// An expression or statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tag<'t> {
    pub kind: TagKind,
    /// The offset of its `{{` or `{%`, in bytes.
    pub start: usize,
    /// The offset after its `}}` or `%}`.
    pub end: usize,
    /// Its first two words.
    words: [&'t str; 2],
    /// The number of names in it.
    pub names: usize,
    /// The number of its operators `~`.
    pub joins: usize,
    /// Whether a `=` follows the second word.
    pub assigns: bool,
    /// Whether it contains a list comprehension (`for` after its first word).
    pub comprehension: bool,
    /// Whether it removes the white space before it (`{%-`).
    pub trims_before: bool,
    /// Whether it removes the white space after it (`-%}`).
    pub trims_after: bool,
}

/// The kind of a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TagKind {
    /// `{{ … }}`
    Output,
    /// `{% … %}`
    Statement,
}

impl<'t> Tag<'t> {
    /// The first word, such as `for`; empty if it begins otherwise.
    pub fn word(&self) -> &'t str {
        self.words[0]
    }

    /// The variable of a `set`.
    pub fn target(&self) -> &'t str {
        self.words[1]
    }

    /// Whether it is a `set` or `set_global`.
    pub fn sets(&self) -> bool {
        self.kind == TagKind::Statement && matches!(self.word(), "set" | "set_global")
    }
}

/// The tags of a template in order, without comments and `raw` blocks.
///
/// # Errors
/// A tag, string, comment or `raw` block is not closed.
pub(super) fn scan(text: &str) -> Result<Vec<Tag<'_>>, Message> {
    let mut tags = Vec::new();
    let mut at = 0;
    while let Some(start) = next_marker(text, at) {
        let unclosed = || {
            let line = text.as_bytes()[..start].iter().filter(|byte| **byte == b'\n').count() + 1;
            message!("template.unclosed", line)
        };
        at = match &text[start..start + 2] {
            "{#" => end_of_comment(text, start).ok_or_else(unclosed)?,
            "{%" if raw_tag(text, after_marker(text, start), "raw").is_some() => end_of_raw(text, start).ok_or_else(unclosed)?,
            marker => {
                let kind = if marker == "{{" { TagKind::Output } else { TagKind::Statement };
                let tag = TagScanner::new(text, start, kind).finish().ok_or_else(unclosed)?;
                let end = tag.end;
                tags.push(tag);
                end
            }
        };
    }
    Ok(tags)
}

fn next_marker(text: &str, from: usize) -> Option<usize> {
    let pairs = text.as_bytes().get(from..)?.windows(2);
    let found = pairs.into_iter().position(|pair| matches!(pair, b"{{" | b"{%" | b"{#"))?;
    Some(from + found)
}

/// The offset after a marker and its `-`.
fn after_marker(text: &str, start: usize) -> usize {
    start + 2 + usize::from(text.as_bytes().get(start + 2) == Some(&b'-'))
}

fn end_of_comment(text: &str, start: usize) -> Option<usize> {
    let from = after_marker(text, start);
    Some(from + text.get(from..)?.find("#}")? + 2)
}

/// The offset after the `endraw` tag of the `raw` tag at `start`.
fn end_of_raw(text: &str, start: usize) -> Option<usize> {
    let mut from = raw_tag(text, after_marker(text, start), "raw")?;
    loop {
        from += text.get(from..)?.find("{%")? + 2;
        if let Some(end) = raw_tag(text, from, "endraw") {
            return Some(end);
        }
    }
}

/// The offset after `-? name -? %}`, if that follows.
fn raw_tag(text: &str, from: usize, name: &str) -> Option<usize> {
    let rest = text.get(from..)?;
    let rest = rest.strip_prefix('-').unwrap_or(rest).trim_start_matches(|c: char| c.is_ascii_whitespace());
    let rest = rest.strip_prefix(name)?.trim_start_matches(|c: char| c.is_ascii_whitespace());
    let rest = rest.strip_prefix('-').unwrap_or(rest).strip_prefix("%}")?;
    Some(text.len() - rest.len())
}

/// Reads one tag.
struct TagScanner<'t> {
    text: &'t str,
    at: usize,
    close: &'static str,
    tag: Tag<'t>,
    /// The number of words, strings and operators so far.
    tokens: usize,
    after_dot: bool,
}

impl<'t> TagScanner<'t> {
    fn new(text: &'t str, start: usize, kind: TagKind) -> Self {
        let at = after_marker(text, start);
        let tag = Tag {
            kind,
            start,
            end: start,
            words: [""; 2],
            names: 0,
            joins: 0,
            assigns: false,
            comprehension: false,
            trims_before: at > start + 2,
            trims_after: false,
        };
        let close = if kind == TagKind::Output { "}}" } else { "%}" };
        Self { text, at, close, tag, tokens: 0, after_dot: false }
    }

    /// The whole tag; `None` if it is not closed.
    fn finish(mut self) -> Option<Tag<'t>> {
        loop {
            let rest = self.text.get(self.at..)?;
            let trimmed = rest.trim_start_matches(|c: char| c.is_ascii_whitespace());
            self.at += rest.len() - trimmed.len();
            let trims = trimmed.strip_prefix('-').is_some_and(|after| after.starts_with(self.close));
            if trims || trimmed.starts_with(self.close) {
                self.tag.trims_after = trims;
                self.tag.end = self.at + self.close.len() + usize::from(trims);
                return Some(self.tag);
            }
            self.token(trimmed)?;
            self.tokens += 1;
        }
    }

    fn token(&mut self, rest: &'t str) -> Option<()> {
        let first = rest.chars().next()?;
        let was_after_dot = std::mem::replace(&mut self.after_dot, first == '.');
        match first {
            '\'' | '"' | '`' => self.at += string_length(rest.as_bytes())?,
            c if c.is_ascii_alphabetic() || c == '_' => {
                let length = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
                self.word(&rest[..length], was_after_dot);
                self.at += length;
            }
            other => {
                self.tag.assigns |= self.tokens == 2 && other == '=' && !rest.starts_with("==");
                self.tag.joins += usize::from(other == '~');
                self.at += other.len_utf8();
            }
        }
        Some(())
    }

    fn word(&mut self, word: &'t str, after_dot: bool) {
        self.tag.names += 1;
        if let Some(slot) = self.tag.words.get_mut(self.tokens) {
            *slot = word;
        }
        let opens = self.tokens == 0 && self.tag.kind == TagKind::Statement;
        self.tag.comprehension |= word == "for" && !opens && !after_dot;
    }
}

/// The length of a quoted string in bytes; `None` if it is not closed. A backslash escapes the next byte.
fn string_length(bytes: &[u8]) -> Option<usize> {
    let quote = bytes.first()?;
    let mut at = 1;
    loop {
        match bytes.get(at)? {
            b'\\' => at += 2,
            byte if byte == quote => return Some(at + 1),
            _ => at += 1,
        }
    }
}
