//! The inputs in the task form: rows of fields (`/inputs/0/name`, `/inputs/0/type`, …). Blank rows are skipped and the others
//! renumbered from 0, so that the pointer of a fault identifies its row.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Values, text_of};
use crate::domain::run_input::InputKind;
use crate::web::urls::Pairs;

/// Number of blank rows shown after those in use.
const SPARE: usize = 1;
/// Maximum number of rows read; above the limit of a task, so that too many are rejected instead of dropped.
const MOST_ROWS: usize = 100;

const MEMBERS: [&str; 6] = ["name", "title", "type", "choices", "default", "required"];

/// One row as submitted.
type Row<'f> = BTreeMap<&'f str, &'f str>;

/// Whether the form has a field of this name.
pub fn is_field(name: &str) -> bool {
    name == "/inputs" || row_and_member(name).is_some()
}

/// Whether the form has fields of inputs at all; without any, the inputs are not changed.
pub fn is_present(form: &Pairs) -> bool {
    form.0.iter().any(|(name, _)| row_and_member(name).is_some())
}

/// Splits a field name into row and member.
fn row_and_member(name: &str) -> Option<(usize, &str)> {
    let (row, member) = name.strip_prefix("/inputs/")?.split_once('/')?;
    MEMBERS.contains(&member).then_some(())?;
    Some((row.parse().ok().filter(|row| *row < MOST_ROWS)?, member))
}

/// The rows that are not blank, in order.
fn rows(form: &Pairs) -> Vec<Row<'_>> {
    let mut rows: BTreeMap<usize, Row<'_>> = BTreeMap::new();
    for (name, value) in &form.0 {
        if let Some((row, member)) = row_and_member(name) {
            rows.entry(row).or_default().insert(member, value.trim());
        }
    }
    let texts = ["name", "title", "choices", "default"];
    let used = |row: &Row<'_>| texts.iter().any(|member| row.get(member).is_some_and(|text| !text.is_empty()));
    rows.into_values().filter(used).collect()
}

/// Converts the form to inputs, not yet validated.
pub fn to_inputs(form: &Pairs) -> Value {
    rows(form).iter().map(to_input).collect()
}

fn to_input(row: &Row<'_>) -> Value {
    let mut input = Map::new();
    let kind = row.get("type").and_then(|kind| InputKind::parse(kind)).unwrap_or(InputKind::Text);
    for (member, text) in row.iter().filter(|(_, text)| !text.is_empty()) {
        let value = match *member {
            "choices" => text.lines().map(str::trim).filter(|line| !line.is_empty()).collect(),
            "default" => kind.read_text(text),
            "required" => (*text == "true").into(),
            _ => (*text).into(),
        };
        input.insert((*member).to_owned(), value);
    }
    Value::Object(input)
}

/// Returns the submitted values, with the rows numbered as in [`to_inputs`].
pub fn submitted(form: &Pairs) -> Values {
    let mut values = Values::new();
    for (index, row) in rows(form).into_iter().enumerate() {
        values.extend(row.into_iter().map(|(member, text)| (format!("/inputs/{index}/{member}"), text.to_owned())));
    }
    values
}

/// Converts the JSON of inputs to field values.
pub fn to_values(inputs: &[Value]) -> Values {
    let mut values = Values::new();
    for (index, input) in inputs.iter().enumerate() {
        for (member, value) in input.as_object().into_iter().flatten() {
            let text = match value {
                Value::Array(lines) => lines.iter().map(text_of).collect::<Vec<_>>().join("\n"),
                value => text_of(value),
            };
            values.insert(format!("/inputs/{index}/{member}"), text);
        }
    }
    values
}

/// Returns the rows to show: those in use, then a blank one.
pub fn row_numbers(values: &Values) -> Vec<usize> {
    let used = values.keys().filter_map(|name| row_and_member(name)).map(|(row, _)| row + 1).max().unwrap_or(0);
    (0..used + SPARE).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn form(pairs: &[(&str, &str)]) -> Pairs {
        Pairs(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn blank_rows_are_skipped_and_others_converted() {
        let form = form(&[
            ("/inputs/0/name", ""),
            ("/inputs/0/type", "text"),
            ("/inputs/2/name", "mode"),
            ("/inputs/2/type", "choice"),
            ("/inputs/2/choices", "full\r\n delta \r\n"),
            ("/inputs/2/default", "full"),
            ("/inputs/2/required", "true"),
            ("/inputs/3/name", "n"),
            ("/inputs/3/type", "number"),
            ("/inputs/3/default", "1.50"),
            ("/inputs/3/required", "false"),
        ]);
        let number: Value = serde_json::from_str("1.50").unwrap();
        let expected = json!([
            {"choices": ["full", "delta"], "default": "full", "name": "mode", "required": true, "type": "choice"},
            {"default": number, "name": "n", "required": false, "type": "number"},
        ]);
        assert_eq!(to_inputs(&form), expected);
        assert_eq!(submitted(&form)["/inputs/0/name"], "mode");
        assert_eq!(row_numbers(&submitted(&form)), [0, 1, 2]);
    }

    #[test]
    fn inputs_round_trip_through_the_form() {
        let inputs = json!([{"name": "mode", "title": "Mode", "type": "choice", "choices": ["a", "b"], "default": "a", "required": false},
            {"name": "force", "title": "Force", "type": "boolean", "default": true, "required": false}]);
        let values = to_values(inputs.as_array().unwrap());
        assert_eq!(to_inputs(&Pairs(values.into_iter().collect())), inputs);
    }
}
