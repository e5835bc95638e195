//! Reader of trigger JSON objects: checks each key and collects every fault with its pointer.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value};

use super::Bounds;
use super::datetime::parse_datetime;
use super::text::truncate;
use super::zone::parse_zone;
use crate::domain::fault::{Fault, pointer_step};
use crate::i18n::{Message, message};

/// JSON pointer of a trigger within a request body.
pub(crate) const BASE: &str = "/trigger";
/// Maximum length of a string, in characters.
const MAX_STRING_CHARS: usize = 4096;
/// Maximum jitter, in seconds.
const MAX_JITTER: u64 = 1_000_000_000;

/// A JSON object being read. A key with the value `null` is a fault.
pub(crate) struct Reader<'a> {
    object: &'a Map<String, Value>,
    /// Each fault with the position of its key in the object.
    faults: Vec<(usize, Fault)>,
}

impl<'a> Reader<'a> {
    /// Starts reading, and records a fault for every key that is not in `known` or has the value `null`.
    pub(crate) fn new(object: &'a Map<String, Value>, known: &[&str]) -> Self {
        let mut reader = Self { object, faults: Vec::new() };
        for (key, value) in object.iter().filter(|(key, _)| *key != "type") {
            if !known.contains(&key.as_str()) {
                reader.fault(key, message!("value.unknown_field"));
            } else if value.is_null() {
                reader.fault(key, message!("value.null"));
            }
        }
        reader
    }

    /// Returns the value of a key, unless it is absent or `null`, which is a fault already.
    pub(crate) fn value(&self, key: &str) -> Option<&'a Value> {
        self.object.get(key).filter(|value| !value.is_null())
    }

    /// Records a fault at a key; `message` does not include the key's name.
    pub(crate) fn fault(&mut self, key: &str, message: Message) {
        self.fault_with_message(key, message.of(truncate(key)));
    }

    /// Records a fault at a key; `message` already includes the key's name. Only the first fault of a key is kept.
    pub(crate) fn fault_with_message(&mut self, key: &str, message: Message) {
        let position = self.object.keys().position(|known| known == key).unwrap_or(usize::MAX);
        if position != usize::MAX && self.faults.iter().any(|(known, _)| *known == position) {
            return;
        }
        let pointer = format!("{BASE}/{}", pointer_step(key));
        self.faults.push((position, Fault::new(pointer, message)));
    }

    /// Records a fault of the trigger as a whole.
    pub(crate) fn trigger_fault(&mut self, message: Message) {
        self.faults.push((usize::MAX, Fault::new(BASE, message)));
    }

    pub(crate) fn text(&mut self, key: &str) -> Option<&'a str> {
        match self.value(key)? {
            Value::String(text) if text.chars().nth(MAX_STRING_CHARS).is_none() => Some(text),
            Value::String(_) => self.refuse(key, message!("value.too_long", max = MAX_STRING_CHARS)),
            _ => self.refuse(key, message!("value.not_a_text")),
        }
    }

    /// Reads a JSON integer from `min` to `max`.
    pub(crate) fn integer(&mut self, key: &str, min: u64, max: u64) -> Option<u64> {
        let value = self.value(key)?;
        match value.as_u64() {
            Some(number) if (min..=max).contains(&number) => Some(number),
            _ if value.as_i64().is_some() || value.is_u64() => {
                self.refuse(key, message!("value.out_of_range", value = truncate(&value.to_string()), min, max))
            }
            _ => self.refuse(key, message!("trigger.not_an_integer", value = truncate(&value.to_string()), min, max)),
        }
    }

    pub(crate) fn boolean(&mut self, key: &str) -> Option<bool> {
        match self.value(key)? {
            Value::Bool(value) => Some(*value),
            _ => self.refuse(key, message!("trigger.not_boolean")),
        }
    }

    /// Reads the trigger's `timezone`; `fallback` if it is absent.
    pub(crate) fn zone(&mut self, fallback: Tz) -> Tz {
        match self.text("timezone").map(parse_zone) {
            Some(Ok(zone)) => zone,
            Some(Err(message)) => self.refuse("timezone", message).unwrap_or(fallback),
            None => fallback,
        }
    }

    /// Reads a date and time; one without an offset is local to `zone`.
    pub(crate) fn datetime(&mut self, key: &str, zone: Tz) -> Option<DateTime<Utc>> {
        match parse_datetime(self.text(key)?, zone) {
            Ok(instant) => Some(instant),
            Err(message) => self.refuse(key, message),
        }
    }

    /// Reads `start_date` and `end_date`.
    pub(crate) fn bounds(&mut self, zone: Tz) -> Bounds {
        let (start, end) = (self.datetime("start_date", zone), self.datetime("end_date", zone));
        if start.zip(end).is_some_and(|(start, end)| end < start) {
            self.fault("end_date", message!("trigger.end_before_start"));
        }
        Bounds { start, end }
    }

    /// Reads `jitter` in whole seconds; 0 if it is absent.
    pub(crate) fn jitter(&mut self) -> u64 {
        self.integer("jitter", 0, MAX_JITTER).unwrap_or(0)
    }

    /// Returns the value read, or the faults in the order of the object's keys.
    pub(crate) fn finish<T>(mut self, value: Option<T>) -> Result<T, Vec<Fault>> {
        self.faults.sort_by_key(|(position, _)| *position);
        match value {
            Some(value) if self.faults.is_empty() => Ok(value),
            _ => Err(self.faults.into_iter().map(|(_, fault)| fault).collect()),
        }
    }

    fn refuse<T>(&mut self, key: &str, message: Message) -> Option<T> {
        self.fault(key, message);
        None
    }
}
