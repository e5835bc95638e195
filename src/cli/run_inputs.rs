//! Input flags: `--input name=value`, converted to the type that the task declares.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Map, Value};

use super::Failure;
use super::input::read_value;
use super::output_options::text;
use super::task::params::pair;
use crate::domain::run_input::InputKind;

/// Values of a task's inputs on the command line.
#[derive(Debug, Default, PartialEq, Args)]
pub(super) struct InputFlags {
    /// A value of one of the task's inputs; repeatable.
    #[arg(long = "input", short = 'i', value_name = "NAME=VALUE", value_parser = pair)]
    input: Vec<(String, String)>,
    /// As --input, with the value in a file, `-` for standard input: secrets do not belong on the command line, which other users
    /// could see. One trailing line break is removed.
    #[arg(long, value_name = "NAME=FILE", value_parser = pair)]
    input_file: Vec<(String, String)>,
}

impl InputFlags {
    pub(super) fn is_empty(&self) -> bool {
        self.input.is_empty() && self.input_file.is_empty()
    }

    /// The values as a JSON object; `task` declares the inputs. Unknown names are left to the API.
    pub(super) fn read(&self, task: &Value) -> Result<Value, Failure> {
        let mut values = Map::new();
        for (name, given) in &self.input {
            values.insert(name.clone(), kind_of(task, name).read_text(given));
        }
        for (name, file) in &self.input_file {
            let given = read_value(name, (file != "-").then(|| PathBuf::from(file)))?;
            values.insert(name.clone(), kind_of(task, name).read_text(&given));
        }
        Ok(Value::Object(values))
    }
}

fn kind_of(task: &Value, name: &str) -> InputKind {
    let found = task["inputs"].as_array().into_iter().flatten().find(|input| text(&input["name"]) == name);
    found.and_then(|input| InputKind::parse(text(&input["type"]))).unwrap_or(InputKind::Text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_converted_by_the_declared_type() {
        let task =
            json!({"inputs": [{"name": "n", "type": "number"}, {"name": "t", "type": "text"}, {"name": "b", "type": "boolean"}]});
        let given = ["n=12345678901234567890.10", "t=5", "b=true", "x=1"];
        let flags = InputFlags { input: given.iter().map(|text| pair(text).unwrap()).collect(), ..InputFlags::default() };
        let values = flags.read(&task).ok().unwrap();
        assert_eq!(values.to_string(), r#"{"n":12345678901234567890.10,"t":"5","b":true,"x":"1"}"#);
    }
}
