//! Second factors, recovery codes, and sign-ins that wait for a code. Callers encrypt or hash the secrets.

use chrono::{DateTime, Utc};
use sqlx::FromRow;

use super::account::{COLUMNS, UserRow};
use super::database::on_session;
use super::{Error, Result, Session, millis, optional_time_from_millis};
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
    let done = on_session!(s, |conn, dialect| {
        let query = sqlx::query(dialect.sql(text)).bind(user_id).bind(ciphertext).bind(millis(now));
        query.execute(&mut *conn).await.map(|done| done.rows_affected())
    });
    done.map(|rows| rows > 0).map_err(Error::on("save the second factor"))
}

/// Returns the second factor of an account.
pub async fn get(s: &mut dyn Session, user_id: &str) -> Result<Option<SecondFactor>> {
    let text = "select ciphertext, confirmed_at from second_factors where user_id = $1";
    let found: Option<(String, Option<i64>)> =
        on_session!(s, |conn, dialect| sqlx::query_as(dialect.sql(text)).bind(user_id).fetch_optional(&mut *conn).await)
            .map_err(Error::on("read the second factor"))?;
    found.map(|(ciphertext, at)| Ok(SecondFactor { ciphertext, confirmed_at: optional_time_from_millis(at)? })).transpose()
}

/// Confirms a second factor. Returns false if it is confirmed already.
pub async fn confirm(s: &mut dyn Session, user_id: &str, now: DateTime<Utc>) -> Result<bool> {
    let text = "update second_factors set confirmed_at = $2 where user_id = $1 and confirmed_at is null";
    let done = on_session!(s, |conn, dialect| {
        let query = sqlx::query(dialect.sql(text)).bind(user_id).bind(millis(now));
        query.execute(&mut *conn).await.map(|done| done.rows_affected())
    });
    done.map(|rows| rows > 0).map_err(Error::on("confirm the second factor"))
}

/// Records the TOTP step of an accepted code. Returns false if this step or a later one was used.
pub async fn use_step(s: &mut dyn Session, user_id: &str, step: i64) -> Result<bool> {
    let text = "update second_factors set last_step = $2 where user_id = $1 and last_step < $2";
    let done = on_session!(s, |conn, dialect| {
        let query = sqlx::query(dialect.sql(text)).bind(user_id).bind(step);
        query.execute(&mut *conn).await.map(|done| done.rows_affected())
    });
    done.map(|rows| rows > 0).map_err(Error::on("save the code's step"))
}

/// Deletes the second factor and the recovery codes of an account. Returns false if it has no second factor.
pub async fn remove(s: &mut dyn Session, user_id: &str) -> Result<bool> {
    replace_recovery_codes(s, user_id, &[]).await?;
    let done = on_session!(s, |conn, dialect| {
        let query = sqlx::query(dialect.sql("delete from second_factors where user_id = $1")).bind(user_id);
        query.execute(&mut *conn).await.map(|done| done.rows_affected())
    });
    done.map(|rows| rows > 0).map_err(Error::on("delete the second factor"))
}

/// Returns the ids of accounts with a confirmed second factor.
pub async fn user_ids(s: &mut dyn Session) -> Result<Vec<String>> {
    let text = "select user_id from second_factors where confirmed_at is not null";
    on_session!(s, |conn, dialect| sqlx::query_scalar(dialect.sql(text)).fetch_all(&mut *conn).await)
        .map_err(Error::on("list second factors"))
}

/// Replaces the recovery codes of an account; `hashes` may be empty.
pub async fn replace_recovery_codes(s: &mut dyn Session, user_id: &str, hashes: &[String]) -> Result<()> {
    on_session!(s, |conn, dialect| {
        let query = sqlx::query(dialect.sql("delete from recovery_codes where user_id = $1")).bind(user_id);
        query.execute(&mut *conn).await.map(drop)
    })
    .map_err(Error::on("replace recovery codes"))?;
    for hash in hashes {
        let text = "insert into recovery_codes (user_id, code_hash) values ($1, $2)";
        on_session!(s, |conn, dialect| {
            sqlx::query(dialect.sql(text)).bind(user_id).bind(hash).execute(&mut *conn).await.map(drop)
        })
        .map_err(Error::on("save a recovery code"))?;
    }
    Ok(())
}

