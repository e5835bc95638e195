//! How many event streams one account holds open: each costs a connection and a place on the event bus for as long as it lasts.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Error, Result, Service};
use crate::domain::user::Actor;

/// Streams of one account at once: more open pages than anybody looks at.
pub const MOST_STREAMS: usize = 64;

/// Open streams by account.
#[derive(Default, Clone)]
pub(super) struct Streams(Arc<Mutex<HashMap<String, usize>>>);

/// An open stream; it counts until it is dropped.
pub struct OpenStream {
    streams: Streams,
    account: String,
}

impl Service {
    /// A place for one stream more.
    ///
    /// # Errors
    /// [`Error::TooManyRequests`] where the account has as many as it may.
    pub fn open_stream(&self, actor: &Actor) -> Result<OpenStream> {
        self.0.streams.open(&actor.name)
    }
}

impl Streams {
    fn open(&self, account: &str) -> Result<OpenStream> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(account.to_owned()).or_insert(0);
        if *count >= MOST_STREAMS {
            return Err(Error::TooManyRequests(format!("this account has {MOST_STREAMS} event streams open; close some")));
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
    fn an_account_has_so_many_streams_and_gets_places_back() {
        let streams = Streams::default();
        let mut held: Vec<OpenStream> = (0..MOST_STREAMS).map(|_| streams.open("a").expect("a place")).collect();
        assert!(streams.open("a").is_err() && streams.open("b").is_ok());
        held.pop();
        assert!(streams.open("a").is_ok());
        drop(held);
        assert!(streams.0.lock().expect("not poisoned").is_empty());
    }
}
