//! Saved views, private to each account. They affect nobody else, so they are not audited.

use super::deps::ServiceDeps;
use super::recent_values::{LastChange, RecentValues};
use super::{Error, Result, allow};
use crate::clock::SharedClock;
use crate::domain::saved_view::{ListKind, MAX_QUERY, MAX_VIEWS, SavedView, check_name};
use crate::domain::user::{Action, Actor};
use crate::i18n::message;
use crate::ids::new_id;
use crate::storage::{self, Database, saved_view};

/// Stores the saved views of each account.
#[derive(Clone)]
pub struct SavedViewService {
    database: Database,
    clock: SharedClock,
    last_change: LastChange,
    /// By account.
    recent: RecentValues<String, Vec<SavedView>>,
}

impl SavedViewService {
    pub(super) fn new(deps: &ServiceDeps) -> Self {
        let (clock, last_change) = (deps.clock.clone(), LastChange::default());
        let recent = RecentValues::new(clock.clone(), last_change.clone());
        Self { database: deps.database.clone(), clock, last_change, recent }
    }

    /// The actor's views, by list and name.
    pub async fn list(&self, actor: &Actor) -> Result<Vec<SavedView>> {
        allow(actor, Action::See)?;
        let read = async { saved_view::for_user(&mut self.database.read().await?, &actor.name).await };
        Ok(self.recent.get_or_read(actor.name.clone(), read).await?)
    }

    /// Saves a filter under a name; replaces an existing view of the same list and name.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an invalid name or a filter that is too long, [`Error::Conflict`] if there are too many,
    /// [`Error::NotFound`] if the actor has no account.
    pub async fn save(&self, actor: &Actor, list: ListKind, name: &str, query: &str) -> Result<SavedView> {
        allow(actor, Action::See)?;
        let name = check_name(name).map_err(|message| Error::invalid("/name", message))?.to_owned();
        if query.len() > MAX_QUERY {
            let message = message!("value.too_many_bytes", max = MAX_QUERY).of("query");
            return Err(Error::invalid("/query", message));
        }
        let now = self.clock.now();
        let view = SavedView { id: new_id(now), list, name, query: query.to_owned(), created_at: now };
        self.last_change.note();
        let mut tx = self.database.write().await?;
        let existing = saved_view::for_user(&mut tx, &actor.name).await?;
        let others = existing.iter().filter(|other| other.list == list && other.name != view.name).count();
        if others >= MAX_VIEWS {
            return Err(Error::Conflict(message!("saved_view.too_many", max = MAX_VIEWS)));
        }
        if !saved_view::put(&mut tx, &actor.name, &view).await? {
            return Err(Error::NotFound(message!("saved_view.needs_account")));
        }
        tx.commit().await?;
        Ok(view)
    }

    /// Renames a view of the actor.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an invalid name, [`Error::Conflict`] if it is taken, [`Error::NotFound`].
    pub async fn rename(&self, actor: &Actor, id: &str, name: &str) -> Result<()> {
        allow(actor, Action::See)?;
        let name = check_name(name).map_err(|message| Error::invalid("/name", message))?;
        self.last_change.note();
        let mut tx = self.database.write().await?;
        match saved_view::rename(&mut tx, &actor.name, id, name).await {
            Ok(true) => Ok(tx.commit().await?),
            Ok(false) => Err(no_view()),
            Err(storage::Error::Conflict(_)) => Err(Error::Conflict(message!("saved_view.exists"))),
            Err(error) => Err(error.into()),
        }
    }

    /// Deletes a view of the actor.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn delete(&self, actor: &Actor, id: &str) -> Result<()> {
        allow(actor, Action::See)?;
        self.last_change.note();
        let mut tx = self.database.write().await?;
        if !saved_view::delete(&mut tx, &actor.name, id).await? {
            return Err(no_view());
        }
        Ok(tx.commit().await?)
    }
}

fn no_view() -> Error {
    Error::NotFound(message!("saved_view.missing"))
}
