//! Counts open connections, in all and by address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use super::limits::Limits;
use super::rate::origin;

/// Clones count together.
#[derive(Clone)]
pub(super) struct Census(Arc<Inner>);

struct Inner {
    most: usize,
    most_of_one: usize,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// An open connection; it counts until it is dropped.
pub(super) struct Place {
    census: Census,
    address: Option<IpAddr>,
}

impl Census {
    pub fn new(limits: &Limits) -> Self {
        let (most, most_of_one) = (limits.connections.max(1), limits.connections_per_address.max(1));
        Self(Arc::new(Inner { most, most_of_one, open: Mutex::default() }))
    }

    /// A place for one connection more; `None` where there is none left. `by_address`: the address has a limit of its own.
    pub fn enter(&self, peer: IpAddr, by_address: bool) -> Option<Place> {
        let address = by_address.then(|| origin(peer));
        let mut open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.all >= self.0.most {
            return None;
        }
        if let Some(address) = address {
            let of_one = open.by_address.entry(address).or_insert(0);
            if *of_one >= self.0.most_of_one {
                return None;
            }
            *of_one += 1;
        }
        open.all += 1;
        Some(Place { census: self.clone(), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.census.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.all -= 1;
        let Some(address) = self.address else { return };
        if let Some(of_one) = open.by_address.get_mut(&address) {
            *of_one -= 1;
            if *of_one == 0 {
                open.by_address.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_cannot_take_all_places_and_places_come_back() {
        let census = Census::new(&Limits { connections: 3, connections_per_address: 2, ..Limits::default() });
        let (a, b): (IpAddr, IpAddr) = ([192, 0, 2, 1].into(), [192, 0, 2, 2].into());
        let first = census.enter(a, true).expect("a place");
        let _second = census.enter(a, true).expect("a place");
        assert!(census.enter(a, true).is_none(), "two of one address");
        let _other = census.enter(b, true).expect("a place");
        assert!(census.enter(b, false).is_none(), "three in all");
        drop(first);
        assert!(census.enter(a, true).is_some());
        assert_eq!(census.0.open.lock().expect("not poisoned").all, 2);
    }
}
