//! CSV output (RFC 4180) for spreadsheets.

use serde_json::Value;

/// Returns the header row, with the byte order mark by which spreadsheets recognize UTF-8.
pub fn header(columns: &[&str]) -> String {
    format!("\u{feff}{}\r\n", columns.join(","))
}

/// Returns one row.
pub fn row<'v>(cells: impl Iterator<Item = &'v Value>) -> String {
    let cells: Vec<String> = cells.map(cell).collect();
    format!("{}\r\n", cells.join(","))
}

/// Returns one cell. A text that a spreadsheet would treat as a formula gets a leading apostrophe.
fn cell(value: &Value) -> String {
    let text = match value {
        Value::Null => return String::new(),
        Value::Number(number) => return number.to_string(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let formula = text.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠', '\t', '\r', '\n']);
    let text = if formula { format!("'{text}") } else { text };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn cells_are_quoted_and_formulas_escaped() {
        for (value, written) in [
            (json!("plain"), "plain"),
            (json!("a,\"b\"\nc"), "\"a,\"\"b\"\"\nc\""),
            (json!("=1+1"), "'=1+1"),
            (json!("@x,y"), "\"'@x,y\""),
            (json!("-"), "'-"),
            (json!(-5), "-5"),
            (Value::Null, ""),
            (json!({"a": 1}), "\"{\"\"a\"\":1}\""),
        ] {
            assert_eq!(cell(&value), written);
        }
    }
}
