//! The recorder: writes starts, results and output in batches, and hands waiting executions out to the slots that became free.
//! Everything that waits goes into one transaction, so that ten thousand quick runs take a few hundred commits. While the
//! database is unavailable the recorder keeps retrying; nothing is lost.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::batch::{Batch, Entry};
use super::report::{Recorded, report};
use super::{WorkerDeps, isolate};
use crate::chain;
use crate::domain::job::Job;
use crate::notify::incidents::{self, DecisionTime, TaskOutcome};
use crate::signals::slots::{Wanted, WorkerSlots};
use crate::storage;
use crate::storage::Tx;
use crate::storage::execution::{self, Claim, Finish, Rendered};
use crate::tasks::output::ExecutionChunk;

/// The most starts and results in one batch.
const BATCH_MAX: usize = 1_000;
/// How often the recorder yields for further entries to join a batch.
const MAX_YIELDS: usize = 4;
/// The shortest time between two transactions while nothing waits for a slot. The results of a steady load then form groups.
const MIN_INTERVAL: Duration = Duration::from_millis(50);
/// The same for results that start other tasks.
const CHAIN_INTERVAL: Duration = Duration::from_millis(20);
/// How long output waits for more output.
const OUTPUT_WAIT: Duration = Duration::from_millis(200);
/// Output of this many bytes is written without waiting.
const OUTPUT_MAX: usize = 256 * 1024;
/// The delay before a failed transaction is retried, doubled each time up to the maximum.
const RETRY_DELAY: Duration = Duration::from_millis(50);
const RETRY_DELAY_MAX: Duration = Duration::from_secs(2);
/// How often a batch that met another node's transaction is repeated without a pause.
const MAX_CONFLICTS: u32 = 10;

/// A handle to the recorder; clones share it.
#[derive(Clone)]
pub(super) struct Recorder {
    entries: mpsc::UnboundedSender<Entry>,
    output: mpsc::UnboundedSender<ExecutionChunk>,
    /// Wakes the recorder while it waits for a group of results.
    urgent: Arc<Notify>,
    closing: CancellationToken,
}

impl Recorder {
    /// Starts the recorder. The returned task ends when everything is written after [`Recorder::close`].
    pub fn start(deps: &Arc<WorkerDeps>, slots: &Arc<WorkerSlots>) -> (Self, JoinHandle<()>) {
        let (entries, entry_inbox) = mpsc::unbounded_channel();
        let (output, output_inbox) = mpsc::unbounded_channel();
        let (urgent, closing) = (Arc::<Notify>::default(), CancellationToken::new());
        let recording = Recording {
            deps: deps.clone(),
            slots: slots.clone(),
            entries: entry_inbox,
            output: output_inbox,
            urgent: urgent.clone(),
            closing: closing.clone(),
            batch: Batch::default(),
            flush_at: None,
            written_at: None,
        };
        (Self { entries, output, urgent, closing }, tokio::spawn(recording.run()))
    }

    /// Marks a held execution as running, at the latest with its result.
    pub fn started(&self, claim: Claim, task_id: &str) {
        let _ = self.entries.send(Entry::Started { claim, task_id: task_id.to_owned() }); // fails if the recorder has ended
    }

    /// Hands waiting executions out to the free slots.
    pub fn fetch(&self) {
        let _ = self.entries.send(Entry::Fetch); // fails if the recorder has ended
        self.urgent.notify_one();
    }

    /// Records a result. Returns when it is written. False if it was discarded because the execution is claimed elsewhere;
    /// `None` if it could not be written.
    pub async fn finish(&self, finish: Finish, job: &Job) -> Option<bool> {
        let (answer, answered) = oneshot::channel();
        let (task_id, chained, late) = (job.task_id.clone(), job.chained, job.is_late(finish.started_at));
        self.entries.send(Entry::Finish { finish, task_id, chained, late, answer }).ok()?;
        if chained {
            self.urgent.notify_one();
        }
        answered.await.ok()
    }

    /// Records the rendered parameters of a claimed run, at the latest with its result.
    pub fn rendered(&self, rendered: Rendered) {
        let _ = self.entries.send(Entry::Rendered(rendered)); // fails if the recorder has ended
    }

    /// The channel to which runs send their output.
    pub fn output(&self) -> mpsc::UnboundedSender<ExecutionChunk> {
        self.output.clone()
    }

    /// Ends the recorder once everything received so far is written.
    pub fn close(&self) {
        self.closing.cancel();
    }
}

