//! Progress lines of a stream: lines that a program rewrites are forwarded once a second, each time with the last state alone.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use crate::domain::output_lines::squeezed;

const INTERVAL: Duration = Duration::from_secs(1);

/// The state of a line that is being rewritten.
#[derive(Debug, Default)]
pub(super) struct ProgressLine {
    held_back: String,
    forwarded_at: Option<Instant>,
}

impl ProgressLine {
    /// Takes the next piece of the stream; returns what to forward.
    pub fn push<'t>(&mut self, text: &'t str, now: Instant) -> Cow<'t, str> {
        if self.held_back.is_empty() && !text.contains('\r') {
            return Cow::Borrowed(text);
        }
        let all = std::mem::take(&mut self.held_back) + text;
        let (lines, rest) = all.split_at(all.rfind('\n').map_or(0, |at| at + 1));
        let (mut forward, rest) = (squeezed(lines), squeezed(rest));
        let is_rewritten = rest.contains('\r');
        if is_rewritten && self.forwarded_at.is_some_and(|at| now.duration_since(at) < INTERVAL) {
            self.held_back = rest;
        } else {
            self.forwarded_at = if is_rewritten { Some(now) } else { self.forwarded_at };
            forward.push_str(&rest);
        }
        Cow::Owned(forward)
    }

    /// What is held back.
    pub fn finish(&mut self) -> String {
        std::mem::take(&mut self.held_back)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_forwarded_once_a_second_and_at_the_end() {
        let (mut line, start) = (ProgressLine::default(), Instant::now());
        let mut push = |ms: u64, text: &str| line.push(text, start + Duration::from_millis(ms)).into_owned();
        assert_eq!(push(0, "start\n0%"), "start\n0%");
        assert_eq!(push(1, "\r1%\r2%"), "\r2%");
        assert_eq!(push(500, "\r3%"), "");
        assert_eq!(push(900, "\r4%\r5%"), "");
        assert_eq!(push(1_100, "\r6%"), "\r6%");
        assert_eq!(push(1_200, "\r99%"), "");
        assert_eq!(push(1_300, "\r100%\nnext"), "\r100%\nnext");
        assert_eq!(push(1_400, "\rlast"), "");
        assert_eq!((line.finish().as_str(), line.finish().as_str()), ("\rlast", ""));
    }

    #[test]
    fn line_ends_of_windows_are_kept() {
        let mut line = ProgressLine::default();
        let pieces = ["one\r\ntwo\r", "\nthree\r\n"].map(|text| line.push(text, Instant::now()).into_owned());
        assert_eq!(pieces.concat() + &line.finish(), "one\r\ntwo\r\nthree\r\n");
    }
}
