//! Secrets, encrypted by the caller; a copy of the database does not disclose them.

use chrono::{DateTime, Utc};

use super::column::stored;
use super::statement::{execute, fetch};
use super::{Error, Result, Session, millis};
use crate::domain::secret::{SecretInfo, SecretLimits};

/// A secret with its encrypted value.
pub struct EncryptedSecret {
    pub name: String,
    pub ciphertext: String,
    pub limits: SecretLimits,
}

stored! {
    ENCRYPTED_COLUMNS: EncryptedSecret { name, ciphertext, limits }
}

/// Returns all secrets with their encrypted values, ordered by name.
pub async fn encrypted(s: &mut dyn Session) -> Result<Vec<EncryptedSecret>> {
    let text = format!("select {ENCRYPTED_COLUMNS} from secrets order by name");
    fetch!(all, s, "read secrets", &text)
}

/// Returns all secrets without values, ordered by name.
pub async fn list(s: &mut dyn Session) -> Result<Vec<SecretInfo>> {
    let text = format!("select {COLUMNS} from secrets order by name");
    fetch!(all, s, "list secrets", &text)
}

stored! {
    COLUMNS: SecretInfo { name, limits, created_at, updated_at, updated_by }
}

/// Returns a value that changes with every change of a secret: the row count and the sum of update times.
pub async fn revision(s: &mut dyn Session) -> Result<(i64, i64)> {
    let text = "select count(*), cast(coalesce(sum(updated_at), 0) as bigint) from secrets";
    fetch!(one, s, "read secrets", text)
}

/// Inserts or replaces a secret.
pub async fn put(s: &mut dyn Session, secret: &EncryptedSecret, by: &str, now: DateTime<Utc>) -> Result<()> {
    let text =
        "insert into secrets (name, ciphertext, created_at, updated_at, updated_by, limits) values ($1, $2, $3, $3, $4, $5)
        on conflict (name) do update set ciphertext = excluded.ciphertext, updated_at = excluded.updated_at,
            updated_by = excluded.updated_by, limits = excluded.limits";
    let limits = serde_json::to_string(&secret.limits).map_err(|error| Error::InvalidValue(error.to_string()))?;
    execute!(s, "save a secret", text, &secret.name, &secret.ciphertext, millis(now), by, limits).map(drop)
}

/// Deletes a secret. Returns false if it does not exist.
pub async fn delete(s: &mut dyn Session, name: &str) -> Result<bool> {
    Ok(execute!(s, "delete a secret", "delete from secrets where name = $1", name)? > 0)
}
