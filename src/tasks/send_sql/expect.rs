//! What an answer must be: a query becomes a check. It is looked at before the transaction counts, so that a change that does
//! not come out as expected is undone.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Report, Sink};
use crate::domain::input::shown;
use crate::tasks::RunError;

/// What is expected.
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
    /// Whether what came is what was expected. Where it is not, another attempt would only find the same.
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
            return (!same(wanted, found)).then(|| format!("expected the value {}, found {}", shown(wanted), shown(found)));
        }
        let Some(number) = number(found) else { return Some(format!("expected a number, found {}", shown(found))) };
        match (self.min, self.max) {
            (Some(min), _) if number < min => Some(format!("expected a value of at least {min}, found {}", shown(found))),
            (_, Some(max)) if number > max => Some(format!("expected a value of at most {max}, found {}", shown(found))),
            _ => None,
        }
    }
}

/// Exact numbers come as text, so they are compared by what they are worth.
fn same(wanted: &Value, found: &Value) -> bool {
    wanted == found || matches!((number(wanted), number(found)), (Some(wanted), Some(found)) if wanted == found)
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}
