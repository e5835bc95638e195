//! The hand-over of executions to the workers of this process. A worker's slot is reserved first; an execution inserted or
//! claimed with a reserved slot is held by this node and begins at once. The others wait in the database until a slot is free.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use tokio::sync::Notify;

use super::slots::{Reservation, WorkerSlots};
use crate::domain::job::Job;
use crate::domain::node::NodeIdentity;
use crate::domain::queue::QueueSettings;

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

    /// Applies what administrators set for the queues to the workers of this process.
    pub fn apply(&self, settings: &QueueSettings) {
        if self.slots().is_some_and(|slots| slots.apply(settings)) {
            self.0.notify.notify_one();
        }
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
    /// Reserves nothing.
    #[must_use]
    pub fn none() -> Self {
        Self { slots: None, reserved: Vec::new() }
    }

    /// Reserves a free slot for an execution. Returns the node that will hold it; `None` if it must wait in its queue.
    pub fn reserve(&mut self, execution_id: &str, queue: &str) -> Option<Arc<NodeIdentity>> {
        self.keep(|slots| slots.reserve(execution_id, queue))
    }

    /// Reserves a place for an execution that begins later. Returns the node that will hold it; `None` if there are too many.
    pub fn reserve_ahead(&mut self, execution_id: &str, queue: &str) -> Option<Arc<NodeIdentity>> {
        self.keep(|slots| slots.reserve_ahead(execution_id, queue))
    }

    fn keep(&mut self, reserve: impl FnOnce(&Arc<WorkerSlots>) -> Option<Reservation>) -> Option<Arc<NodeIdentity>> {
        let slots = self.slots.as_ref()?;
        self.reserved.push(reserve(slots)?);
        Some(slots.node.clone())
    }

    /// Hands over the jobs of the held executions after the commit. Slots without a job are free again.
    pub fn hand_over(mut self, jobs: Vec<Job>) {
        let mut jobs: HashMap<String, Job> = jobs.into_iter().map(|job| (job.execution_id.clone(), job)).collect();
        for reservation in self.reserved.drain(..) {
            match jobs.remove(reservation.execution_id()) {
                Some(job) => reservation.hand_over(job),
                None => reservation.free(),
            }
        }
    }
}
