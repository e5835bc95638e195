//! Pipes of a child process: decodes and forwards its output, and keeps the ends of both streams for the result.

use std::sync::{Arc, Mutex, PoisonError};

use encoding_rs::Encoding;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::ChildStdin;

use super::decoding::{Found, StreamDecoder};
use super::group::ChildPipes;
use crate::domain::execution::Stream;
use crate::domain::input::truncate;
use crate::domain::mask::Mask;
use crate::domain::{output_lines, raw_output};
use crate::tasks::output::{OutputSink, StreamMask};

/// Bytes of the end of each stream kept for the result.
pub const TAIL: usize = 4 * 1024;
/// The most characters of a line of standard error in an error message.
const ERROR_LINE_MAX_CHARS: usize = 200;
/// The size of the read buffer, in bytes.
const READ_BUFFER_BYTES: usize = 16 * 1024;

/// The ends of the output of a child process.
pub struct Pipes {
    encoding: Option<&'static Encoding>,
    /// What was found out about the encodings of both streams.
    found: Mutex<[Option<Found>; 2]>,
    mask: Arc<Mask>,
    /// Bytes kept of standard output as it is.
    keep: usize,
    stdout: Mutex<String>,
    /// The ends of both streams with secrets masked, so that a cut leaves no part of one.
    tails: Mutex<[MaskedTail; 2]>,
}

/// The end of a stream, with secrets masked.
#[derive(Default)]
struct MaskedTail {
    text: String,
    pending: StreamMask,
}

impl Pipes {
    pub(super) fn new(encoding: Option<&'static Encoding>, keep: usize, mask: Arc<Mask>) -> Self {
        Self { encoding, found: Mutex::default(), mask, keep, stdout: Mutex::default(), tails: Mutex::default() }
    }

    /// Writes standard input and forwards the output until the process closes its pipes.
    pub(super) async fn pump(&self, pipes: ChildPipes, stdin: Option<Vec<u8>>, output: Option<&OutputSink>) {
        let ChildPipes { stdin: input, stdout, stderr } = pipes;
        tokio::join!(feed(input, stdin), self.read(stdout, Stream::Stdout, output), self.read(stderr, Stream::Stderr, output));
    }

    async fn read(&self, pipe: Option<impl AsyncRead + Unpin>, stream: Stream, output: Option<&OutputSink>) {
        let Some(mut pipe) = pipe else { return };
        let mut decoder = StreamDecoder::new(self.encoding);
        let mut bytes = vec![0; READ_BUFFER_BYTES];
        loop {
            let count = pipe.read(&mut bytes).await.unwrap_or(0);
            let (text, found) = decoder.decode(&bytes[..count], count == 0);
            if found.is_some() {
                self.found.lock().unwrap_or_else(PoisonError::into_inner)[usize::from(stream == Stream::Stderr)] = found;
            }
            if let Some(output) = output {
                output.write(stream, &text);
            }
            self.keep(stream, &raw_output::shown(&text));
            if count == 0 {
                return;
            }
        }
    }

    fn keep(&self, stream: Stream, text: &str) {
        if stream == Stream::Stdout {
            append(&mut self.stdout.lock().unwrap_or_else(PoisonError::into_inner), text, self.keep);
        }
        let mut tails = self.tails.lock().unwrap_or_else(PoisonError::into_inner);
        let MaskedTail { text: tail, pending } = &mut tails[usize::from(stream == Stream::Stderr)];
        append(tail, &pending.push(&self.mask, text), TAIL);
    }

