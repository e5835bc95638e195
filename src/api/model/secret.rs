//! A secret as answers show it: never its value.

use chrono_tz::Tz;
use poem_openapi::Object;

use super::instant;
use super::named::Instant;
use crate::domain::secret::SecretInfo;

/// A secret without its value.
#[derive(Default, Object)]
#[oai(rename = "Secret", read_only_all)]
pub struct SecretView {
    name: String,
    created_at: Instant,
    updated_at: Instant,
    /// Who set it last.
    updated_by: String,
}

impl SecretView {
    pub fn new(secret: SecretInfo, zone: Tz) -> Self {
        Self {
            name: secret.name,
            created_at: instant(secret.created_at, zone),
            updated_at: instant(secret.updated_at, zone),
            updated_by: secret.updated_by,
        }
    }
}
