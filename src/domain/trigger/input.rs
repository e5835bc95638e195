//! Reading a trigger's JSON object key by key, with every fault noted at its place.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value};

use super::Bounds;
use super::instant::parse_instant;
use super::text::cut;
use super::zone::parse_zone;
use crate::domain::fault::{Fault, pointer_step};

/// Where a trigger stands in a request body.
pub(crate) const BASE: &str = "/trigger";
/// The most characters of any string.
const LONGEST: usize = 4096;
/// The largest jitter in seconds.
const MOST_JITTER: u64 = 1_000_000_000;

/// A JSON object being read. A key that is `null` counts as left out.
pub(crate) struct Reader<'a> {
    object: &'a Map<String, Value>,
    faults: Vec<(usize, Fault)>,
}

impl<'a> Reader<'a> {
    /// Notes every key that is not among `known`.
    pub(crate) fn new(object: &'a Map<String, Value>, known: &[&str]) -> Self {
        let mut reader = Self { object, faults: Vec::new() };
        for key in object.keys().filter(|key| *key != "type" && !known.contains(&key.as_str())) {
            reader.fault(key, "unknown field");
        }
        reader
    }

    /// The value of a key, if it is there and not `null`.
    pub(crate) fn value(&self, key: &str) -> Option<&'a Value> {
        self.object.get(key).filter(|value| !value.is_null())
    }

    /// Notes a fault at a key; `message` goes without the key's name.
    pub(crate) fn fault(&mut self, key: &str, message: &str) {
        self.fault_in_words(key, &format!("{}: {message}", cut(key)));
    }

    /// Notes a fault at a key, in words that already say which.
    pub(crate) fn fault_in_words(&mut self, key: &str, message: &str) {
        let place = self.object.keys().position(|known| known == key).unwrap_or(usize::MAX);
        let pointer = format!("{BASE}/{}", pointer_step(key));
        self.faults.push((place, Fault::new(pointer, message)));
    }

    /// Notes a fault of the trigger as a whole.
    pub(crate) fn fault_of_all(&mut self, message: &str) {
        self.faults.push((usize::MAX, Fault::new(BASE, message)));
    }

    pub(crate) fn text(&mut self, key: &str) -> Option<&'a str> {
        match self.value(key)? {
            Value::String(text) if text.chars().nth(LONGEST).is_none() => Some(text),
            Value::String(_) => self.refuse(key, "longer than 4096 characters"),
            _ => self.refuse(key, "must be a string"),
        }
    }

    /// A JSON integer from `least` to `most`.
    pub(crate) fn integer(&mut self, key: &str, least: u64, most: u64) -> Option<u64> {
        let value = self.value(key)?;
        match value.as_u64() {
            Some(number) if (least..=most).contains(&number) => Some(number),
            _ if value.as_i64().is_some() || value.is_u64() => {
                let number = value.to_string();
                self.refuse(key, &format!("{} is not between {least} and {most}", cut(&number)))
            }
            _ => self.refuse(key, &format!("{} must be an integer from {least} to {most}", cut(&value.to_string()))),
        }
    }

    pub(crate) fn boolean(&mut self, key: &str) -> Option<bool> {
        match self.value(key)? {
            Value::Bool(value) => Some(*value),
            _ => self.refuse(key, "must be true or false"),
        }
    }

    /// The trigger's zone, or `fallback` where none is named.
    pub(crate) fn zone(&mut self, fallback: Tz) -> Tz {
        match self.text("timezone").map(parse_zone) {
            Some(Ok(zone)) => zone,
            Some(Err(message)) => self.refuse("timezone", &message).unwrap_or(fallback),
            None => fallback,
        }
    }

    pub(crate) fn instant(&mut self, key: &str, zone: Tz) -> Option<DateTime<Utc>> {
        match parse_instant(self.text(key)?, zone) {
            Ok(instant) => Some(instant),
            Err(message) => self.refuse(key, &message),
        }
    }

    pub(crate) fn bounds(&mut self, zone: Tz) -> Bounds {
        let (start, end) = (self.instant("start_date", zone), self.instant("end_date", zone));
        if start.zip(end).is_some_and(|(start, end)| end < start) {
            self.fault("end_date", "is before start_date");
        }
        Bounds { start, end }
    }

    /// Whole seconds; 0 where there is none.
    pub(crate) fn jitter(&mut self) -> u64 {
        self.integer("jitter", 0, MOST_JITTER).unwrap_or(0)
    }

    /// What was read, unless there were faults: these come in the order of the object's keys.
    pub(crate) fn finish<T>(mut self, read: Option<T>) -> Result<T, Vec<Fault>> {
        self.faults.sort_by_key(|(place, _)| *place);
        match read {
            Some(read) if self.faults.is_empty() => Ok(read),
            _ => Err(self.faults.into_iter().map(|(_, fault)| fault).collect()),
        }
    }

    fn refuse<T>(&mut self, key: &str, message: &str) -> Option<T> {
        self.fault(key, message);
        None
    }
}
