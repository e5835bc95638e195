//! The one-time code with which the first administrator is made from another machine. It is made at the start while there is
//! no account, stands in the log, and is of no use once there is one.

use std::sync::{Mutex, PoisonError};

use subtle::ConstantTimeEq;

use super::secrets::{hash_secret, random};
use super::{Error, Result, Service};

/// Crockford's letters: none is taken for another.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Groups of four, 80 random bits in all.
const GROUPS: usize = 4;

/// The code's hash, while one is open.
#[derive(Default)]
pub(super) struct SetupCode(Mutex<Option<String>>);

impl SetupCode {
    fn is(&self, given: &str) -> bool {
        let open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.as_ref().is_some_and(|hash| hash.as_bytes().ct_eq(hash_secret(&plain(given)).as_bytes()).into())
    }

    pub fn close(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Service {
    /// Makes a code in place of any before; `None` where there is an account already.
    ///
    /// # Errors
    /// [`Error::Internal`].
    pub async fn open_setup(&self) -> Result<Option<String>> {
        if !self.needs_setup().await? {
            return Ok(None);
        }
        let code = new_code()?;
        *self.0.setup_code.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(hash_secret(&plain(&code)));
        Ok(Some(code))
    }

    /// Checks a code given from a network address.
    ///
    /// # Errors
    /// [`Error::Unauthorized`] where it is not the one; [`Error::TooManyRequests`] after several wrong ones from this address.
    pub fn check_setup_code(&self, given: &str, address: Option<&str>) -> Result<()> {
        let (keys, now) = ([format!("setup:{}", address.unwrap_or_default())], self.clock().now());
        if let Some(seconds) = self.0.throttle.attempt(&keys, now) {
            return Err(Error::TooManyRequests(format!("too many wrong tries; wait {seconds} s")));
        }
        if self.0.setup_code.is(given) {
            self.0.throttle.succeeded(&keys[0]);
            return Ok(());
        }
        tracing::warn!(address, "wrong set-up code");
        Err(Error::Unauthorized("the set-up code is wrong".to_owned()))
    }
}

/// `4KQ7-…`
fn new_code() -> Result<String> {
    let bytes: [u8; GROUPS * 4] = random()?;
    let letters: Vec<char> = bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect();
    Ok(letters.chunks(4).map(|group| group.iter().collect()).collect::<Vec<String>>().join("-"))
}

/// As it counts: without dashes and blanks, in capitals.
fn plain(code: &str) -> String {
    code.chars().filter(char::is_ascii_alphanumeric).take(64).map(|c| c.to_ascii_uppercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_taken_however_it_is_typed_and_no_other() {
        let code = new_code().expect("a code");
        assert_eq!(code.len(), 19);
        let open = SetupCode(Mutex::new(Some(hash_secret(&plain(&code)))));
        assert!(open.is(&code) && open.is(&code.to_lowercase()) && open.is(&format!(" {} ", code.replace('-', ""))));
        assert!(!open.is("") && !open.is("0000-0000-0000-0000") && !open.is(&code[..18]));
        assert_ne!(code, new_code().expect("another"));
        open.close();
        assert!(!open.is(&code) && !open.is(""));
    }
}
