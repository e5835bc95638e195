//! Connection limiter: bounds the open connections in total and for each address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use super::limits::Limits;
use crate::rate_limit::client_key;

/// Limits the open connections. Clones share the counts.
#[derive(Clone)]
pub(super) struct ConnectionLimiter(Arc<Inner>);

struct Inner {
    max_total: usize,
    max_per_address: usize,
    open: Mutex<OpenConnections>,
}

#[derive(Default)]
struct OpenConnections {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// An open connection; it counts until the permit is dropped.
pub(super) struct ConnectionPermit {
    limiter: ConnectionLimiter,
    address: Option<IpAddr>,
}

impl ConnectionLimiter {
    pub fn new(limits: &Limits) -> Self {
        let (max_total, max_per_address) = (limits.connections.max(1), limits.connections_per_address.max(1));
        Self(Arc::new(Inner { max_total, max_per_address, open: Mutex::default() }))
    }

    /// A permit for one more connection; `None` when a limit is reached. `by_address`: the limit per address applies too.
    pub fn acquire(&self, peer: IpAddr, by_address: bool) -> Option<ConnectionPermit> {
        let address = by_address.then(|| client_key(peer));
        let mut open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.total >= self.0.max_total {
            return None;
        }
        if let Some(address) = address {
            let count = open.by_address.entry(address).or_insert(0);
            if *count >= self.0.max_per_address {
                return None;
            }
            *count += 1;
        }
        open.total += 1;
        Some(ConnectionPermit { limiter: self.clone(), address })
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut open = self.limiter.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.total -= 1;
        let Some(address) = self.address else { return };
        if let Some(count) = open.by_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                open.by_address.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acquire_respects_both_limits_and_drop_releases_the_permit() {
        let limiter = ConnectionLimiter::new(&Limits { connections: 3, connections_per_address: 2, ..Limits::default() });
        let (a, b): (IpAddr, IpAddr) = ([192, 0, 2, 1].into(), [192, 0, 2, 2].into());
        let first = limiter.acquire(a, true).expect("a permit");
        let _second = limiter.acquire(a, true).expect("a permit");
        assert!(limiter.acquire(a, true).is_none(), "the limit per address is 2");
        let _other = limiter.acquire(b, true).expect("a permit");
        assert!(limiter.acquire(b, false).is_none(), "the limit in total is 3");
        drop(first);
        assert!(limiter.acquire(a, true).is_some());
        assert_eq!(limiter.0.open.lock().expect("not poisoned").total, 2);
    }
}
