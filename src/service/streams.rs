//! Limit of open event streams per account: each uses a connection and an event bus subscription while it is open.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Error, Result};
use crate::i18n::message;

/// The maximum number of concurrent streams per account.
pub const MAX_STREAMS: usize = 64;

/// Open streams by account.
#[derive(Default, Clone)]
pub(super) struct Streams(Arc<Mutex<HashMap<String, usize>>>);

/// An open stream; counted until dropped.
pub struct OpenStream {
    streams: Streams,
    account: String,
}

impl Streams {
    /// Counts a new stream of an account.
    ///
    /// # Errors
    /// [`Error::TooManyRequests`] if the account has [`MAX_STREAMS`] open.
    pub fn open(&self, account: &str) -> Result<OpenStream> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(account.to_owned()).or_insert(0);
        if *count >= MAX_STREAMS {
            return Err(Error::TooManyRequests(message!("events.too_many_streams", max = MAX_STREAMS)));
        }
        *count += 1;
        Ok(OpenStream { streams: self.clone(), account: account.to_owned() })
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        let mut open = self.streams.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.account) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.account);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_limited_per_account_and_released_on_drop() {
        let streams = Streams::default();
        let mut open: Vec<OpenStream> = (0..MAX_STREAMS).map(|_| streams.open("a").expect("below the limit")).collect();
        assert!(streams.open("a").is_err() && streams.open("b").is_ok());
        open.pop();
        assert!(streams.open("a").is_ok());
        drop(open);
        assert!(streams.0.lock().expect("not poisoned").is_empty());
    }
}
