//! ID token validation: signature and claims (OpenID Connect Core, 3.1.3.7).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};
use serde_json::Value;
use sha2::{Digest, Sha256, Sha384, Sha512};
use subtle::ConstantTimeEq;

use super::OidcError;
use super::provider_client::Tokens;

/// The accepted algorithms, all with public keys. With `HS…` a public key could be used as the shared secret; the library does not
/// know `none`.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];
/// The accepted difference between the provider's clock and ours, in seconds.
const LEEWAY: i64 = 60;
/// The longest subject allowed by the specification, in bytes.
const MAX_SUBJECT_BYTES: usize = 255;

/// The values that the claims must have.
pub(super) struct Expected<'a> {
    pub issuer: &'a str,
    pub client_id: &'a str,
    pub nonce: &'a str,
}

fn untrusted(what: &str) -> OidcError {
    OidcError::Untrusted(format!("the ID token {what}"))
}

/// The header of a token, with an accepted algorithm.
pub(super) fn header(id_token: &str) -> Result<Header, OidcError> {
    let header = jsonwebtoken::decode_header(id_token).map_err(|_| untrusted("is malformed, or its algorithm is unknown"))?;
    match ALGORITHMS.contains(&header.alg) {
        true => Ok(header),
        false => Err(untrusted("is signed with an algorithm that is not accepted")),
    }
}

/// Validates signature and claims, and returns the claims.
pub(super) fn check(tokens: &Tokens, keys: &[Jwk], expected: &Expected, now: DateTime<Utc>) -> Result<Value, OidcError> {
    let algorithm = header(&tokens.id_token)?.alg;
    let claims = verify_signature(&tokens.id_token, keys, algorithm)?;
    check_claims(&claims, expected, now.timestamp())?;
    check_access_token(&claims, tokens.access_token.reveal(), algorithm)?;
    Ok(claims)
}

/// The claims, if one of the keys made the signature. The claims themselves are checked afterwards, by our own clock.
fn verify_signature(id_token: &str, keys: &[Jwk], algorithm: Algorithm) -> Result<Value, OidcError> {
    let mut validation = Validation::new(algorithm);
    (validation.validate_exp, validation.validate_aud) = (false, false);
    validation.required_spec_claims.clear();
    let decoded = keys.iter().find_map(|key| {
        let key = DecodingKey::from_jwk(key).ok()?;
        jsonwebtoken::decode::<Value>(id_token, &key, &validation).ok()
    });
    decoded.map(|token| token.claims).ok_or_else(|| untrusted("has an invalid signature"))
}

fn check_claims(claims: &Value, expected: &Expected, now: i64) -> Result<(), OidcError> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let seconds = |name: &str| claims.get(name).and_then(Value::as_f64);
    if text("iss") != Some(expected.issuer) {
        return Err(untrusted("is from another issuer"));
    }
    check_audience(claims, expected.client_id)?;
    let now = now as f64;
    if seconds("exp").is_none_or(|exp| exp + LEEWAY as f64 <= now) {
        return Err(untrusted("has expired"));
    }
    if seconds("iat").is_none_or(|iat| iat - LEEWAY as f64 > now) || seconds("nbf").is_some_and(|nbf| nbf - LEEWAY as f64 > now) {
        return Err(untrusted("is not valid yet; check the clocks of both machines"));
    }
    if !text("nonce").is_some_and(|nonce| bool::from(nonce.as_bytes().ct_eq(expected.nonce.as_bytes()))) {
        return Err(untrusted("belongs to another sign-in (nonce)"));
    }
    match text("sub") {
        Some(subject) if (1..=MAX_SUBJECT_BYTES).contains(&subject.len()) => Ok(()),
        _ => Err(untrusted("has no valid subject")),
    }
}

/// Checks that the token is issued for this client: `aud` must contain it, and with several audiences `azp` must be it.
fn check_audience(claims: &Value, client_id: &str) -> Result<(), OidcError> {
    let (ours, several) = match claims.get("aud") {
        Some(Value::String(audience)) => (audience == client_id, false),
        Some(Value::Array(all)) => (all.iter().any(|audience| audience == client_id), all.len() > 1),
        _ => (false, false),
    };
    let party = claims.get("azp");
    let authorized = party.map_or(!several, |party| party == client_id);
    if ours && authorized { Ok(()) } else { Err(untrusted("is for another client")) }
}

/// Checks `at_hash`, if present, against the access token.
fn check_access_token(claims: &Value, access_token: &str, algorithm: Algorithm) -> Result<(), OidcError> {
    let Some(given) = claims.get("at_hash") else { return Ok(()) };
    let text = access_token.as_bytes();
    let digest = match algorithm {
        Algorithm::RS384 | Algorithm::PS384 | Algorithm::ES384 => Sha384::digest(text).to_vec(),
        Algorithm::RS512 | Algorithm::PS512 | Algorithm::EdDSA => Sha512::digest(text).to_vec(),
        _ => Sha256::digest(text).to_vec(),
    };
    let half = URL_SAFE_NO_PAD.encode(&digest[..digest.len() / 2]);
    if given.as_str() == Some(half.as_str()) { Ok(()) } else { Err(untrusted("belongs to another access token (at_hash)")) }
}

/// Adds the claims of userinfo that the token does not have; both must have the same subject.
pub(super) fn merge(claims: &mut Value, more: Value) -> Result<(), OidcError> {
    let (Value::Object(own), Value::Object(more)) = (claims, more) else {
        return Err(OidcError::Unreachable("userinfo: the provider's response is not a JSON object".to_owned()));
    };
    if own.get("sub") != more.get("sub") {
        return Err(OidcError::Untrusted("userinfo: belongs to another subject".to_owned()));
    }
    for (name, value) in more {
        own.entry(name).or_insert(value);
    }
    Ok(())
}
