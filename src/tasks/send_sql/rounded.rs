//! Numbers of parameters that lost digits when the request was read: they are refused rather than bound with a wrong value.

use serde_json::Value;

use crate::domain::fault::{Fault, pointer_step};
use crate::i18n::message;
use crate::tasks::sql::exact::is_rounded;

/// The faults of the rounded numbers in a member of the parameters, which the pointer names.
pub(in crate::tasks) fn rounded_numbers(params: &Value, pointer: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    if let Some(value) = params.pointer(pointer) {
        collect(value, pointer, &mut faults);
    }
    faults
}

fn collect(value: &Value, pointer: &str, faults: &mut Vec<Fault>) {
    match value {
        Value::Array(items) => items.iter().enumerate().for_each(|(n, item)| collect(item, &format!("{pointer}/{n}"), faults)),
        Value::Object(members) => {
            members.iter().for_each(|(name, item)| collect(item, &format!("{pointer}/{}", pointer_step(name)), faults));
        }
        number if is_rounded(number) => {
            let field = pointer.rsplit('/').next().unwrap_or_default();
            faults.push(Fault::new(pointer, message!("sql.number_rounded", number = number.to_string()).of(field)));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounded_numbers_are_found_at_any_depth() {
        let text = r#"{"params": {"a": 12345678901234567890123, "b": 18446744073709551615, "c": 1e20, "d": "12345678901234567890123",
            "e": [0.1, -12345678901234567890.5], "f": 0.30000000000000004}}"#;
        let faults = rounded_numbers(&serde_json::from_str(text).unwrap(), "/params");
        let pointers: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(pointers, ["/params/a", "/params/e/1"]);
        assert!(faults[0].message.to_string().starts_with("a: "), "{}", faults[0].message);
        assert_eq!(rounded_numbers(&Value::Null, "/params"), []);
    }
}
