//! The outcomes of a task's newest runs, kept with the task so that a list of tasks needs no query for its charts.
//!
//! Each run takes [`WIDTH`] characters: a letter for its status and its duration in milliseconds as five base-36 digits (the
//! longest that fit stand for longer ones), oldest first.

use super::execution::Status;

/// How many runs are kept.
pub const KEPT: usize = 40;
/// The characters of one run.
pub const WIDTH: usize = 6;
/// The longest duration that fits: almost 17 hours.
const LONGEST_MS: i64 = 36_i64.pow(WIDTH as u32 - 1) - 1;
const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

const LETTERS: [(Status, char); 5] = [
    (Status::Succeeded, 's'),
    (Status::Failed, 'f'),
    (Status::TimedOut, 't'),
    (Status::Cancelled, 'c'),
    (Status::Interrupted, 'i'),
];

/// The outcome of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecentOutcome {
    pub status: Status,
    /// At most `LONGEST_MS`.
    pub duration_ms: i64,
}

impl RecentOutcome {
    /// The text of the outcome; `None` for executions that never ran.
    #[must_use]
    pub fn encode(self) -> Option<String> {
        let (_, letter) = LETTERS.iter().find(|(status, _)| *status == self.status)?;
        let mut left = usize::try_from(self.duration_ms.clamp(0, LONGEST_MS)).unwrap_or_default();
        let mut digits = [b'0'; WIDTH - 1];
        for digit in digits.iter_mut().rev() {
            *digit = DIGITS[left % 36];
            left /= 36;
        }
        Some(std::iter::once(*letter).chain(digits.iter().map(|digit| char::from(*digit))).collect())
    }

    /// The outcomes of a text, oldest first; what cannot be read is left out.
    #[must_use]
    pub fn parse_all(text: &str) -> Vec<RecentOutcome> {
        text.as_bytes().chunks_exact(WIDTH).filter_map(RecentOutcome::parse).collect()
    }

    fn parse(text: &[u8]) -> Option<RecentOutcome> {
        let text = std::str::from_utf8(text).ok()?;
        let letter = text.chars().next()?;
        let (status, _) = LETTERS.iter().find(|(_, found)| *found == letter)?;
        Some(RecentOutcome { status: *status, duration_ms: i64::from_str_radix(text.get(1..)?, 36).ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_round_trip_in_a_fixed_width() {
        for (status, duration_ms, kept) in
            [(Status::Succeeded, 7, 7), (Status::TimedOut, 3_600_000, 3_600_000), (Status::Failed, i64::MAX, LONGEST_MS)]
        {
            let text = RecentOutcome { status, duration_ms }.encode().unwrap();
            assert_eq!((text.len(), RecentOutcome::parse_all(&text)), (WIDTH, vec![RecentOutcome { status, duration_ms: kept }]));
        }
        assert_eq!(RecentOutcome { status: Status::Skipped, duration_ms: 0 }.encode(), None);
        assert_eq!(RecentOutcome::parse_all("s00007x00000f0000a").len(), 2);
    }
}
