//! Secrets, as they are kept: encrypted by whoever calls, so that a copy of the database tells nothing.

use chrono::{DateTime, Utc};

use super::database::on_session;
use super::{Error, Result, Session, instant, millis};
use crate::domain::secret::SecretInfo;

/// All secrets with their encrypted values, by name.
///
/// # Errors
/// Where the database fails.
pub async fn sealed(s: &mut dyn Session) -> Result<Vec<(String, String)>> {
    on_session!(s, |conn, dialect| {
        sqlx::query_as(dialect.sql("select name, sealed from secrets order by name")).fetch_all(&mut *conn).await
    })
    .map_err(Error::on("read secrets"))
}

/// All secrets without their values, by name.
///
/// # Errors
/// Where the database fails.
pub async fn list(s: &mut dyn Session) -> Result<Vec<SecretInfo>> {
    let text = "select name, created_at, updated_at, updated_by from secrets order by name";
    let found: Vec<(String, i64, i64, String)> =
        on_session!(s, |conn, dialect| sqlx::query_as(dialect.sql(text)).fetch_all(&mut *conn).await)
            .map_err(Error::on("list secrets"))?;
    let listed = |(name, created_at, updated_at, updated_by)| {
        Ok(SecretInfo { name, created_at: instant(created_at)?, updated_at: instant(updated_at)?, updated_by })
    };
    found.into_iter().map(listed).collect()
}

/// Something that changes with every change of a secret: how many there are, and the sum of their versions.
///
/// # Errors
/// Where the database fails.
pub async fn revision(s: &mut dyn Session) -> Result<(i64, i64)> {
    let text = "select count(*), cast(coalesce(sum(updated_at), 0) as bigint) from secrets";
    on_session!(s, |conn, dialect| sqlx::query_as(dialect.sql(text)).fetch_one(&mut *conn).await)
        .map_err(Error::on("read secrets"))
}

/// Keeps a secret under a name, in the place of an earlier one.
///
/// # Errors
/// Where the database fails.
pub async fn put(s: &mut dyn Session, name: &str, sealed: &str, by: &str, now: DateTime<Utc>) -> Result<()> {
    let text = "insert into secrets (name, sealed, created_at, updated_at, updated_by) values ($1, $2, $3, $3, $4)
        on conflict (name) do update set sealed = excluded.sealed, updated_at = excluded.updated_at,
            updated_by = excluded.updated_by";
    on_session!(s, |conn, dialect| {
        let query = sqlx::query(dialect.sql(text)).bind(name).bind(sealed).bind(millis(now)).bind(by);
        query.execute(&mut *conn).await.map(drop)
    })
    .map_err(Error::on("keep a secret"))
}

/// Deletes a secret. False where there is none.
///
/// # Errors
/// Where the database fails.
pub async fn delete(s: &mut dyn Session, name: &str) -> Result<bool> {
    let done = on_session!(s, |conn, dialect| {
        let query = sqlx::query(dialect.sql("delete from secrets where name = $1")).bind(name);
        query.execute(&mut *conn).await.map(|done| done.rows_affected())
    });
    done.map(|rows| rows > 0).map_err(Error::on("delete a secret"))
}
