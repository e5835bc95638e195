//! Progress of a run: rows, batches, and the watermark from which another run can continue without losing rows.

use std::cmp::Ordering;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::i18n::{Message, message};
use crate::tasks::sql::Cell;
use crate::tasks::sql::session::Column;

/// The column whose maximum marks the progress of a task.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Watermark {
    pub column: String,
    /// The initial value, before the first run.
    #[serde(default)]
    pub start: Value,
    /// Ignores the stored watermark and begins at `start`.
    #[serde(default)]
    pub restart: bool,
}

/// `watermark_type` of a watermark that is an exact number, stored as text.
const DECIMAL: &str = "decimal";

/// The progress of one run.
pub(super) struct Progress {
    column: Option<String>,
    column_index: Option<usize>,
    rows: u64,
    batches: u64,
    /// The watermark at which this run began.
    start_value: Value,
    /// `start_value` is the text of an exact number.
    starts_at_decimal: bool,
    /// The greatest value sent.
    max_sent: Option<Cell>,
    /// The greatest value sent before `max_sent`. If rows are in order, all rows up to it have been sent.
    max_sent_before: Option<Cell>,
    /// The first value of the batch being sent.
    pending_first: Option<Cell>,
    /// All rows so far were in the order of the watermark column.
    in_order: bool,
}

impl Progress {
    /// Continues from the kept state if it has the same watermark column.
    pub fn new(watermark: Option<&Watermark>, kept: Option<Value>) -> Progress {
        let continues = |watermark: &Watermark, state: &Value| {
            !watermark.restart && state["watermark_column"] == watermark.column.as_str() && !state["watermark"].is_null()
        };
        let stored = kept.filter(|state| watermark.is_some_and(|watermark| continues(watermark, state)));
        Progress {
            starts_at_decimal: stored.as_ref().is_some_and(|state| state["watermark_type"] == DECIMAL),
            start_value: match stored {
                Some(mut state) => state["watermark"].take(),
                None => watermark.map(|given| given.start.clone()).unwrap_or_default(),
            },
            column: watermark.map(|given| given.column.clone()),
            column_index: None,
            rows: 0,
            batches: 0,
            max_sent: None,
            max_sent_before: None,
            pending_first: None,
            in_order: true,
        }
    }

    /// The value of `:watermark`, if the task has a watermark.
    pub fn watermark(&self) -> Option<Cell> {
        self.column.as_ref().map(|_| match (&self.start_value, self.starts_at_decimal) {
            (Value::String(digits), true) => Cell::Decimal(digits.clone()),
            (value, _) => Cell::from_json(value),
        })
    }

    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Finds the watermark column among the query's columns.
    ///
    /// # Errors
    /// If the query does not return the watermark column, or returns two columns of the same name.
    pub fn set_columns(&mut self, columns: &[Column]) -> Result<(), Message> {
        let is_duplicate = |(index, column): &(usize, &Column)| columns[..*index].iter().any(|c| c.name == column.name);
        let duplicate = columns.iter().enumerate().find(is_duplicate);
        if let Some((_, column)) = duplicate {
            return Err(message!("sync.duplicate_column", column = column.name.as_str()));
        }
        let Some(wanted) = &self.column else { return Ok(()) };
        let names = || columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ");
        let column_index = columns.iter().position(|column| column.name == *wanted);
        let missing = || message!("sync.no_watermark_column", column = wanted.as_str(), columns = names());
        self.column_index = Some(column_index.ok_or_else(missing)?);
        Ok(())
    }

    /// Records that a batch is about to be sent.
    pub fn record_attempt(&mut self, batch: &[Vec<Cell>]) {
        let Some(column_index) = self.column_index else { return };
        let mut last = self.max_sent.clone();
        for cell in batch.iter().filter_map(|row| row.get(column_index)) {
            if *cell == Cell::Null || is_greater(last.as_ref(), cell) {
                self.in_order = false;
            }
            last = Some(cell.clone());
        }
        self.pending_first = batch.first().and_then(|row| row.get(column_index)).cloned();
    }

    /// Records that the batch was accepted by the target.
    pub fn record_sent(&mut self, batch: &[Vec<Cell>]) {
        self.rows += batch.len() as u64;
        self.batches += 1;
        self.pending_first = None;
        let Some(column_index) = self.column_index else { return };
        for cell in batch.iter().filter_map(|row| row.get(column_index)).filter(|cell| **cell != Cell::Null) {
            if is_greater(Some(cell), self.max_sent.as_ref().unwrap_or(&Cell::Null)) || self.max_sent.is_none() {
                self.max_sent_before = self.max_sent.replace(cell.clone());
            }
        }
    }

    /// The watermark from which another run continues without omitting a row: after a complete run the greatest value, otherwise
    /// the greatest value up to which all rows have been sent.
    fn resume_point(&self, complete: bool) -> Value {
        self.resume_cell(complete).map_or_else(|| self.start_value.clone(), to_lossless_json)
    }

