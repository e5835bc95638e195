//! The runs going on in this process, each with the token that ends it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

/// Running executions by id; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Cancels(Arc<Mutex<HashMap<String, CancellationToken>>>);

impl Cancels {
    /// Makes an execution cancellable for as long as the guard lives.
    pub fn register(&self, execution_id: &str) -> Registered {
        let token = CancellationToken::new();
        self.lock().insert(execution_id.to_owned(), token.clone());
        Registered { cancels: self.clone(), execution_id: execution_id.to_owned(), token }
    }

    /// Asks a run to end. False where this process does not run it.
    pub fn cancel(&self, execution_id: &str) -> bool {
        let token = self.lock().get(execution_id).cloned();
        token.is_some_and(|token| {
            token.cancel();
            true
        })
    }

    /// Ids of the runs going on here.
    pub fn running(&self) -> Vec<String> {
        self.lock().keys().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, CancellationToken>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running execution's entry; dropping it removes the entry.
#[derive(Debug)]
pub struct Registered {
    cancels: Cancels,
    execution_id: String,
    pub token: CancellationToken,
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.cancels.lock().remove(&self.execution_id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_cancellable_while_it_is_registered() {
        let cancels = Cancels::default();
        let registered = cancels.register("a");
        assert!(cancels.cancel("a") && registered.token.is_cancelled());
        drop(registered);
        assert!(!cancels.cancel("a"));
    }
}
