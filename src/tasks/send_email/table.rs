//! CSV export: converts a result with columns and rows to a file for spreadsheets.

use std::borrow::Cow;

use serde_json::Value;

use crate::domain::csv::{self, text};
use crate::i18n::{Message, message};

/// The rows of `{"columns": […], "rows": [[…]]}` as CSV.
pub(super) fn csv(result: &Value) -> Result<Vec<u8>, Message> {
    let list = |name: &str| result.get(name).and_then(Value::as_array);
    let (Some(columns), Some(rows)) = (list("columns"), list("rows")) else {
        return Err(message!("mail.no_rows"));
    };
    let header = csv::header(columns.iter().map(text));
    Ok(rows.iter().fold(header, |file, row| file + &csv::row(cells(columns, row))).into_bytes())
}

fn cells<'v>(columns: &[Value], row: &'v Value) -> Vec<Cow<'v, str>> {
    match row {
        Value::Array(values) => values.iter().map(text).collect(),
        Value::Object(fields) => {
            columns.iter().map(|name| fields.get(name.as_str().unwrap_or_default()).map(text).unwrap_or_default()).collect()
        }
        other => vec![text(other)],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn csv_quotes_cells_and_escapes_formulas() {
        let result = json!({"columns": ["城市", "n"], "rows": [["上海", 1], ["a,\"b\"", null], ["=1+1", "-5.20"], ["-x", true]]});
        let text = String::from_utf8(csv(&result).unwrap()).unwrap();
        assert_eq!(text, "\u{feff}城市,n\r\n上海,1\r\n\"a,\"\"b\"\"\",\r\n'=1+1,-5.20\r\n'-x,true\r\n");
    }

    #[test]
    fn csv_accepts_rows_as_objects() {
        let result = json!({"columns": ["a", "b"], "rows": [{"b": 2, "a": 1}, {"a": 3}]});
        assert_eq!(String::from_utf8(csv(&result).unwrap()).unwrap(), "\u{feff}a,b\r\n1,2\r\n3,\r\n");
        assert!(csv(&json!({"rows": []})).unwrap_err().to_string().contains("use the format json"));
    }
}
