//! Run output: two streams with a common size limit, of which the beginning and the end are kept, and secrets masked.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::mpsc::UnboundedSender;

use crate::clock::SharedClock;
use crate::domain::execution::{OutputChunk, Stream};
use crate::domain::mask::Mask;

mod limit;
mod progress;

use limit::OutputLimit;
pub use limit::omission_mark;
use progress::ProgressLine;

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
    limit: OutputLimit,
    clock: SharedClock,
    chunks: UnboundedSender<ExecutionChunk>,
    /// Masks secrets, including those that a program writes in several pieces.
    mask: Arc<Mask>,
    pending: [StreamMask; 2],
    progress: [ProgressLine; 2],
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
        Self(Arc::new(Mutex::new(Inner {
            execution_id,
            attempt,
            next_seq: 0,
            limit: OutputLimit::new(limit),
            clock,
            chunks,
            mask: Arc::default(),
            pending: Default::default(),
            progress: Default::default(),
        })))
    }

    /// Masks secrets in text written from now on.
    #[must_use]
    pub fn with_mask(self, mask: Arc<Mask>) -> Self {
        self.inner().mask = mask;
        self
    }

    /// Writes text. Of output over the limit, the middle is dropped.
    pub fn write(&self, stream: Stream, text: &str) {
        let mut inner = self.inner();
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

    /// Writes the text that was held back. Call it after the last write.
    pub fn finish(&self) {
        let mut inner = self.inner();
        for (index, stream) in [Stream::Stdout, Stream::Stderr].into_iter().enumerate() {
            let mask = inner.mask.clone();
            let rest = inner.pending[index].rest(&mask);
            inner.pending[index] = StreamMask::default();
            inner.put(stream, &rest);
            let line = inner.progress[index].finish();
            inner.put_whole(stream, &line);
        }
        inner.limit.finish().into_iter().for_each(|(stream, text)| inner.send(stream, &text));
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
        let text = self.progress[usize::from(stream == Stream::Stderr)].push(text, Instant::now());
        self.put_whole(stream, &text);
    }

    fn put_whole(&mut self, stream: Stream, text: &str) {
        let head = self.limit.push(stream, text);
        self.send(stream, head);
    }

    fn send(&mut self, stream: Stream, text: &str) {
        if text.is_empty() {
            return;
        }
        let (at, text) = (self.clock.now(), sanitize_nul(text));
        let chunk = OutputChunk { attempt: self.attempt, seq: self.next_seq, stream, at, text };
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

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;
    use crate::clock::SystemClock;

    fn written(limit: usize, texts: &[(Stream, &str)]) -> Vec<OutputChunk> {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let sink = OutputSink::new("e", 1, limit, Arc::new(SystemClock), sender);
        texts.iter().for_each(|(stream, text)| sink.write(*stream, text));
        sink.finish();
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
    fn middle_of_long_output_is_left_out() {
        let chunks = written(8, &[(Stream::Stdout, "四四四"), (Stream::Stderr, "x"), (Stream::Stdout, "y")]);
        let texts: Vec<_> = chunks.iter().map(|c| (c.stream, c.text.as_str())).collect();
        let mark = omission_mark(3);
        assert_eq!(
            texts,
            [(Stream::Stdout, "四四"), (Stream::Stdout, mark.as_str()), (Stream::Stderr, "x"), (Stream::Stdout, "y")]
        );
    }

    #[test]
    fn rewritten_lines_keep_their_last_state() {
        let stdout = ["0%", "\r50%", "\r60%\r99%", "\r100%"].map(|text| (Stream::Stdout, text));
        let chunks = written(1_000, &stdout);
        let stdout: String = chunks.iter().filter(|c| c.stream == Stream::Stdout).map(|c| c.text.as_str()).collect();
        assert_eq!(stdout, "0%\r50%\r100%");
    }
}
