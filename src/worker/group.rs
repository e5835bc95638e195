//! A group: the claims, results and output that go into one transaction, each with whom to answer.

use std::collections::HashSet;

use tokio::sync::oneshot;

use crate::chain::Ended;
use crate::storage::execution::{Claim, Finish, NewOutput};
use crate::tasks::output::Piece;

/// Pieces of one run are joined up to this many bytes a row.
const ROW_MAX: usize = 64 * 1024;

/// What a run asks of the recorder.
pub(super) enum Entry {
    Claim { claim: Claim, task_id: String, answer: oneshot::Sender<bool> },
    Finish { finish: Finish, task_id: String, chained: bool, answer: oneshot::Sender<bool> },
}

/// What is written together. Each list of rows has a list of those who wait for it, in the same order.
#[derive(Default)]
pub(super) struct Group {
    pub claims: Vec<Claim>,
    pub claimants: Vec<Claimant>,
    pub finishes: Vec<Finish>,
    pub finishers: Vec<Finisher>,
    pub output: Vec<NewOutput>,
    pub output_size: usize,
}

pub(super) struct Claimant {
    pub task_id: String,
    pub answer: oneshot::Sender<bool>,
}

pub(super) struct Finisher {
    pub task_id: String,
    /// Whether the task names others to start at the end of its runs.
    pub chained: bool,
    pub answer: oneshot::Sender<bool>,
}

impl Group {
    pub fn add(&mut self, entry: Entry) {
        match entry {
            Entry::Claim { claim, task_id, answer } => {
                self.claims.push(claim);
                self.claimants.push(Claimant { task_id, answer });
            }
            Entry::Finish { finish, task_id, chained, answer } => {
                self.finishes.push(finish);
                self.finishers.push(Finisher { task_id, chained, answer });
            }
        }
    }

    /// Adds output, joined with what the same run wrote to the same stream just before.
    pub fn add_output(&mut self, piece: Piece) {
        let Piece { execution_id, chunk } = piece;
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

    /// The runs that ended for good, of those that counted, whose tasks name others to start.
    pub fn ended(&self, counted: &HashSet<String>) -> Vec<Ended> {
        let pairs = self.finishes.iter().zip(&self.finishers);
        let ended = pairs
            .filter(|(finish, finisher)| finisher.chained && finish.retry_at.is_none() && counted.contains(&finish.execution_id));
        let end = |(finish, finisher): (&Finish, &Finisher)| Ended {
            execution_id: finish.execution_id.clone(),
            task_id: finisher.task_id.clone(),
            status: finish.status,
        };
        ended.map(end).collect()
    }

    pub fn has_entries(&self) -> bool {
        !self.claims.is_empty() || !self.finishes.is_empty()
    }

    pub fn is_empty(&self) -> bool {
        !self.has_entries() && self.output.is_empty()
    }

    /// A group for every row, in the order in which they must be written; the group itself where it is a single row.
    pub fn split(self) -> Result<Vec<Group>, Box<Group>> {
        if self.claims.len() + self.finishes.len() + self.output.len() <= 1 {
            return Err(Box::new(self));
        }
        let output = self.output.into_iter().map(|row| Group { output: vec![row], ..Group::default() });
        let finishes = self.finishes.into_iter().zip(self.finishers);
        let finishes = finishes.map(|(f, w)| Group { finishes: vec![f], finishers: vec![w], ..Group::default() });
        let claims = self.claims.into_iter().zip(self.claimants);
        let claims = claims.map(|(c, w)| Group { claims: vec![c], claimants: vec![w], ..Group::default() });
        Ok(output.chain(finishes).chain(claims).collect())
    }

    /// What a single row is about, for the log.
    pub fn describe(&self) -> String {
        match (self.claims.first(), self.finishes.first(), self.output.first()) {
            (Some(claim), ..) => format!("the start of execution {}", claim.execution_id),
            (_, Some(finish), _) => format!("the result of execution {}", finish.execution_id),
            (.., Some(row)) => format!("output of execution {}", row.execution_id),
            _ => String::new(),
        }
    }

    /// A result that was refused, without what may have been the cause: at least the status is kept. There is nothing less
    /// of output or of a claim, whose run hears no answer.
    pub fn lesser(mut self) -> Option<Group> {
        let finish = self.finishes.first_mut()?;
        let has_more = finish.result.take().is_some() || finish.error.is_some();
        let marked = finish.error.as_deref() == Some(NOT_STORED);
        finish.error = Some(NOT_STORED.to_owned());
        (has_more && !marked).then_some(self)
    }
}

/// In place of a result or message that the database refused.
const NOT_STORED: &str = "the database refused to store what this run came to; see the server's log";

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::DateTime;

    use super::*;
    use crate::domain::execution::{OutputChunk, Stream};

    fn piece(id: &str, seq: i64, stream: Stream, text: &str) -> Piece {
        let chunk = OutputChunk { attempt: 1, seq, stream, at: DateTime::UNIX_EPOCH, text: text.into() };
        Piece { execution_id: Arc::from(id), chunk }
    }

    #[test]
    fn neighbouring_output_of_one_stream_is_joined() {
        let mut group = Group::default();
        for (seq, stream, text) in [(0, Stream::Stdout, "a"), (1, Stream::Stdout, "b"), (2, Stream::Stderr, "c")] {
            group.add_output(piece("e", seq, stream, text));
        }
        group.add_output(piece("f", 0, Stream::Stderr, "d"));
        let rows: Vec<_> = group.output.iter().map(|row| (row.chunk.seq, row.chunk.text.as_str())).collect();
        assert_eq!(rows, [(0, "ab"), (2, "c"), (0, "d")]);
        assert_eq!((group.output_size, group.is_empty(), group.has_entries()), (4, false, false));
    }

    #[test]
    fn a_group_splits_into_its_rows() {
        let mut group = Group::default();
        group.add_output(piece("e", 0, Stream::Stdout, "a"));
        group.add_output(piece("f", 0, Stream::Stdout, "a"));
        let groups = group.split().ok().unwrap();
        assert_eq!(groups.len(), 2);
        assert!(groups.into_iter().all(|single| single.split().is_err()));
    }
}