struct Recording {
    deps: Arc<WorkerDeps>,
    slots: Arc<WorkerSlots>,
    entries: mpsc::UnboundedReceiver<Entry>,
    output: mpsc::UnboundedReceiver<ExecutionChunk>,
    urgent: Arc<Notify>,
    closing: CancellationToken,
    batch: Batch,
    /// The latest time at which waiting output is written.
    flush_at: Option<Instant>,
    /// When the last transaction began.
    written_at: Option<Instant>,
}

impl Recording {
    async fn run(mut self) {
        loop {
            let last = self.gather().await;
            if last || self.is_due() {
                self.flush_at = None;
                let batch = std::mem::take(&mut self.batch);
                self.written_at = Some(Instant::now());
                self.write(batch).await;
            }
            if last && self.entries.is_empty() && self.output.is_empty() {
                return;
            }
        }
    }

    /// Adds incoming entries and output to the batch. Returns true if the recorder is closing.
    async fn gather(&mut self) -> bool {
        let (mut entries, mut output) = (Vec::new(), Vec::new());
        let flush_at = if self.batch.has_entries() { Some(self.not_before()) } else { self.flush_at };
        // What comes until the batch is due is taken together.
        let waits = self.batch.has_entries() && !self.is_due();
        let last = tokio::select! {
            biased;
            _ = self.entries.recv_many(&mut entries, BATCH_MAX), if !waits => false,
            _ = self.output.recv_many(&mut output, BATCH_MAX), if !waits => false,
            () = until(flush_at) => false,
            () = self.urgent.notified(), if waits => false,
            () = self.closing.cancelled() => true,
        };
        if last || waits || !entries.is_empty() {
            self.fill_up(&mut entries).await;
        }
        // A run sends all its output before its result, so this receives all of it.
        while let Ok(chunk) = self.output.try_recv() {
            output.push(chunk);
        }
        output.into_iter().for_each(|chunk| self.batch.add_output(chunk));
        entries.into_iter().for_each(|entry| self.batch.add(entry));
        if self.flush_at.is_none() && self.batch.output_size > 0 {
            self.flush_at = Some(Instant::now() + OUTPUT_WAIT);
        }
        last
    }

    /// Yields while more entries arrive. Many runs begin at once; their results then form one batch, instead of the first of them
    /// being a batch by itself.
    async fn fill_up(&mut self, entries: &mut Vec<Entry>) {
        for _ in 0..MAX_YIELDS {
            tokio::task::yield_now().await;
            let before = entries.len();
            while entries.len() < BATCH_MAX
                && let Ok(entry) = self.entries.try_recv()
            {
                entries.push(entry);
            }
            if entries.len() == before {
                return;
            }
        }
    }

    /// The earliest time at which the batch is written.
    fn not_before(&self) -> Instant {
        let interval = if self.batch.starts_others() { CHAIN_INTERVAL } else { MIN_INTERVAL };
        self.written_at.map_or_else(Instant::now, |at| at + interval)
    }

    /// Whether the batch is written now: starts and results after [`MIN_INTERVAL`], at once if executions wait for a slot; output
    /// after [`OUTPUT_WAIT`].
    fn is_due(&self) -> bool {
        let now = Instant::now();
        let waiting = || self.slots.queues().any(|queue| queue.has_backlog());
        (self.batch.has_entries() && (self.not_before() <= now || self.batch.fetch || waiting()))
            || self.batch.output_size >= OUTPUT_MAX
            || self.flush_at.is_some_and(|at| at <= now)
    }

    /// Writes a batch, retrying as long as necessary; then answers the waiting runs and publishes events.
    async fn write(&self, batch: Batch) {
        if batch.is_empty() {
            return;
        }
        match self.store(&batch).await {
            Ok((recorded, handed_out)) => {
                handed_out.into_iter().for_each(|(wanted, jobs)| wanted.hand_over(&self.slots, jobs));
                report(&self.deps, batch, &recorded);
            }
            Err(error) => Box::pin(self.write_halves(batch, &error)).await,
        }
    }

    /// Writes the two halves of a rejected batch, so that a rejected row is found after a few transactions. A row that is
    /// rejected by itself is dropped, or reduced if it is a result.
    async fn write_halves(&self, batch: Batch, error: &storage::Error) {
        match batch.split() {
            Ok((first, second)) => {
                tracing::debug!(%error, "database rejected a batch; writing its halves");
                self.write(first).await;
                self.write(second).await;
            }
            Err(single) => {
                tracing::error!(%error, row = single.describe(), "database rejected a row; dropping it");
                if let Some(reduced) = single.without_payload() {
                    self.write(reduced).await;
                }
            }
        }
    }

