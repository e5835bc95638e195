//! A batch: the starts, results and output that are written in one transaction, with the runs that wait for an answer.

use std::collections::HashSet;

use tokio::sync::oneshot;

use crate::chain::Ended;
use crate::i18n::message;
use crate::notify::incidents::TaskOutcome;
use crate::storage::execution::{Claim, Finish, Finished, NewOutput, Rendered};
use crate::tasks::output::ExecutionChunk;

/// Consecutive output of one run is joined into rows of up to this many bytes.
const ROW_MAX: usize = 64 * 1024;

/// A request to the recorder.
pub(super) enum Entry {
    /// A run has lasted longer than a quick one. Nobody waits until it is marked.
    Started {
        claim: Claim,
        task_id: String,
    },
    Finish {
        finish: Finish,
        task_id: String,
        chained: bool,
        late: Option<bool>,
        answer: oneshot::Sender<bool>,
    },
    /// Nobody waits until these are written.
    Rendered(Rendered),
    /// Executions wait in the database.
    Fetch,
}

/// Rows that are written together. `pending_finishes` has the order of `finishes`.
#[derive(Default)]
pub(super) struct Batch {
    pub started: Vec<Claim>,
    /// The task ids of `started`.
    pub started_tasks: Vec<String>,
    pub finishes: Vec<Finish>,
    pub pending_finishes: Vec<PendingFinish>,
    pub rendered: Vec<Rendered>,
    pub output: Vec<NewOutput>,
    /// The size of the output and the rendered parameters in bytes.
    pub output_size: usize,
    /// Whether waiting executions are to be handed out.
    pub fetch: bool,
}

/// A run that waits until its result is recorded.
pub(super) struct PendingFinish {
    pub task_id: String,
    /// Whether the task starts other tasks when a run ends.
    pub chained: bool,
    /// As [`crate::domain::job::Job::is_late`].
    pub late: Option<bool>,
    pub answer: oneshot::Sender<bool>,
}

impl Batch {
    pub fn add(&mut self, entry: Entry) {
        match entry {
            Entry::Started { claim, task_id } => {
                self.started.push(claim);
                self.started_tasks.push(task_id);
            }
            Entry::Finish { finish, task_id, chained, late, answer } => {
                self.finishes.push(finish);
                self.pending_finishes.push(PendingFinish { task_id, chained, late, answer });
            }
            Entry::Rendered(rendered) => {
                self.output_size += rendered.params.len().max(1);
                self.rendered.push(rendered);
            }
            Entry::Fetch => self.fetch = true,
        }
    }

    /// Adds output, joined with the previous row if that has the same run and stream.
    pub fn add_output(&mut self, output: ExecutionChunk) {
        let ExecutionChunk { execution_id, chunk } = output;
        self.output_size += chunk.text.len();
        if let Some(last) = self.output.last_mut()
            && *last.execution_id == *execution_id
            && (last.chunk.attempt, last.chunk.stream) == (chunk.attempt, chunk.stream)
            && last.chunk.text.len() + chunk.text.len() <= ROW_MAX
        {
            last.chunk.text.push_str(&chunk.text);
            return;
        }
        self.output.push(NewOutput { execution_id: execution_id.as_ref().to_owned(), chunk });
    }

    /// The accepted runs that ended without a retry and whose tasks start other tasks.
    pub fn ended(&self, accepted: &HashSet<String>) -> Vec<Ended> {
        let pairs = self.finishes.iter().zip(&self.pending_finishes);
        let ended = pairs
            .filter(|(finish, pending)| pending.chained && finish.retry_at.is_none() && accepted.contains(&finish.execution_id));
        let end = |(finish, pending): (&Finish, &PendingFinish)| Ended {
            execution_id: finish.execution_id.clone(),
            task_id: pending.task_id.clone(),
            status: finish.status,
        };
        ended.map(end).collect()
    }

    /// The ends of runs that incidents depend on: of tasks that failed, began late or have open incidents. Nothing for the many that
    /// succeed.
    pub fn outcomes(&self, finished: &Finished) -> Vec<TaskOutcome> {
        let ended = || {
            let pairs = self.finishes.iter().zip(&self.pending_finishes);
            pairs.filter(|(finish, _)| finish.retry_at.is_none() && finished.executions.contains(&finish.execution_id))
        };
        let matters = |(finish, pending): &(&Finish, &PendingFinish)| {
            finish.status.is_failure() || pending.late == Some(true) || finished.tasks_with_incidents.contains(&pending.task_id)
        };
        let tasks: HashSet<&str> = ended().filter(matters).map(|(_, pending)| pending.task_id.as_str()).collect();
        if tasks.is_empty() {
            return Vec::new();
        }
        let of_tasks = ended().filter(|(_, pending)| tasks.contains(pending.task_id.as_str()));
        of_tasks.map(|(finish, pending)| TaskOutcome::of_run(finish, &pending.task_id, pending.late)).collect()
    }

