//! Second factors, recovery codes, and sign-ins whose second step is still to come. Secrets come in encrypted or hashed; that
//! is the caller's.

use chrono::{DateTime, Utc};
use sqlx::FromRow;

use super::account::{COLUMNS, UserRow};
use super::database::on_session;
use super::{Error, Result, Session, millis, optional_instant};
use crate::domain::user::User;

/// A second factor as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecondFactor {
    pub sealed: String,
    /// `None`: not confirmed by a code yet, and so not asked for.
    pub confirmed_at: Option<DateTime<Utc>>,
}

/// Keeps a new second factor that is not confirmed yet, in the place of one that was not confirmed either. False where the
/// account has a confirmed one.
///
/// # Errors
/// Where the database fails.
pub async fn begin(s: &mut dyn Session, user_id: &str, sealed: &str, now: DateTime<Utc>) -> Result<bool> {
    let text = "insert into second_factors (user_id, sealed, last_step, created_at) values ($1, $2, 0, $3)
        on conflict (user_id) do update set sealed = excluded.sealed, created_at = excluded.created_at
        where second_factors.confirmed_at is null";
    let done = on_session!(s, |conn, dialect| {
        let query = sqlx::query(dialect.sql(text)).bind(user_id).bind(sealed).bind(millis(now));
        query.execute(&mut *conn).await.map(|done| done.rows_affected())
    });
    done.map(|rows| rows > 0).map_err(Error::on("keep the second factor"))
}

/// The second factor of an account.
///
/// # Errors
/// Where the database fails.
pub async fn of(s: &mut dyn Session, user_id: &str) -> Result<Option<SecondFactor>> {
    let text = "select sealed, confirmed_at from second_factors where user_id = $1";
    let found: Option<(String, Option<i64>)> =
        on_session!(s, |conn, dialect| sqlx::query_as(dialect.sql(text)).bind(user_id).fetch_optional(&mut *conn).await)
            .map_err(Error::on("read the second factor"))?;
    found.map(|(sealed, at)| Ok(SecondFactor { sealed, confirmed_at: optional_instant(at)? })).transpose()
}

/// Makes a second factor count, unless it does already.
///
/// # Errors
/// Where the database fails.
pub async fn confirm(s: &mut dyn Session, user_id: &str, now: DateTime<Utc>) -> Result<bool> {
    let text = "update second_factors set confirmed_at = $2 where user_id = $1 and confirmed_at is null";
    let done = on_session!(s, |conn, dialect| {
        let query = sqlx::query(dialect.sql(text)).bind(user_id).bind(millis(now));
        query.execute(&mut *conn).await.map(|done| done.rows_affected())
    });
    done.map(|rows| rows > 0).map_err(Error::on("confirm the second factor"))
}

/// Takes the code of a step. False where it, or a later one, was taken already.
///
/// # Errors
/// Where the database fails.
pub async fn take_step(s: &mut dyn Session, user_id: &str, step: i64) -> Result<bool> {
    let text = "update second_factors set last_step = $2 where user_id = $1 and last_step < $2";
    let done = on_session!(s, |conn, dialect| {
        let query = sqlx::query(dialect.sql(text)).bind(user_id).bind(step);
        query.execute(&mut *conn).await.map(|done| done.rows_affected())
    });
    done.map(|rows| rows > 0).map_err(Error::on("take the code"))
}

/// Removes the second factor of an account with its recovery codes. False where it has none.
///
/// # Errors
/// Where the database fails.
pub async fn remove(s: &mut dyn Session, user_id: &str) -> Result<bool> {
    set_recovery(s, user_id, &[]).await?;
    let done = on_session!(s, |conn, dialect| {
        let query = sqlx::query(dialect.sql("delete from second_factors where user_id = $1")).bind(user_id);
        query.execute(&mut *conn).await.map(|done| done.rows_affected())
    });
    done.map(|rows| rows > 0).map_err(Error::on("remove the second factor"))
}

/// Ids of the accounts whose second factor is confirmed.
///
/// # Errors
/// Where the database fails.
pub async fn holders(s: &mut dyn Session) -> Result<Vec<String>> {
    let text = "select user_id from second_factors where confirmed_at is not null";
    on_session!(s, |conn, dialect| sqlx::query_scalar(dialect.sql(text)).fetch_all(&mut *conn).await)
        .map_err(Error::on("list second factors"))
}