    /// The value of the rows sent at which another run continues; `None`: where this run began.
    fn resume_cell(&self, complete: bool) -> Option<&Cell> {
        match (complete, self.in_order, &self.pending_first) {
            (true, ..) => self.max_sent.as_ref(),
            (false, false, _) => None,
            // The failed batch begins after all rows sent.
            (false, true, Some(next)) if is_greater(Some(next), self.max_sent.as_ref().unwrap_or(&Cell::Null)) => {
                self.max_sent.as_ref()
            }
            // The failed batch may contain rows with the greatest value sent.
            (false, true, _) => self.max_sent_before.as_ref(),
        }
    }

    /// The state from which the task's next run continues; `None` without a watermark.
    pub fn state(&self, complete: bool) -> Option<Value> {
        let mut state = json!({"watermark": self.resume_point(complete), "watermark_column": self.column.as_ref()?});
        if self.resume_cell(complete).map_or(self.starts_at_decimal, |cell| matches!(cell, Cell::Decimal(_))) {
            state["watermark_type"] = DECIMAL.into();
        }
        Some(state)
    }

    pub fn into_result(self, complete: bool, elapsed_ms: u64) -> Value {
        let mut result = json!({"rows": self.rows, "batches": self.batches, "elapsed_ms": elapsed_ms});
        if let (Some(Value::Object(state)), Some(members)) = (self.state(complete), result.as_object_mut()) {
            members.extend(state);
        }
        result
    }
}

fn is_greater(one: Option<&Cell>, two: &Cell) -> bool {
    one.is_some_and(|one| one.compare(two) == Some(Ordering::Greater))
}

/// JSON from which the same value can be read back: integers stay numbers, even beyond 2^53.
fn to_lossless_json(cell: &Cell) -> Value {
    match cell {
        Cell::Integer(integer) => (*integer).into(),
        other => other.to_json(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started() -> Progress {
        let watermark = Watermark { column: "n".into(), start: json!(0), restart: false };
        let mut progress = Progress::new(Some(&watermark), None);
        progress.set_columns(&[Column { name: "n".into(), kind: "int8".into() }]).unwrap();
        progress
    }

    fn rows(numbers: &[i64]) -> Vec<Vec<Cell>> {
        numbers.iter().map(|n| vec![Cell::Integer(*n)]).collect()
    }

    fn send(progress: &mut Progress, numbers: &[i64]) {
        progress.record_attempt(&rows(numbers));
        progress.record_sent(&rows(numbers));
    }

    #[test]
    fn resume_point_of_complete_run_is_the_greatest_value() {
        let mut progress = started();
        assert_eq!(progress.resume_point(true), json!(0), "no rows");
        send(&mut progress, &[3, 1, 2]);
        assert_eq!(progress.resume_point(true), json!(3));
    }

    #[test]
    fn resume_point_of_failed_run_omits_no_rows() {
        let mut progress = started();
        send(&mut progress, &[1, 2, 2]);
        assert_eq!(progress.resume_point(false), json!(1), "another row with 2 may follow");
        progress.record_attempt(&rows(&[2, 3]));
        assert_eq!(progress.resume_point(false), json!(1), "another row with 2 was in the failed batch");
        let mut clear = started();
        send(&mut clear, &[1, 2]);
        clear.record_attempt(&rows(&[3, 4]));
        assert_eq!(clear.resume_point(false), json!(2));
        let mut mixed = started();
        send(&mut mixed, &[5, 1]);
        mixed.record_attempt(&rows(&[6]));
        assert_eq!(mixed.resume_point(false), json!(0), "rows were not in order");
    }

    #[test]
    fn watermark_of_an_exact_number_is_read_back_as_a_number() {
        let watermark = Watermark { column: "n".into(), start: json!(null), restart: false };
        let mut progress = started();
        let decimal = Cell::Decimal("12345678901234567890123.10".into());
        progress.record_sent(&[vec![Cell::Decimal("12345678901234567890123.09".into())], vec![decimal.clone()]]);
        let result = progress.into_result(true, 1);
        assert_eq!(result["watermark"], "12345678901234567890123.10");
        let next = Progress::new(Some(&watermark), Some(result));
        assert_eq!(next.watermark(), Some(decimal.clone()));
        let unchanged = Progress::new(Some(&watermark), Some(next.into_result(true, 1)));
        assert_eq!(unchanged.watermark(), Some(decimal), "after a run without rows too");
    }

    #[test]
    fn previous_watermark_is_used_only_for_the_same_column() {
        let watermark_of = |column: &str, restart| {
            let watermark = Watermark { column: column.into(), start: json!(0), restart };
            Progress::new(Some(&watermark), Some(json!({"watermark": 7, "watermark_column": "n"}))).watermark()
        };
        assert_eq!(watermark_of("n", false), Some(Cell::Integer(7)));
        assert_eq!((watermark_of("m", false), watermark_of("n", true)), (Some(Cell::Integer(0)), Some(Cell::Integer(0))));
    }
}
