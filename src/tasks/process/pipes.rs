//! A command's pipes: what it writes is decoded and passed on as it comes; the ends of it are kept for the result.

use std::sync::{Mutex, PoisonError};

use encoding_rs::{Decoder, Encoding};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::ChildStdin;

use super::tree::ChildPipes;
use crate::domain::execution::Stream;
use crate::domain::input::cut;
use crate::tasks::output::OutputSink;

/// Bytes of the end of each stream that go into a result.
pub const TAIL: usize = 4 * 1024;
/// The longest line of the error stream that goes into an error message, in characters.
const LINE_MAX: usize = 200;
/// Bytes read at once.
const READ: usize = 16 * 1024;

/// The reading side of a command.
pub struct Pipes {
    encoding: &'static Encoding,
    /// Bytes kept of the end of the standard output; of the error stream it is [`TAIL`].
    keep: usize,
    stdout: Mutex<String>,
    stderr: Mutex<String>,
}

impl Pipes {
    pub(super) fn new(encoding: &'static Encoding, keep: usize) -> Self {
        Self { encoding, keep, stdout: Mutex::default(), stderr: Mutex::default() }
    }

    /// Feeds the command and passes on what it writes, until it closed its ends.
    pub(super) async fn pump(&self, pipes: ChildPipes, stdin: Option<Vec<u8>>, output: Option<&OutputSink>) {
        let ChildPipes { stdin: input, stdout, stderr } = pipes;
        tokio::join!(feed(input, stdin), self.read(stdout, Stream::Stdout, output), self.read(stderr, Stream::Stderr, output));
    }

    async fn read(&self, pipe: Option<impl AsyncRead + Unpin>, stream: Stream, output: Option<&OutputSink>) {
        let Some(mut pipe) = pipe else { return };
        let mut decoder = self.encoding.new_decoder_with_bom_removal();
        let mut bytes = vec![0; READ];
        loop {
            let count = pipe.read(&mut bytes).await.unwrap_or(0);
            let text = decode(&mut decoder, &bytes[..count], count == 0);
            if let Some(output) = output {
                output.write(stream, &text);
            }
            self.keep(stream, &text);
            if count == 0 {
                return;
            }
        }
    }

    fn keep(&self, stream: Stream, text: &str) {
        let keep = if stream == Stream::Stdout { self.keep } else { TAIL };
        let mut kept = self.tail(stream);
        kept.push_str(text);
        // Twice as much may stand here, so that the text is not moved with each piece that comes.
        if kept.len() > 2 * keep {
            let start = kept.ceil_char_boundary(kept.len() - keep);
            kept.drain(..start);
        }
    }

    fn tail(&self, stream: Stream) -> std::sync::MutexGuard<'_, String> {
        let tail = match stream {
            Stream::Stdout => &self.stdout,
            Stream::Stderr => &self.stderr,
        };
        tail.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The end of the standard output, up to what was to be kept.
    pub fn stdout(&self) -> String {
        end_of(&self.tail(Stream::Stdout), self.keep)
    }

    /// The end of the standard output, for a result.
    pub fn stdout_tail(&self) -> String {
        end_of(&self.tail(Stream::Stdout), TAIL)
    }

    /// The end of the error stream, for a result.
    pub fn stderr_tail(&self) -> String {
        end_of(&self.tail(Stream::Stderr), TAIL)
    }

    /// The last line on the error stream that says something, cut where it is long.
    pub fn last_error_line(&self) -> Option<String> {
        let tail = self.tail(Stream::Stderr);
        tail.lines().rev().map(str::trim).find(|line| !line.is_empty()).map(|line| cut(line, LINE_MAX))
    }
}

fn end_of(text: &str, bytes: usize) -> String {
    text[text.ceil_char_boundary(text.len().saturating_sub(bytes))..].to_owned()
}

/// Writes what the command is to read, and closes the pipe. A command that does not read is no fault.
async fn feed(pipe: Option<ChildStdin>, bytes: Option<Vec<u8>>) {
    if let (Some(mut pipe), Some(bytes)) = (pipe, bytes) {
        let _closed_by_the_command = pipe.write_all(&bytes).await;
        let _closed_by_the_command = pipe.shutdown().await;
    }
}

/// Decodes the next bytes; what is no character becomes U+FFFD, one that is cut is held back until the rest comes.
fn decode(decoder: &mut Decoder, bytes: &[u8], last: bool) -> String {
    let mut text = String::with_capacity(decoder.max_utf8_buffer_length(bytes.len()).unwrap_or(bytes.len() * 4 + 16));
    let (_, _all_read, _had_errors) = decoder.decode_to_string(bytes, &mut text, last);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_cut_between_two_reads_are_put_together() {
        let (bytes, ..) = encoding_rs::GBK.encode("钟楼");
        let mut decoder = encoding_rs::GBK.new_decoder_with_bom_removal();
        let mut text = String::new();
        bytes.iter().for_each(|byte| text.push_str(&decode(&mut decoder, &[*byte], false)));
        text.push_str(&decode(&mut decoder, &[], true));
        assert_eq!(text, "钟楼");
        let mut decoder = encoding_rs::UTF_8.new_decoder_with_bom_removal();
        assert_eq!(decode(&mut decoder, b"a\xffb\xe9", true), "a\u{fffd}b\u{fffd}");
    }

    #[test]
    fn only_the_end_is_kept() {
        let pipes = Pipes::new(encoding_rs::UTF_8, TAIL);
        (0..10_000).for_each(|n| pipes.keep(Stream::Stderr, &format!("第 {n} 行\n")));
        assert!(pipes.stderr_tail().len() <= TAIL && pipes.stderr_tail().len() > TAIL - 4);
        assert!(pipes.tail(Stream::Stderr).len() <= 2 * TAIL);
        assert_eq!(pipes.last_error_line().as_deref(), Some("第 9999 行"));
    }
}
