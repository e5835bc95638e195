//! A document in YAML or JSON (which YAML holds within it), with the place of each of its values, so that what is wrong with it
//! is told as a compiler would: file, line, column, and the line itself.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

use saphyr_parser::{Event, Parser, Span};
use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use super::Failure;
use super::call::Told;
use crate::config::reason;
use crate::domain::fault::pointer_step;
use crate::domain::yaml;

/// The largest document read, in bytes.
const LARGEST: u64 = 256 << 20;

/// A document that was read.
#[derive(Debug)]
pub(super) struct Document {
    /// The file's name as it was given.
    name: String,
    text: String,
    value: Value,
    /// Where the value of each pointer begins: line and column from 1, characters on the line.
    places: HashMap<String, Place>,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    line: usize,
    column: usize,
    length: usize,
}

impl Document {
    /// Reads a file, or the input for `-`.
    ///
    /// # Errors
    /// [`Failure::Usage`] with the place of what does not read.
    pub(super) fn read(path: &Path) -> Result<Document, Failure> {
        let from_input = path.as_os_str() == "-";
        let name = if from_input { "(input)".to_owned() } else { path.display().to_string() };
        let cannot = |error: std::io::Error| Failure::Usage(format!("cannot read {name}: {}", reason(&error)));
        let mut bytes = Vec::new();
        let read = if from_input {
            std::io::stdin().take(LARGEST + 1).read_to_end(&mut bytes)
        } else {
            std::fs::File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
        };
        read.map_err(cannot)?;
        if bytes.len() as u64 > LARGEST {
            return Err(Failure::Usage(format!("{name}: is larger than {} MiB", LARGEST >> 20)));
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let line = 1 + error.as_bytes().iter().take(error.utf8_error().valid_up_to()).filter(|byte| **byte == b'\n').count();
            Failure::Usage(format!("{name}:{line}: is not UTF-8 text"))
        })?;
        Document::parse(&name, text)
    }

    /// Reads a text; `name` is what it is called in messages.
    ///
    /// # Errors
    /// As [`Document::read`].
    pub(super) fn parse(name: &str, text: String) -> Result<Document, Failure> {
        let text = text.strip_prefix('\u{feff}').map_or(text.clone(), str::to_owned);
        let mut document = Document { name: name.to_owned(), text, value: Value::Null, places: HashMap::new() };
        match yaml::read(&document.text) {
            Ok(value) => document.value = value,
            Err(what) => return Err(Failure::Usage(document.unreadable(&what))),
        }
        document.places = places(&document.text);
        Ok(document)
    }

    /// What the reader said, which ends with the place.
    fn unreadable(&self, said: &str) -> String {
        let place = said.rsplit_once(" at line ").and_then(|(what, place)| {
            let (line, column) = place.split_once(", column ")?;
            Some((what, Place { line: line.parse().ok()?, column: column.parse().ok()?, length: 1 }))
        });
        match place {
            Some((what, place)) => self.shown(place, what),
            None => format!("{}: {said}", self.name),
        }
    }

    pub(super) fn value(&self) -> &Value {
        &self.value
    }

    /// A fault at a place, with the line that it stands in.
    fn shown(&self, place: Place, what: &str) -> String {
        let Place { line, column, length } = place;
        let source = self.text.lines().nth(line.saturating_sub(1)).unwrap_or_default().trim_end();
        let blank = |c: char| if c == '\t' { c.to_string() } else { " ".repeat(c.to_string().width()) };
        let indent: String = source.chars().take(column.saturating_sub(1)).map(blank).collect();
        let marked: String = source.chars().skip(column.saturating_sub(1)).take(length.max(1)).collect();
        let carets = "^".repeat(marked.width().max(1));
        let number = line.to_string();
        let gutter = " ".repeat(number.len());
        format!("{}:{line}:{column}: {what}\n{gutter} |\n{number} | {source}\n{gutter} | {indent}{carets}", self.name)
    }
}

impl Told for Document {
    fn tell(&self, pointer: &str, message: &str) -> String {
        let mut at = pointer;
        loop {
            if let Some(place) = self.places.get(at) {
                return self.shown(*place, message);
            }
            // What is missing is told where it should have been.
            match at.rfind('/') {
                Some(end) => at = &at[..end],
                None => return format!("{}: {message}", self.name),
            }
        }
    }
}

