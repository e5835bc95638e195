//! Query parameters: each operation has one table of its parameters, used both for the document and for parsing requests, so that
//! unknown parameters are rejected by name.

use std::str::FromStr;

use poem::{FromRequest, Request, RequestBody};
use serde_json::Value;

use super::error::Problem;
use crate::domain::fault::{Fault, pointer_step};
use crate::domain::input::truncate;
use crate::domain::page::{Cursor, DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, PageRequest};

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
        Ok(Self(pairs.map_err(|_| Problem::malformed("the query string cannot be read"))?))
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
                None => reader.fault(&name, "unknown parameter"),
                Some(_) if value.contains('\0') => reader.fault(&name, "the character U+0000 cannot be searched for"),
                Some(param) if !param.many && reader.left.iter().any(|(seen, _)| *seen == name) => {
                    reader.fault(&name, "is given twice");
                }
                Some(_) => reader.left.push((name, value)),
            }
        }
        reader
    }
}

impl Reader {
    pub fn fault(&mut self, name: &str, what: impl std::fmt::Display) {
        let pointer = format!("/{}", pointer_step(name));
        self.faults.push(Fault::new(truncate(&pointer, 80), format!("{}: {what}", truncate(name, 40))));
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
    pub fn parse<T>(&mut self, name: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let text = self.text(name)?;
        self.read(name, &text, parse)
    }

    fn read<T>(&mut self, name: &str, text: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        parse(text).map_err(|what| self.fault(name, what.strip_prefix(&format!("{name}: ")).unwrap_or(&what))).ok()
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
            Ok(number) => Err(format!("{number} is not between {min} and {max}")),
            Err(_) => Err(format!("must be a whole number from {min} to {max}, not '{}'", truncate(text, 40))),
        })
    }

    /// The page of a list.
    pub fn page(&mut self) -> PageRequest {
        let size = self.integer("page_size", 1, i64::from(MAX_PAGE_SIZE)).unwrap_or(i64::from(DEFAULT_PAGE_SIZE));
        let cursor = self
            .parse("cursor", |text| Cursor::decode(text).ok_or_else(|| "is not a cursor from an earlier response".to_owned()));
        PageRequest { size: u32::try_from(size).unwrap_or(DEFAULT_PAGE_SIZE), cursor }
    }

    /// Returns the value, or a 422 with every fault.
    pub fn finish<T>(self, value: T) -> Result<T, Problem> {
        if self.faults.is_empty() { Ok(value) } else { Err(Problem::invalid(self.faults)) }
    }
}

fn not_one_of(text: &str, words: &[&str]) -> String {
    format!("'{}' is not one of {}", truncate(text, 40), words.join(", "))
}
