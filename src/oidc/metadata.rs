//! Metadata of the identity provider (OpenID Connect Discovery).

use chrono::{DateTime, Duration, Utc};
use serde_json::Value;

use super::OidcError;
use super::provider_client::{ClientAuth, ProviderClient};
use crate::domain::single_sign_on::is_safe;

/// How long the metadata is cached.
const METADATA_TTL: Duration = Duration::hours(1);

#[derive(Debug, Clone)]
pub(super) struct Metadata {
    pub authorization_endpoint: String,
    pub token_endpoint: String,
    pub userinfo_endpoint: Option<String>,
    pub jwks_uri: String,
    pub client_auth: ClientAuth,
    /// Whether authorization responses contain `iss` (RFC 9207).
    pub sends_issuer: bool,
    fetched_at: DateTime<Utc>,
}

impl Metadata {
    pub fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        now - self.fetched_at < METADATA_TTL
    }

    /// Fetches the metadata.
    pub async fn fetch(client: &ProviderClient, issuer: &str, now: DateTime<Utc>) -> Result<Metadata, OidcError> {
        let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let document = client.get(&url, "discovery").await?;
        if document.get("issuer").and_then(Value::as_str) != Some(issuer) {
            return Err(OidcError::Untrusted("discovery: the issuer differs from the setting issuer".to_owned()));
        }
        let optional = |name: &str| document.get(name).and_then(Value::as_str).map(str::to_owned);
        let endpoint = |name: &str| {
            let found = optional(name).filter(|url| is_safe(url));
            found.ok_or_else(|| OidcError::Unreachable(format!("discovery: {name} is missing or not an https:// URL")))
        };
        Ok(Metadata {
            authorization_endpoint: endpoint("authorization_endpoint")?,
            token_endpoint: endpoint("token_endpoint")?,
            userinfo_endpoint: optional("userinfo_endpoint").filter(|url| is_safe(url)),
            jwks_uri: endpoint("jwks_uri")?,
            client_auth: client_auth(&document),
            sends_issuer: document.get("authorization_response_iss_parameter_supported") == Some(&Value::Bool(true)),
            fetched_at: now,
        })
    }
}

/// `client_secret_basic`, which every provider must support, unless the provider offers `client_secret_post` only.
fn client_auth(document: &Value) -> ClientAuth {
    let Some(Value::Array(methods)) = document.get("token_endpoint_auth_methods_supported") else { return ClientAuth::Basic };
    let takes = |name: &str| methods.iter().any(|method| method == name);
    if takes("client_secret_post") && !takes("client_secret_basic") { ClientAuth::Post } else { ClientAuth::Basic }
}
