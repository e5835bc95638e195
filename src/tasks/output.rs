//! Run output: two streams with a common size limit, secrets masked, and a mark where output was truncated.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc::UnboundedSender;

use crate::clock::SharedClock;
use crate::domain::execution::{OutputChunk, Stream};
use crate::domain::mask::Mask;

/// The output of one attempt; clones share it. Text is forwarded immediately as ordered chunks.
#[derive(Clone)]
pub struct OutputSink(Arc<Mutex<Inner>>);

/// A chunk of output with its execution's id. (One channel carries the output of all runs.)
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecutionChunk {
    pub execution_id: Arc<str>,
    pub chunk: OutputChunk,
}

struct Inner {
    execution_id: Arc<str>,
    attempt: i64,
    next_seq: i64,
    remaining: usize,
    truncated: bool,
    clock: SharedClock,
    chunks: UnboundedSender<ExecutionChunk>,
    /// Masks secrets, including those that a program writes in several pieces.
    mask: Arc<Mask>,
    pending: [StreamMask; 2],
}

/// Masks a text that arrives in pieces: the end of a piece is held back as long as it may be the beginning of a secret.
#[derive(Debug, Default)]
pub(in crate::tasks) struct StreamMask {
    held_back: String,
}

impl StreamMask {
    /// The next piece, masked, together with what was held back before.
    pub fn push(&mut self, mask: &Mask, text: &str) -> String {
        let mut combined = std::mem::take(&mut self.held_back);
        combined.push_str(text);
        self.held_back = combined.split_off(combined.len() - mask.pending_suffix_len(&combined));
        mask.text(&combined).into_owned()
    }

    /// What is held back, masked.
    pub fn rest(&self, mask: &Mask) -> String {
        mask.text(&self.held_back).into_owned()
    }
}

/// Written once, where the output exceeds its limit.
pub const TRUNCATION_MARK: &str = "\n[output truncated: the output limit of this run was reached]\n";

impl OutputSink {
    /// A sink for one attempt that accepts `limit` bytes in total and sends the chunks to `chunks`.
    pub fn new(
        execution_id: &str,
        attempt: i64,
        limit: usize,
        clock: SharedClock,
        chunks: UnboundedSender<ExecutionChunk>,
    ) -> Self {
        let execution_id = Arc::from(execution_id);
        let (mask, pending) = (Arc::default(), Default::default());
        Self(Arc::new(Mutex::new(Inner {
            execution_id,
            attempt,
            next_seq: 0,
            remaining: limit,
            truncated: false,
            clock,
            chunks,
            mask,
            pending,
        })))
    }

    /// Masks secrets in text written from now on.
    #[must_use]
    pub fn with_mask(self, mask: Arc<Mask>) -> Self {
        self.inner().mask = mask;
        self
    }

    /// Writes text; text over the limit is dropped.
    pub fn write(&self, stream: Stream, text: &str) {
        let mut inner = self.inner();
        if text.is_empty() || inner.truncated {
            return;
        }
        if inner.mask.is_empty() {
            return inner.put(stream, text);
        }
        let mask = inner.mask.clone();
        let masked = inner.pending[usize::from(stream == Stream::Stderr)].push(&mask, text);
        inner.put(stream, &masked);
    }

    /// The secrets that are masked.
    pub fn mask(&self) -> Arc<Mask> {
        self.inner().mask.clone()
    }

    /// Writes the text that was held back for masking. Call it after the last write.
    pub fn finish(&self) {
        let mut inner = self.inner();
        for (index, stream) in [Stream::Stdout, Stream::Stderr].into_iter().enumerate() {
            let mask = inner.mask.clone();
            let rest = inner.pending[index].rest(&mask);
            inner.pending[index] = StreamMask::default();
            inner.put(stream, &rest);
        }
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a line from the task type itself to standard output.
    pub fn line(&self, text: &str) {
        self.write(Stream::Stdout, &format!("{text}\n"));
    }
}

impl Inner {
    fn put(&mut self, stream: Stream, text: &str) {
        if text.is_empty() || self.truncated {
            return;
        }
        let end = fitting_bytes(text, self.remaining);
        self.remaining -= end;
        if end > 0 {
            self.send(stream, sanitize_nul(&text[..end]));
        }
        if end < text.len() {
            self.truncated = true;
            self.send(stream, TRUNCATION_MARK.to_owned());
        }
    }

    fn send(&mut self, stream: Stream, text: String) {
        let chunk = OutputChunk { attempt: self.attempt, seq: self.next_seq, stream, at: self.clock.now(), text };
        self.next_seq += 1;
        // The receiver is closed when the run was abandoned.
        let _ = self.chunks.send(ExecutionChunk { execution_id: self.execution_id.clone(), chunk });
    }
}

impl std::fmt::Debug for OutputSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OutputSink")
    }
}

/// Text with NUL replaced by U+FFFD, because PostgreSQL cannot store NUL.
pub(crate) fn sanitize_nul(text: &str) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text.to_owned() }
}

/// The length in bytes of the longest prefix of `text` that fits into `remaining` bytes without splitting a character.
fn fitting_bytes(text: &str, remaining: usize) -> usize {
    text.floor_char_boundary(remaining)
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
    fn secrets_split_across_writes_are_masked() {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let sink = OutputSink::new("e", 1, 1000, Arc::new(SystemClock), sender);
        let sink = sink.with_mask(Arc::new(Mask::from_values(["hunter2", "hunter2-long", "ter3"])));
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
    fn output_over_the_limit_is_dropped_with_one_mark() {
        let chunks = written(5, &[(Stream::Stdout, "四四"), (Stream::Stderr, "x"), (Stream::Stdout, "y")]);
        let texts: Vec<_> = chunks.iter().map(|c| c.text.as_str()).collect();
        assert_eq!(texts, ["四", TRUNCATION_MARK], "no character is split, nothing follows the mark");
    }
}
