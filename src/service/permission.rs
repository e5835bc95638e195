//! The permission check of the services.

use super::{Error, Result};
use crate::domain::user::{Action, Actor};
use crate::i18n::{Message, message};

/// Refuses actions that the permission table ([`crate::domain::permission::RULES`]) does not allow the actor.
pub fn allow(actor: &Actor, action: Action) -> Result<()> {
    let rule = action.rule();
    if !actor.role.allows(action) {
        return Err(Error::Forbidden(message!("permission.role", role = actor.role.as_str(), action = Message::new(rule.says))));
    }
    if rule.whole && !actor.scope.is_all() {
        return Err(Error::Forbidden(message!("permission.tags", action = Message::new(rule.says))));
    }
    Ok(())
}
