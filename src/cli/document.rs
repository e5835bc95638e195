//! A YAML or JSON document with the position of each value, so that errors name the file, line and column and show the line.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

use saphyr_parser::{Event, Parser, Span};
use serde_json::Value;

use super::Failure;
use super::call::FaultSource;
use super::source_line::marked;
use crate::cli::input::unreadable;
use crate::cli::words;
use crate::domain::fault::pointer_step;
use crate::domain::yaml;
use crate::i18n::message;

/// The largest document read, in bytes.
const MAX_BYTES: u64 = 256 << 20;

/// A parsed document.
#[derive(Debug)]
pub(super) struct Document {
    /// The file name as given.
    name: String,
    text: String,
    value: Value,
    /// Where the value of each pointer begins: line and column from 1, characters on the line.
    locations: HashMap<String, Location>,
}

#[derive(Debug, Clone, Copy)]
struct Location {
    line: usize,
    column: usize,
    length: usize,
}

impl Document {
    /// Reads a file, or standard input for `-`.
    pub(super) fn read(path: &Path) -> Result<Document, Failure> {
        let from_input = path.as_os_str() == "-";
        let name = if from_input { "(input)".to_owned() } else { path.display().to_string() };
        let cannot = |error: std::io::Error| Failure::Usage(words(&unreadable(&name, &error)));
        let mut bytes = Vec::new();
        let read = if from_input {
            std::io::stdin().take(MAX_BYTES + 1).read_to_end(&mut bytes)
        } else {
            std::fs::File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
        };
        read.map_err(cannot)?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(Failure::Usage(words(&message!("cli.file_too_large", max = MAX_BYTES >> 20).of(name))));
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let line = 1 + error.as_bytes().iter().take(error.utf8_error().valid_up_to()).filter(|byte| **byte == b'\n').count();
            Failure::Usage(words(&message!("value.not_utf8").of(format!("{name}:{line}"))))
        })?;
        Document::parse(&name, text)
    }

    /// Parses a text; `name` names it in messages.
    pub(super) fn parse(name: &str, text: String) -> Result<Document, Failure> {
        let text = text.strip_prefix('\u{feff}').map_or(text.clone(), str::to_owned);
        let mut document = Document { name: name.to_owned(), text, value: Value::Null, locations: HashMap::new() };
        match yaml::read(&document.text) {
            Ok(value) => document.value = value,
            Err(yaml::SyntaxError { problem, line, column }) => {
                let location = Location { line, column, length: 1 };
                return Err(Failure::Usage(document.with_source_line(location, &words(&problem))));
            }
        }
        document.locations = locations(&document.text);
        Ok(document)
    }

    pub(super) fn value(&self) -> &Value {
        &self.value
    }

    /// Formats an error at a location, with the source line.
    fn with_source_line(&self, location: Location, what: &str) -> String {
        let Location { line, column, length } = location;
        let source = self.text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
        let (source, carets) = marked(source, column.saturating_sub(1), length);
        let number = line.to_string();
        let gutter = " ".repeat(number.len());
        format!("{}:{line}:{column}: {what}\n{gutter} |\n{number} | {source}\n{gutter} | {carets}", self.name)
    }
}

impl FaultSource for Document {
    fn describe_fault(&self, pointer: &str, message: &str) -> String {
        let mut at = pointer;
        loop {
            if let Some(location) = self.locations.get(at) {
                return self.with_source_line(*location, message);
            }
            // A missing field is reported at its nearest existing parent.
            match at.rfind('/') {
                Some(end) => at = &at[..end],
                None => return format!("{}: {message}", self.name),
            }
        }
    }
}

/// A list or a mapping that has not ended, with its pointer.
enum Container {
    List(String, usize),
    /// With the key whose value comes next, and the key's location.
    Mapping(String, Option<(String, Location)>),
}

/// The location of each value. A value that spans lines is located at its key, if it has one. The text has been parsed before, so
/// it is valid and small.
fn locations(text: &str) -> HashMap<String, Location> {
    let (mut locations, mut open) = (HashMap::new(), Vec::new());
    for (event, span) in Parser::new_from_str(text).map_while(Result::ok) {
        let location = location(span);
        match event {
            Event::Scalar(name, ..) if let Some(Container::Mapping(_, waiting @ None)) = open.last_mut() => {
                *waiting = Some((name.into_owned(), location));
            }
            Event::Scalar(..) | Event::Alias(_) => drop(advance(&mut open, location, &mut locations)),
            Event::SequenceStart(..) => {
                let pointer = advance(&mut open, location, &mut locations);
                open.push(Container::List(pointer, 0));
            }
            Event::MappingStart(..) => {
                let pointer = advance(&mut open, location, &mut locations);
                open.push(Container::Mapping(pointer, None));
            }
            Event::SequenceEnd | Event::MappingEnd => drop(open.pop()),
            _ => {}
        }
    }
    locations
}

/// Advances to the next value: records its location and returns its pointer.
fn advance(open: &mut [Container], location: Location, locations: &mut HashMap<String, Location>) -> String {
    let (pointer, shown) = match open.last_mut() {
        None => (String::new(), location),
        Some(Container::List(pointer, count)) => {
            *count += 1;
            (format!("{pointer}/{}", *count - 1), location)
        }
        Some(Container::Mapping(pointer, waiting)) => match waiting.take() {
            Some((name, key_location)) => {
                let shown = if location.line == key_location.line { location } else { key_location };
                (format!("{pointer}/{}", pointer_step(&name)), shown)
            }
            None => (pointer.clone(), location),
        },
    };
    locations.insert(pointer.clone(), shown);
    pointer
}

fn location(span: Span) -> Location {
    let (from, to) = (span.start, span.end);
    let length = if to.line() == from.line() { to.col().saturating_sub(from.col()) } else { 1 };
    Location { line: from.line().max(1), column: from.col() + 1, length: length.max(1) }
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
    fn fault_is_shown_with_its_source_line() {
        let document = read("id: a\ntrigger:\n  type: cron\n  hour: 25\n");
        let expected = "task.yaml:4:9: hour: 25 is too much\n  |\n4 |   hour: 25\n  |         ^^";
        assert_eq!(document.describe_fault("/trigger/hour", "hour: 25 is too much"), expected);
        assert!(
            document.describe_fault("/trigger/minute", "x").starts_with("task.yaml:2:1: x\n"),
            "{}",
            document.describe_fault("/trigger/minute", "x")
        );
        assert!(document.describe_fault("/type", "is required").starts_with("task.yaml:1:1: "));
    }

    #[test]
    fn caret_accounts_for_wide_characters() {
        let shown = read("{\"名称\": \"日报\"}").describe_fault("/名称", "no");
        assert!(shown.ends_with("1 | {\"名称\": \"日报\"}\n  |          ^^^^^^"), "{shown}");
    }

    #[test]
    fn syntax_error_is_shown_with_its_source_line() {
        assert!(refused("a: [1, 2\nb: 3").starts_with("task.yaml:2:"), "{}", refused("a: [1, 2\nb: 3"));
        assert!(refused("a: 1\na: 2").starts_with("task.yaml:2:1: duplicate key 'a'\n"), "{}", refused("a: 1\na: 2"));
        assert!(refused(&"[".repeat(100_000)).starts_with("task.yaml:1:"));
    }
}
