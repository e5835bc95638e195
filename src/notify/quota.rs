//! Rate limits: when the next request may go to a provider, from the times of the last ones.

/// At most `count` requests within any window of these milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    pub count: usize,
    pub window_ms: i64,
}

impl Rate {
    pub const fn per_second(count: usize) -> Self {
        Self { count, window_ms: 1_000 }
    }

    pub const fn per_minute(count: usize) -> Self {
        Self { count, window_ms: 60_000 }
    }

    /// The window with a margin: the provider counts by its own clock, after the way through the network.
    fn window(self) -> i64 {
        self.window_ms + (self.window_ms / 20).clamp(250, 1_000)
    }
}

/// Limits from this count on keep the last request for urgent messages, and space the others out when half of them are used.
const SPACED_FROM: usize = 10;

/// The earliest time of the next request in milliseconds; `now` if it may be sent at once. `sends` are the times of the last
/// requests, ascending.
pub fn earliest(sends: &[i64], rates: &[Rate], now: i64, urgent: bool) -> i64 {
    rates.iter().map(|rate| earliest_by(sends, *rate, now, urgent)).fold(now, i64::max)
}

fn earliest_by(sends: &[i64], rate: Rate, now: i64, urgent: bool) -> i64 {
    let window = rate.window();
    let recent = within(sends, window, now);
    let spaced = rate.count >= SPACED_FROM && !urgent;
    let allowed = if spaced { rate.count - 1 } else { rate.count }.max(1);
    let full = recent.len().checked_sub(allowed).map_or(now, |first| recent[first] + window);
    let spacing = match recent.last() {
        Some(last) if spaced && recent.len() * 2 >= rate.count => last + window / rate.count as i64,
        _ => now,
    };
    full.max(spacing)
}

/// How many requests may be sent now. Unlimited without rates.
pub fn remaining(sends: &[i64], rates: &[Rate], now: i64) -> usize {
    let left = |rate: &Rate| rate.count.saturating_sub(within(sends, rate.window(), now).len());
    rates.iter().map(left).min().unwrap_or(usize::MAX)
}

/// The requests that still count, with a new one; those in the future are of a clock that was ahead.
pub fn with(sends: &[i64], rates: &[Rate], now: i64) -> Vec<i64> {
    let longest = rates.iter().map(|rate| rate.window()).max().unwrap_or_default();
    let kept = within(sends, longest, now).iter().copied();
    kept.chain([now]).collect()
}

/// The requests of the window that ends at `now`.
fn within(sends: &[i64], window: i64, now: i64) -> &[i64] {
    let from = sends.partition_point(|at| *at <= now - window);
    let to = sends.partition_point(|at| *at <= now);
    &sends[from.min(to)..to]
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROBOT: [Rate; 1] = [Rate::per_minute(20)];

    /// The times of the requests if there is always another message.
    fn flood(rates: &[Rate], until: i64) -> Vec<i64> {
        let (mut sends, mut all, mut now) = (Vec::new(), Vec::new(), 0);
        loop {
            now = earliest(&sends, rates, now, false);
            if now > until {
                return all;
            }
            sends = with(&sends, rates, now);
            all.push(now);
        }
    }

    #[test]
    fn no_window_has_more_requests_than_allowed() {
        for rates in [&ROBOT[..], &[Rate::per_second(5), Rate::per_minute(100)], &[Rate::per_second(1), Rate::per_minute(20)]] {
            let all = flood(rates, 600_000);
            for rate in rates {
                let most =
                    all.iter().map(|at| all.iter().filter(|other| (*at..*at + rate.window_ms).contains(other)).count()).max();
                assert!(most <= Some(rate.count), "{rate:?}: {most:?}");
            }
            let minutes = all.len() / 10;
            assert!(minutes * 10 >= rates.last().unwrap().count * 6, "uses at least six tenths of its quota: {minutes} a minute");
        }
    }

    #[test]
    fn an_urgent_message_has_the_last_place() {
        let sends: Vec<i64> = (0..19).collect();
        assert_eq!(earliest(&sends, &ROBOT, 100, true), 100);
        assert_eq!(earliest(&sends, &ROBOT, 100, false), 61_000);
        let full: Vec<i64> = (0..20).collect();
        assert_eq!(earliest(&full, &ROBOT, 100, true), 61_000);
    }

    #[test]
    fn the_first_messages_are_not_delayed() {
        assert_eq!(earliest(&[], &ROBOT, 5, false), 5);
        assert_eq!(earliest(&[1, 2, 3], &ROBOT, 5, false), 5);
        assert_eq!(remaining(&[1, 2, 3], &ROBOT, 5), 17);
        assert_eq!((earliest(&[1, 2, 3], &[], 5, false), remaining(&[1, 2, 3], &[], 5)), (5, usize::MAX));
    }

    #[test]
    fn requests_of_a_clock_that_was_ahead_do_not_count() {
        assert_eq!(earliest(&[900_000; 20], &ROBOT, 5, false), 5);
        assert_eq!(with(&[900_000; 20], &ROBOT, 5), [5]);
    }
}
