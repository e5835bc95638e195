//! Checks of accounts before they are created or changed.

use super::{Error, Result};
use crate::domain::fault::Fault;
use crate::domain::input::truncate;
use crate::domain::user::{Role, User, check_password, check_user_name};
use crate::i18n::message;
use crate::storage::{Tx, account, identity};

/// Validates an account name and a new password.
pub(super) fn check_account(name: &str, password: Option<&str>) -> Result<()> {
    let mut faults = Vec::new();
    if let Err(message) = check_user_name(name) {
        faults.push(Fault::new("/name", message));
    }
    if let Some(Err(message)) = password.map(|password| check_password(password, name)) {
        faults.push(Fault::new("/password", message));
    }
    if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
}

/// The account, if it exists.
pub(super) fn require_account<T>(account: Option<T>, name: &str) -> Result<T> {
    account.ok_or_else(|| Error::NotFound(message!("account.missing", name = truncate(name, 64))))
}

/// Refuses a password for an account that is linked with the identity provider.
pub(super) async fn refuse_linked(tx: &mut Tx, user: &User) -> Result<()> {
    if identity::is_linked(tx, &user.id).await? {
        return Err(Error::invalid("/password", message!("account.password_elsewhere").of("password")));
    }
    Ok(())
}

/// Refuses a change that would leave no enabled administrator.
pub(super) async fn require_an_administrator(tx: &mut Tx) -> Result<()> {
    let all = account::all(tx).await?;
    match all.iter().any(|user| user.role == Role::Admin && !user.disabled) {
        true => Ok(()),
        false => Err(Error::Conflict(message!("account.last_administrator"))),
    }
}
