//! Sign-in methods: which accounts have a second factor or sign in through the identity provider.

use std::collections::HashSet;

use super::users::UserService;
use super::{Result, allow};
use crate::domain::user::{Action, Actor, User};
use crate::storage::{identity, second_factor};

/// The accounts that sign in with a second factor or through the identity provider.
#[derive(Debug, Clone, Default)]
pub struct SignInMethods {
    with_second_factor: HashSet<String>,
    linked: HashSet<String>,
}

impl SignInMethods {
    pub fn has_second_factor(&self, user: &User) -> bool {
        self.with_second_factor.contains(&user.id)
    }

    /// Whether the account is linked with the identity provider.
    pub fn is_linked(&self, user: &User) -> bool {
        self.linked.contains(&user.id)
    }
}

impl UserService {
    /// The sign-in methods of all accounts.
    pub async fn sign_in_methods(&self, actor: &Actor) -> Result<SignInMethods> {
        allow(actor, Action::Administer)?;
        let mut reader = self.database.read().await?;
        let with_second_factor = second_factor::user_ids(&mut reader).await?.into_iter().collect();
        Ok(SignInMethods { with_second_factor, linked: identity::linked_user_ids(&mut reader).await?.into_iter().collect() })
    }
}
