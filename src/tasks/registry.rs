//! Registry of task types: the built-in ones, one line each in [`Registry::builtin`], and the executables found at run time.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::Value;

use super::schema_fault::Validator;
use super::{
    Spec, TaskType, Toolbox, auto_test, backup, data_sync, echo, http_request, query_log, send_cmd, send_email, send_sms,
    send_sql,
};
use crate::domain::fault::Fault;
use crate::domain::policy::Policy;
use crate::profiles::ProfileDirectory;
use crate::storage;

/// Task types by name: built-in types, and executables discovered while the server runs.
pub struct Registry {
    builtin: BTreeMap<String, Arc<Entry>>,
    discovered: RwLock<BTreeMap<String, Arc<Entry>>>,
    /// The profiles that types look up; `None`: they never change.
    profiles: Option<Arc<ProfileDirectory>>,
}

/// A task type with its specification and compiled schema.
pub struct Entry {
    pub spec: Spec,
    pub task_type: Arc<dyn TaskType>,
    validator: Validator,
}

impl Registry {
    /// All built-in types.
    pub fn builtin(toolbox: &Toolbox) -> Self {
        let http = Arc::new(http_request::HttpRequest::new(toolbox));
        let mail = Arc::new(send_email::SendEmail::new(toolbox));
        let types = Self::from_types(vec![
            Arc::new(auto_test::AutoTest::new(toolbox)),
            Arc::new(backup::Backup::new(toolbox)),
            Arc::new(data_sync::DataSync::new(toolbox, http.clone())),
            Arc::new(echo::Echo),
            http,
            Arc::new(query_log::QueryLog::new(toolbox).with_mailer(mail.clone())),
            Arc::new(send_cmd::SendCmd::new(toolbox)),
            mail,
            Arc::new(send_sms::SendSms::new(toolbox)),
            Arc::new(send_sql::SendSql::new(toolbox)),
        ]);
        Self { profiles: Some(toolbox.profiles.clone()), ..types }
    }

    /// Brings the profiles up to date that tasks name, after changes by any node. Takes one small read.
    ///
    /// # Errors
    /// The database fails.
    pub async fn refresh_profiles(&self) -> storage::Result<()> {
        match &self.profiles {
            Some(profiles) => profiles.refresh().await.map(drop),
            None => Ok(()),
        }
    }

    /// As [`Registry::refresh_profiles`], before a run of a type that uses profiles.
    ///
    /// # Errors
    /// The database fails.
    pub async fn prepare(&self, entry: &Entry) -> storage::Result<()> {
        if entry.task_type.uses_profiles() { Box::pin(self.refresh_profiles()).await } else { Ok(()) }
    }

    /// A registry of the given types.
    ///
    /// # Panics
    /// If a type's schema is invalid, which is a programming error.
    pub fn from_types(types: Vec<Arc<dyn TaskType>>) -> Self {
        let entry = |task_type| Entry::new(task_type).expect("a task type's schema is valid");
        let builtin = types.into_iter().map(entry).map(|entry| (entry.spec.name.to_string(), Arc::new(entry))).collect();
        Self { builtin, discovered: RwLock::default(), profiles: None }
    }

    /// Removes the types that can do anything on the machine.
    #[must_use]
    pub fn without_dangerous(mut self) -> Self {
        self.builtin.retain(|_, entry| !entry.spec.dangerous);
        self
    }

    /// Replaces the discovered types. Names of built-in types are ignored.
    pub fn replace_discovered(&self, found: Vec<Arc<Entry>>) {
        let found = found.into_iter().filter(|entry| !self.builtin.contains_key(&*entry.spec.name));
        *self.discovered.write().unwrap_or_else(PoisonError::into_inner) =
            found.map(|entry| (entry.spec.name.to_string(), entry)).collect();
    }

    /// Whether a type is built in.
    pub fn is_builtin(&self, name: &str) -> bool {
        self.builtin.contains_key(name)
    }

    pub fn get(&self, name: &str) -> Option<Arc<Entry>> {
        let found = || self.discovered.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        self.builtin.get(name).cloned().or_else(found)
    }

    /// All types, by name.
    pub fn all(&self) -> Vec<Arc<Entry>> {
        let mut all = self.builtin.clone();
        all.extend(self.discovered.read().unwrap_or_else(PoisonError::into_inner).clone());
        all.into_values().collect()
    }

    /// A type's default policy.
    ///
    /// # Errors
    /// The names of all types, if the type does not exist.
    pub fn default_policy(&self, name: &str) -> Result<Policy, Vec<String>> {
        self.get(name).map(|entry| entry.spec.default_policy.clone()).ok_or_else(|| self.names())
    }

    /// The names of all types, sorted.
    pub fn names(&self) -> Vec<String> {
        self.all().iter().map(|entry| entry.spec.name.to_string()).collect()
    }
}

impl Entry {
    /// Compiles a type's schema.
    pub fn new(task_type: Arc<dyn TaskType>) -> Result<Self, String> {
        let spec = task_type.spec();
        let validator = Validator::new(&spec.params_schema)?;
        Ok(Self { spec, task_type, validator })
    }

    /// Checks parameters against the schema, then with the type's own rules. The pointers of faults start with `base` (`/params`).
    pub fn check(&self, params: &Value, base: &str) -> Vec<Fault> {
        let mut faults = self.validator.faults(params, &self.spec.params_schema, base);
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
    use crate::clock::SystemClock;
    use crate::storage::{Database, Synchronous};

    /// The built-in types on a temporary database.
    async fn builtin() -> (Registry, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open_sqlite(&folder.path().join("task.db"), Synchronous::Normal).await.unwrap();
        let registry = Registry::builtin(&Toolbox::plain(database, Arc::new(SystemClock), folder.path()));
        (registry, folder)
    }

    #[tokio::test]
    async fn every_example_is_valid() {
        let (registry, _folder) = builtin().await;
        for entry in registry.all() {
            assert_eq!(entry.check(&entry.spec.example, "/params"), [], "{}", entry.spec.name);
        }
    }

    #[tokio::test]
    async fn every_property_is_described_in_both_languages() {
        let (registry, _folder) = builtin().await;
        for entry in registry.all() {
            let described = check_descriptions(&entry.spec.name, &entry.spec.params_schema);
            assert!(described > 0, "{} has no properties", entry.spec.name);
        }
    }

    /// Checks every object of a schema that lists properties; returns the number of properties checked.
    fn check_descriptions(place: &str, schema: &Value) -> usize {
        let none = Map::new();
        let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&none);
        if !properties.is_empty() {
            assert_eq!(schema["additionalProperties"], json!(false), "{place} must reject unknown properties");
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

    #[tokio::test]
    async fn pointers_of_type_specific_faults_start_with_the_base() {
        let (registry, _folder) = builtin().await;
        let faults = registry.get("http_request").unwrap().check(&json!({"url": "ftp://x/"}), "/params");
        assert_eq!(faults[0].pointer, "/params/url");
    }
}