/// Puts these recovery codes, as hashes, in the place of those before.
///
/// # Errors
/// Where the database fails.
pub async fn set_recovery(s: &mut dyn Session, user_id: &str, hashes: &[String]) -> Result<()> {
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
        .map_err(Error::on("keep a recovery code"))?;
    }
    Ok(())
}

/// Uses a recovery code up. False where there is none of this hash.
///
/// # Errors
/// Where the database fails.
pub async fn take_recovery(s: &mut dyn Session, user_id: &str, hash: &str) -> Result<bool> {
    let text = "delete from recovery_codes where user_id = $1 and code_hash = $2";
    let done = on_session!(s, |conn, dialect| {
        let query = sqlx::query(dialect.sql(text)).bind(user_id).bind(hash);
        query.execute(&mut *conn).await.map(|done| done.rows_affected())
    });
    done.map(|rows| rows > 0).map_err(Error::on("take a recovery code"))
}

/// How many recovery codes an account has left.
///
/// # Errors
/// Where the database fails.
pub async fn recovery_left(s: &mut dyn Session, user_id: &str) -> Result<i64> {
    let text = "select count(*) from recovery_codes where user_id = $1";
    on_session!(s, |conn, dialect| sqlx::query_scalar(dialect.sql(text)).bind(user_id).fetch_one(&mut *conn).await)
        .map_err(Error::on("count recovery codes"))
}

/// Keeps that a password was right and the second step is to come; forgets those that have run out.
///
/// # Errors
/// Where the database fails.
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
    .map_err(Error::on("forget old sign-ins"))?;
    let text = "insert into pending_sign_ins (secret_hash, user_id, expires_at) values ($1, $2, $3)";
    on_session!(s, |conn, dialect| {
        let query = sqlx::query(dialect.sql(text)).bind(secret_hash).bind(user_id).bind(millis(expires_at));
        query.execute(&mut *conn).await.map(drop)
    })
    .map_err(Error::on("keep the sign-in"))
}

/// The account whose second step is to come.
///
/// # Errors
/// Where the database fails.
pub async fn pending(s: &mut dyn Session, secret_hash: &str, now: DateTime<Utc>) -> Result<Option<User>> {
    let text = format!(
        "select {COLUMNS} from pending_sign_ins p join users u on u.id = p.user_id
        where p.secret_hash = $1 and p.expires_at > $2 and not u.disabled"
    );
    let found: Option<Pending> = on_session!(s, |conn, dialect| {
        sqlx::query_as(dialect.sql(&text)).bind(secret_hash).bind(millis(now)).fetch_optional(&mut *conn).await
    })
    .map_err(Error::on("read the sign-in"))?;
    found.map(|row| row.user.try_into()).transpose()
}

#[derive(Debug, FromRow)]
struct Pending {
    #[sqlx(flatten)]
    user: UserRow,
}

/// Counts a wrong code, and ends the sign-in at the last one that is allowed.
///
/// # Errors
/// Where the database fails.
pub async fn failed(s: &mut dyn Session, secret_hash: &str, most: i64) -> Result<()> {
    for text in [
        "update pending_sign_ins set tries = tries + 1 where secret_hash = $1 and $2 > 0",
        "delete from pending_sign_ins where secret_hash = $1 and tries >= $2",
    ] {
        on_session!(s, |conn, dialect| {
            sqlx::query(dialect.sql(text)).bind(secret_hash).bind(most).execute(&mut *conn).await.map(drop)
        })
        .map_err(Error::on("count a wrong code"))?;
    }
    Ok(())
}

/// Ends all pending sign-ins of an account.
///
/// # Errors
/// Where the database fails.
pub async fn end_pending_of(s: &mut dyn Session, user_id: &str) -> Result<()> {
    on_session!(s, |conn, dialect| {
        let query = sqlx::query(dialect.sql("delete from pending_sign_ins where user_id = $1")).bind(user_id);
        query.execute(&mut *conn).await.map(drop)
    })
    .map_err(Error::on("end pending sign-ins"))
}
