//! Actors: role, grants and tag scope of an account or token.

use crate::domain::tag_scope::TagScope;
use crate::domain::user::{Actor, ActorToken, Role, User, Via};
use crate::storage::sign_in::ActiveToken;

/// The actor of an account.
pub(super) fn account_actor(user: User, via: Via) -> Actor {
    cap_role(Actor { grants: user.grants, scope: TagScope::from_tags(&user.tags), ..Actor::new(user.name, user.role, via) })
}

/// The actor of a token, with at most the permissions of its account.
pub(super) fn token_actor(known: ActiveToken) -> Actor {
    let account = account_actor(known.user, Via::Api);
    let (role, scope) = (account.role.min(known.role), account.scope.clone().narrowed_to(&known.tags));
    let restricted = role < account.role || scope != account.scope || known.expires_at.is_some();
    let token = Some(ActorToken { id: known.id, expires_at: known.expires_at, restricted });
    cap_role(Actor { role, scope, token, ..account })
}

/// Caps the role of an actor limited to tags below administrator, who sees all tasks.
fn cap_role(actor: Actor) -> Actor {
    let role = if actor.scope.is_all() { actor.role } else { actor.role.min(Role::Editor) };
    Actor { role, ..actor }
}
