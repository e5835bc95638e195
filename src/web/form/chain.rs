//! The chain in the task form: rows of fields (`/chain/0/on`, `/chain/0/task`, `/chain/0/params`). Blank rows are skipped and
//! the others renumbered from 0, so that the pointer of a fault identifies its row.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Values, pretty, text_of};
use crate::domain::fault::Fault;
use crate::domain::input::json_syntax;
use crate::domain::json;
use crate::web::urls::Pairs;

/// Number of blank rows shown after those in use.
pub const SPARE: usize = 2;
/// Maximum number of rows read; above the limit of a chain, so that too many are rejected instead of dropped.
const MOST_ROWS: usize = 100;

const MEMBERS: [&str; 3] = ["on", "task", "params"];

/// One row as submitted.
type Row<'f> = BTreeMap<&'f str, &'f str>;

/// Whether the form has a field of this name.
pub fn is_field(name: &str) -> bool {
    name == "/chain" || row_and_member(name).is_some()
}

/// Whether the form has chain fields at all; without any, the chain is not changed.
pub fn is_present(form: &Pairs) -> bool {
    form.0.iter().any(|(name, _)| row_and_member(name).is_some())
}

/// Splits a field name into row and member.
fn row_and_member(name: &str) -> Option<(usize, &str)> {
    let (row, member) = name.strip_prefix("/chain/")?.split_once('/')?;
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
    let used = |row: &Row<'_>| ["task", "params"].iter().any(|member| row.get(member).is_some_and(|text| !text.is_empty()));
    rows.into_values().filter(used).collect()
}

/// Converts the form to a chain, not yet validated. Parameters that are not valid JSON are left out and reported as
/// faults with line and column.
pub fn to_chain(form: &Pairs) -> (Value, Vec<Fault>) {
    let mut faults = Vec::new();
    let links = rows(form).into_iter().enumerate().map(|(index, row)| {
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

/// Returns the submitted values, with the rows numbered as in [`to_chain`].
pub fn submitted(form: &Pairs) -> Values {
    let mut values = Values::new();
    for (index, row) in rows(form).into_iter().enumerate() {
        values.extend(row.into_iter().map(|(member, text)| (format!("/chain/{index}/{member}"), text.to_owned())));
    }
    values
}

/// Converts a chain's JSON to field values.
pub fn to_values(chain: &[Value]) -> Values {
    let mut values = Values::new();
    for (index, link) in chain.iter().enumerate() {
        for (member, value) in link.as_object().into_iter().flatten() {
            let text = match value {
                Value::Object(map) if map.is_empty() => String::new(),
                Value::Object(_) | Value::Array(_) => pretty(value),
                value => text_of(value),
            };
            values.insert(format!("/chain/{index}/{member}"), text);
        }
    }
    values
}

/// Returns the rows to show: those in use, then [`SPARE`] blank ones.
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
        let values = submitted(&form);
        assert_eq!((values["/chain/0/task"].as_str(), values["/chain/1/task"].as_str()), ("after", "last"));
        assert_eq!(row_numbers(&values), [0, 1, 2, 3]);
        assert_eq!(row_numbers(&Values::new()), [0, 1]);
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
