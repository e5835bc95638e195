//! The task types there are. A further type is one line in [`Registry::standard`].

use std::collections::BTreeMap;
use std::sync::Arc;

use jsonschema::Validator;
use serde_json::Value;

use super::{Spec, TaskType, echo, http_request, schema_fault, send_cmd};
use crate::domain::fault::Fault;
use crate::domain::policy::Policy;

/// Task types by name.
pub struct Registry(BTreeMap<&'static str, Entry>);

/// A task type with its presentation and compiled schema.
pub struct Entry {
    pub spec: Spec,
    pub task_type: Arc<dyn TaskType>,
    validator: Validator,
}

impl Registry {
    /// All types that come with Belfry.
    pub fn standard() -> Self {
        Self::of(vec![Arc::new(echo::Echo), Arc::new(http_request::HttpRequest::default()), Arc::new(send_cmd::SendCmd)])
    }

    /// The given types.
    ///
    /// # Panics
    /// Where a type's schema is not valid: a fault of the program that the first start shows.
    pub fn of(types: Vec<Arc<dyn TaskType>>) -> Self {
        let entry = |task_type: Arc<dyn TaskType>| {
            let spec = task_type.spec();
            let validator = jsonschema::draft202012::new(&spec.params_schema).expect("a task type's schema is valid");
            (spec.name, Entry { spec, task_type, validator })
        };
        Self(types.into_iter().map(entry).collect())
    }

    /// Without the types that can do anything on the machine.
    #[must_use]
    pub fn without_dangerous(mut self) -> Self {
        self.0.retain(|_, entry| !entry.spec.dangerous);
        self
    }

    pub fn get(&self, name: &str) -> Option<&Entry> {
        self.0.get(name)
    }

    /// All types, by name.
    pub fn all(&self) -> impl Iterator<Item = &Entry> {
        self.0.values()
    }

    /// A type's default policy, or `None` for an unknown type.
    pub fn default_policy(&self, name: &str) -> Option<Policy> {
        self.get(name).map(|entry| entry.spec.default_policy.clone())
    }
}

impl Entry {
    /// Checks parameters against the schema, then by the type's own rules; pointers are below `base` (`/params`).
    pub fn check(&self, params: &Value, base: &str) -> Vec<Fault> {
        let violations = self.validator.iter_errors(params);
        let mut faults: Vec<Fault> = violations.flat_map(|v| schema_fault::faults(&v, &self.spec.params_schema, base)).collect();
        if faults.is_empty() {
            let own = self.task_type.check(params).into_iter();
            faults.extend(own.map(|fault| Fault::new(format!("{base}{}", fault.pointer), fault.message)));
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::*;

    #[test]
    fn every_example_is_valid() {
        for entry in Registry::standard().all() {
            assert_eq!(entry.check(&entry.spec.example, "/params"), [], "{}", entry.spec.name);
        }
    }

    #[test]
    fn every_property_is_described_in_both_languages() {
        for entry in Registry::standard().all() {
            assert!(jsonschema::meta::is_valid(&entry.spec.params_schema));
            let described = check_descriptions(entry.spec.name, &entry.spec.params_schema);
            assert!(described > 0, "{} has properties", entry.spec.name);
        }
    }

    /// Looks into every object of a schema that lists properties; answers how many properties were seen.
    fn check_descriptions(place: &str, schema: &Value) -> usize {
        let none = Map::new();
        let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&none);
        if !properties.is_empty() {
            assert_eq!(schema["additionalProperties"], json!(false), "{place} refuses unknown properties");
        }
        let mut seen = 0;
        for (name, property) in properties {
            for key in ["description", "x-description-zh"] {
                let text = property.get(key).and_then(Value::as_str).unwrap_or_default();
                assert!(!text.is_empty(), "{place}.{name} lacks {key}");
            }
            seen += 1;
        }
        let below = schema.as_object().into_iter().flat_map(Map::values).filter(|value| value.is_object() || value.is_array());
        seen + below.map(|inner| check_below(place, inner)).sum::<usize>()
    }

    fn check_below(place: &str, value: &Value) -> usize {
        match value {
            Value::Array(list) => list.iter().map(|item| check_below(place, item)).sum(),
            Value::Object(map) if map.contains_key("properties") => check_descriptions(place, value),
            Value::Object(map) => map.values().map(|inner| check_below(place, inner)).sum(),
            _ => 0,
        }
    }

    #[test]
    fn a_types_own_faults_come_below_the_base() {
        let registry = Registry::standard();
        let faults = registry.get("http_request").unwrap().check(&json!({"url": "ftp://x/"}), "/params");
        assert_eq!(faults[0].pointer, "/params/url");
    }
}
