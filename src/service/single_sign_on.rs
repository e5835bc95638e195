//! Single sign-on: readers are sent to the identity provider, and come back as the account that is linked with whom it
//! vouches for. No account is taken over: a name that is taken stays with its owner.

use chrono::Duration;
use serde_json::json;

use super::audit::Told;
use super::secrets::{hash_secret, new_secret};
use super::users::keep_an_administrator;
use super::{Error, Service};
use crate::domain::audit::Act;
use crate::domain::single_sign_on::{Refused, Vouched};
use crate::domain::user::{Actor, Role, User, Via};
use crate::ids::new_id;
use crate::oidc::{Journey, OidcError, Provider};
use crate::storage::identity::ProviderVisit;
use crate::storage::{self, Tx, account, identity, sign_in};

/// How long one may stay with the provider.
const VISIT: Duration = Duration::minutes(10);
/// Readers who are with the provider at once; beyond it somebody fills the table.
const MOST_VISITS: i64 = 10_000;
/// Who is named in the audit before anybody is known.
const UNKNOWN: &str = "single sign-on";

/// Where a reader goes.
#[derive(Debug, Clone)]
pub struct Departure {
    /// The provider's page.
    pub url: String,
    /// For a cookie: what this browser is known by when it comes back.
    pub browser: String,
}

/// What a reader brings back, as it came.
#[derive(Debug, Clone, Default)]
pub struct Returned {
    pub code: String,
    pub state: String,
    /// The provider's name for itself, where it says one.
    pub issuer: Option<String>,
    /// The provider's word for why it let nobody in.
    pub error: Option<String>,
    /// What the browser's cookie says.
    pub browser: String,
}

/// A reader who is in.
#[derive(Debug)]
pub struct Arrival {
    pub user: User,
    /// For the cookie.
    pub session: String,
    /// Where the reader wanted to go.
    pub next: String,
}

/// Why nobody was let in.
#[derive(Debug, thiserror::Error)]
pub enum NotIn {
    /// There is no identity provider among the settings.
    #[error("no identity provider is set up")]
    NotSetUp,
    /// The visit is not known, took too long, was used, or was begun in another browser.
    #[error("the visit to the provider is not known here")]
    Stale,
    /// The provider let nobody in; its word for why.
    #[error("the provider let nobody in: {0}")]
    Denied(String),
    #[error("the provider does not answer as it should: {0}")]
    Provider(OidcError),
    #[error("what the provider answers is not believed: {0}")]
    Untrusted(OidcError),
    #[error("no role is given")]
    NoRole,
    #[error("the e-mail address is not one of those let in")]
    Domain,
    #[error("the provider's name for the account cannot be used: {0}")]
    Name(String),
    /// A local account has the name.
    #[error("there is an account '{0}' already that the provider does not vouch for")]
    Taken(String),
    #[error("the account '{0}' is disabled")]
    Disabled(String),
    #[error("no administrator would be left")]
    LastAdministrator,
    #[error("too many readers are on their way")]
    Crowded,
    #[error(transparent)]
    Service(#[from] Error),
}

impl From<storage::Error> for NotIn {
    fn from(error: storage::Error) -> Self {
        NotIn::Service(error.into())
    }
}

impl From<OidcError> for NotIn {
    fn from(error: OidcError) -> Self {
        match error {
            OidcError::Untrusted(_) => NotIn::Untrusted(error),
            other => NotIn::Provider(other),
        }
    }
}

impl From<Refused> for NotIn {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NoRole => NotIn::NoRole,
            Refused::Domain => NotIn::Domain,
            Refused::Name(why) => NotIn::Name(why),
        }
    }
}

impl NotIn {
    /// The word for it in texts and in the audit.
    pub fn key(&self) -> &'static str {
        match self {
            NotIn::NotSetUp => "not_set_up",
            NotIn::Stale => "stale",
            NotIn::Denied(_) => "denied",
            NotIn::Provider(_) => "provider",
            NotIn::Untrusted(_) => "untrusted",
            NotIn::NoRole => "no_role",
            NotIn::Domain => "domain",
            NotIn::Name(_) => "name",
            NotIn::Taken(_) => "taken",
            NotIn::Disabled(_) => "disabled",
            NotIn::LastAdministrator => "last_administrator",
            NotIn::Crowded => "crowded",
            NotIn::Service(_) => "internal",
        }
    }
}

type Result<T> = std::result::Result<T, NotIn>;

impl Service {
    /// What the identity provider is called; `None` where there is none.
    pub fn single_sign_on(&self) -> Option<&str> {
        self.0.parts.single_sign_on.as_ref().map(|provider| provider.settings().name.as_str())
    }

    fn provider(&self) -> Result<&Provider> {
        self.0.parts.single_sign_on.as_deref().ok_or(NotIn::NotSetUp)
    }

