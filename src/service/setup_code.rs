//! The one-time setup code for creating the first administrator from another machine. It is created at the start while no
//! account exists, printed in the log, and invalid once an account exists.

use std::sync::{Mutex, PoisonError};

use subtle::ConstantTimeEq;

use super::secrets::{hash_secret, random};
use super::{Error, Result, Service};

/// Crockford's base32 alphabet, without ambiguous letters.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// The number of groups of four letters: 80 random bits.
const GROUPS: usize = 4;

/// The hash of the current code, if any.
#[derive(Default)]
pub(super) struct SetupCode(Mutex<Option<String>>);

impl SetupCode {
    fn matches(&self, given: &str) -> bool {
        let open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.as_ref().is_some_and(|hash| hash.as_bytes().ct_eq(hash_secret(&normalize(given)).as_bytes()).into())
    }

    pub fn close(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Service {
    /// Creates a code and replaces any earlier one; `None` if an account exists already.
    pub async fn create_setup_code(&self) -> Result<Option<String>> {
        if !self.needs_setup().await? {
            return Ok(None);
        }
        let code = new_code()?;
        *self.0.setup_code.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(hash_secret(&normalize(&code)));
        Ok(Some(code))
    }

    /// Verifies a code entered from a network address.
    ///
    /// # Errors
    /// [`Error::Unauthorized`] if it is wrong; [`Error::TooManyRequests`] after several wrong ones from this address.
    pub fn check_setup_code(&self, given: &str, address: Option<&str>) -> Result<()> {
        let (keys, now) = ([format!("setup:{}", address.unwrap_or_default())], self.clock().now());
        if let Some(seconds) = self.0.throttle.record_attempt(&keys, now) {
            return Err(Error::TooManyRequests(format!("too many failed attempts; wait {seconds} s")));
        }
        if self.0.setup_code.matches(given) {
            self.0.throttle.reset(&keys[0]);
            return Ok(());
        }
        tracing::warn!(address, "setup code refused");
        Err(Error::Unauthorized("the set-up code is wrong".to_owned()))
    }
}

/// A new code, such as `4KQ7-…`.
fn new_code() -> Result<String> {
    let bytes: [u8; GROUPS * 4] = random()?;
    let letters: Vec<char> = bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect();
    Ok(letters.chunks(4).map(|group| group.iter().collect()).collect::<Vec<String>>().join("-"))
}

/// Normalizes a code: alphanumeric characters in upper case.
fn normalize(code: &str) -> String {
    code.chars().filter(char::is_ascii_alphanumeric).take(64).map(|c| c.to_ascii_uppercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_ignores_case_and_separators() {
        let code = new_code().expect("a code");
        assert_eq!(code.len(), 19);
        let open = SetupCode(Mutex::new(Some(hash_secret(&normalize(&code)))));
        assert!(
            open.matches(&code) && open.matches(&code.to_lowercase()) && open.matches(&format!(" {} ", code.replace('-', "")))
        );
        assert!(!open.matches("") && !open.matches("0000-0000-0000-0000") && !open.matches(&code[..18]));
        assert_ne!(code, new_code().expect("another"));
        open.close();
        assert!(!open.matches(&code) && !open.matches(""));
    }
}
