//! The chain in the task form (`/chain/0/on`, `/chain/0/task`, `/chain/0/params`).

use serde_json::{Map, Value};

use super::rows::Rows;
use super::{Values, pretty, text_of};
use crate::domain::fault::Fault;
use crate::domain::input::json_syntax;
use crate::domain::json;
use crate::web::urls::Pairs;

/// The rows of the chain.
pub const ROWS: Rows = Rows { name: "chain", members: &["on", "task", "params"], texts: &["task", "params"], spare: 2 };

/// Converts the form to a chain, not yet validated. Parameters that are not valid JSON are left out and reported as
/// faults with line and column.
pub fn to_chain(form: &Pairs) -> (Value, Vec<Fault>) {
    let mut faults = Vec::new();
    let links = ROWS.read(form).into_iter().enumerate().map(|(index, row)| {
        let mut link = Map::new();
        for member in ["on", "task"] {
            let text = row.get(member).copied().filter(|text| !text.is_empty());
            link.extend(text.map(|text| (member.to_owned(), text.into())));
        }
        let params = row.get("params").copied().unwrap_or_default();
        if !params.is_empty() {
            match json::read_typed(params) {
                Ok(params) => drop(link.insert("params".into(), params)),
                Err(error) => faults.push(Fault::new(format!("/chain/{index}/params"), json_syntax(&error))),
            }
        }
        Value::Object(link)
    });
    (links.collect(), faults)
}

/// Converts a chain's JSON to field values.
pub fn to_values(chain: &[Value]) -> Values {
    ROWS.to_values(chain, |value| match value {
        Value::Object(map) if map.is_empty() => String::new(),
        Value::Object(_) | Value::Array(_) => pretty(value),
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
    fn blank_rows_are_skipped_and_others_renumbered() {
        let form = form(&[
            ("/chain/0/on", "failure"),
            ("/chain/0/task", " "),
            ("/chain/2/on", "always"),
            ("/chain/2/task", "after"),
            ("/chain/2/params", "{\"a\": 1}"),
            ("/chain/10/task", "last"),
            ("/chain/x/task", "y"),
            ("/chain/100/task", "z"),
        ]);
        let (chain, faults) = to_chain(&form);
        assert_eq!(chain, json!([{"on": "always", "task": "after", "params": {"a": 1}}, {"task": "last"}]));
        assert_eq!(faults, []);
        let values = ROWS.submitted(&form);
        assert_eq!((values["/chain/0/task"].as_str(), values["/chain/1/task"].as_str()), ("after", "last"));
        assert_eq!(ROWS.numbers(&values), [0, 1, 2, 3]);
        assert_eq!(ROWS.numbers(&Values::new()), [0, 1]);
    }

    #[test]
    fn chain_round_trips_through_the_form() {
        let chain = json!([{"on": "success", "task": "b", "params": {}}, {"on": "failure", "task": "c", "params": {"x": [1]}}]);
        let values = to_values(chain.as_array().expect("a list"));
        assert_eq!(values["/chain/0/params"], "");
        let (back, faults) = to_chain(&Pairs(values.into_iter().collect()));
        assert_eq!(faults, []);
        assert_eq!(crate::domain::chain::parse(&back, ""), crate::domain::chain::parse(&chain, ""));
    }

    #[test]
    fn invalid_json_is_reported_at_its_row() {
        let (chain, faults) = to_chain(&form(&[("/chain/0/task", "b"), ("/chain/1/task", "c"), ("/chain/1/params", "{")]));
        assert_eq!(chain, json!([{"task": "b"}, {"task": "c"}]));
        assert_eq!(faults[0].pointer, "/chain/1/params");
        assert!(faults[0].message.to_string().contains("line 1, column"), "{}", faults[0].message);
    }
}
