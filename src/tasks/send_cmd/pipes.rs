//! A command's pipes: what it writes is decoded and passed on as it comes; the ends of it are kept for the result.

use std::sync::{Mutex, PoisonError};

use encoding_rs::{Decoder, Encoding};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::ChildStdin;

use super::process::ChildPipes;
use crate::domain::execution::Stream;
use crate::tasks::output::OutputSink;

/// Bytes kept of the end of each stream.
const TAIL: usize = 4 * 1024;
/// Bytes read at once.
const READ: usize = 16 * 1024;

/// The reading side of a command.
pub(super) struct Pipes {
    encoding: &'static Encoding,
    stdout: Mutex<String>,
    stderr: Mutex<String>,
}

impl Pipes {
    pub fn new(encoding: &'static Encoding) -> Self {
        Self { encoding, stdout: Mutex::default(), stderr: Mutex::default() }
    }

    /// Feeds the command and passes on what it writes, until it closed its ends.
    pub async fn pump(&self, pipes: ChildPipes, stdin: Option<Vec<u8>>, output: &OutputSink) {
        let ChildPipes { stdin: input, stdout, stderr } = pipes;
        tokio::join!(feed(input, stdin), self.read(stdout, Stream::Stdout, output), self.read(stderr, Stream::Stderr, output));
    }

    async fn read(&self, pipe: Option<impl AsyncRead + Unpin>, stream: Stream, output: &OutputSink) {
        let Some(mut pipe) = pipe else { return };
        let mut decoder = self.encoding.new_decoder_with_bom_removal();
        let mut bytes = vec![0; READ];
        loop {
            let count = pipe.read(&mut bytes).await.unwrap_or(0);
            let text = decode(&mut decoder, &bytes[..count], count == 0);
            output.write(stream, &text);
            self.keep(stream, &text);
            if count == 0 {
                return;
            }
        }
    }

    fn keep(&self, stream: Stream, text: &str) {
        let mut tail = self.tail(stream);
        tail.push_str(text);
        if tail.len() > TAIL {
            let start = tail.ceil_char_boundary(tail.len() - TAIL);
            tail.drain(..start);
        }
    }

    fn tail(&self, stream: Stream) -> std::sync::MutexGuard<'_, String> {
        let tail = match stream {
            Stream::Stdout => &self.stdout,
            Stream::Stderr => &self.stderr,
        };
        tail.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The result of a run that ended like this.
    pub fn result(&self, exit_code: Option<i32>, signal: Option<&str>) -> Value {
        json!({
            "exit_code": exit_code,
            "signal": signal,
            "stdout_tail": *self.tail(Stream::Stdout),
            "stderr_tail": *self.tail(Stream::Stderr),
        })
    }

    /// The last line on the error stream that says something.
    pub fn last_error_line(&self) -> Option<String> {
        let tail = self.tail(Stream::Stderr);
        tail.lines().rev().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned)
    }
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
        let pipes = Pipes::new(encoding_rs::UTF_8);
        (0..10_000).for_each(|n| pipes.keep(Stream::Stderr, &format!("第 {n} 行\n")));
        assert!(pipes.tail(Stream::Stderr).len() <= TAIL);
        assert_eq!(pipes.last_error_line().as_deref(), Some("第 9999 行"));
    }
}
