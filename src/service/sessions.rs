//! Signing out everywhere: one's own sessions, or somebody's.

use super::audit::Told;
use super::users::found;
use super::{Result, Service, allow};
use crate::domain::audit::Act;
use crate::domain::user::{Action, Actor};
use crate::storage::{account, second_factor, sign_in};

impl Service {
    /// Ends all sessions of one's own account, this one too; tokens stay.
    ///
    /// # Errors
    /// [`super::Error::Internal`].
    pub async fn end_own_sessions(&self, actor: &Actor) -> Result<()> {
        self.end_sessions(actor, &actor.name).await
    }

    /// Ends all sessions of somebody's account; tokens stay.
    ///
    /// # Errors
    /// [`super::Error::Forbidden`], [`super::Error::NotFound`].
    pub async fn end_sessions_of(&self, actor: &Actor, name: &str) -> Result<()> {
        allow(actor, Action::Administer)?;
        self.end_sessions(actor, name).await
    }

    async fn end_sessions(&self, actor: &Actor, name: &str) -> Result<()> {
        let mut tx = self.database().write().await?;
        let (user, _) = found(account::by_name(&mut tx, name).await?, name)?;
        sign_in::end_sessions_of(&mut tx, &user.id, None).await?;
        second_factor::end_pending_of(&mut tx, &user.id).await?;
        self.tell(&mut tx, actor, Told::of(Act::SessionsEnd, "user", &user.name)).await?;
        tx.commit().await?;
        tracing::info!(actor = actor.name, user = user.name, "signed out everywhere");
        Ok(())
    }
}
