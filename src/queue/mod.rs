//! The queue: an apalis backend over the executions that this node holds (`backend`), and one apalis worker per named queue
//! ([`worker`]). The database is the queue of all nodes; what this node holds is handed over in memory. What a job does is decided
//! by the [`JobHandler`].

use std::sync::Arc;

mod backend;
pub mod worker;

use crate::signals::slots::HeldJob;

/// A named queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueConfig {
    pub name: String,
    /// Concurrent runs of this queue in this process, at least 1.
    pub limit: usize,
}

/// Processes the jobs that a queue delivers.
pub trait JobHandler: Send + Sync + 'static {
    /// Returns when the job has ended, or will not begin.
    fn process_job(self: Arc<Self>, job: HeldJob) -> impl Future<Output = ()> + Send;
}
