//! Saved views: named list filters of an account.

use super::database::on_session;
use super::{Error, Result, Session, millis, time_from_millis};
use crate::domain::saved_view::{ListKind, SavedView};

/// Returns the views of an account (case-insensitive name), ordered by list and name.
pub async fn for_user(s: &mut dyn Session, account: &str) -> Result<Vec<SavedView>> {
    let text = "select v.id, v.list, v.name, v.query, v.created_at from users u join saved_views v on v.user_id = u.id
        where lower(u.name) = lower($1) order by v.list, v.name";
    let found: Vec<(String, String, String, String, i64)> =
        on_session!(s, |conn, dialect| sqlx::query_as(dialect.sql(text)).bind(account).fetch_all(&mut *conn).await)
            .map_err(Error::on("read the saved views"))?;
    let view = |(id, list, name, query, created_at): (String, String, String, String, i64)| {
        let kind = ListKind::parse(&list).ok_or_else(|| Error::InvalidValue(format!("list {list}")))?;
        Ok(SavedView { id, list: kind, name, query, created_at: time_from_millis(created_at)? })
    };
    found.into_iter().map(view).collect()
}

/// Inserts a view or replaces the account's view of the same list and name. Returns false if the account does not exist.
pub async fn put(s: &mut dyn Session, account: &str, view: &SavedView) -> Result<bool> {
    let text = "insert into saved_views (id, user_id, list, name, query, created_at)
        select $1, id, $3, $4, $5, $6 from users where lower(name) = lower($2)
        on conflict (user_id, list, name) do update set query = excluded.query";
    let done = on_session!(s, |conn, dialect| {
        let query = sqlx::query(dialect.sql(text)).bind(&view.id).bind(account).bind(view.list.as_str());
        let query = query.bind(&view.name).bind(&view.query).bind(millis(view.created_at));
        query.execute(&mut *conn).await.map(|done| done.rows_affected())
    });
    done.map(|rows| rows > 0).map_err(Error::on("save the view"))
}

/// Renames a view. Returns false if the account has no such view.
///
/// # Errors
/// [`Error::Conflict`] if the account has a view of that name.
pub async fn rename(s: &mut dyn Session, account: &str, id: &str, name: &str) -> Result<bool> {
    let text = "update saved_views set name = $3
        where id = $2 and user_id in (select id from users where lower(name) = lower($1))";
    let done = on_session!(s, |conn, dialect| {
        let query = sqlx::query(dialect.sql(text)).bind(account).bind(id).bind(name);
        query.execute(&mut *conn).await.map(|done| done.rows_affected())
    });
    done.map(|rows| rows > 0).map_err(Error::on("rename the view"))
}

/// Deletes a view. Returns false if the account has no such view.
pub async fn delete(s: &mut dyn Session, account: &str, id: &str) -> Result<bool> {
    let text = "delete from saved_views where id = $2 and user_id in (select id from users where lower(name) = lower($1))";
    let done = on_session!(s, |conn, dialect| {
        let query = sqlx::query(dialect.sql(text)).bind(account).bind(id);
        query.execute(&mut *conn).await.map(|done| done.rows_affected())
    });
    done.map(|rows| rows > 0).map_err(Error::on("delete the view"))
}