    /// Begins a visit to the provider; `next` is where the reader wants to go afterwards, a path of this server.
    ///
    /// # Errors
    /// [`NotIn::NotSetUp`], [`NotIn::Provider`], [`NotIn::Crowded`].
    pub async fn depart(&self, next: &str) -> Result<Departure> {
        let provider = self.provider()?;
        let journey = Journey { state: new_secret()?, nonce: new_secret()?, verifier: new_secret()? };
        let browser = new_secret()?;
        let url = provider.authorization_url(&journey).await.inspect_err(|error| {
            tracing::warn!(%error, issuer = provider.settings().issuer, "the identity provider does not answer");
        })?;
        let visit = ProviderVisit {
            browser_hash: hash_secret(&browser),
            nonce: journey.nonce,
            verifier: journey.verifier,
            next: next.to_owned(),
        };
        let now = self.clock().now();
        let mut tx = self.database().write().await?;
        let state = hash_secret(&journey.state);
        if !identity::begin_visit(&mut tx, &state, &visit, now, now + VISIT, MOST_VISITS).await? {
            return Err(NotIn::Crowded);
        }
        tx.commit().await?;
        Ok(Departure { url, browser })
    }

    /// Lets a reader in who comes back from the provider.
    ///
    /// # Errors
    /// Why not; said in the audit and the log as well.
    pub async fn arrive(&self, returned: &Returned, address: Option<&str>) -> Result<Arrival> {
        let tried = Actor::new(UNKNOWN, Role::Viewer, Via::Page).at(address.map(str::to_owned));
        let arrived = self.try_arrival(returned, &tried).await;
        if let Err(refused) = &arrived {
            self.not_in(refused, &tried).await?;
        }
        arrived
    }

    async fn try_arrival(&self, returned: &Returned, tried: &Actor) -> Result<Arrival> {
        let provider = self.provider()?;
        let visit = self.end_visit(returned).await?;
        if let Some(error) = &returned.error {
            return Err(NotIn::Denied(error.clone()));
        }
        provider.check_issuer(returned.issuer.as_deref()).await?;
        let identity = provider.identity(&returned.code, &visit.verifier, &visit.nonce).await?;
        let vouched = provider.settings().judge(&identity.subject, &identity.claims)?;
        let (user, session) = self.admit(&provider.settings().issuer, vouched, tried).await?;
        tracing::info!(user = user.name, address = tried.address, "signed in through the identity provider");
        Ok(Arrival { user, session, next: visit.next })
    }

    /// The visit that a reader comes back from. It ends here, whatever comes of it.
    async fn end_visit(&self, returned: &Returned) -> Result<ProviderVisit> {
        let mut tx = self.database().write().await?;
        let visit = identity::end_visit(&mut tx, &hash_secret(&returned.state), self.clock().now()).await?;
        tx.commit().await?;
        visit.filter(|visit| visit.browser_hash == hash_secret(&returned.browser)).ok_or(NotIn::Stale)
    }

    async fn admit(&self, issuer: &str, vouched: Vouched, tried: &Actor) -> Result<(User, String)> {
        let mut tx = self.database().write().await?;
        let user = match identity::account_of(&mut tx, issuer, &vouched.subject).await? {
            Some(user) if user.disabled => return Err(NotIn::Disabled(user.name)),
            Some(user) => self.with_role(&mut tx, user, vouched.role, tried).await?,
            None => self.make_linked(&mut tx, issuer, vouched, tried).await?,
        };
        let session = self.open_session(&mut tx, &user, tried, true).await?;
        tx.commit().await?;
        Ok((user, session))
    }

    /// Gives a linked account the role that the provider says; another one ends its former sessions.
    async fn with_role(&self, tx: &mut Tx, user: User, role: Role, tried: &Actor) -> Result<User> {
        // Who is limited to tags is no administrator.
        let role = if user.tags.is_empty() { role } else { role.min(Role::Editor) };
        if user.role == role {
            return Ok(user);
        }
        let changed = User { role, ..user.clone() };
        account::update(tx, &changed).await?;
        keep_an_administrator(tx).await.map_err(|error| match error {
            Error::Conflict(_) => NotIn::LastAdministrator,
            other => other.into(),
        })?;
        sign_in::end_sessions_of(tx, &user.id, None).await?;
        let (before, after) = (json!({"role": user.role.as_str()}), json!({"role": role.as_str()}));
        let told = Told::of(Act::UserUpdate, "user", &user.name).before(before).after(after);
        self.tell(tx, tried, told).await?;
        Ok(changed)
    }

    async fn make_linked(&self, tx: &mut Tx, issuer: &str, vouched: Vouched, tried: &Actor) -> Result<User> {
        let now = self.clock().now();
        let user = User {
            id: new_id(now),
            name: vouched.name?,
            role: vouched.role,
            grants: Vec::new(),
            tags: Vec::new(),
            disabled: false,
            created_at: now,
            last_seen_at: None,
        };
        if account::by_name(tx, &user.name).await?.is_some() {
            return Err(NotIn::Taken(user.name));
        }
        account::insert(tx, &user, None).await?;
        identity::link(tx, issuer, &vouched.subject, &user.id, now).await?;
        let shown = json!({"name": user.name, "role": user.role.as_str(), "issuer": issuer, "subject": vouched.subject});
        self.tell(tx, tried, Told::of(Act::UserCreate, "user", &user.name).after(shown)).await?;
        Ok(user)
    }

    /// Notes in log and audit that nobody was let in.
    async fn not_in(&self, refused: &NotIn, tried: &Actor) -> Result<()> {
        tracing::warn!(reason = refused.key(), error = %refused, address = tried.address, "sign-in through the identity provider refused");
        let mut tx = self.database().write().await?;
        let told = Told::of(Act::SignInRefused, "user", UNKNOWN).after(json!({"reason": refused.to_string()}));
        self.tell(&mut tx, tried, told).await?;
        Ok(tx.commit().await.map_err(Error::from)?)
    }
}
