//! Generation and hashing of secrets. Passwords are hashed with Argon2id; tokens have 256 random bits, so an unsalted
//! SHA-256 is enough.

use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Argon2, Params};
use base64::Engine;
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use super::{Error, Result};

/// A new secret of 256 random bits, in URL-safe base64, for a cookie or a token.
pub fn new_secret() -> Result<String> {
    let bytes: [u8; 32] = random()?;
    Ok(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes))
}

/// Random bytes.
pub(super) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0_u8; N];
    getrandom::fill(&mut bytes).map_err(|error| Error::Internal(Box::new(error)))?;
    Ok(bytes)
}

/// The stored form of a secret: SHA-256 in hexadecimal.
pub fn hash_secret(secret: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(secret))
}

/// Hashes a password with Argon2id.
pub async fn hash_password(password: &str) -> Result<String> {
    let password = password.to_owned();
    blocking(move || hasher()?.hash_password(password.as_bytes()).map(|hash| hash.to_string())).await
}

/// Whether a password matches a hash. Without a hash the same work is done, to prevent timing attacks.
pub async fn verify_password(password: &str, hash: Option<&str>) -> Result<bool> {
    let (password, hash) = (password.to_owned(), hash.map(str::to_owned));
    blocking(move || {
        let Some(hash) = hash else {
            hasher()?.hash_password(password.as_bytes())?;
            return Ok(false);
        };
        Ok(hasher()?.verify_password(password.as_bytes(), hash.as_str()).is_ok())
    })
    .await
}

/// Argon2id with the parameters recommended by OWASP (19 MiB, two passes); debug builds use the minimum, for speed.
fn hasher() -> argon2::password_hash::Result<Argon2<'static>> {
    let params =
        if cfg!(debug_assertions) { Params::new(Params::MIN_M_COST, 1, 1, None) } else { Params::new(19 * 1024, 2, 1, None) };
    let params = params.map_err(|_| argon2::password_hash::Error::ParamsInvalid)?;
    Ok(Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params))
}

/// Limits concurrent hashes to bound the memory: each takes 19 MiB.
static HASHES: Semaphore = Semaphore::const_new(4);

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> argon2::password_hash::Result<T> + Send + 'static) -> Result<T> {
    let _place = HASHES.acquire().await.map_err(|error| Error::Internal(Box::new(error)))?;
    tracing::trace!("computing password hash");
    let done = tokio::task::spawn_blocking(work).await.map_err(|error| Error::Internal(Box::new(error)))?;
    done.map_err(|error| Error::Internal(error.to_string().into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn verify_password_accepts_the_hashed_password_only() {
        let hash = hash_password("correct horse").await.unwrap();
        assert!(hash.starts_with("$argon2id$") && !hash.contains("horse"));
        assert!(verify_password("correct horse", Some(&hash)).await.unwrap());
        assert!(!verify_password("correct horses", Some(&hash)).await.unwrap());
        assert!(!verify_password("", None).await.unwrap());
    }

    #[test]
    fn new_secrets_differ_and_hash_is_sha256() {
        let (one, two) = (new_secret().unwrap(), new_secret().unwrap());
        assert!(one != two && one.len() == 43);
        assert_eq!(hash_secret("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
