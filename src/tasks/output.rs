//! Where a run writes its output: two streams, bounded together, with a plain mark where they were cut.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc::UnboundedSender;

use crate::clock::SharedClock;
use crate::domain::execution::{OutputChunk, Stream};
use crate::domain::mask::Mask;

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
    /// Hides secrets, also where a program writes one in several pieces.
    mask: Arc<Mask>,
    /// What of each stream may be the beginning of a secret.
    held: [String; 2],
}

/// Written once, where output went over its limit.
pub const CUT_MARK: &str = "\n[output cut here: the limit of this run is reached]\n";

impl OutputSink {
    /// A sink for one attempt that takes `limit` bytes in all and hands the chunks on to `pieces`.
    pub fn new(execution_id: &str, attempt: i64, limit: usize, clock: SharedClock, pieces: UnboundedSender<Piece>) -> Self {
        let execution_id = Arc::from(execution_id);
        let (mask, held) = (Arc::default(), Default::default());
        Self(Arc::new(Mutex::new(Inner {
            execution_id,
            attempt,
            next_seq: 0,
            left: limit,
            cut: false,
            clock,
            pieces,
            mask,
            held,
        })))
    }

    /// Hides secrets in what is written from now on.
    #[must_use]
    pub fn masked(self, mask: Arc<Mask>) -> Self {
        self.inner().mask = mask;
        self
    }

    /// Writes text; what goes over the limit is dropped.
    pub fn write(&self, stream: Stream, text: &str) {
        let mut inner = self.inner();
        if text.is_empty() || inner.cut {
            return;
        }
        if inner.mask.is_empty() {
            return inner.put(stream, text);
        }
        let place = usize::from(stream == Stream::Stderr);
        let mut whole = std::mem::take(&mut inner.held[place]);
        whole.push_str(text);
        let kept = whole.split_off(whole.len() - inner.mask.undecided(&whole));
        inner.held[place] = kept;
        let hidden = inner.mask.clone();
        inner.put(stream, &hidden.text(&whole));
    }

    /// Writes what was held back: no more will come.
    pub fn finish(&self) {
        let mut inner = self.inner();
        for (place, stream) in [Stream::Stdout, Stream::Stderr].into_iter().enumerate() {
            let (held, mask) = (std::mem::take(&mut inner.held[place]), inner.mask.clone());
            inner.put(stream, &mask.text(&held));
        }
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a line of a task type's own remarks.
    pub fn line(&self, text: &str) {
        self.write(Stream::Stdout, &format!("{text}\n"));
    }
}

impl Inner {
    fn put(&mut self, stream: Stream, text: &str) {
        if text.is_empty() || self.cut {
            return;
        }
        let end = fitting(text, self.left);
        self.left -= end;
        if end > 0 {
            self.send(stream, storable(&text[..end]));
        }
        if end < text.len() {
            self.cut = true;
            self.send(stream, CUT_MARK.to_owned());
        }
    }

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
    fn secrets_are_hidden_also_in_pieces() {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let sink = OutputSink::new("e", 1, 1000, Arc::new(SystemClock), sender);
        let sink = sink.masked(Arc::new(Mask::of(["hunter2", "hunter2-long", "ter3"])));
        for (stream, text) in [
            (Stream::Stdout, "pass hun"),
            (Stream::Stderr, "err hunt"),
            (Stream::Stdout, "ter2 xhunter"),
            (Stream::Stdout, "3 hunter2"),
        ] {
            sink.write(stream, text);
        }
        sink.finish();
        let of = |stream: Stream, chunks: &[OutputChunk]| -> String {
            chunks.iter().filter(|c| c.stream == stream).map(|c| c.text.as_str()).collect()
        };
        let chunks: Vec<_> = std::iter::from_fn(|| receiver.try_recv().ok()).map(|piece| piece.chunk).collect();
        assert_eq!(of(Stream::Stdout, &chunks), "pass *** xhun*** ***");
        assert_eq!(of(Stream::Stderr, &chunks), "err hunt");
    }

    #[test]
    fn what_goes_over_the_limit_is_dropped_with_one_mark() {
        let chunks = written(5, &[(Stream::Stdout, "四四"), (Stream::Stderr, "x"), (Stream::Stdout, "y")]);
        let texts: Vec<_> = chunks.iter().map(|c| c.text.as_str()).collect();
        assert_eq!(texts, ["四", CUT_MARK], "no character is cut, nothing follows the mark");
    }
}
