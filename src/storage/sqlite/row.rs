//! Rows of SQLite. A value has the type with which it is stored, not that of its column.

use std::sync::Arc;

use sqlx::error::BoxDynError;

pub use rusqlite::types::Value;

use crate::storage::column::{Place, StoredRow, invalid};

/// One row of a result.
#[derive(Debug)]
pub struct SqliteRow {
    columns: Arc<[String]>,
    values: Vec<Value>,
}

impl SqliteRow {
    pub(super) fn new(columns: Arc<[String]>, values: Vec<Value>) -> Self {
        Self { columns, values }
    }

    fn get(&self, place: Place<'_>) -> sqlx::Result<&Value> {
        let at = match place {
            Place::At(place) => Some(place),
            Place::Named(name) => self.columns.iter().position(|column| column == name),
        };
        at.and_then(|at| self.values.get(at)).ok_or_else(|| invalid(place, "there is no such column"))
    }
}

impl StoredRow for SqliteRow {
    fn text(&self, place: Place<'_>) -> sqlx::Result<Option<String>> {
        match self.get(place)? {
            Value::Null => Ok(None),
            Value::Text(text) => Ok(Some(text.clone())),
            other => Err(invalid(place, unexpected(other, "a text"))),
        }
    }

    fn integer(&self, place: Place<'_>) -> sqlx::Result<Option<i64>> {
        match self.get(place)? {
            Value::Null => Ok(None),
            Value::Integer(number) => Ok(Some(*number)),
            other => Err(invalid(place, unexpected(other, "an integer"))),
        }
    }

    fn flag(&self, place: Place<'_>) -> sqlx::Result<Option<bool>> {
        Ok(self.integer(place)?.map(|number| number != 0))
    }
}

fn unexpected(value: &Value, wanted: &str) -> BoxDynError {
    format!("it is of the type {}, not {wanted}", value.data_type()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::execution::Status;
    use crate::storage::column::FromRow;

    fn row() -> SqliteRow {
        let columns = ["status".to_owned(), "id".to_owned(), "count".to_owned()].into();
        SqliteRow::new(columns, vec![Value::Text("done".to_owned()), Value::Null, Value::Integer(3)])
    }

    #[test]
    fn value_names_the_column_that_it_cannot_read() {
        let row = row();
        let error = row.value::<Status>("status").unwrap_err().to_string();
        assert!(error.contains("column status") && error.contains("'done'"), "{error}");
        let error = row.value::<String>("id").unwrap_err().to_string();
        assert!(error.contains("column id") && error.contains("null"), "{error}");
        assert_eq!(row.value::<Option<Status>>("id").unwrap(), None);
        assert!(row.value::<String>("other").unwrap_err().to_string().contains("other"));
    }

    #[test]
    fn tuples_read_by_place_and_type() {
        assert_eq!(<(String, Option<i64>, i64)>::from_row(&row()).unwrap(), ("done".to_owned(), None, 3));
        let error = <(i64,)>::from_row(&row()).unwrap_err().to_string();
        assert!(error.contains("column 0") && error.contains("not an integer"), "{error}");
        assert!(<(String, String)>::from_row(&row()).is_err(), "null");
        assert!(<(String, Option<i64>, bool, i64)>::from_row(&row()).is_err(), "too few columns");
    }
}
