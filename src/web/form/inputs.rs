//! The inputs in the task form (`/inputs/0/name`, `/inputs/0/type`, …).

use serde_json::{Map, Value};

use super::rows::{Row, Rows};
use super::{Values, text_of};
use crate::domain::run_input::InputKind;
use crate::web::urls::Pairs;

/// The rows of the inputs.
pub const ROWS: Rows = Rows {
    name: "inputs",
    members: &["name", "title", "type", "choices", "default", "required"],
    texts: &["name", "title", "choices", "default"],
    spare: 1,
};

/// Converts the form to inputs, not yet validated.
pub fn to_inputs(form: &Pairs) -> Value {
    ROWS.read(form).iter().map(to_input).collect()
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

/// Converts the JSON of inputs to field values.
pub fn to_values(inputs: &[Value]) -> Values {
    ROWS.to_values(inputs, |value| match value {
        Value::Array(lines) => lines.iter().map(text_of).collect::<Vec<_>>().join("\n"),
        value => text_of(value),
    })
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
        assert_eq!(ROWS.submitted(&form)["/inputs/0/name"], "mode");
        assert_eq!(ROWS.numbers(&ROWS.submitted(&form)), [0, 1, 2]);
    }

    #[test]
    fn inputs_round_trip_through_the_form() {
        let inputs = json!([{"name": "mode", "title": "Mode", "type": "choice", "choices": ["a", "b"], "default": "a", "required": false},
            {"name": "force", "title": "Force", "type": "boolean", "default": true, "required": false}]);
        let values = to_values(inputs.as_array().unwrap());
        assert_eq!(to_inputs(&Pairs(values.into_iter().collect())), inputs);
    }
}
