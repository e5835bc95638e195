//! Where a run writes its output: two streams, bounded together, with a plain mark where they were cut.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc::UnboundedSender;

use crate::clock::SharedClock;
use crate::domain::execution::{OutputChunk, Stream};

/// A run's output; clones share it. What is written goes on at once, as chunks in order.
#[derive(Clone)]
pub struct OutputSink(Arc<Mutex<Inner>>);

/// A chunk with the execution it belongs to. (One channel takes the output of all runs.)
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    pub execution_id: Arc<str>,
    pub chunk: OutputChunk,
}

struct Inner {
    execution_id: Arc<str>,
    attempt: i64,
    next_seq: i64,
    left: usize,
    cut: bool,
    clock: SharedClock,
    pieces: UnboundedSender<Piece>,
}

/// Written once, where output went over its limit.
pub const CUT_MARK: &str = "\n[output cut here: the limit of this run is reached]\n";

impl OutputSink {
    /// A sink for one attempt that takes `limit` bytes in all and hands the chunks on to `pieces`.
    pub fn new(execution_id: &str, attempt: i64, limit: usize, clock: SharedClock, pieces: UnboundedSender<Piece>) -> Self {
        let execution_id = Arc::from(execution_id);
        Self(Arc::new(Mutex::new(Inner { execution_id, attempt, next_seq: 0, left: limit, cut: false, clock, pieces })))
    }

    /// Writes text; what goes over the limit is dropped.
    pub fn write(&self, stream: Stream, text: &str) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if text.is_empty() || inner.cut {
            return;
        }
        let end = fitting(text, inner.left);
        inner.left -= end;
        if end > 0 {
            inner.send(stream, storable(&text[..end]));
        }
        if end < text.len() {
            inner.cut = true;
            inner.send(stream, CUT_MARK.to_owned());
        }
    }

    /// Writes a line of a task type's own remarks.
    pub fn line(&self, text: &str) {
        self.write(Stream::Stdout, &format!("{text}\n"));
    }
}

impl Inner {
    fn send(&mut self, stream: Stream, text: String) {
        let chunk = OutputChunk { attempt: self.attempt, seq: self.next_seq, stream, at: self.clock.now(), text };
        self.next_seq += 1;
        let _receiver_is_gone_when_the_run_was_given_up =
            self.pieces.send(Piece { execution_id: self.execution_id.clone(), chunk });
    }
}

impl std::fmt::Debug for OutputSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OutputSink")
    }
}

/// Text without NUL, which PostgreSQL cannot hold.
pub(crate) fn storable(text: &str) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text.to_owned() }
}

/// The length of the longest start of `text` that fits into `left` bytes without cutting a character.
fn fitting(text: &str, left: usize) -> usize {
    text.floor_char_boundary(left)
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;
    use crate::clock::SystemClock;

    fn written(limit: usize, texts: &[(Stream, &str)]) -> Vec<OutputChunk> {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let sink = OutputSink::new("e", 1, limit, Arc::new(SystemClock), sender);
        texts.iter().for_each(|(stream, text)| sink.write(*stream, text));
        std::iter::from_fn(|| receiver.try_recv().ok()).map(|piece| piece.chunk).collect()
    }

    #[test]
    fn streams_keep_their_order() {
        let chunks = written(100, &[(Stream::Stdout, "a"), (Stream::Stderr, "b"), (Stream::Stdout, "c\0")]);
        let found: Vec<_> = chunks.iter().map(|c| (c.seq, c.stream, c.text.as_str())).collect();
        assert_eq!(found, [(0, Stream::Stdout, "a"), (1, Stream::Stderr, "b"), (2, Stream::Stdout, "c\u{fffd}")]);
    }

    #[test]
    fn what_goes_over_the_limit_is_dropped_with_one_mark() {
        let chunks = written(5, &[(Stream::Stdout, "四四"), (Stream::Stderr, "x"), (Stream::Stdout, "y")]);
        let texts: Vec<_> = chunks.iter().map(|c| c.text.as_str()).collect();
        assert_eq!(texts, ["四", CUT_MARK], "no character is cut, nothing follows the mark");
    }
}
