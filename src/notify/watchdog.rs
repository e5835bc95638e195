//! The watchdog of another server: decides from the results of its checks when to send a message.

use chrono::{DateTime, TimeDelta, Utc};

use crate::i18n::Message;

/// A message of the watchdog.
#[derive(Debug, Clone, PartialEq)]
pub enum Alarm {
    /// The server fails its checks.
    Opened { since: DateTime<Utc>, reason: Message },
    /// It still does.
    Reminder { since: DateTime<Utc>, reason: Message },
    /// It passes them again.
    Recovered { since: DateTime<Utc> },
}

/// The state between checks.
#[derive(Debug)]
pub struct Watchdog {
    /// How many checks in a row must fail.
    failures_needed: u32,
    /// `None`: no reminders.
    remind_every: Option<TimeDelta>,
    failures: u32,
    failing_since: Option<DateTime<Utc>>,
    /// When it was told last that the server fails; `None` while it does not.
    told_at: Option<DateTime<Utc>>,
}

impl Watchdog {
    pub fn new(failures_needed: u32, remind_every: Option<TimeDelta>) -> Self {
        Self { failures_needed: failures_needed.max(1), remind_every, failures: 0, failing_since: None, told_at: None }
    }

    /// Takes the result of a check.
    pub fn observe(&mut self, result: Result<(), Message>, now: DateTime<Utc>) -> Option<Alarm> {
        let Err(reason) = result else {
            self.failures = 0;
            let since = self.failing_since.take();
            return self.told_at.take().and(since).map(|since| Alarm::Recovered { since });
        };
        self.failures = self.failures.saturating_add(1);
        let since = *self.failing_since.get_or_insert(now);
        match self.told_at {
            None if self.failures >= self.failures_needed => {
                self.told_at = Some(now);
                Some(Alarm::Opened { since, reason })
            }
            Some(told) if self.remind_every.is_some_and(|every| now - told >= every) => {
                self.told_at = Some(now);
                Some(Alarm::Reminder { since, reason })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn failed() -> Result<(), Message> {
        Err(Message::verbatim("no answer"))
    }

    #[test]
    fn one_alarm_at_the_opening_and_one_at_the_recovery() {
        let mut watchdog = Watchdog::new(2, None);
        let reason = Message::verbatim("no answer");
        assert_eq!(watchdog.observe(Ok(()), at(0)), None);
        assert_eq!(watchdog.observe(failed(), at(10)), None, "once may be chance");
        assert_eq!(watchdog.observe(Ok(()), at(20)), None, "nothing was told");
        assert_eq!(watchdog.observe(failed(), at(30)), None);
        assert_eq!(watchdog.observe(failed(), at(40)), Some(Alarm::Opened { since: at(30), reason }));
        assert!((5..1000).all(|step| watchdog.observe(failed(), at(step * 10)).is_none()), "no reminders are wanted");
        assert_eq!(watchdog.observe(Ok(()), at(10_000)), Some(Alarm::Recovered { since: at(30) }));
        assert_eq!(watchdog.observe(Ok(()), at(10_010)), None);
    }

    #[test]
    fn reminders_come_at_their_interval() {
        let mut watchdog = Watchdog::new(1, Some(TimeDelta::seconds(60)));
        assert!(matches!(watchdog.observe(failed(), at(0)), Some(Alarm::Opened { .. })));
        let told: Vec<i64> =
            (1..20).map(|step| step * 10).filter(|seconds| watchdog.observe(failed(), at(*seconds)).is_some()).collect();
        assert_eq!(told, [60, 120, 180]);
    }
}
