//! The apalis backend of one queue. Its jobs are those that were handed over to this process, each with a slot; the worker that
//! polls it is therefore never asked to run more than its limit.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use apalis_core::backend::finalize::Ephemeral;
use apalis_core::backend::{Backend, BackendConfig};
use apalis_core::task::Task;
use apalis_core::task::task_id::RandomId;
use apalis_core::worker::context::WorkerContext;
use tower_layer::Identity;

use crate::clock::{SharedClock, precise};
use crate::signals::slots::{HeldJob, NextLook, QueueSlots};

/// So many runs that were planned ahead begin at their time to the fraction of a millisecond. More would spend as much time on waking
/// up as on running; they begin within a few milliseconds, several at a time.
const FEW_AHEAD: usize = 8;
/// The shortest sleep while there are more.
const SHORTEST_SLEEP: Duration = Duration::from_millis(1);

/// The jobs of one queue that are due.
pub(super) struct QueueBackend {
    queue: Arc<QueueSlots>,
    clock: SharedClock,
    /// Until the next job is due.
    sleep: Option<Sleep>,
}

struct Sleep {
    until: Instant,
    future: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl QueueBackend {
    pub fn new(queue: Arc<QueueSlots>, clock: SharedClock) -> Self {
        Self { queue, clock, sleep: None }
    }

    /// Sleeps until the queue has to be looked at again. Ready: now.
    fn poll_sleep(&mut self, cx: &mut Context<'_>, next: NextLook) -> Poll<()> {
        let until = Instant::now() + next.after;
        let sleep = match &mut self.sleep {
            Some(sleep) if sleep.until <= until => sleep,
            sleep => sleep.insert(Sleep::new(until, next)),
        };
        let ended = sleep.future.as_mut().poll(cx);
        if ended.is_ready() {
            self.sleep = None;
        }
        ended
    }
}

impl Sleep {
    fn new(until: Instant, next: NextLook) -> Self {
        match next.ahead {
            ..=FEW_AHEAD => Self { until, future: Box::pin(precise::sleep(next.after)) },
            _ => {
                let after = next.after.max(SHORTEST_SLEEP);
                Self { until, future: Box::pin(tokio::time::sleep(after)) }
            }
        }
    }
}

impl Backend for QueueBackend {
    type Task = Task<HeldJob>;
    type Error = Infallible;

    fn poll_ready(&mut self, _cx: &mut Context<'_>, _worker: &WorkerContext) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn poll_next(&mut self, cx: &mut Context<'_>, _worker: &WorkerContext) -> Poll<Option<Result<Self::Task, Self::Error>>> {
        loop {
            let now = self.clock.now();
            if let Poll::Ready(job) = self.queue.poll_due(cx, now) {
                return Poll::Ready(Some(Ok(Task::new(job))));
            }
            let Some(next) = self.queue.next_look(now) else { return Poll::Pending };
            if self.poll_sleep(cx, next).is_pending() {
                return Poll::Pending;
            }
        }
    }

    fn poll_close(&mut self, _cx: &mut Context<'_>, _worker: &WorkerContext) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }
}

impl BackendConfig for QueueBackend {
    type Args = HeldJob;
    type Id = RandomId;
    type Kind = Ephemeral;
    type Config = ();
    type Layer = Identity;

    fn config(&self) -> &Self::Config {
        &()
    }

    fn middleware(&mut self, _worker: &mut WorkerContext) -> Self::Layer {
        Identity::new()
    }
}