/// A list or a mapping that has not ended, with its pointer.
enum Open {
    List(String, usize),
    /// With the name whose value comes next, and the name's place.
    Mapping(String, Option<(String, Place)>),
}

/// Where each value stands. Of what spans lines its name is meant, where it has one. The text has been read before, so that it
/// is known to be sound and small.
fn places(text: &str) -> HashMap<String, Place> {
    let (mut places, mut open) = (HashMap::new(), Vec::new());
    for (event, span) in Parser::new_from_str(text).map_while(Result::ok) {
        let place = place(span);
        match event {
            Event::Scalar(name, ..) if let Some(Open::Mapping(_, waiting @ None)) = open.last_mut() => {
                *waiting = Some((name.into_owned(), place));
            }
            Event::Scalar(..) | Event::Alias(_) => drop(step(&mut open, place, &mut places)),
            Event::SequenceStart(..) => {
                let pointer = step(&mut open, place, &mut places);
                open.push(Open::List(pointer, 0));
            }
            Event::MappingStart(..) => {
                let pointer = step(&mut open, place, &mut places);
                open.push(Open::Mapping(pointer, None));
            }
            Event::SequenceEnd | Event::MappingEnd => drop(open.pop()),
            _ => {}
        }
    }
    places
}

/// Goes on to the next value: notes its place and answers its pointer.
fn step(open: &mut [Open], place: Place, places: &mut HashMap<String, Place>) -> String {
    let (pointer, shown) = match open.last_mut() {
        None => (String::new(), place),
        Some(Open::List(pointer, count)) => {
            *count += 1;
            (format!("{pointer}/{}", *count - 1), place)
        }
        Some(Open::Mapping(pointer, waiting)) => match waiting.take() {
            Some((name, its_place)) => {
                let shown = if place.line == its_place.line { place } else { its_place };
                (format!("{pointer}/{}", pointer_step(&name)), shown)
            }
            None => (pointer.clone(), place),
        },
    };
    places.insert(pointer.clone(), shown);
    pointer
}

fn place(span: Span) -> Place {
    let (from, to) = (span.start, span.end);
    let length = if to.line() == from.line() { to.col().saturating_sub(from.col()) } else { 1 };
    Place { line: from.line().max(1), column: from.col() + 1, length: length.max(1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Document {
        Document::parse("task.yaml", text.to_owned()).expect("reads")
    }

    fn refused(text: &str) -> String {
        Document::parse("task.yaml", text.to_owned()).err().map(|failure| failure.to_string()).unwrap_or_default()
    }

    #[test]
    fn what_is_wrong_is_shown_in_its_line() {
        let document = read("id: a\ntrigger:\n  type: cron\n  hour: 25\n");
        let told = "task.yaml:4:9: hour: 25 is too much\n  |\n4 |   hour: 25\n  |         ^^";
        assert_eq!(document.tell("/trigger/hour", "hour: 25 is too much"), told);
        assert!(
            document.tell("/trigger/minute", "x").starts_with("task.yaml:2:1: x\n"),
            "{}",
            document.tell("/trigger/minute", "x")
        );
        assert!(document.tell("/type", "is required").starts_with("task.yaml:1:1: "));
    }

    #[test]
    fn the_caret_stands_below_chinese_too() {
        let told = read("{\"名称\": \"日报\"}").tell("/名称", "no");
        assert!(told.ends_with("1 | {\"名称\": \"日报\"}\n  |          ^^^^^^"), "{told}");
    }

    #[test]
    fn what_does_not_read_is_shown_too() {
        assert!(refused("a: [1, 2\nb: 3").starts_with("task.yaml:2:"), "{}", refused("a: [1, 2\nb: 3"));
        assert!(refused("a: 1\na: 2").starts_with("task.yaml:2:1: 'a' stands twice\n"), "{}", refused("a: 1\na: 2"));
        assert!(refused(&"[".repeat(100_000)).starts_with("task.yaml:1:"));
    }
}
