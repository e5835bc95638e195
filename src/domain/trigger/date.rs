//! Date triggers: fire once, at a given time.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value};

use super::input::Reader;
use crate::domain::fault::Fault;
use crate::i18n::message;

const KEYS: [&str; 2] = ["run_date", "timezone"];

/// Fires once, at `run_date`.
#[derive(Debug, Clone, PartialEq)]
pub struct Date {
    pub run_date: DateTime<Utc>,
    pub zone: Tz,
}

impl Date {
    pub(crate) fn parse(object: &Map<String, Value>, zone: Tz) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(object, &KEYS);
        let zone = reader.zone(zone);
        if reader.value("run_date").is_none() {
            reader.fault("run_date", message!("value.required"));
        }
        let date = reader.datetime("run_date", zone).map(|run_date| Self { run_date, zone });
        reader.finish(date)
    }

    pub(crate) fn next(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        (self.run_date >= after).then_some(self.run_date)
    }
}
