//! Secrets that stand in parameters: a document holds the secret's name in a template, or stars for what has no name, and
//! when it comes back unchanged, what it stands for stays.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::domain::mask::{Mask, SHORTEST};
use crate::domain::task::{Task, TaskInput};
use crate::service::Service;
use crate::vault::Values;

/// Knows the secrets of a moment.
pub(super) struct Hidden {
    values: Arc<Values>,
    mask: Arc<Mask>,
}

impl Service {
    /// Secrets that do not open here cannot stand in a parameter.
    pub(super) async fn hidden(&self) -> Hidden {
        let values = self.vault().values().await.unwrap_or_default();
        Hidden { values, mask: self.vault().mask() }
    }
}

impl Hidden {
    /// A task as a document may show it.
    pub fn shown(&self, task: &mut Task) {
        self.show(&mut task.params);
        for link in &mut task.chain {
            link.params.values_mut().for_each(|value| self.show(value));
        }
    }

    fn show(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.shown_text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.show(item)),
            Value::Object(map) => map.values_mut().for_each(|item| self.show(item)),
            _ => {}
        }
    }

    fn shown_text(&self, text: &str) -> String {
        let named = self.values.iter().filter(|(_, value)| value.len() >= SHORTEST);
        let text = named.fold(text.to_owned(), |text, (name, value)| match text.contains(value.as_str()) {
            true => text.replace(value.as_str(), &format!("{{{{ secret('{name}') }}}}")),
            false => text,
        });
        self.mask.text(&text).into_owned()
    }

    /// Puts back what the document shows otherwise than it is.
    pub fn restore(&self, input: &mut TaskInput, current: &Task) {
        if self.mask.is_empty() {
            return;
        }
        self.put_back(&mut input.params, &current.params);
        for (link, former) in input.chain.iter_mut().zip(&current.chain).filter(|(link, former)| link.task == former.task) {
            for (name, value) in &mut link.params {
                if let Some(former) = former.params.get(name) {
                    self.put_back(value, former);
                }
            }
        }
    }

    fn put_back(&self, value: &mut Value, current: &Value) {
        match (value, current) {
            (Value::String(text), Value::String(former)) if *text != *former && *text == self.shown_text(former) => {
                text.clone_from(former);
            }
            (Value::Array(items), Value::Array(former)) => {
                items.iter_mut().zip(former).for_each(|(item, former)| self.put_back(item, former));
            }
            (Value::Object(map), Value::Object(former)) => {
                for (name, item) in map {
                    if let Some(former) = former.get(name) {
                        self.put_back(item, former);
                    }
                }
            }
            _ => {}
        }
    }

    /// A task as a list of changes may show it.
    pub fn masked(&self, task: Map<String, Value>) -> Map<String, Value> {
        match self.mask.json(Value::Object(task)) {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }
}
