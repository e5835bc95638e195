//! JSON values as variables of a template. A number that no machine number equals becomes the text of its digits.

use serde::{Serialize, Serializer};
use serde_json::{Map, Number, Value};

use crate::domain::exact::machine_number;

/// A JSON value whose numbers are serialized as machine numbers, which templates compare and calculate with.
pub(super) struct Variable<'v>(pub &'v Value);

impl Serialize for Variable<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Number(number) => serialize_number(number, serializer),
            Value::Array(items) => serializer.collect_seq(items.iter().map(Variable)),
            Value::Object(members) => Members(members).serialize(serializer),
            other => other.serialize(serializer),
        }
    }
}

/// The members of a JSON object, each as a [`Variable`].
pub(super) struct Members<'v>(pub &'v Map<String, Value>);

impl Serialize for Members<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, item)| (name, Variable(item))))
    }
}

fn serialize_number<S: Serializer>(number: &Number, serializer: S) -> Result<S::Ok, S::Error> {
    match (number.as_i64(), number.as_i128(), machine_number(number)) {
        (Some(integer), ..) => serializer.serialize_i64(integer),
        (_, Some(integer), _) => serializer.serialize_i128(integer),
        (.., Some(float)) => serializer.serialize_f64(float),
        _ => serializer.collect_str(number),
    }
}
