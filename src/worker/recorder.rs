//! The recorder writes what runs come to, in groups: everything that waits goes into one transaction, so that ten thousand
//! quick runs cost a few hundred commits. Nothing is lost while the database does not answer; it is written when it does.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Parts;
use super::group::{Entry, Group};
use super::report::report;
use crate::chain::{self, Started};
use crate::storage;
use crate::storage::execution::{self, Claim, Finish};
use crate::tasks::output::Piece;

/// Claims and results taken into one group.
const GROUP_MAX: usize = 1_000;
/// How often the recorder steps back for others to join a group.
const ROUNDS: usize = 4;
/// Output waits this long for more of it.
const OUTPUT_WAIT: Duration = Duration::from_millis(200);
/// This much output is written at once.
const OUTPUT_MAX: usize = 256 * 1024;
/// The wait before a failed transaction is tried again, doubled each time up to the longest.
const PAUSE: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// A handle to the recorder; clones share it.
#[derive(Clone)]
pub(super) struct Recorder {
    entries: mpsc::UnboundedSender<Entry>,
    pieces: mpsc::UnboundedSender<Piece>,
    closing: CancellationToken,
}

impl Recorder {
    /// Starts recording; the second value ends when all is written after [`Recorder::close`].
    pub fn start(parts: &Arc<Parts>) -> (Self, JoinHandle<()>) {
        let (entries, entry_inbox) = mpsc::unbounded_channel();
        let (pieces, piece_inbox) = mpsc::unbounded_channel();
        let closing = CancellationToken::new();
        let recording = Recording {
            parts: parts.clone(),
            entries: entry_inbox,
            pieces: piece_inbox,
            closing: closing.clone(),
            group: Group::default(),
            flush_at: None,
        };
        (Self { entries, pieces, closing }, tokio::spawn(recording.run()))
    }

    /// Asks for an execution. False where it must not run: cancelled, or held by another attempt or process. `None` where
    /// there is no answer: the job stays in the queue.
    pub async fn claim(&self, claim: Claim, task_id: &str) -> Option<bool> {
        let (answer, answered) = oneshot::channel();
        let entry = Entry::Claim { claim, task_id: task_id.to_owned(), answer };
        self.entries.send(entry).ok()?;
        answered.await.ok()
    }

    /// Returns when the result is written. False where it does not count: the execution is held elsewhere. `None` where it
    /// was given up.
    pub async fn finish(&self, finish: Finish, task_id: &str, chained: bool) -> Option<bool> {
        let (answer, answered) = oneshot::channel();
        self.entries.send(Entry::Finish { finish, task_id: task_id.to_owned(), chained, answer }).ok()?;
        answered.await.ok()
    }

    /// Where runs send their output.
    pub fn output(&self) -> mpsc::UnboundedSender<Piece> {
        self.pieces.clone()
    }

    /// Lets the recorder end once everything that came so far is written.
    pub fn close(&self) {
        self.closing.cancel();
    }
}

struct Recording {
    parts: Arc<Parts>,
    entries: mpsc::UnboundedReceiver<Entry>,
    pieces: mpsc::UnboundedReceiver<Piece>,
    closing: CancellationToken,
    group: Group,
    /// When output that waits is written at the latest.
    flush_at: Option<Instant>,
}

impl Recording {
    async fn run(mut self) {
        loop {
            let last = self.gather().await;
            if last || self.is_due() {
                self.flush_at = None;
                let group = std::mem::take(&mut self.group);
                self.write(group).await;
            }
            if last && self.entries.is_empty() && self.pieces.is_empty() {
                return;
            }
        }
    }