    /// Writes the batch, retrying while the database is unavailable.
    ///
    /// # Errors
    /// A permanent error: the database rejects a row of the batch.
    async fn store(&self, batch: &Batch) -> storage::Result<(Recorded, HandedOut)> {
        let (mut delay, mut conflicts) = (RETRY_DELAY, 0);
        let mut fetch = true;
        loop {
            let repeated = delay > RETRY_DELAY;
            let error = match store_once(&self.deps, &self.slots, batch, repeated, fetch).await {
                Ok(stored) => {
                    if repeated {
                        tracing::info!("database available again; results recorded");
                    }
                    if !fetch {
                        self.isolate().await;
                    }
                    return Ok(stored);
                }
                Err(error) => error,
            };
            self.slots.set_unknown();
            if !error.is_transient() {
                if !fetch {
                    return Err(error);
                }
                // The cause may be a waiting execution; the results must not suffer from it.
                tracing::debug!(%error, "database rejected a batch; writing it without handing out executions");
                fetch = false;
                continue;
            }
            if error.is_conflict() && conflicts < MAX_CONFLICTS {
                conflicts += 1;
                continue;
            }
            if !repeated {
                tracing::error!(%error, "database unavailable; retrying to record results");
            }
            tokio::time::sleep(delay).await;
            delay = (delay * 2).min(RETRY_DELAY_MAX);
        }
    }

    /// Leaves out the waiting executions because of which nothing was handed out, and has the others handed out.
    async fn isolate(&self) {
        match isolate::isolate(&self.deps, &self.slots).await {
            Ok(true) => self.deps.signals.jobs.queued([]),
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "failed to look for executions that cannot be handed out"), // looked for again
        }
    }
}

/// The executions handed out in one transaction, by queue.
type HandedOut = Vec<(Wanted, Vec<Job>)>;

/// Writes the batch in one transaction. If `repeated`, an earlier attempt may have been committed although its answer was
/// lost: its results then count as accepted.
async fn store_once(
    deps: &WorkerDeps,
    slots: &WorkerSlots,
    batch: &Batch,
    repeated: bool,
    fetch: bool,
) -> storage::Result<(Recorded, HandedOut)> {
    let mut recorded = Recorded::default();
    let mut tx = deps.database.write().await?;
    if !batch.rendered.is_empty() {
        execution::save_rendered(&mut tx, &deps.node.id, &batch.rendered).await?;
    }
    if !batch.started.is_empty() {
        recorded.started = execution::mark_running(&mut tx, &deps.node.id, &batch.started).await?;
    }
    if !batch.output.is_empty() {
        execution::append_output(&mut tx, &batch.output).await?;
    }
    if !batch.finishes.is_empty() {
        let finished = execution::finish(&mut tx, &deps.node.id, &batch.finishes).await?;
        let mut outcomes = batch.outcomes(&finished);
        recorded.finished = finished.executions;
        recorded.chained = chain::start(&mut tx, &batch.ended(&recorded.finished), deps.clock.now()).await?;
        outcomes.extend(recorded.chained.executions.iter().filter_map(TaskOutcome::of_new));
        let at = DecisionTime { now: deps.clock.now(), zone: deps.zone };
        recorded.notifies = incidents::record(&mut tx, &outcomes, at).await?;
        if repeated {
            recorded.finished.extend(execution::recorded_finishes(&mut tx, &batch.finishes).await?);
        }
    }
    let handed_out = if fetch { hand_out(deps, slots, &mut tx).await? } else { Vec::new() };
    tx.commit().await?;
    Ok((recorded, handed_out))
}

/// Hands waiting executions out to the free slots. If an earlier transaction may have done so without an answer, those that have
/// not begun wait again first.
async fn hand_out(deps: &WorkerDeps, slots: &WorkerSlots, tx: &mut Tx) -> storage::Result<HandedOut> {
    if slots.take_unknown() && execution::release(tx, &deps.node.id, &slots.held()).await? > 0 {
        slots.queues().for_each(|queue| queue.add_backlog());
    }
    let (mut handed_out, refused) = (Vec::new(), slots.refused());
    for wanted in slots.wanted() {
        let limit = i64::try_from(wanted.count()).unwrap_or(i64::MAX);
        let jobs = execution::hand_out(tx, &deps.node, &wanted.queue.name, &refused, limit, deps.clock.now()).await?;
        handed_out.push((wanted, jobs));
    }
    Ok(handed_out)
}

/// Returns at the given time; never without one.
async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
