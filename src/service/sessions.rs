//! Termination of all sessions of an account.

use super::audit::AuditEntry;
use super::users::require_account;
use super::{Result, Service, allow};
use crate::domain::audit::AuditEvent;
use crate::domain::user::{Action, Actor};
use crate::storage::{account, second_factor, sign_in};

impl Service {
    /// Ends all sessions of the actor's account, including the current one; tokens stay.
    pub async fn end_own_sessions(&self, actor: &Actor) -> Result<()> {
        self.end_sessions(actor, &actor.name).await
    }

    /// Ends all sessions of an account; tokens stay.
    ///
    /// # Errors
    /// [`super::Error::Forbidden`], [`super::Error::NotFound`].
    pub async fn end_sessions_of(&self, actor: &Actor, name: &str) -> Result<()> {
        allow(actor, Action::Administer)?;
        self.end_sessions(actor, name).await
    }

    async fn end_sessions(&self, actor: &Actor, name: &str) -> Result<()> {
        let mut tx = self.database().write().await?;
        let (user, _) = require_account(account::by_name(&mut tx, name).await?, name)?;
        sign_in::delete_sessions_of(&mut tx, &user.id, None).await?;
        second_factor::delete_pending(&mut tx, &user.id).await?;
        self.record_audit(&mut tx, actor, AuditEntry::new(AuditEvent::SessionsEnd, "user", &user.name)).await?;
        tx.commit().await?;
        tracing::info!(actor = actor.name, user = user.name, "all sessions ended");
        Ok(())
    }
}
