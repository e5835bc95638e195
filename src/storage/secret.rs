//! Secrets, encrypted by the caller; a copy of the database does not disclose them.

use chrono::{DateTime, Utc};

use super::database::on_session;
use super::{Error, Result, Session, millis, time_from_millis};
use crate::domain::secret::SecretInfo;

/// Returns all names with their encrypted values, ordered by name.
pub async fn encrypted(s: &mut dyn Session) -> Result<Vec<(String, String)>> {
    on_session!(s, |conn, dialect| {
        sqlx::query_as(dialect.sql("select name, ciphertext from secrets order by name")).fetch_all(&mut *conn).await
    })
    .map_err(Error::on("read secrets"))
}

/// Returns all secrets without values, ordered by name.
pub async fn list(s: &mut dyn Session) -> Result<Vec<SecretInfo>> {
    let text = "select name, created_at, updated_at, updated_by from secrets order by name";
    let found: Vec<(String, i64, i64, String)> =
        on_session!(s, |conn, dialect| sqlx::query_as(dialect.sql(text)).fetch_all(&mut *conn).await)
            .map_err(Error::on("list secrets"))?;
    let listed = |(name, created_at, updated_at, updated_by)| {
        Ok(SecretInfo { name, created_at: time_from_millis(created_at)?, updated_at: time_from_millis(updated_at)?, updated_by })
    };
    found.into_iter().map(listed).collect()
}

/// Returns a value that changes with every change of a secret: the row count and the sum of update times.
pub async fn revision(s: &mut dyn Session) -> Result<(i64, i64)> {
    let text = "select count(*), cast(coalesce(sum(updated_at), 0) as bigint) from secrets";
    on_session!(s, |conn, dialect| sqlx::query_as(dialect.sql(text)).fetch_one(&mut *conn).await)
        .map_err(Error::on("read secrets"))
}

/// Inserts or replaces a secret; `ciphertext` is its encrypted value.
pub async fn put(s: &mut dyn Session, name: &str, ciphertext: &str, by: &str, now: DateTime<Utc>) -> Result<()> {
    let text = "insert into secrets (name, ciphertext, created_at, updated_at, updated_by) values ($1, $2, $3, $3, $4)
        on conflict (name) do update set ciphertext = excluded.ciphertext, updated_at = excluded.updated_at,
            updated_by = excluded.updated_by";
    on_session!(s, |conn, dialect| {
        let query = sqlx::query(dialect.sql(text)).bind(name).bind(ciphertext).bind(millis(now)).bind(by);
        query.execute(&mut *conn).await.map(drop)
    })
    .map_err(Error::on("save a secret"))
}

/// Deletes a secret. Returns false if it does not exist.
pub async fn delete(s: &mut dyn Session, name: &str) -> Result<bool> {
    let done = on_session!(s, |conn, dialect| {
        let query = sqlx::query(dialect.sql("delete from secrets where name = $1")).bind(name);
        query.execute(&mut *conn).await.map(|done| done.rows_affected())
    });
    done.map(|rows| rows > 0).map_err(Error::on("delete a secret"))
}
