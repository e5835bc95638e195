//! The one-time setup code for creating the first administrator from another machine. It is created at the start while no
//! account exists, printed in the log, and invalid once an account exists.

use std::sync::{Mutex, PoisonError};

use subtle::ConstantTimeEq;

use super::Result;
use super::hashing::{hash_secret, random};

/// Crockford's base32 alphabet, without ambiguous letters.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// The number of groups of four letters: 80 random bits.
const GROUPS: usize = 4;

/// The hash of the current code, if any.
#[derive(Default)]
pub(super) struct SetupCode(Mutex<Option<String>>);

impl SetupCode {
    /// Replaces any earlier code by a new one; returns it.
    pub fn renew(&self) -> Result<String> {
        let code = new_code()?;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(hash_secret(&normalize(&code)));
        Ok(code)
    }

    pub fn matches(&self, given: &str) -> bool {
        let open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.as_ref().is_some_and(|hash| hash.as_bytes().ct_eq(hash_secret(&normalize(given)).as_bytes()).into())
    }

    /// Makes the code invalid.
    pub fn close(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
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
