//! Query parameters: each operation has one table of its parameters, used both for the document and for parsing requests, so that
//! unknown parameters are rejected by name.

use std::str::FromStr;

use poem::{FromRequest, Request, RequestBody};
use serde_json::Value;

use super::error::Problem;
use crate::domain::fault::{Fault, pointer_step};
use crate::domain::input::{quoted, truncate};
use crate::domain::page::{Cursor, DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, PageRequest};
use crate::i18n::{Message, message};

/// The longest value of a parameter, in bytes.
const MAX_VALUE: usize = 4096;

/// A documented query parameter.
pub struct Param {
    pub name: &'static str,
    pub description: &'static str,
    /// Its schema, as OpenAPI 3.0.
    pub schema: fn() -> Value,
    /// Whether it may be repeated, or be one comma-separated list.
    pub many: bool,
}

/// The decoded query parameters of a request.
pub struct QueryString(Vec<(String, String)>);

impl<'a> FromRequest<'a> for QueryString {
    async fn from_request(request: &'a Request, _body: &mut RequestBody) -> poem::Result<Self> {
        let pairs = request.params::<Vec<(String, String)>>();
        Ok(Self(pairs.map_err(|_| Problem::malformed(message!("request.unreadable_query")))?))
    }
}

/// The parameters not yet read, and the faults so far. An empty value counts as absent, except for numbers.
pub struct Reader {
    left: Vec<(String, String)>,
    faults: Vec<Fault>,
}

impl QueryString {
    /// Starts reading by a table: unknown parameters and unexpected repetitions are faults.
    pub fn reader(self, known: &[&[Param]]) -> Reader {
        let find = |name: &str| known.iter().copied().flatten().find(|param| param.name == name);
        let mut reader = Reader { left: Vec::new(), faults: Vec::new() };
        for (name, value) in self.0 {
            match find(&name) {
                None => reader.fault(&name, message!("query.unknown")),
                Some(_) if value.len() > MAX_VALUE => reader.fault(&name, message!("query.too_long", max = MAX_VALUE)),
                Some(_) if value.contains('\0') => reader.fault(&name, message!("query.nul")),
                Some(param) if !param.many && reader.left.iter().any(|(seen, _)| *seen == name) => {
                    reader.fault(&name, message!("query.given_twice"));
                }
                Some(_) => reader.left.push((name, value)),
            }
        }
        reader
    }
}

impl Reader {
    pub fn fault(&mut self, name: &str, message: Message) {
        let pointer = format!("/{}", pointer_step(name));
        self.faults.push(Fault::new(truncate(&pointer, 80), message.of(truncate(name, 40))));
    }

    fn take(&mut self, name: &str) -> Option<String> {
        let place = self.left.iter().position(|(given, _)| given == name)?;
        Some(self.left.remove(place).1)
    }

    /// A non-empty text.
    pub fn text(&mut self, name: &str) -> Option<String> {
        self.take(name).filter(|text| !text.is_empty())
    }

    /// A value parsed by `parse`; its error is the fault.
    pub fn parse<T>(&mut self, name: &str, parse: impl FnOnce(&str) -> Result<T, Message>) -> Option<T> {
        let text = self.text(name)?;
        self.read(name, &text, parse)
    }

    fn read<T>(&mut self, name: &str, text: &str, parse: impl FnOnce(&str) -> Result<T, Message>) -> Option<T> {
        parse(text).map_err(|message| self.fault(name, message)).ok()
    }

    /// As [`Reader::parse`], for a parameter that must be given.
    pub fn required<T>(&mut self, name: &str, parse: impl FnOnce(&str) -> Result<T, Message>) -> Option<T> {
        let found = self.text(name);
        if found.is_none() {
            self.fault(name, message!("value.required"));
        }
        self.read(name, &found?, parse)
    }

    /// One of a set of words.
    pub fn word<T>(&mut self, name: &str, read: impl Fn(&str) -> Option<T>, words: &[&str]) -> Option<T> {
        self.parse(name, |text| read(text).ok_or_else(|| not_one_of(text, words)))
    }

    /// Any number of words of a set.
    pub fn words<T>(&mut self, name: &str, read: impl Fn(&str) -> Option<T>, words: &[&str]) -> Vec<T> {
        let mut found = Vec::new();
        while let Some(text) = self.take(name) {
            for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
                match read(word) {
                    Some(value) => found.push(value),
                    None => self.fault(name, not_one_of(word, words)),
                }
            }
        }
        found
    }

    /// An integer within bounds.
    pub fn integer(&mut self, name: &str, min: i64, max: i64) -> Option<i64> {
        let text = self.take(name)?;
        self.read(name, &text, |text| match i64::from_str(text) {
            Ok(number) if (min..=max).contains(&number) => Ok(number),
            Ok(number) => Err(message!("value.out_of_range", value = number, min, max)),
            Err(_) => Err(message!("value.not_whole_number", min, max, value = quoted(text, 40))),
        })
    }

    /// The page of a list.
    pub fn page(&mut self) -> PageRequest {
        let size = self.integer("page_size", 1, i64::from(MAX_PAGE_SIZE)).unwrap_or(i64::from(DEFAULT_PAGE_SIZE));
        let cursor = self.parse("cursor", |text| Cursor::decode(text).ok_or_else(|| message!("query.not_a_cursor")));
        PageRequest { size: u32::try_from(size).unwrap_or(DEFAULT_PAGE_SIZE), cursor }
    }

    /// Returns the value, or a 422 with every fault.
    pub fn finish<T>(self, value: T) -> Result<T, Problem> {
        if self.faults.is_empty() { Ok(value) } else { Err(Problem::invalid(self.faults)) }
    }
}

fn not_one_of(text: &str, words: &[&str]) -> Message {
    message!("value.not_one_of", value = quoted(text, 40), known = words.join(", "))
}
