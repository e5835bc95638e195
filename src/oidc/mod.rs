//! OpenID Connect client: builds the authorization request with PKCE, exchanges the returned code for an ID token, and validates
//! it. Which account the identity may sign in to is decided by the service.

mod keys;
mod metadata;
mod provider_client;
mod shared_fetch;
mod token;

use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::clock::SharedClock;
use crate::domain::single_sign_on::IdentityProvider;
use keys::KeySet;
use metadata::Metadata;
use provider_client::ProviderClient;
use shared_fetch::SharedFetch;

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
    /// Never locked during a request.
    cache: Mutex<Cache>,
    metadata_fetch: SharedFetch<Metadata>,
    key_fetch: SharedFetch<KeySet>,
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
        Self {
            settings,
            clock,
            client: ProviderClient::default(),
            cache: Mutex::default(),
            metadata_fetch: SharedFetch::default(),
            key_fetch: SharedFetch::default(),
        }
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
        let tokens = self.client.exchange(&metadata.token_endpoint, metadata.client_auth, &self.settings, code, verifier).await?;
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
        let now = self.clock.now();
        let known = self.cache().metadata.clone();
        if let Some(metadata) = known.filter(|metadata| metadata.is_fresh(now)) {
            return Ok(metadata);
        }
        let (client, issuer) = (self.client.clone(), self.settings.issuer.clone());
        let metadata = self.metadata_fetch.run(async move { Metadata::fetch(&client, &issuer, now).await }).await?;
        self.cache().metadata = Some(metadata.clone());
        Ok(metadata)
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The keys that may have signed a token. Fetched again if none matches, because providers rotate their keys.
    async fn keys_for(&self, metadata: &Metadata, id_token: &str) -> Result<Vec<jsonwebtoken::jwk::Jwk>, OidcError> {
        let header = token::header(id_token)?;
        let now = self.clock.now();
        let known = self.cache().keys.clone();
        let mut matching = known.matching(&header);
        if matching.is_empty() && known.may_refresh(now) {
            let (client, url) = (self.client.clone(), metadata.jwks_uri.clone());
            let keys = self.key_fetch.run(async move { KeySet::fetch(&client, &url, now).await }).await?;
            matching = keys.matching(&header);
            self.cache().keys = keys;
        }
        match matching.is_empty() {
            true => Err(OidcError::Untrusted("the ID token is signed with a key that the provider does not publish".to_owned())),
            false => Ok(matching),
        }
    }
}