    /// The encoding other than UTF-8 in which output was read without its name being given.
    pub fn found_encoding(&self) -> Option<&'static str> {
        self.found().into_iter().flatten().find_map(|found| match found {
            Found::Encoding(encoding) => Some(encoding.name()),
            Found::Nothing => None,
        })
    }

    /// Writes a line to the output if its encoding is not known.
    pub(super) fn note_unknown_encoding(&self, output: &OutputSink) {
        if self.found().contains(&Some(Found::Nothing)) {
            output.line("\n[the output is not UTF-8: name its encoding in the parameter encoding; its bytes can be downloaded]");
        }
    }

    fn found(&self) -> [Option<Found>; 2] {
        *self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The end of standard output, at most the bytes to keep, with its secrets.
    pub fn stdout(&self) -> String {
        tail_of(&self.stdout.lock().unwrap_or_else(PoisonError::into_inner), self.keep)
    }

    /// The end of standard output for the result, secrets masked.
    pub fn stdout_tail(&self) -> String {
        self.tail(Stream::Stdout)
    }

    /// The end of standard error for the result, secrets masked.
    pub fn stderr_tail(&self) -> String {
        self.tail(Stream::Stderr)
    }

    /// The last line of standard error that is not blank, secrets masked, truncated.
    pub fn last_error_line(&self) -> Option<String> {
        let tail = self.tail(Stream::Stderr);
        tail.lines().rev().map(str::trim).find(|line| !line.is_empty()).map(|line| truncate(line, ERROR_LINE_MAX_CHARS))
    }

    /// Whether standard error names a command or an interpreter that ends with a carriage return.
    pub fn names_a_return(&self) -> bool {
        let text = self.written_tail(Stream::Stderr);
        let named =
            ["\\r': command not found", "\r: not found", "\r: command not found", "^M: bad interpreter", "\r: bad interpreter"];
        named.iter().any(|words| text.contains(words))
            || (text.contains("env: ") && ["\\r'", "\\r’", "\r'", "\r’"].iter().any(|end| text.contains(end)))
    }

    fn tail(&self, stream: Stream) -> String {
        output_lines::last_states(&self.written_tail(stream)).into_owned()
    }

    /// The end of a stream with rewritten lines as they were written.
    fn written_tail(&self, stream: Stream) -> String {
        let tails = self.tails.lock().unwrap_or_else(PoisonError::into_inner);
        let MaskedTail { text, pending } = &tails[usize::from(stream == Stream::Stderr)];
        tail_of(&format!("{text}{}", pending.rest(&self.mask)), TAIL)
    }
}

/// Appends text and drops the beginning. Up to twice as much is kept, so that the text is not moved for each piece.
fn append(kept: &mut String, text: &str, keep: usize) {
    kept.push_str(text);
    if kept.len() > 2 * keep {
        let start = kept.ceil_char_boundary(kept.len() - keep);
        kept.drain(..start);
    }
}

fn tail_of(text: &str, bytes: usize) -> String {
    text[text.ceil_char_boundary(text.len().saturating_sub(bytes))..].to_owned()
}

/// Writes standard input and closes the pipe. A process that does not read it is not an error.
async fn feed(pipe: Option<ChildStdin>, bytes: Option<Vec<u8>>) {
    if let (Some(mut pipe), Some(bytes)) = (pipe, bytes) {
        // Both fail if the process closed its end.
        let _ = pipe.write_all(&bytes).await;
        let _ = pipe.shutdown().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keep_drops_all_but_the_end() {
        let pipes = Pipes::new(None, TAIL, Arc::default());
        (0..10_000).for_each(|n| pipes.keep(Stream::Stderr, &format!("第 {n} 行\n")));
        assert!(pipes.stderr_tail().len() <= TAIL && pipes.stderr_tail().len() > TAIL - 4);
        assert!(pipes.tails.lock().unwrap()[1].text.len() <= 2 * TAIL);
        assert_eq!(pipes.last_error_line().as_deref(), Some("第 9999 行"));
    }

    #[test]
    fn tails_are_masked_before_they_are_cut() {
        let secret = "a-secret-of-thirty-two-characters";
        let pipes = Pipes::new(None, TAIL, Arc::new(Mask::from_values([secret])));
        for stream in [Stream::Stdout, Stream::Stderr] {
            // The secret arrives in two pieces, and the end that is kept begins inside it.
            pipes.keep(stream, &secret[..10]);
            pipes.keep(stream, &format!("{}{}", &secret[10..], "x".repeat(TAIL - 30)));
            pipes.keep(stream, &secret[..12]);
        }
        for tail in [pipes.stdout_tail(), pipes.stderr_tail()] {
            assert_eq!(tail, format!("***{}{}", "x".repeat(TAIL - 30), &secret[..12]));
        }
        let line = pipes.last_error_line().unwrap();
        assert!(line.starts_with("***xxx"), "{line}");
        assert!(pipes.stdout().contains("characters"), "the program's own text for its task type");
    }
}
