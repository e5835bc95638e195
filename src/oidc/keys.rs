//! The keys that the provider signs with.

use chrono::{DateTime, Duration, Utc};
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, PublicKeyUse};
use jsonwebtoken::{AlgorithmFamily, Header};
use serde_json::Value;

use super::OidcError;
use super::wire::Wire;

/// Asked for anew at most this often: whoever sends tokens of unknown keys must not make us ask at will.
const ASKED_EVERY: Duration = Duration::seconds(10);

#[derive(Debug, Clone, Default)]
pub(super) struct Keys {
    keys: Vec<Jwk>,
    asked_at: Option<DateTime<Utc>>,
}

impl Keys {
    /// Asks the provider. Keys of kinds that are not known here are passed over.
    pub async fn read(wire: &Wire, url: &str, now: DateTime<Utc>) -> Result<Keys, OidcError> {
        let document = wire.get(url, "the provider's keys").await?;
        let Some(Value::Array(keys)) = document.get("keys") else {
            return Err(OidcError::Unreachable("the provider's keys: there is no list of them".to_owned()));
        };
        let keys = keys.iter().filter_map(|key| serde_json::from_value(key.clone()).ok()).collect();
        Ok(Keys { keys, asked_at: Some(now) })
    }

    pub fn may_ask(&self, now: DateTime<Utc>) -> bool {
        self.asked_at.is_none_or(|at| now - at >= ASKED_EVERY)
    }

    /// The keys that a token with this header may be signed with.
    pub fn fitting(&self, header: &Header) -> Vec<Jwk> {
        let fits = |key: &&Jwk| {
            let named = header.kid.is_none() || key.common.key_id == header.kid;
            let signs = key.common.public_key_use.as_ref().is_none_or(|usage| *usage == PublicKeyUse::Signature);
            named && signs && family(key) == Some(header.alg.family())
        };
        self.keys.iter().filter(fits).cloned().collect()
    }
}

/// The family of algorithms that a public key is for; `None` for a secret one, which nobody should publish.
fn family(key: &Jwk) -> Option<AlgorithmFamily> {
    match key.algorithm {
        AlgorithmParameters::RSA(_) => Some(AlgorithmFamily::Rsa),
        AlgorithmParameters::EllipticCurve(_) => Some(AlgorithmFamily::Ec),
        AlgorithmParameters::OctetKeyPair(_) => Some(AlgorithmFamily::Ed),
        _ => None,
    }
}
