//! Signing keys of the identity provider (JWKS).

use chrono::{DateTime, Duration, Utc};
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, PublicKeyUse};
use jsonwebtoken::{AlgorithmFamily, Header};
use serde_json::Value;

use super::OidcError;
use super::provider_client::ProviderClient;

/// The shortest time between two requests for the keys, so that tokens with unknown keys cannot trigger requests at will.
const REFRESH_INTERVAL: Duration = Duration::seconds(10);

#[derive(Debug, Clone, Default)]
pub(super) struct KeySet {
    keys: Vec<Jwk>,
    fetched_at: Option<DateTime<Utc>>,
}

impl KeySet {
    /// Fetches the keys. Keys of unsupported types are skipped.
    pub async fn fetch(client: &ProviderClient, url: &str, now: DateTime<Utc>) -> Result<KeySet, OidcError> {
        let document = client.get(url, "the provider's keys").await?;
        let Some(Value::Array(keys)) = document.get("keys") else {
            return Err(OidcError::Unreachable("the provider's keys: the response contains no list of keys".to_owned()));
        };
        let keys = keys.iter().filter_map(|key| serde_json::from_value(key.clone()).ok()).collect();
        Ok(KeySet { keys, fetched_at: Some(now) })
    }

    pub fn may_refresh(&self, now: DateTime<Utc>) -> bool {
        self.fetched_at.is_none_or(|at| now - at >= REFRESH_INTERVAL)
    }

    /// The keys that may have signed a token with this header.
    pub fn matching(&self, header: &Header) -> Vec<Jwk> {
        let fits = |key: &&Jwk| {
            let named = header.kid.is_none() || key.common.key_id == header.kid;
            let signs = key.common.public_key_use.as_ref().is_none_or(|usage| *usage == PublicKeyUse::Signature);
            named && signs && family(key) == Some(header.alg.family())
        };
        self.keys.iter().filter(fits).cloned().collect()
    }
}

/// The algorithm family of a public key; `None` for symmetric keys, which are never accepted.
fn family(key: &Jwk) -> Option<AlgorithmFamily> {
    match key.algorithm {
        AlgorithmParameters::RSA(_) => Some(AlgorithmFamily::Rsa),
        AlgorithmParameters::EllipticCurve(_) => Some(AlgorithmFamily::Ec),
        AlgorithmParameters::OctetKeyPair(_) => Some(AlgorithmFamily::Ed),
        _ => None,
    }
}