    /// Takes what comes into the group. True when the recorder is to end.
    async fn gather(&mut self) -> bool {
        let (mut entries, mut pieces) = (Vec::new(), Vec::new());
        let flush_at = self.flush_at;
        let last = tokio::select! {
            biased;
            _ = self.entries.recv_many(&mut entries, GROUP_MAX) => false,
            _ = self.pieces.recv_many(&mut pieces, GROUP_MAX) => false,
            () = until(flush_at) => false,
            () = self.closing.cancelled() => true,
        };
        if last || !entries.is_empty() {
            self.let_others_join(&mut entries).await;
        }
        // Whatever a run wrote was sent before its result, so this catches all of it.
        while let Ok(piece) = self.pieces.try_recv() {
            pieces.push(piece);
        }
        pieces.into_iter().for_each(|piece| self.group.add_output(piece));
        entries.into_iter().for_each(|entry| self.group.add(entry));
        if self.flush_at.is_none() && self.group.output_size > 0 {
            self.flush_at = Some(Instant::now() + OUTPUT_WAIT);
        }
        last
    }

    /// Steps back while more comes in. The answers to one group set many runs going at once; their results and the claims of
    /// the runs that follow them then make one group, where otherwise the first of them would be a group by itself.
    async fn let_others_join(&mut self, entries: &mut Vec<Entry>) {
        for _ in 0..ROUNDS {
            tokio::task::yield_now().await;
            let before = entries.len();
            while entries.len() < GROUP_MAX
                && let Ok(entry) = self.entries.try_recv()
            {
                entries.push(entry);
            }
            if entries.len() == before {
                return;
            }
        }
    }

    /// Claims and results never wait; output does, for a moment.
    fn is_due(&self) -> bool {
        self.group.has_entries() || self.group.output_size >= OUTPUT_MAX || self.flush_at.is_some_and(|at| at <= Instant::now())
    }

    /// Writes a group, whatever it takes; then answers and reports.
    async fn write(&self, group: Group) {
        if group.is_empty() {
            return;
        }
        match self.store(&group).await {
            Ok(stored) => report(&self.parts, group, &stored),
            Err(error) => Box::pin(self.write_singly(group, &error)).await,
        }
    }

    /// A row in the group cannot be stored. The others are, each by itself; that one is given up in part.
    async fn write_singly(&self, group: Group, error: &storage::Error) {
        match group.split() {
            Ok(groups) => {
                tracing::warn!(%error, "a group of results was refused by the database; they are written one by one");
                for group in groups {
                    self.write(group).await;
                }
            }
            Err(single) => {
                tracing::error!(%error, what = single.describe(), "the database refuses this; it is given up");
                if let Some(lesser) = single.lesser() {
                    self.write(lesser).await;
                }
            }
        }
    }

    /// Tries until the database takes the group.
    ///
    /// # Errors
    /// Where trying again does not help: something in the group is refused.
    async fn store(&self, group: &Group) -> storage::Result<Stored> {
        let mut pause = PAUSE;
        loop {
            let error = match store_once(&self.parts, group).await {
                Ok(stored) => {
                    if pause > PAUSE {
                        tracing::info!("the database answers again; results are recorded");
                    }
                    return Ok(stored);
                }
                Err(error) => error,
            };
            if !error.may_pass() {
                return Err(error);
            }
            if pause == PAUSE {
                tracing::error!(%error, "results cannot be recorded now; tried again until the database answers");
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }
}

/// Which claims and results counted.
#[derive(Debug, Default)]
pub(super) struct Stored {
    pub claimed: std::collections::HashSet<String>,
    pub finished: std::collections::HashSet<String>,
    /// What the ends started.
    pub chained: Started,
}

/// One transaction for all.
async fn store_once(parts: &Parts, group: &Group) -> storage::Result<Stored> {
    let mut stored = Stored::default();
    let mut tx = parts.database.write().await?;
    if !group.output.is_empty() {
        execution::append_output(&mut tx, &group.output).await?;
    }
    if !group.finishes.is_empty() {
        stored.finished = execution::finish(&mut tx, &parts.node.id, &group.finishes).await?;
        stored.chained = chain::start(&mut tx, &group.ended(&stored.finished), parts.clock.now()).await?;
    }
    if !group.claims.is_empty() {
        stored.claimed = execution::claim(&mut tx, &parts.node, &group.claims).await?;
    }
    tx.commit().await?;
    Ok(stored)
}

/// Ends at the instant; never without one.
async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