/// Deletes a recovery code. Returns false if no code has this hash.
pub async fn use_recovery_code(s: &mut dyn Session, user_id: &str, hash: &str) -> Result<bool> {
    let text = "delete from recovery_codes where user_id = $1 and code_hash = $2";
    let done = on_session!(s, |conn, dialect| {
        let query = sqlx::query(dialect.sql(text)).bind(user_id).bind(hash);
        query.execute(&mut *conn).await.map(|done| done.rows_affected())
    });
    done.map(|rows| rows > 0).map_err(Error::on("use a recovery code"))
}

/// Returns the number of unused recovery codes.
pub async fn count_recovery_codes(s: &mut dyn Session, user_id: &str) -> Result<i64> {
    let text = "select count(*) from recovery_codes where user_id = $1";
    on_session!(s, |conn, dialect| sqlx::query_scalar(dialect.sql(text)).bind(user_id).fetch_one(&mut *conn).await)
        .map_err(Error::on("count recovery codes"))
}

/// Inserts a sign-in whose password was correct and whose code is pending; deletes expired ones.
pub async fn insert_pending(
    s: &mut dyn Session,
    secret_hash: &str,
    user_id: &str,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<()> {
    on_session!(s, |conn, dialect| {
        let query = sqlx::query(dialect.sql("delete from pending_sign_ins where expires_at <= $1")).bind(millis(now));
        query.execute(&mut *conn).await.map(drop)
    })
    .map_err(Error::on("delete expired sign-ins"))?;
    let text = "insert into pending_sign_ins (secret_hash, user_id, expires_at) values ($1, $2, $3)";
    on_session!(s, |conn, dialect| {
        let query = sqlx::query(dialect.sql(text)).bind(secret_hash).bind(user_id).bind(millis(expires_at));
        query.execute(&mut *conn).await.map(drop)
    })
    .map_err(Error::on("save the sign-in"))
}

/// Returns the account of a pending sign-in that has not expired.
pub async fn pending(s: &mut dyn Session, secret_hash: &str, now: DateTime<Utc>) -> Result<Option<User>> {
    let text = format!(
        "select {COLUMNS} from pending_sign_ins p join users u on u.id = p.user_id
        where p.secret_hash = $1 and p.expires_at > $2 and not u.disabled"
    );
    let found: Option<PendingRow> = on_session!(s, |conn, dialect| {
        sqlx::query_as(dialect.sql(&text)).bind(secret_hash).bind(millis(now)).fetch_optional(&mut *conn).await
    })
    .map_err(Error::on("read the sign-in"))?;
    found.map(|row| row.user.try_into()).transpose()
}

#[derive(Debug, FromRow)]
struct PendingRow {
    #[sqlx(flatten)]
    user: UserRow,
}

/// Counts a wrong code; deletes the sign-in after `max` wrong codes.
pub async fn record_wrong_code(s: &mut dyn Session, secret_hash: &str, max: i64) -> Result<()> {
    for text in [
        "update pending_sign_ins set tries = tries + 1 where secret_hash = $1 and $2 > 0",
        "delete from pending_sign_ins where secret_hash = $1 and tries >= $2",
    ] {
        on_session!(s, |conn, dialect| {
            sqlx::query(dialect.sql(text)).bind(secret_hash).bind(max).execute(&mut *conn).await.map(drop)
        })
        .map_err(Error::on("count a wrong code"))?;
    }
    Ok(())
}

/// Deletes all pending sign-ins of an account.
pub async fn delete_pending(s: &mut dyn Session, user_id: &str) -> Result<()> {
    on_session!(s, |conn, dialect| {
        let query = sqlx::query(dialect.sql("delete from pending_sign_ins where user_id = $1")).bind(user_id);
        query.execute(&mut *conn).await.map(drop)
    })
    .map_err(Error::on("delete pending sign-ins"))
}
