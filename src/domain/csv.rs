//! Files of comma-separated values (RFC 4180), as spreadsheets open them.

use serde_json::Value;

/// The first line, with the mark that tells spreadsheets that the text is UTF-8.
pub fn head(columns: &[&str]) -> String {
    format!("\u{feff}{}\r\n", columns.join(","))
}

/// One line.
pub fn line<'v>(cells: impl Iterator<Item = &'v Value>) -> String {
    let cells: Vec<String> = cells.map(cell).collect();
    format!("{}\r\n", cells.join(","))
}

/// One cell. A text that a spreadsheet would take for a formula is marked as text.
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
    fn cells_are_quoted_and_formulas_are_text() {
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
