//! Passwords and tokens: made, hashed, compared. A password's hash is slow on purpose and salted; a token has 256 random
//! bits, so a plain hash is enough to keep it from whoever reads the database.

use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Argon2, Params};
use base64::Engine;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use super::{Error, Result};

/// A new secret of 256 random bits, for a cookie or a token.
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

/// The form in which a secret is kept.
pub fn hash_secret(secret: &str) -> String {
    let digest = Sha256::digest(secret.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Hashes a password with Argon2id.
pub async fn hash_password(password: &str) -> Result<String> {
    let password = password.to_owned();
    blocking(move || hasher()?.hash_password(password.as_bytes()).map(|hash| hash.to_string())).await
}

/// Whether a password is the one that was hashed. Without a hash the same work is done, so that time tells nothing.
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

/// The parameters that OWASP recommends (19 MiB, two passes); in debug builds the least, which is a thousand times faster.
fn hasher() -> argon2::password_hash::Result<Argon2<'static>> {
    let params =
        if cfg!(debug_assertions) { Params::new(Params::MIN_M_COST, 1, 1, None) } else { Params::new(19 * 1024, 2, 1, None) };
    let params = params.map_err(|_| argon2::password_hash::Error::ParamsInvalid)?;
    Ok(Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params))
}

/// Hashes at once: each takes 19 MiB, so that a crowd of guesses would take all there is.
static HASHES: Semaphore = Semaphore::const_new(4);

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> argon2::password_hash::Result<T> + Send + 'static) -> Result<T> {
    let _place = HASHES.acquire().await.map_err(|error| Error::Internal(Box::new(error)))?;
    tracing::trace!("a password's hash is computed");
    let done = tokio::task::spawn_blocking(work).await.map_err(|error| Error::Internal(Box::new(error)))?;
    done.map_err(|error| Error::Internal(error.to_string().into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_known_again_and_no_other() {
        let hash = hash_password("correct horse").await.unwrap();
        assert!(hash.starts_with("$argon2id$") && !hash.contains("horse"));
        assert!(verify_password("correct horse", Some(&hash)).await.unwrap());
        assert!(!verify_password("correct horses", Some(&hash)).await.unwrap());
        assert!(!verify_password("", None).await.unwrap());
    }

    #[test]
    fn secrets_differ_and_their_hash_hides_them() {
        let (one, two) = (new_secret().unwrap(), new_secret().unwrap());
        assert!(one != two && one.len() == 43);
        assert_eq!(hash_secret("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
