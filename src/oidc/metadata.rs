//! What the provider says of itself (OpenID Connect Discovery).

use chrono::{DateTime, Duration, Utc};
use serde_json::Value;

use super::OidcError;
use super::wire::Wire;
use crate::domain::single_sign_on::is_safe;

/// Asked for anew after so long.
const FRESH: Duration = Duration::hours(1);

#[derive(Debug, Clone)]
pub(super) struct Metadata {
    pub authorization_endpoint: String,
    pub token_endpoint: String,
    pub userinfo_endpoint: Option<String>,
    pub jwks_uri: String,
    pub client_auth: ClientAuth,
    /// Its answers name it (RFC 9207).
    pub names_itself: bool,
    read_at: DateTime<Utc>,
}

/// How Belfry shows its secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClientAuth {
    Basic,
    Post,
}

impl Metadata {
    pub fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        now - self.read_at < FRESH
    }

    /// Asks the provider.
    pub async fn read(wire: &Wire, issuer: &str, now: DateTime<Utc>) -> Result<Metadata, OidcError> {
        let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let document = wire.get(&url, "discovery").await?;
        if document.get("issuer").and_then(Value::as_str) != Some(issuer) {
            return Err(OidcError::Untrusted("the provider names itself otherwise than the setting issuer does".to_owned()));
        }
        let optional = |name: &str| document.get(name).and_then(Value::as_str).map(str::to_owned);
        let endpoint = |name: &str| {
            let found = optional(name).filter(|url| is_safe(url));
            found.ok_or_else(|| OidcError::Unreachable(format!("discovery: {name} is missing or no https:// address")))
        };
        Ok(Metadata {
            authorization_endpoint: endpoint("authorization_endpoint")?,
            token_endpoint: endpoint("token_endpoint")?,
            userinfo_endpoint: optional("userinfo_endpoint").filter(|url| is_safe(url)),
            jwks_uri: endpoint("jwks_uri")?,
            client_auth: client_auth(&document),
            names_itself: document.get("authorization_response_iss_parameter_supported") == Some(&Value::Bool(true)),
            read_at: now,
        })
    }
}

/// By the header, which every provider must take; by the form where one says that it takes that alone.
fn client_auth(document: &Value) -> ClientAuth {
    let Some(Value::Array(methods)) = document.get("token_endpoint_auth_methods_supported") else { return ClientAuth::Basic };
    let takes = |name: &str| methods.iter().any(|method| method == name);
    if takes("client_secret_post") && !takes("client_secret_basic") { ClientAuth::Post } else { ClientAuth::Basic }
}
