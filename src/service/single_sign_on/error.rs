//! Refusals of a sign-in through the identity provider.

use crate::domain::single_sign_on::ClaimsError;
use crate::i18n::Message;
use crate::oidc::OidcError;
use crate::service::Error;
use crate::storage;

/// Why a sign-in through the identity provider failed.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// No identity provider is configured.
    #[error("no identity provider is configured")]
    NotSetUp,
    /// The sign-in is unknown, has expired, was used already, or was started in another browser.
    #[error("the sign-in is unknown or has expired")]
    Stale,
    /// The provider denied the sign-in; its error code.
    #[error("the provider denied the sign-in: {0}")]
    Denied(String),
    #[error("request to the provider failed: {0}")]
    Provider(OidcError),
    #[error("the provider's response failed verification: {0}")]
    Untrusted(OidcError),
    #[error("the claims map to no role")]
    NoRole,
    #[error("the e-mail address is not in an allowed domain")]
    Domain,
    #[error("the account name in the claims is invalid: {0}")]
    Name(Message),
    /// A local account has the same name.
    #[error("the account '{0}' exists and is not linked with the provider")]
    Taken(String),
    #[error("the account '{0}' is disabled")]
    Disabled(String),
    #[error("no administrator would be left")]
    LastAdministrator,
    #[error("too many pending sign-ins")]
    Crowded,
    #[error(transparent)]
    Service(#[from] Error),
}

impl From<storage::Error> for SignInError {
    fn from(error: storage::Error) -> Self {
        SignInError::Service(error.into())
    }
}

impl From<OidcError> for SignInError {
    fn from(error: OidcError) -> Self {
        match error {
            OidcError::Untrusted(_) => SignInError::Untrusted(error),
            other => SignInError::Provider(other),
        }
    }
}

impl From<ClaimsError> for SignInError {
    fn from(refused: ClaimsError) -> Self {
        match refused {
            ClaimsError::NoRole => SignInError::NoRole,
            ClaimsError::Domain => SignInError::Domain,
            ClaimsError::Name(why) => SignInError::Name(why),
        }
    }
}

impl SignInError {
    /// The key in texts and in logs.
    pub fn key(&self) -> &'static str {
        match self {
            SignInError::NotSetUp => "not_set_up",
            SignInError::Stale => "stale",
            SignInError::Denied(_) => "denied",
            SignInError::Provider(_) => "provider",
            SignInError::Untrusted(_) => "untrusted",
            SignInError::NoRole => "no_role",
            SignInError::Domain => "domain",
            SignInError::Name(_) => "name",
            SignInError::Taken(_) => "taken",
            SignInError::Disabled(_) => "disabled",
            SignInError::LastAdministrator => "last_administrator",
            SignInError::Crowded => "crowded",
            SignInError::Service(_) => "internal",
        }
    }
}
