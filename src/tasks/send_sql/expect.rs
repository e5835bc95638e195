//! Expectations on a result (`expect`), checked before the commit, so that unexpected changes are rolled back.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Report, Sink};
use crate::domain::exact::Exact;
use crate::domain::input::display_value;
use crate::i18n::{Message, message};
use crate::tasks::RunError;

/// The expectations.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Expect {
    rows: Option<Count>,
    rows_affected: Option<Count>,
    value: Option<Expected>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Count {
    Exactly(u64),
    Between { min: Option<u64>, max: Option<u64> },
}

#[derive(Debug, Clone, Deserialize)]
struct Expected {
    min: Option<Value>,
    max: Option<Value>,
    equals: Option<Value>,
}

impl Expect {
    /// Checks the expectations. An unmet one is a permanent error with the found values as its result.
    pub fn check(&self, sink: &Sink, reports: &[Report]) -> Result<(), RunError> {
        let affected = reports.iter().map(|report| report.rows_affected).sum();
        let value = sink.value();
        let unmet = [
            self.rows.as_ref().and_then(|count| count.unmet_rows(sink.row_count())),
            self.rows_affected.as_ref().and_then(|count| count.unmet_affected(affected)),
            self.value.as_ref().and_then(|expected| expected.unmet(&value)),
        ];
        match unmet.into_iter().flatten().next() {
            Some(message) => Err(RunError::fail(message)
                .with_result(json!({"value": value, "row_count": sink.row_count(), "rows_affected": affected}))),
            None => Ok(()),
        }
    }
}

impl Count {
    fn unmet_rows(&self, found: u64) -> Option<Message> {
        Some(match self.unmet(found)? {
            Unmet::Exactly(wanted) => message!("sql.expected_rows", wanted, found),
            Unmet::AtLeast(wanted) => message!("sql.expected_min_rows", wanted, found),
            Unmet::AtMost(wanted) => message!("sql.expected_max_rows", wanted, found),
        })
    }

    fn unmet_affected(&self, found: u64) -> Option<Message> {
        Some(match self.unmet(found)? {
            Unmet::Exactly(wanted) => message!("sql.expected_affected", wanted, found),
            Unmet::AtLeast(wanted) => message!("sql.expected_min_affected", wanted, found),
            Unmet::AtMost(wanted) => message!("sql.expected_max_affected", wanted, found),
        })
    }

    fn unmet(&self, found: u64) -> Option<Unmet> {
        match *self {
            Count::Exactly(wanted) => (found != wanted).then_some(Unmet::Exactly(wanted)),
            Count::Between { min: Some(min), .. } if found < min => Some(Unmet::AtLeast(min)),
            Count::Between { max: Some(max), .. } if found > max => Some(Unmet::AtMost(max)),
            Count::Between { .. } => None,
        }
    }
}

/// The bound that a number of rows does not meet.
enum Unmet {
    Exactly(u64),
    AtLeast(u64),
    AtMost(u64),
}

impl Expected {
    fn unmet(&self, value: &Value) -> Option<Message> {
        let found = display_value(value);
        if let Some(wanted) = &self.equals {
            return (!equal_values(wanted, value)).then(|| message!("sql.expected_value", wanted = display_value(wanted), found));
        }
        let Some(number) = Exact::from_json(value) else { return Some(message!("sql.expected_number", found)) };
        let bound =
            |bound: &Option<Value>| bound.as_ref().and_then(|wanted| Some((Exact::from_json(wanted)?, display_value(wanted))));
        match (bound(&self.min), bound(&self.max)) {
            (Some((min, wanted)), _) if number < min => Some(message!("sql.expected_min_value", wanted, found)),
            (_, Some((max, wanted))) if number > max => Some(message!("sql.expected_max_value", wanted, found)),
            _ => None,
        }
    }
}

fn equal_values(wanted: &Value, found: &Value) -> bool {
    wanted == found || Exact::from_json(wanted).is_some_and(|wanted| Exact::from_json(found) == Some(wanted))
}
