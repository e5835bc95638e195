//! OpenID Connect client: builds the authorization request with PKCE, exchanges the returned code for an ID token, and validates
//! it. Which account the identity may sign in to is decided by the service.

mod keys;
mod metadata;
mod provider_client;
mod token;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;

use crate::clock::SharedClock;
use crate::domain::single_sign_on::IdentityProvider;
use keys::KeySet;
use metadata::Metadata;
use provider_client::ProviderClient;

/// A failed sign-in at the provider. Never contains a code, token or secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OidcError {
    /// The provider does not respond, or its response is invalid.
    #[error("{0}")]
    Unreachable(String),
    /// The provider rejected the code, with the provider's error code.
    #[error("the provider rejected the code: {0}")]
    Refused(String),
    /// The ID token, or data that came with it, is invalid.
    #[error("{0}")]
    Untrusted(String),
}

/// The random values of one authorization request.
#[derive(Debug, Clone)]
pub struct AuthorizationRequest {
    /// Returned with the redirect to the callback.
    pub state: String,
    /// Returned in the ID token.
    pub nonce: String,
    /// Sent when the code is exchanged (PKCE).
    pub verifier: String,
}

/// A verified identity: the subject and the other claims.
#[derive(Debug, Clone, PartialEq)]
pub struct Identity {
    pub subject: String,
    pub claims: Value,
}

/// The client of one identity provider, shared by the whole process.
pub struct Provider {
    settings: IdentityProvider,
    clock: SharedClock,
    client: ProviderClient,
    cache: Mutex<Cache>,
}

/// Cached metadata and keys of the provider.
#[derive(Default)]
struct Cache {
    metadata: Option<Metadata>,
    keys: KeySet,
}

impl Provider {
    /// Makes no request, so that Belfry starts while the provider is down.
    pub fn new(settings: IdentityProvider, clock: SharedClock) -> Self {
        Self { settings, clock, client: ProviderClient::default(), cache: Mutex::default() }
    }

    pub fn settings(&self) -> &IdentityProvider {
        &self.settings
    }

    /// The URL to redirect the browser to.
    pub async fn authorization_url(&self, request: &AuthorizationRequest) -> Result<String, OidcError> {
        let metadata = self.metadata().await?;
        let mut scopes = vec!["openid"];
        scopes.extend(self.settings.scopes.iter().map(String::as_str).filter(|scope| *scope != "openid"));
        let (scope, redirect_uri) = (scopes.join(" "), self.settings.redirect_uri());
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(request.verifier.as_bytes()));
        let parameters = [
            ("response_type", "code"),
            ("client_id", self.settings.client_id.as_str()),
            ("redirect_uri", redirect_uri.as_str()),
            ("scope", scope.as_str()),
            ("state", request.state.as_str()),
            ("nonce", request.nonce.as_str()),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        let url = reqwest::Url::parse_with_params(&metadata.authorization_endpoint, parameters);
        url.map(String::from)
            .map_err(|_| OidcError::Unreachable("the provider's authorization_endpoint is not a valid URL".to_owned()))
    }

    /// Checks the parameter `iss` of an authorization response (RFC 9207).
    ///
    /// # Errors
    /// [`OidcError::Untrusted`] if the response is from another issuer, [`OidcError::Unreachable`].
    pub async fn check_issuer(&self, named: Option<&str>) -> Result<(), OidcError> {
        let issuer_required = self.metadata().await?.sends_issuer;
        match named {
            Some(issuer) if issuer == self.settings.issuer => Ok(()),
            None if !issuer_required => Ok(()),
            _ => Err(OidcError::Untrusted("the response is from another issuer".to_owned())),
        }
    }

    /// Exchanges a code for an ID token, validates it, and returns the identity.
    pub async fn identity(&self, code: &str, verifier: &str, nonce: &str) -> Result<Identity, OidcError> {
        let metadata = self.metadata().await?;
        let tokens = self.client.exchange(&metadata, &self.settings, code, verifier).await?;
        let key = self.keys_for(&metadata, &tokens.id_token).await?;
        let expected = token::Expected { issuer: &self.settings.issuer, client_id: &self.settings.client_id, nonce };
        let mut claims = token::check(&tokens, &key, &expected, self.clock.now())?;
        let subject = claims["sub"].as_str().unwrap_or_default().to_owned();
        if let Some(endpoint) = metadata.userinfo_endpoint.as_deref().filter(|_| self.settings.needs_userinfo(&claims)) {
            let more = self.client.userinfo(endpoint, &tokens.access_token).await?;
            token::merge(&mut claims, more)?;
        }
        Ok(Identity { subject, claims })
    }

    /// The provider's metadata, cached for an hour.
    async fn metadata(&self) -> Result<Metadata, OidcError> {
        let mut cache = self.cache.lock().await;
        let now = self.clock.now();
        if let Some(metadata) = cache.metadata.as_ref().filter(|metadata| metadata.is_fresh(now)) {
            return Ok(metadata.clone());
        }
        let metadata = Metadata::fetch(&self.client, &self.settings.issuer, now).await?;
        cache.metadata = Some(metadata.clone());
        Ok(metadata)
    }

    /// The keys that may have signed a token. Fetched again if none matches, because providers rotate their keys.
    async fn keys_for(&self, metadata: &Metadata, id_token: &str) -> Result<Vec<jsonwebtoken::jwk::Jwk>, OidcError> {
        let header = token::header(id_token)?;
        let mut cache = self.cache.lock().await;
        let now = self.clock.now();
        let mut matching = cache.keys.matching(&header);
        if matching.is_empty() && cache.keys.may_refresh(now) {
            cache.keys = KeySet::fetch(&self.client, &metadata.jwks_uri, now).await?;
            matching = cache.keys.matching(&header);
        }
        match matching.is_empty() {
            true => Err(OidcError::Untrusted("the ID token is signed with a key that the provider does not publish".to_owned())),
            false => Ok(matching),
        }
    }
}
