//! An identity provider, spoken to by OpenID Connect: readers are sent there with a code challenge, and what they bring back
//! is exchanged for an ID token whose every claim is checked. Who is let in with it is the service's to decide.

mod keys;
mod metadata;
mod token;
mod wire;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;

use crate::clock::SharedClock;
use crate::domain::single_sign_on::IdentityProvider;
use keys::Keys;
use metadata::Metadata;
use wire::Wire;

/// Why the provider's word was not had, or is not believed. No code, token or secret is ever in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OidcError {
    /// It does not answer, or not as it should.
    #[error("{0}")]
    Unreachable(String),
    /// It refused the code; its own word for why.
    #[error("the provider refuses the code: {0}")]
    Refused(String),
    /// The ID token or what came with it does not hold.
    #[error("{0}")]
    Untrusted(String),
}

/// What one visit to the provider is told apart by.
#[derive(Debug, Clone)]
pub struct Journey {
    /// Comes back with the reader.
    pub state: String,
    /// Comes back in the ID token.
    pub nonce: String,
    /// Shown when the code is exchanged (PKCE).
    pub verifier: String,
}

/// What the provider vouches for: the subject and the other claims, all checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Identity {
    pub subject: String,
    pub claims: Value,
}

/// One value serves the whole process.
pub struct Provider {
    settings: IdentityProvider,
    clock: SharedClock,
    wire: Wire,
    known: Mutex<Known>,
}

/// What was asked of the provider already.
#[derive(Default)]
struct Known {
    metadata: Option<Metadata>,
    keys: Keys,
}

impl Provider {
    /// Nothing is asked of the provider yet: it may be down while Belfry starts.
    pub fn new(settings: IdentityProvider, clock: SharedClock) -> Self {
        Self { settings, clock, wire: Wire::default(), known: Mutex::default() }
    }

    pub fn settings(&self) -> &IdentityProvider {
        &self.settings
    }

    /// Where to send a reader.
    ///
    /// # Errors
    /// [`OidcError::Unreachable`].
    pub async fn authorization_url(&self, journey: &Journey) -> Result<String, OidcError> {
        let metadata = self.metadata().await?;
        let mut scopes = vec!["openid"];
        scopes.extend(self.settings.scopes.iter().map(String::as_str).filter(|scope| *scope != "openid"));
        let (scope, redirect_uri) = (scopes.join(" "), self.settings.redirect_uri());
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(journey.verifier.as_bytes()));
        let parameters = [
            ("response_type", "code"),
            ("client_id", self.settings.client_id.as_str()),
            ("redirect_uri", redirect_uri.as_str()),
            ("scope", scope.as_str()),
            ("state", journey.state.as_str()),
            ("nonce", journey.nonce.as_str()),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        let url = reqwest::Url::parse_with_params(&metadata.authorization_endpoint, parameters);
        url.map(String::from).map_err(|_| OidcError::Unreachable("its authorization_endpoint does not read as a URL".to_owned()))
    }

    /// Whether an answer that names this issuer (RFC 9207), or none, may be this provider's.
    ///
    /// # Errors
    /// [`OidcError::Untrusted`] where it is not, [`OidcError::Unreachable`].
    pub async fn check_issuer(&self, named: Option<&str>) -> Result<(), OidcError> {
        let must_be_named = self.metadata().await?.names_itself;
        match named {
            Some(issuer) if issuer == self.settings.issuer => Ok(()),
            None if !must_be_named => Ok(()),
            _ => Err(OidcError::Untrusted("the answer is of another provider".to_owned())),
        }
    }

    /// Exchanges a code and answers whom the provider vouches for.
    ///
    /// # Errors
    /// Where the provider does not answer, refuses the code, or gives a token that does not hold.
    pub async fn identity(&self, code: &str, verifier: &str, nonce: &str) -> Result<Identity, OidcError> {
        let metadata = self.metadata().await?;
        let tokens = self.wire.exchange(&metadata, &self.settings, code, verifier).await?;
        let key = self.key_of(&metadata, &tokens.id_token).await?;
        let expected = token::Expected { issuer: &self.settings.issuer, client_id: &self.settings.client_id, nonce };
        let mut claims = token::check(&tokens, &key, &expected, self.clock.now())?;
        let subject = claims["sub"].as_str().unwrap_or_default().to_owned();
        if let Some(endpoint) = metadata.userinfo_endpoint.as_deref().filter(|_| self.settings.wants_more_than(&claims)) {
            let more = self.wire.userinfo(endpoint, &tokens.access_token).await?;
            token::merge(&mut claims, more)?;
        }
        Ok(Identity { subject, claims })
    }

    /// The provider's own word on itself, asked for once an hour at most.
    async fn metadata(&self) -> Result<Metadata, OidcError> {
        let mut known = self.known.lock().await;
        let now = self.clock.now();
        if let Some(metadata) = known.metadata.as_ref().filter(|metadata| metadata.is_fresh(now)) {
            return Ok(metadata.clone());
        }
        let metadata = Metadata::read(&self.wire, &self.settings.issuer, now).await?;
        known.metadata = Some(metadata.clone());
        Ok(metadata)
    }

    /// The keys that may have signed a token. One that is not known yet is asked for: providers change their keys.
    async fn key_of(&self, metadata: &Metadata, id_token: &str) -> Result<Vec<jsonwebtoken::jwk::Jwk>, OidcError> {
        let header = token::header(id_token)?;
        let mut known = self.known.lock().await;
        let now = self.clock.now();
        let mut fitting = known.keys.fitting(&header);
        if fitting.is_empty() && known.keys.may_ask(now) {
            known.keys = Keys::read(&self.wire, &metadata.jwks_uri, now).await?;
            fitting = known.keys.fitting(&header);
        }
        match fitting.is_empty() {
            true => Err(OidcError::Untrusted("the ID token is signed by a key that the provider does not name".to_owned())),
            false => Ok(fitting),
        }
    }
}
