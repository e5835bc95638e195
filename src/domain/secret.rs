//! Secret values and their metadata.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::reference::Target;

/// A password, a token, or a URL that may contain one. `Debug` prints `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The plain text; call it only where the value is used.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The tasks that may use a secret; without tags and ids: all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretLimits {
    /// Tasks with one of these tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Single tasks: their ids with their keys, so that a later task of the same id is not meant.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tasks: BTreeMap<String, String>,
}

impl SecretLimits {
    /// The ids of the single tasks.
    pub fn ids(&self) -> Vec<String> {
        self.tasks.keys().cloned().collect()
    }

    /// Whether a task may use the secret.
    pub fn allow(&self, task: Target<'_>) -> bool {
        let unlimited = self.tags.is_empty() && self.tasks.is_empty();
        let named = || self.tasks.get(task.id).is_some_and(|key| key == task.key);
        unlimited || named() || self.tags.iter().any(|tag| task.tags.contains(tag))
    }
}

/// A stored secret, without its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretInfo {
    pub name: String,
    pub limits: SecretLimits,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// The account that set it last.
    pub updated_by: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_allow_tasks_by_tag_and_by_id_with_key() {
        let tags = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let limits = SecretLimits { tags: tags(&["billing"]), tasks: BTreeMap::from([("a".to_owned(), "1".to_owned())]) };
        let (billing, other) = (tags(&["x", "billing"]), tags(&["x"]));
        let task = |id, key, tags| Target { id, key, tags };
        assert!(limits.allow(task("b", "2", &billing)) && limits.allow(task("a", "1", &other)));
        assert!(!limits.allow(task("b", "2", &other)));
        assert!(!limits.allow(task("a", "later", &other)), "another task of the same id");
        assert!(SecretLimits::default().allow(task("b", "2", &other)));
    }
}
