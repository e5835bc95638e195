//! The cancel registry: the executions running in this process, each with its cancellation token.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

/// Running executions by id; clones share them.
#[derive(Debug, Clone, Default)]
pub struct CancelRegistry(Arc<Mutex<HashMap<String, CancellationToken>>>);

impl CancelRegistry {
    /// Registers an execution; it can be cancelled until the returned guard is dropped.
    pub fn register(&self, execution_id: &str) -> Registration {
        let token = CancellationToken::new();
        self.lock().insert(execution_id.to_owned(), token.clone());
        Registration { registry: self.clone(), execution_id: execution_id.to_owned(), token }
    }

    /// Cancels an execution. Returns false if this process does not run it.
    pub fn cancel(&self, execution_id: &str) -> bool {
        let token = self.lock().get(execution_id).cloned();
        token.is_some_and(|token| {
            token.cancel();
            true
        })
    }

    /// The ids of the executions running in this process.
    pub fn running(&self) -> Vec<String> {
        self.lock().keys().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, CancellationToken>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The entry of a running execution; dropping it removes the entry.
#[derive(Debug)]
pub struct Registration {
    registry: CancelRegistry,
    execution_id: String,
    pub token: CancellationToken,
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.registry.lock().remove(&self.execution_id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cancel_works_until_the_registration_is_dropped() {
        let registry = CancelRegistry::default();
        let registration = registry.register("a");
        assert!(registry.cancel("a") && registration.token.is_cancelled());
        drop(registration);
        assert!(!registry.cancel("a"));
    }
}
