//! The apalis worker of one queue: started, and restarted should it end. Runs in progress are not affected, because each is a
//! tokio task of its own.

use std::sync::Arc;
use std::time::Duration;

use apalis_core::error::{BoxDynError, WorkerError};
use apalis_core::worker::builder::WorkerBuilder;
use apalis_core::worker::context::WorkerContext;
use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use super::JobHandler;
use super::backend::QueueBackend;
use crate::clock::SharedClock;
use crate::signals::slots::{HeldJob, QueueSlots};

/// The delay before a worker is restarted.
const RESTART_DELAY: Duration = Duration::from_millis(100);

/// Runs the worker of one queue until `shutdown`, restarting it when it ends.
pub async fn serve(handler: Arc<impl JobHandler>, queue: Arc<QueueSlots>, clock: SharedClock, shutdown: CancellationToken) {
    loop {
        tokio::select! {
            ended = run_worker(&handler, &queue, &clock) => {
                let error = ended.err().map(|error| error.to_string()).unwrap_or_default();
                tracing::warn!(queue = queue.name, error, "worker ended unexpectedly; restarting");
            }
            () = shutdown.cancelled() => return,
        }
        tokio::select! {
            () = tokio::time::sleep(RESTART_DELAY) => {}
            () = shutdown.cancelled() => return,
        }
    }
}

/// Runs an apalis worker that passes jobs to the handler, until it ends.
async fn run_worker(handler: &Arc<impl JobHandler>, queue: &Arc<QueueSlots>, clock: &SharedClock) -> Result<(), WorkerError> {
    let handler = handler.clone();
    let process_job = move |job: HeldJob| {
        let handler = handler.clone();
        async move {
            handler.process_job(job).await;
            Ok::<(), BoxDynError>(())
        }
    };
    let context = WorkerContext::new(&queue.name);
    let worker = WorkerBuilder::new(&context).backend(QueueBackend::new(queue.clone(), clock.clone())).build(process_job);
    let running: BoxFuture<'static, Result<(), WorkerError>> = Box::pin(worker.run());
    running.await
}
