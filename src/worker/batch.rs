//! A batch: the claims, results and output that are written in one transaction, with the runs that wait for an answer.

use std::collections::HashSet;

use tokio::sync::oneshot;

use crate::chain::Ended;
use crate::i18n::message;
use crate::storage::execution::{Claim, Finish, NewOutput, Rendered};
use crate::tasks::output::ExecutionChunk;

/// Consecutive output of one run is joined into rows of up to this many bytes.
const ROW_MAX: usize = 64 * 1024;

/// A request of a run to the recorder.
pub(super) enum Entry {
    Claim {
        claim: Claim,
        task_id: String,
        answer: oneshot::Sender<bool>,
    },
    Finish {
        finish: Finish,
        task_id: String,
        chained: bool,
        answer: oneshot::Sender<bool>,
    },
    /// Nobody waits until these are written.
    Rendered(Rendered),
}

/// Rows that are written together. `pending_claims` and `pending_finishes` have the order of `claims` and `finishes`.
#[derive(Default)]
pub(super) struct Batch {
    pub claims: Vec<Claim>,
    pub pending_claims: Vec<PendingClaim>,
    pub finishes: Vec<Finish>,
    pub pending_finishes: Vec<PendingFinish>,
    pub rendered: Vec<Rendered>,
    pub output: Vec<NewOutput>,
    /// The size of the output and the rendered parameters in bytes.
    pub output_size: usize,
}

/// A run that waits for the answer to its claim.
pub(super) struct PendingClaim {
    pub task_id: String,
    pub answer: oneshot::Sender<bool>,
}

/// A run that waits until its result is recorded.
pub(super) struct PendingFinish {
    pub task_id: String,
    /// Whether the task starts other tasks when a run ends.
    pub chained: bool,
    pub answer: oneshot::Sender<bool>,
}

impl Batch {
    pub fn add(&mut self, entry: Entry) {
        match entry {
            Entry::Claim { claim, task_id, answer } => {
                self.claims.push(claim);
                self.pending_claims.push(PendingClaim { task_id, answer });
            }
            Entry::Finish { finish, task_id, chained, answer } => {
                self.finishes.push(finish);
                self.pending_finishes.push(PendingFinish { task_id, chained, answer });
            }
            Entry::Rendered(rendered) => {
                self.output_size += rendered.params.len().max(1);
                self.rendered.push(rendered);
            }
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

    pub fn has_entries(&self) -> bool {
        !self.claims.is_empty() || !self.finishes.is_empty()
    }

    pub fn is_empty(&self) -> bool {
        !self.has_entries() && self.output.is_empty() && self.rendered.is_empty()
    }

    /// Two halves, in the order in which they must be written: parameters, output, results, claims.
    ///
    /// # Errors
    /// The batch itself if it has a single row.
    pub fn split(mut self) -> Result<(Batch, Batch), Box<Batch>> {
        let rows = self.claims.len() + self.finishes.len() + self.output.len() + self.rendered.len();
        if rows <= 1 {
            return Err(Box::new(self));
        }
        let mut left = rows / 2;
        let first = Batch {
            rendered: take(&mut self.rendered, &mut left),
            output: take(&mut self.output, &mut left),
            pending_finishes: take(&mut self.pending_finishes, &mut left.clone()),
            finishes: take(&mut self.finishes, &mut left),
            pending_claims: take(&mut self.pending_claims, &mut left.clone()),
            claims: take(&mut self.claims, &mut left),
            output_size: 0,
        };
        Ok((first, self))
    }

    /// A description of the single row for the log.
    pub fn describe(&self) -> String {
        match (self.claims.first(), self.finishes.first(), self.output.first()) {
            (Some(claim), ..) => format!("the start of execution {}", claim.execution_id),
            (_, Some(finish), _) => format!("the result of execution {}", finish.execution_id),
            (.., Some(row)) => format!("output of execution {}", row.execution_id),
            _ => self.rendered.first().map(|row| format!("parameters of execution {}", row.execution_id)).unwrap_or_default(),
        }
    }

    /// A rejected result without its value and error text, so that at least the status is recorded. `None` if there is nothing
    /// to remove: for output, for a claim (its run gets no answer), and for a result already reduced.
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
    fn split_halves_a_batch_and_keeps_runs_with_their_answers() {
        let mut batch = Batch::default();
        batch.add_output(output("e", 0, Stream::Stdout, "a"));
        for id in ["a", "b", "c"] {
            let claim = Claim { execution_id: id.into(), attempt: 1, started_at: DateTime::UNIX_EPOCH };
            batch.add(Entry::Claim { claim, task_id: format!("task-{id}"), answer: oneshot::channel().0 });
        }
        let pairs = |batch: &Batch| {
            let ids = batch.claims.iter().map(|claim| claim.execution_id.clone());
            ids.zip(batch.pending_claims.iter().map(|pending| pending.task_id.clone())).collect::<Vec<_>>()
        };
        let (first, second) = batch.split().ok().unwrap();
        assert_eq!((first.output.len(), pairs(&first)), (1, vec![("a".to_owned(), "task-a".to_owned())]));
        let rest = [("b".to_owned(), "task-b".to_owned()), ("c".to_owned(), "task-c".to_owned())];
        assert_eq!((second.output.len(), pairs(&second)), (0, rest.to_vec()));
        let (second, third) = second.split().ok().unwrap();
        assert!(second.split().is_err() && third.split().is_err(), "a single row has no halves");
    }
}
