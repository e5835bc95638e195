//! Cron triggers: fire at calendar dates and local times.

mod calendar;
mod days;
mod element;
mod explain;
mod expression;
mod field;
mod fields;
mod list;
mod number_list;
mod quartz;
mod rule;
mod search;
mod text;
mod years;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value};

pub use days::DaySet;
pub use rule::{ClockChangeClass, Rule};

use super::Bounds;
use super::input::Reader;
use crate::domain::fault::Fault;
use crate::i18n::{Message, message};
use fields::FIELDS;
use rule::Fields;

pub(crate) use text::weekday_runs;

const OTHER_KEYS: [&str; 5] = ["expression", "start_date", "end_date", "timezone", "jitter"];

/// A cron rule with its bounds.
#[derive(Debug, Clone)]
pub struct Cron {
    pub rule: Rule,
    pub bounds: Bounds,
    /// Seconds.
    pub jitter: u64,
    pub zone: Tz,
    /// How the text is read where it could be mistaken.
    pub remarks: Vec<Message>,
}

/// Two triggers that fire at the same times are equal, however they are written.
impl PartialEq for Cron {
    fn eq(&self, other: &Self) -> bool {
        (&self.rule, self.bounds, self.jitter, self.zone) == (&other.rule, other.bounds, other.jitter, other.zone)
    }
}

impl Cron {
    pub(crate) fn parse(object: &Map<String, Value>, zone: Tz) -> Result<Self, Vec<Fault>> {
        let known: Vec<&str> = FIELDS.iter().map(|field| field.name).chain(OTHER_KEYS).collect();
        let mut reader = Reader::new(object, &known);
        let zone = reader.zone(zone);
        let fields = if object.contains_key("expression") {
            parse_expression(&mut reader)
        } else {
            fields::read_fields(&mut reader).map(|fields| (fields, Vec::new()))
        };
        let (bounds, jitter) = (reader.bounds(zone), reader.jitter());
        reader.finish(fields.map(|(fields, remarks)| Self { rule: Rule::new(fields), bounds, jitter, zone, remarks }))
    }

    /// The first firing at or after `after`, without jitter.
    pub(crate) fn next(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let after = self.bounds.start.map_or(after, |start| start.max(after));
        let from = after.timestamp() + i64::from(after.timestamp_subsec_nanos() > 0);
        let at = DateTime::from_timestamp(search::next_firing(&self.rule, self.zone, from)?, 0)?;
        self.bounds.end.is_none_or(|end| at <= end).then_some(at)
    }

    /// Returns the shortest equivalent expression; the fields if no expression can represent the rule.
    pub(crate) fn text(&self) -> String {
        text::text(&self.rule)
    }
}

fn parse_expression(reader: &mut Reader<'_>) -> Option<(Fields, Vec<Message>)> {
    for field in FIELDS {
        if reader.value(field.name).is_some() {
            reader.fault(field.name, message!("cron.with_expression"));
        }
    }
    let text = reader.text("expression")?;
    expression::read_expression(text).map_err(|message| reader.fault_with_message("expression", message)).ok()
}
