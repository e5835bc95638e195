//! How far a run has come: rows, batches, and the watermark from which another run may safely go on.

use std::cmp::Ordering;

use serde_json::{Value, json};

use super::params::Watermark;
use crate::tasks::sql::Cell;
use crate::tasks::sql::session::Column;

/// The state of a run.
pub(super) struct Progress {
    column: Option<String>,
    place: Option<usize>,
    rows: u64,
    batches: u64,
    /// Where this run began.
    begun_at: Value,
    /// The greatest value of what was sent.
    greatest: Option<Cell>,
    /// The greatest value below that one: all rows up to it were sent for certain, as long as rows come in order.
    below: Option<Cell>,
    /// The least value of the batch that was tried last.
    trying: Option<Cell>,
    /// Rows came in the order of the watermark's column.
    in_order: bool,
}

impl Progress {
    /// Goes on from an earlier result, where it was of the same column.
    pub fn new(watermark: Option<&Watermark>, earlier: Option<Value>) -> Progress {
        let kept = |watermark: &Watermark| {
            let earlier =
                earlier.filter(|result| !watermark.restart && result["watermark_column"] == watermark.column.as_str())?;
            earlier.get("watermark").filter(|value| !value.is_null()).cloned()
        };
        Progress {
            begun_at: watermark.map(|given| kept(given).unwrap_or_else(|| given.start.clone())).unwrap_or_default(),
            column: watermark.map(|given| given.column.clone()),
            place: None,
            rows: 0,
            batches: 0,
            greatest: None,
            below: None,
            trying: None,
            in_order: true,
        }
    }

    /// The value of `:watermark`, where there is one.
    pub fn watermark(&self) -> Option<Cell> {
        self.column.as_ref().map(|_| Cell::from_json(&self.begun_at))
    }

    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Finds the watermark's column.
    ///
    /// # Errors
    /// Where the query does not give it, or two columns have one name.
    pub fn begin(&mut self, columns: &[Column]) -> Result<(), String> {
        let twice = columns.iter().enumerate().find(|(place, column)| columns[..*place].iter().any(|c| c.name == column.name));
        if let Some((_, column)) = twice {
            return Err(format!("the query gives two columns named '{}'; give one of them another name", column.name));
        }
        let Some(wanted) = &self.column else { return Ok(()) };
        let names = || columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ");
        let place = columns.iter().position(|column| column.name == *wanted);
        self.place = Some(place.ok_or_else(|| format!("watermark: the query gives no column '{wanted}'; it gives {}", names()))?);
        Ok(())
    }

    /// A batch is about to be sent.
    pub fn attempted(&mut self, batch: &[Vec<Cell>]) {
        let Some(place) = self.place else { return };
        let mut last = self.greatest.clone();
        for cell in batch.iter().filter_map(|row| row.get(place)) {
            if *cell == Cell::Null || is_greater(last.as_ref(), cell) {
                self.in_order = false;
            }
            last = Some(cell.clone());
        }
        self.trying = batch.first().and_then(|row| row.get(place)).cloned();
    }

    /// The batch was taken.
    pub fn sent(&mut self, batch: &[Vec<Cell>]) {
        self.rows += batch.len() as u64;
        self.batches += 1;
        self.trying = None;
        let Some(place) = self.place else { return };
        for cell in batch.iter().filter_map(|row| row.get(place)).filter(|cell| **cell != Cell::Null) {
            if is_greater(Some(cell), self.greatest.as_ref().unwrap_or(&Cell::Null)) || self.greatest.is_none() {
                self.below = self.greatest.replace(cell.clone());
            }
        }
    }

    /// Where another run may go on so that no row is left out: after a whole run the greatest value; after one that broke off
    /// the greatest below which nothing can be missing.
    fn reached(&self, whole: bool) -> Value {
        let begun_at = || self.begun_at.clone();
        let shown = |cell: &Option<Cell>| cell.as_ref().map_or_else(begun_at, as_number_or_text);
        match (whole, self.in_order, &self.trying) {
            (true, ..) => shown(&self.greatest),
            (false, false, _) => begun_at(),
            // The batch that failed begins behind all that was sent.
            (false, true, Some(next)) if is_greater(Some(next), self.greatest.as_ref().unwrap_or(&Cell::Null)) => {
                shown(&self.greatest)
            }
            // Rows of the same value may have been on their way.
            (false, true, _) => shown(&self.below),
        }
    }

    pub fn into_result(self, whole: bool, elapsed_ms: u64) -> Value {
        let mut result = json!({"rows": self.rows, "batches": self.batches, "elapsed_ms": elapsed_ms});
        if let Some(column) = &self.column {
            result["watermark"] = self.reached(whole);
            result["watermark_column"] = column.as_str().into();
        }
        result
    }
}

fn is_greater(one: Option<&Cell>, two: &Cell) -> bool {
    one.is_some_and(|one| one.compare(two) == Some(Ordering::Greater))
}

/// As JSON that gives the same value back: whole numbers stay numbers however great.
fn as_number_or_text(cell: &Cell) -> Value {
    match cell {
        Cell::Integer(whole) => (*whole).into(),
        other => other.to_json(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun() -> Progress {
        let watermark = Watermark { column: "n".into(), start: json!(0), restart: false };
        let mut progress = Progress::new(Some(&watermark), None);
        progress.begin(&[Column { name: "n".into(), kind: "int8".into() }]).unwrap();
        progress
    }

    fn rows(numbers: &[i64]) -> Vec<Vec<Cell>> {
        numbers.iter().map(|n| vec![Cell::Integer(*n)]).collect()
    }

    fn send(progress: &mut Progress, numbers: &[i64]) {
        progress.attempted(&rows(numbers));
        progress.sent(&rows(numbers));
    }

    #[test]
    fn a_whole_run_reaches_the_greatest_value() {
        let mut progress = begun();
        assert_eq!(progress.reached(true), json!(0), "nothing came");
        send(&mut progress, &[3, 1, 2]);
        assert_eq!(progress.reached(true), json!(3));
    }

    #[test]
    fn a_run_that_broke_off_leaves_nothing_out() {
        let mut progress = begun();
        send(&mut progress, &[1, 2, 2]);
        assert_eq!(progress.reached(false), json!(1), "another row with 2 may be on its way");
        progress.attempted(&rows(&[2, 3]));
        assert_eq!(progress.reached(false), json!(1), "one was");
        let mut clear = begun();
        send(&mut clear, &[1, 2]);
        clear.attempted(&rows(&[3, 4]));
        assert_eq!(clear.reached(false), json!(2));
        let mut mixed = begun();
        send(&mut mixed, &[5, 1]);
        mixed.attempted(&rows(&[6]));
        assert_eq!(mixed.reached(false), json!(0), "rows came in no order");
    }

    #[test]
    fn an_earlier_result_counts_where_it_is_of_the_same_column() {
        let of = |column: &str, restart| {
            let watermark = Watermark { column: column.into(), start: json!(0), restart };
            Progress::new(Some(&watermark), Some(json!({"watermark": 7, "watermark_column": "n"}))).watermark()
        };
        assert_eq!(of("n", false), Some(Cell::Integer(7)));
        assert_eq!((of("m", false), of("n", true)), (Some(Cell::Integer(0)), Some(Cell::Integer(0))));
    }
}
