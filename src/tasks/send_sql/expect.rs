//! Expectations on a result (`expect`), checked before the commit, so that unexpected changes are rolled back.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Report, Sink};
use crate::domain::input::display_value;
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
    min: Option<f64>,
    max: Option<f64>,
    equals: Option<Value>,
}

impl Expect {
    /// Checks the expectations. An unmet one is a permanent error with the found values as its result.
    pub fn check(&self, sink: &Sink, reports: &[Report]) -> Result<(), RunError> {
        let affected = reports.iter().map(|report| report.rows_affected).sum();
        let value = sink.value();
        let unmet = [
            self.rows.as_ref().and_then(|count| count.unmet("rows", sink.row_count())),
            self.rows_affected.as_ref().and_then(|count| count.unmet("rows affected", affected)),
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
    fn unmet(&self, what: &str, found: u64) -> Option<String> {
        match self {
            Count::Exactly(wanted) => (found != *wanted).then(|| format!("expected {wanted} {what}, found {found}")),
            Count::Between { min: Some(min), .. } if found < *min => {
                Some(format!("expected at least {min} {what}, found {found}"))
            }
            Count::Between { max: Some(max), .. } if found > *max => {
                Some(format!("expected at most {max} {what}, found {found}"))
            }
            Count::Between { .. } => None,
        }
    }
}

impl Expected {
    fn unmet(&self, found: &Value) -> Option<String> {
        if let Some(wanted) = &self.equals {
            return (!equal_values(wanted, found))
                .then(|| format!("expected the value {}, found {}", display_value(wanted), display_value(found)));
        }
        let Some(number) = number(found) else { return Some(format!("expected a number, found {}", display_value(found))) };
        match (self.min, self.max) {
            (Some(min), _) if number < min => Some(format!("expected a value of at least {min}, found {}", display_value(found))),
            (_, Some(max)) if number > max => Some(format!("expected a value of at most {max}, found {}", display_value(found))),
            _ => None,
        }
    }
}

/// Whether two values are equal. Exact numbers are texts in results, so numbers are compared numerically.
fn equal_values(wanted: &Value, found: &Value) -> bool {
    wanted == found || matches!((number(wanted), number(found)), (Some(wanted), Some(found)) if wanted == found)
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}
