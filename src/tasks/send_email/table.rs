//! CSV export: converts a result with columns and rows to a file for spreadsheets.

use serde_json::Value;

/// The byte order mark, without which spreadsheets do not recognise UTF-8.
const BOM: &[u8] = "\u{feff}".as_bytes();

/// The rows of `{"columns": […], "rows": [[…]]}` as CSV.
pub(super) fn csv(result: &Value) -> Result<Vec<u8>, String> {
    let list = |name: &str| result.get(name).and_then(Value::as_array);
    let (Some(columns), Some(rows)) = (list("columns"), list("rows")) else {
        return Err("the result has no columns and rows; use the format json".to_owned());
    };
    let mut writer = csv::WriterBuilder::new().flexible(true).terminator(csv::Terminator::CRLF).from_writer(BOM.to_vec());
    writer.write_record(columns.iter().map(cell)).map_err(|error| error.to_string())?;
    for row in rows {
        let cells: Vec<String> = match row {
            Value::Array(values) => values.iter().map(cell).collect(),
            Value::Object(fields) => {
                columns.iter().map(|name| fields.get(name.as_str().unwrap_or_default()).map(cell).unwrap_or_default()).collect()
            }
            other => vec![cell(other)],
        };
        writer.write_record(cells).map_err(|error| error.to_string())?;
    }
    writer.into_inner().map_err(|error| error.to_string())
}

/// A value as a cell. Text that a spreadsheet would evaluate as a formula gets a leading apostrophe; numbers do not.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) if text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text.parse::<f64>().is_err() => {
            format!("'{text}")
        }
        Value::String(text) => text.clone(),
        other => other.to_string(),
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
        assert!(csv(&json!({"rows": []})).unwrap_err().contains("use the format json"));
    }
}
