//! The queue: jobs of queued executions, handed over in the transaction that queues them ([`jobs`]) and delivered by one
//! apalis worker per named queue ([`worker`]). What a job does is decided by the [`JobHandler`].

use std::sync::Arc;

mod backend;
mod consumer;
pub mod jobs;
pub mod worker;

pub use consumer::{QueueConfig, QueueConsumer, SlotGuard};

/// A job as stored: JSON bytes.
pub type StoredJob = Vec<u8>;

/// Processes the jobs that a queue delivers.
pub trait JobHandler: Send + Sync + 'static {
    /// Returns when the job may be acknowledged; never returns for a job that did not start.
    fn process_job(self: Arc<Self>, slot: SlotGuard, job: StoredJob) -> impl Future<Output = ()> + Send;
}
