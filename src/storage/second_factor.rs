//! Second factors, recovery codes, and sign-ins that wait for a code. Callers encrypt or hash the secrets.

use chrono::{DateTime, Utc};

use super::account::COLUMNS;
use super::column::stored;
use super::statement::{execute, fetch};
use super::{Result, Session, millis};
use crate::domain::user::User;

/// A stored second factor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecondFactor {
    pub ciphertext: String,
    /// `None`: not confirmed by a code yet, so not required at sign-in.
    pub confirmed_at: Option<DateTime<Utc>>,
}

/// Inserts an unconfirmed second factor or replaces an unconfirmed one. Returns false if the account has a confirmed one.
pub async fn begin(s: &mut dyn Session, user_id: &str, ciphertext: &str, now: DateTime<Utc>) -> Result<bool> {
    let text = "insert into second_factors (user_id, ciphertext, last_step, created_at) values ($1, $2, 0, $3)
        on conflict (user_id) do update set ciphertext = excluded.ciphertext, created_at = excluded.created_at
        where second_factors.confirmed_at is null";
    Ok(execute!(s, "save the second factor", text, user_id, ciphertext, millis(now))? > 0)
}

/// Returns the second factor of an account.
pub async fn get(s: &mut dyn Session, user_id: &str) -> Result<Option<SecondFactor>> {
    let text = format!("select {FACTOR_COLUMNS} from second_factors where user_id = $1");
    fetch!(optional, s, "read the second factor", &text, user_id)
}

stored! {
    FACTOR_COLUMNS: SecondFactor { ciphertext, confirmed_at }
}

/// Confirms a second factor. Returns false if it is confirmed already.
pub async fn confirm(s: &mut dyn Session, user_id: &str, now: DateTime<Utc>) -> Result<bool> {
    let text = "update second_factors set confirmed_at = $2 where user_id = $1 and confirmed_at is null";
    Ok(execute!(s, "confirm the second factor", text, user_id, millis(now))? > 0)
}

/// Records the TOTP step of an accepted code. Returns false if this step or a later one was used.
pub async fn use_step(s: &mut dyn Session, user_id: &str, step: i64) -> Result<bool> {
    let text = "update second_factors set last_step = $2 where user_id = $1 and last_step < $2";
    Ok(execute!(s, "save the code's step", text, user_id, step)? > 0)
}

/// Deletes the second factor and the recovery codes of an account. Returns false if it has no second factor.
pub async fn remove(s: &mut dyn Session, user_id: &str) -> Result<bool> {
    replace_recovery_codes(s, user_id, &[]).await?;
    Ok(execute!(s, "delete the second factor", "delete from second_factors where user_id = $1", user_id)? > 0)
}

/// Returns the ids of accounts with a confirmed second factor.
pub async fn user_ids(s: &mut dyn Session) -> Result<Vec<String>> {
    let text = "select user_id from second_factors where confirmed_at is not null";
    fetch!(scalars, s, "list second factors", text)
}

/// Replaces the recovery codes of an account; `hashes` may be empty.
pub async fn replace_recovery_codes(s: &mut dyn Session, user_id: &str, hashes: &[String]) -> Result<()> {
    execute!(s, "replace recovery codes", "delete from recovery_codes where user_id = $1", user_id)?;
    for hash in hashes {
        let text = "insert into recovery_codes (user_id, code_hash) values ($1, $2)";
        execute!(s, "save a recovery code", text, user_id, hash)?;
    }
    Ok(())
}

/// Deletes a recovery code. Returns false if no code has this hash.
pub async fn use_recovery_code(s: &mut dyn Session, user_id: &str, hash: &str) -> Result<bool> {
    let text = "delete from recovery_codes where user_id = $1 and code_hash = $2";
    Ok(execute!(s, "use a recovery code", text, user_id, hash)? > 0)
}

/// Returns the number of unused recovery codes.
pub async fn count_recovery_codes(s: &mut dyn Session, user_id: &str) -> Result<i64> {
    let text = "select count(*) from recovery_codes where user_id = $1";
    fetch!(only, s, "count recovery codes", text, user_id)
}

/// Inserts a sign-in whose password was correct and whose code is pending; deletes expired ones.
pub async fn insert_pending(
    s: &mut dyn Session,
    secret_hash: &str,
    user_id: &str,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<()> {
    execute!(s, "delete expired sign-ins", "delete from pending_sign_ins where expires_at <= $1", millis(now))?;
    let text = "insert into pending_sign_ins (secret_hash, user_id, expires_at) values ($1, $2, $3)";
    execute!(s, "save the sign-in", text, secret_hash, user_id, millis(expires_at)).map(drop)
}

/// Returns the account of a pending sign-in that has not expired.
pub async fn pending(s: &mut dyn Session, secret_hash: &str, now: DateTime<Utc>) -> Result<Option<User>> {
    let text = format!(
        "select {COLUMNS} from pending_sign_ins p join users u on u.id = p.user_id
        where p.secret_hash = $1 and p.expires_at > $2 and not u.disabled"
    );
    fetch!(optional, s, "read the sign-in", &text, secret_hash, millis(now))
}

/// Counts a wrong code; deletes the sign-in after `max` wrong codes.
pub async fn record_wrong_code(s: &mut dyn Session, secret_hash: &str, max: i64) -> Result<()> {
    for text in [
        "update pending_sign_ins set tries = tries + 1 where secret_hash = $1 and $2 > 0",
        "delete from pending_sign_ins where secret_hash = $1 and tries >= $2",
    ] {
        execute!(s, "count a wrong code", text, secret_hash, max)?;
    }
    Ok(())
}

/// Deletes all pending sign-ins of an account.
pub async fn delete_pending(s: &mut dyn Session, user_id: &str) -> Result<()> {
    execute!(s, "delete pending sign-ins", "delete from pending_sign_ins where user_id = $1", user_id).map(drop)
}