    /// Whether a result may start other tasks.
    pub fn starts_others(&self) -> bool {
        self.pending_finishes.iter().any(|pending| pending.chained)
    }

    pub fn has_entries(&self) -> bool {
        self.fetch || !self.started.is_empty() || !self.finishes.is_empty()
    }

    pub fn is_empty(&self) -> bool {
        !self.has_entries() && self.output.is_empty() && self.rendered.is_empty()
    }

    /// Two halves, in the order in which they must be written: parameters, starts, output, results.
    ///
    /// # Errors
    /// The batch itself if it has a single row.
    pub fn split(mut self) -> Result<(Batch, Batch), Box<Batch>> {
        let rows = self.started.len() + self.finishes.len() + self.output.len() + self.rendered.len();
        if rows <= 1 {
            return Err(Box::new(self));
        }
        let mut left = rows / 2;
        let first = Batch {
            rendered: take(&mut self.rendered, &mut left),
            started_tasks: take(&mut self.started_tasks, &mut left.clone()),
            started: take(&mut self.started, &mut left),
            output: take(&mut self.output, &mut left),
            pending_finishes: take(&mut self.pending_finishes, &mut left.clone()),
            finishes: take(&mut self.finishes, &mut left),
            output_size: 0,
            fetch: false,
        };
        Ok((first, self))
    }

    /// A description of the single row for the log.
    pub fn describe(&self) -> String {
        match (self.started.first(), self.finishes.first(), self.output.first()) {
            (Some(started), ..) => format!("the start of execution {}", started.execution_id),
            (_, Some(finish), _) => format!("the result of execution {}", finish.execution_id),
            (.., Some(row)) => format!("output of execution {}", row.execution_id),
            _ => self.rendered.first().map(|row| format!("parameters of execution {}", row.execution_id)).unwrap_or_default(),
        }
    }

    /// A rejected result without its value and error text, so that at least the status is recorded. `None` if there is nothing
    /// to remove: for output, for a start, and for a result already reduced.
    pub fn without_payload(mut self) -> Option<Batch> {
        let finish = self.finishes.first_mut()?;
        let has_more = finish.result.take().is_some() || finish.error.is_some();
        let not_stored = message!("run.not_stored");
        let marked = finish.error.as_ref() == Some(&not_stored);
        finish.error = Some(not_stored);
        (has_more && !marked).then_some(self)
    }
}

/// Takes up to `left` rows from the front and lowers `left` by their number.
fn take<T>(rows: &mut Vec<T>, left: &mut usize) -> Vec<T> {
    let count = (*left).min(rows.len());
    *left -= count;
    rows.drain(..count).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::DateTime;

    use super::*;
    use crate::domain::execution::{OutputChunk, Stream};

    fn output(id: &str, seq: i64, stream: Stream, text: &str) -> ExecutionChunk {
        let chunk = OutputChunk { attempt: 1, seq, stream, at: DateTime::UNIX_EPOCH, text: text.into() };
        ExecutionChunk { execution_id: Arc::from(id), chunk }
    }

    #[test]
    fn add_output_joins_consecutive_chunks_of_one_stream() {
        let mut batch = Batch::default();
        for (seq, stream, text) in [(0, Stream::Stdout, "a"), (1, Stream::Stdout, "b"), (2, Stream::Stderr, "c")] {
            batch.add_output(output("e", seq, stream, text));
        }
        batch.add_output(output("f", 0, Stream::Stderr, "d"));
        let rows: Vec<_> = batch.output.iter().map(|row| (row.chunk.seq, row.chunk.text.as_str())).collect();
        assert_eq!(rows, [(0, "ab"), (2, "c"), (0, "d")]);
        assert_eq!((batch.output_size, batch.is_empty(), batch.has_entries()), (4, false, false));
    }

    #[test]
    fn split_halves_a_batch_and_keeps_starts_with_their_tasks() {
        let mut batch = Batch::default();
        batch.add_output(output("e", 0, Stream::Stdout, "a"));
        for id in ["a", "b", "c"] {
            let claim = Claim { execution_id: id.into(), attempt: 1, started_at: DateTime::UNIX_EPOCH };
            batch.add(Entry::Started { claim, task_id: format!("task-{id}") });
        }
        let pairs = |batch: &Batch| {
            let ids = batch.started.iter().map(|started| started.execution_id.clone());
            ids.zip(batch.started_tasks.clone()).collect::<Vec<_>>()
        };
        let pair = |id: &str| (id.to_owned(), format!("task-{id}"));
        let (first, second) = batch.split().ok().unwrap();
        assert_eq!((first.output.len(), pairs(&first)), (0, vec![pair("a"), pair("b")]));
        assert_eq!((second.output.len(), pairs(&second)), (1, vec![pair("c")]));
        let (second, third) = second.split().ok().unwrap();
        assert!(second.split().is_err() && third.split().is_err(), "a single row has no halves");
    }
}
