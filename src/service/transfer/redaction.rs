//! Redaction of exports: secrets in parameters become templates with the secret's name, or `***` for values without a
//! name. An import restores unchanged redacted values.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::TransferService;
use crate::domain::mask::{MIN_SECRET_LENGTH, Mask};
use crate::domain::task::{Task, TaskInput};
use crate::vault::Values;

/// Redacts a fixed set of secrets.
pub(super) struct Redactor {
    values: Arc<Values>,
    mask: Arc<Mask>,
}

impl TransferService {
    /// A redactor for the current secrets. Secrets that cannot be decrypted here cannot occur in parameters.
    pub(super) async fn redactor(&self) -> Redactor {
        let values = self.vault.values().await.unwrap_or_default();
        Redactor { values, mask: self.vault.mask() }
    }
}

impl Redactor {
    /// Redacts the parameters of a task for export.
    pub fn redact(&self, task: &mut Task) {
        self.redact_value(&mut task.params);
        for rule in &mut task.schedule.rules {
            rule.params.values_mut().for_each(|value| self.redact_value(value));
        }
        for link in &mut task.chain {
            link.params.values_mut().for_each(|value| self.redact_value(value));
        }
        task.inputs.iter_mut().filter_map(|input| input.default.as_mut()).for_each(|value| self.redact_value(value));
    }

    fn redact_value(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.redact_text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.redact_value(item)),
            Value::Object(map) => map.values_mut().for_each(|item| self.redact_value(item)),
            _ => {}
        }
    }

    fn redact_text(&self, text: &str) -> String {
        let named = self.values.iter().filter(|(_, value)| value.len() >= MIN_SECRET_LENGTH);
        let text = named.fold(text.to_owned(), |text, (name, value)| match text.contains(value.as_str()) {
            true => text.replace(value.as_str(), &format!("{{{{ secret('{name}') }}}}")),
            false => text,
        });
        self.mask.text(&text).into_owned()
    }

    /// Restores the values that the export redacted and the import left unchanged.
    pub fn restore(&self, input: &mut TaskInput, current: &Task) {
        if self.mask.is_empty() {
            return;
        }
        self.restore_value(&mut input.params, &current.params);
        for (field, former) in input.inputs.iter_mut().zip(&current.inputs).filter(|(field, former)| field.name == former.name) {
            if let (Some(value), Some(former)) = (&mut field.default, &former.default) {
                self.restore_value(value, former);
            }
        }
        for (rule, former) in input.schedule.rules.iter_mut().zip(&current.schedule.rules) {
            for (name, value) in &mut rule.params {
                if let Some(former) = former.params.get(name) {
                    self.restore_value(value, former);
                }
            }
        }
        for (link, former) in input.chain.iter_mut().zip(&current.chain).filter(|(link, former)| link.task == former.task) {
            for (name, value) in &mut link.params {
                if let Some(former) = former.params.get(name) {
                    self.restore_value(value, former);
                }
            }
        }
    }

    fn restore_value(&self, value: &mut Value, current: &Value) {
        match (value, current) {
            (Value::String(text), Value::String(former)) if *text != *former && *text == self.redact_text(former) => {
                text.clone_from(former);
            }
            (Value::Array(items), Value::Array(former)) => {
                items.iter_mut().zip(former).for_each(|(item, former)| self.restore_value(item, former));
            }
            (Value::Object(map), Value::Object(former)) => {
                for (name, item) in map {
                    if let Some(former) = former.get(name) {
                        self.restore_value(item, former);
                    }
                }
            }
            _ => {}
        }
    }

    /// Masks the secrets of a value.
    pub fn masked_value(&self, value: Value) -> Value {
        self.mask.json(value)
    }

    /// Masks the secrets of a task for a list of changes.
    pub fn masked(&self, task: Map<String, Value>) -> Map<String, Value> {
        match self.mask.json(Value::Object(task)) {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }
}
