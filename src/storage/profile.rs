//! Profiles that administrators stored: mail servers, SMS providers, datasources and HTTP services, encrypted by the caller.

use chrono::{DateTime, Utc};

use super::column::stored;
use super::statement::{execute, fetch};
use super::{Result, Session, Tx, millis};
use crate::domain::profile::ProfileKind;

/// A profile with its encrypted settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredProfile {
    pub kind: ProfileKind,
    pub name: String,
    pub ciphertext: String,
    /// 1 for a new profile, one more with each change.
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub updated_by: String,
}

stored! {
    COLUMNS: StoredProfile { kind, name, ciphertext, version, created_at, updated_at, updated_by }
}

/// Returns all stored profiles by kind and name.
pub async fn list(s: &mut dyn Session) -> Result<Vec<StoredProfile>> {
    fetch!(all, s, "read the profiles", &format!("select {COLUMNS} from profiles order by kind, name"))
}

/// Returns one stored profile.
pub async fn get(s: &mut dyn Session, kind: ProfileKind, name: &str) -> Result<Option<StoredProfile>> {
    let text = format!("select {COLUMNS} from profiles where kind = $1 and name = $2");
    fetch!(optional, s, "read the profile", &text, kind.as_str(), name)
}

/// Returns a value that changes with every change of a profile: the row count and the sum of update times.
pub async fn revision(s: &mut dyn Session) -> Result<(i64, i64)> {
    let text = "select count(*), cast(coalesce(sum(updated_at), 0) as bigint) from profiles";
    fetch!(one, s, "read the profiles", text)
}

/// Inserts a profile.
///
/// # Errors
/// [`Error::Conflict`](super::Error::Conflict) if there is one of that kind and name.
pub async fn insert(tx: &mut Tx, profile: &StoredProfile) -> Result<()> {
    let text = "insert into profiles (kind, name, ciphertext, version, created_at, updated_at, updated_by)
        values ($1, $2, $3, $4, $5, $5, $6)";
    let StoredProfile { kind, name, ciphertext, version, updated_by, .. } = profile;
    let at = millis(profile.created_at);
    execute!(tx, "create the profile", text, kind.as_str(), name, ciphertext, version, at, updated_by).map(drop)
}

/// Replaces the content of a profile and increments its version. Returns false if `version` is not the stored one. The update time
/// always grows, for [`revision`].
pub async fn update(tx: &mut Tx, profile: &StoredProfile) -> Result<bool> {
    let text = "update profiles set ciphertext = $3, version = version + 1, updated_by = $6,
            updated_at = case when updated_at < $5 then $5 else updated_at + 1 end
        where kind = $1 and name = $2 and version = $4";
    let StoredProfile { kind, name, ciphertext, version, updated_by, .. } = profile;
    let at = millis(profile.updated_at);
    Ok(execute!(tx, "save the profile", text, kind.as_str(), name, ciphertext, version, at, updated_by)? > 0)
}

/// Deletes a profile of this version. Returns false if there is none.
pub async fn delete(tx: &mut Tx, kind: ProfileKind, name: &str, version: i64) -> Result<bool> {
    let text = "delete from profiles where kind = $1 and name = $2 and version = $3";
    Ok(execute!(tx, "delete the profile", text, kind.as_str(), name, version)? > 0)
}
