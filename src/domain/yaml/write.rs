//! YAML writer: JSON values in block style. Texts are plain if that is unambiguous, literal blocks if they have several lines, and
//! otherwise double-quoted as in JSON.

use serde_json::Value;

/// Returns a value as a YAML document.
pub fn write(value: &Value) -> String {
    let mut text = String::new();
    block(&mut text, value, 0);
    text
}

/// Writes a value that begins on a line of its own.
fn block(text: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (name, item) in map {
                indent(text, depth);
                entry(text, name, item, depth);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                indent(text, depth);
                text.push('-');
                list_item(text, item, depth);
            }
        }
        scalar => {
            indent(text, depth);
            text.push_str(&inline(scalar));
            text.push('\n');
        }
    }
}

fn entry(text: &mut String, name: &str, item: &Value, depth: usize) {
    text.push_str(&string_text(name));
    text.push(':');
    if is_scalar(item) {
        text.push(' ');
        scalar(text, item, depth + 1);
    } else {
        text.push('\n');
        block(text, item, depth + 1);
    }
}

/// Writes the value after a dash; an object's first entry goes on the same line.
fn list_item(text: &mut String, item: &Value, depth: usize) {
    match item {
        Value::Object(map) if !map.is_empty() => {
            for (place, (name, item)) in map.iter().enumerate() {
                if place == 0 {
                    text.push(' ');
                } else {
                    indent(text, depth + 1);
                }
                entry(text, name, item, depth + 1);
            }
        }
        nested if !is_scalar(nested) => {
            text.push('\n');
            block(text, nested, depth + 1);
        }
        other => {
            text.push(' ');
            scalar(text, other, depth + 1);
        }
    }
}

/// Writes a scalar to the end of its line, or over the lines below, `depth` deep.
fn scalar(text: &mut String, value: &Value, depth: usize) {
    match value {
        Value::String(lines) if is_literal(lines) => {
            let body = lines.trim_end_matches('\n');
            text.push_str(match lines.len() - body.len() {
                0 => "|-\n",
                1 => "|\n",
                _ => "|+\n",
            });
            for line in lines.strip_suffix('\n').unwrap_or(lines).split('\n') {
                if !line.is_empty() {
                    indent(text, depth);
                    text.push_str(line);
                }
                text.push('\n');
            }
        }
        other => {
            text.push_str(&inline(other));
            text.push('\n');
        }
    }
}

/// Whether a text can be a literal block: several lines, no leading whitespace, and nothing that a YAML reader would change.
fn is_literal(text: &str) -> bool {
    let changed = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}');
    text.trim_end_matches('\n').contains('\n')
        && !text.starts_with(|c: char| c.is_whitespace())
        && !text.contains(changed)
        && text.lines().all(|line| line.is_empty() || !line.trim().is_empty())
}

fn indent(text: &mut String, depth: usize) {
    text.extend(std::iter::repeat_n("  ", depth));
}

/// Whether a value fits on one line; empty lists and objects do.
fn is_scalar(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => true,
    }
}

fn inline(value: &Value) -> String {
    match value {
        Value::String(text) => string_text(text),
        other => other.to_string(),
    }
}

fn string_text(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { Value::from(text).to_string() }
}

/// Whether a text needs no quotes: it starts with a letter, has no special characters and is not reserved in YAML 1.1.
fn is_plain(text: &str) -> bool {
    const RESERVED: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ' ' | '(' | ')');
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.ends_with(|c: char| c != ' ')
        && text.chars().all(safe)
        && !RESERVED.contains(&text.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_written_in_block_style() {
        let value = json!({"a b": [1, {"x": "yes", "y": []}, [true]], "200": {"d": "e: f"}, "g": null, "h": {}});
        let expected = "a b:\n  - 1\n  - x: \"yes\"\n    \"y\": []\n  -\n    - true\n\"200\":\n  d: \"e: f\"\ng: null\nh: {}\n";
        assert_eq!(write(&value), expected);
    }

    #[test]
    fn texts_of_several_lines_are_literal_blocks() {
        let value =
            json!({"a": "select 1\n\n  from x\n", "b": ["one\ntwo", "x\n\ny\n\n\n"], "c": " x\ny", "d": "x\n  \ny", "e": "x\n"});
        let expected = "a: |\n  select 1\n\n    from x\nb:\n  - |-\n    one\n    two\n  - |+\n    x\n\n    y\n\n\nc: \" x\\ny\"\nd: \"x\\n  \\ny\"\ne: \"x\\n\"\n";
        assert_eq!(write(&value), expected);
        assert_eq!(crate::domain::yaml::read(expected).unwrap(), value);
    }
}
