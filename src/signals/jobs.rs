//! The hand-over of executions to the workers of this process. A worker's slot is reserved first; an execution inserted or
//! claimed with a reserved slot is held by this node and begins at once. The others wait in the database until a slot is free.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use tokio::sync::Notify;

use super::slots::{Reservation, WorkerSlots};
use crate::domain::job::Job;
use crate::domain::node::NodeIdentity;

/// The hand-over; clones share it.
#[derive(Debug, Clone, Default)]
pub struct JobQueue(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    queued: Mutex<BTreeSet<String>>,
    notify: Notify,
    slots: RwLock<Option<Arc<WorkerSlots>>>,
}

impl JobQueue {
    /// Tells the workers that executions wait in these queues.
    pub fn queued<'q>(&self, queues: impl IntoIterator<Item = &'q str>) {
        let slots = self.slots();
        let mut queued = self.0.queued.lock().unwrap_or_else(PoisonError::into_inner);
        for queue in queues {
            if let Some(slots) = &slots {
                slots.add_backlog(queue);
            }
            if !queued.contains(queue) {
                queued.insert(queue.to_owned());
            }
        }
        self.0.notify.notify_one();
    }

    /// Waits for waiting executions; returns the queues that have some.
    pub async fn wait(&self) -> BTreeSet<String> {
        self.0.notify.notified().await;
        std::mem::take(&mut *self.0.queued.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The workers of this process start, with these slots.
    pub fn open(&self, slots: &Arc<WorkerSlots>) {
        *self.0.slots.write().unwrap_or_else(PoisonError::into_inner) = Some(slots.clone());
    }

    fn slots(&self) -> Option<Arc<WorkerSlots>> {
        self.0.slots.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Begins to reserve slots for executions that a transaction inserts.
    #[must_use]
    pub fn starts(&self) -> Starts {
        Starts { slots: self.slots(), reserved: Vec::new() }
    }
}

/// The slots reserved for the executions of one transaction. Unless it is handed over, the outcome of the transaction is unknown,
/// and the workers look for executions that are held without having begun.
#[derive(Debug)]
pub struct Starts {
    slots: Option<Arc<WorkerSlots>>,
    reserved: Vec<Reservation>,
}

impl Starts {
    /// Reserves a free slot for an execution. Returns the node that will hold it; `None` if it must wait in its queue.
    pub fn reserve(&mut self, execution_id: &str, queue: &str) -> Option<Arc<NodeIdentity>> {
        let slots = self.slots.as_ref()?;
        let reservation = slots.reserve(execution_id, queue)?;
        self.reserved.push(reservation);
        Some(slots.node.clone())
    }

    /// Hands over the jobs of the held executions after the commit. Slots without a job are free again.
    pub fn hand_over(mut self, jobs: Vec<Job>) {
        let mut reserved = std::mem::take(&mut self.reserved);
        for job in jobs {
            if let Some(place) = reserved.iter().position(|one| one.execution_id() == job.execution_id) {
                reserved.swap_remove(place).hand_over(job);
            }
        }
        reserved.into_iter().for_each(Reservation::free);
    }
}
