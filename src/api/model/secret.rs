//! Response models of secrets, without values.

use chrono_tz::Tz;
use poem_openapi::Object;

use super::named::Timestamp;
use super::timestamp;
use crate::domain::secret::SecretInfo;

/// A secret without its value.
#[derive(Default, Object)]
#[oai(rename = "Secret", read_only_all)]
pub struct SecretView {
    name: String,
    /// Only tasks with one of these tags may use it; without tags and tasks: all tasks.
    tags: Vec<String>,
    /// The ids of single tasks that may use it.
    tasks: Vec<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// Who set it last.
    updated_by: String,
}

impl SecretView {
    pub fn new(secret: SecretInfo, zone: Tz) -> Self {
        Self {
            name: secret.name,
            tasks: secret.limits.ids(),
            tags: secret.limits.tags,
            created_at: timestamp(secret.created_at, zone),
            updated_at: timestamp(secret.updated_at, zone),
            updated_by: secret.updated_by,
        }
    }
}
