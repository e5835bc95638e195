//! CSV output (RFC 4180) for spreadsheets: UTF-8 with a byte order mark; texts that a spreadsheet would evaluate are neutralized.

use std::borrow::Cow;

use csv::{Terminator, WriterBuilder};
use serde_json::Value;

/// Returns the header row, with the byte order mark by which spreadsheets recognize UTF-8.
pub fn header(columns: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    format!("\u{feff}{}", row(columns))
}

/// Returns one row.
pub fn row(cells: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).buffer_capacity(256).from_writer(Vec::new());
    let written = writer.write_record(cells.into_iter().map(|cell| neutralized(cell.as_ref()).into_owned()));
    let bytes = written.ok().and_then(|()| writer.into_inner().ok()); // writing to memory does not fail
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
}

/// Returns a value as the text of a cell; null is empty.
pub fn text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null => Cow::Borrowed(""),
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    }
}

/// A text that a spreadsheet would evaluate as a formula gets a leading apostrophe; a number does not.
fn neutralized(text: &str) -> Cow<'_, str> {
    let formula = text.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠', '\t', '\r', '\n']);
    if formula && !is_number(text) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b)) && text.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn cells_are_quoted_and_formulas_neutralized() {
        for (value, written) in [
            (json!("plain"), "plain"),
            (json!("a,\"b\"\nc"), "\"a,\"\"b\"\"\nc\""),
            (json!("=1+1"), "'=1+1"),
            (json!("@x,y"), "\"'@x,y\""),
            (json!("\t=1"), "'\t=1"),
            (json!("\r=1"), "\"'\r=1\""),
            (json!("-"), "'-"),
            (json!("-inf"), "'-inf"),
            (json!("-2+3"), "'-2+3"),
            (json!("-5.20"), "-5.20"),
            (json!("+1e-7"), "+1e-7"),
            (json!(-5), "-5"),
            (json!({"a": 1}), "\"{\"\"a\"\":1}\""),
        ] {
            assert_eq!(row([text(&value), text(&Value::Null)]), format!("{written},\r\n"));
        }
    }

    #[test]
    fn header_begins_with_the_byte_order_mark() {
        assert_eq!(header(["a", "b c"]), "\u{feff}a,b c\r\n");
    }
}
