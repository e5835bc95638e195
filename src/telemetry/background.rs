//! Log writer with a thread of its own, so that whoever logs does not wait for the disk or the terminal.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread;
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// Maximum number of lines that wait to be written.
const WAITING_MAX: usize = 16_384;
/// Maximum time that the end of the process waits for the last lines.
const END_WAIT: Duration = Duration::from_secs(1);

/// What happens to a line when [`WAITING_MAX`] lines wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WhenFull {
    /// The one who logs waits.
    Wait,
    /// The line is lost.
    Drop,
}

/// Hands lines over to the thread.
pub(super) struct Lines {
    lines: SyncSender<Option<Vec<u8>>>,
    when_full: WhenFull,
}

/// Keeps the thread; dropping it writes what waits and ends the thread.
pub(super) struct Guard {
    lines: SyncSender<Option<Vec<u8>>>,
    ended: Receiver<()>,
}

/// Starts the thread.
///
/// # Errors
/// The system starts no thread.
pub(super) fn start(name: &str, to: impl Write + Send + 'static, when_full: WhenFull) -> io::Result<(Lines, Guard)> {
    let (lines, waiting) = sync_channel(WAITING_MAX);
    let (end, ended) = sync_channel(1);
    thread::Builder::new().name(name.to_owned()).spawn(move || {
        write_all(to, &waiting);
        let _ = end.send(()); // the guard may have stopped waiting
    })?;
    Ok((Lines { lines: lines.clone(), when_full }, Guard { lines, ended }))
}

/// Writes lines until the end mark; flushes whenever no line waits. A line that cannot be written is lost.
fn write_all(mut to: impl Write, waiting: &Receiver<Option<Vec<u8>>>) {
    loop {
        let next = match waiting.try_recv() {
            Err(TryRecvError::Empty) => {
                let _ = to.flush(); // there is no other place to report a failing log
                waiting.recv().ok().flatten()
            }
            received => received.ok().flatten(),
        };
        let Some(line) = next else { break };
        let _ = to.write_all(&line); // there is no other place to report a failing log
    }
    let _ = to.flush(); // there is no other place to report a failing log
}

impl Write for &Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let message = Some(line.to_vec());
        let _ = match self.when_full {
            WhenFull::Wait => self.lines.send(message).is_ok(),
            WhenFull::Drop => self.lines.try_send(message).is_ok(),
        }; // after the end nothing is written
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = &'a Lines;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if self.lines.try_send(None).is_err() {
            // The buffer is full: its lines are written as far as the time allows.
            let lines = self.lines.clone();
            thread::spawn(move || lines.send(None));
        }
        let _ = self.ended.recv_timeout(END_WAIT); // a stuck terminal does not hold the process
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex, mpsc};

    use super::*;

    /// A target that waits for a sign before its first write.
    struct Slow(Arc<Mutex<Vec<u8>>>, Option<mpsc::Receiver<()>>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if let Some(sign) = self.1.take() {
                sign.recv().unwrap();
            }
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written(lines: usize, when_full: WhenFull) -> usize {
        let all = Arc::new(Mutex::new(Vec::new()));
        let (go, sign) = mpsc::channel();
        let (writer, guard) = start("test", Slow(Arc::clone(&all), Some(sign)), when_full).unwrap();
        let log = thread::spawn(move || (0..lines).for_each(|_| (&writer).write_all(b"x").unwrap()));
        if when_full == WhenFull::Drop {
            log.join().unwrap();
            go.send(()).unwrap();
        } else {
            go.send(()).unwrap();
            log.join().unwrap();
        }
        drop(guard);
        all.lock().unwrap().len()
    }

    #[test]
    fn every_line_is_written_before_the_guard_is_gone() {
        assert_eq!(written(3, WhenFull::Wait), 3);
        assert_eq!(written(3 * WAITING_MAX, WhenFull::Wait), 3 * WAITING_MAX);
    }

    #[test]
    fn a_stuck_target_loses_lines_and_delays_nobody() {
        let kept = written(3 * WAITING_MAX, WhenFull::Drop);
        assert!((WAITING_MAX..=WAITING_MAX + 1).contains(&kept), "{kept}");
    }
}
