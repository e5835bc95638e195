//! Shared requests: concurrent callers wait for one request and get its result, without a lock that others would wait for.

use std::sync::{Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};

use super::OidcError;

type Fetch<T> = Shared<BoxFuture<'static, Result<T, OidcError>>>;

/// The current request for a document, if any.
pub(super) struct SharedFetch<T: Clone>(Mutex<Option<Fetch<T>>>);

impl<T: Clone> Default for SharedFetch<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T: Clone + Send + Sync + 'static> SharedFetch<T> {
    /// The result of the current request; without one, `fetch` becomes it. It goes on when its callers have left.
    pub async fn run(&self, fetch: impl Future<Output = Result<T, OidcError>> + Send + 'static) -> Result<T, OidcError> {
        self.current_or(fetch).await
    }

    fn current_or(&self, fetch: impl Future<Output = Result<T, OidcError>> + Send + 'static) -> Fetch<T> {
        let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = current.as_ref().filter(|running| running.peek().is_none()) {
            return running.clone();
        }
        let task = tokio::spawn(fetch);
        let result = async { task.await.unwrap_or_else(|error| Err(OidcError::Unreachable(error.to_string()))) };
        current.insert(result.boxed().shared()).clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn concurrent_callers_share_one_request() {
        let (shared, requests) = (SharedFetch::default(), Arc::new(AtomicUsize::new(0)));
        let fetch = || {
            let requests = requests.clone();
            shared.run(async move {
                tokio::task::yield_now().await;
                Ok(requests.fetch_add(1, Ordering::Relaxed))
            })
        };
        assert_eq!(tokio::join!(fetch(), fetch()), (Ok(0), Ok(0)));
        assert_eq!(fetch().await, Ok(1), "a later caller sends a new one");
    }
}
