//! Saved views: named list filters of an account.

use super::column::stored;
use super::statement::{execute, fetch};
use super::{Result, Session, millis};
use crate::domain::saved_view::SavedView;

/// Returns the views of an account (case-insensitive name), ordered by list and name.
pub async fn for_user(s: &mut dyn Session, account: &str) -> Result<Vec<SavedView>> {
    let text = format!(
        "select {COLUMNS} from users u join saved_views v on v.user_id = u.id where lower(u.name) = lower($1) order by v.list, v.name"
    );
    fetch!(all, s, "read the saved views", &text, account)
}

stored! {
    COLUMNS: SavedView as v { id, list, name, query, created_at }
}

/// Inserts a view or replaces the account's view of the same list and name. Returns false if the account does not exist.
pub async fn put(s: &mut dyn Session, account: &str, view: &SavedView) -> Result<bool> {
    let text = "insert into saved_views (id, user_id, list, name, query, created_at)
        select $1, id, $3, $4, $5, $6 from users where lower(name) = lower($2)
        on conflict (user_id, list, name) do update set query = excluded.query";
    Ok(execute!(
        s,
        "save the view",
        text,
        &view.id,
        account,
        view.list.as_str(),
        &view.name,
        &view.query,
        millis(view.created_at)
    )? > 0)
}

/// Renames a view. Returns false if the account has no such view.
///
/// # Errors
/// [`super::Error::Conflict`] if the account has a view of that name.
pub async fn rename(s: &mut dyn Session, account: &str, id: &str, name: &str) -> Result<bool> {
    let text = "update saved_views set name = $3
        where id = $2 and user_id in (select id from users where lower(name) = lower($1))";
    Ok(execute!(s, "rename the view", text, account, id, name)? > 0)
}

/// Deletes a view. Returns false if the account has no such view.
pub async fn delete(s: &mut dyn Session, account: &str, id: &str) -> Result<bool> {
    let text = "delete from saved_views where id = $2 and user_id in (select id from users where lower(name) = lower($1))";
    Ok(execute!(s, "delete the view", text, account, id)? > 0)
}
