//! Throttling of guesses: by account and address together, by address, and slowly by account, so that nobody can lock others out
//! of an account from one address.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::input::truncate;
use crate::domain::user::Actor;
use crate::rate_limit::{KeyedLimiter, client_key};

/// The shortest time between two audit entries about throttled attempts.
const AUDIT_INTERVAL: TimeDelta = TimeDelta::minutes(1);

/// What is guessed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Subject<'a> {
    /// The password of the account with this name.
    Password(&'a str),
    /// A second-factor code of the account with this id.
    Code(&'a str),
    SetupCode,
    /// Not guessed, but costly: a test message of the account with this name.
    ConnectionTest(&'a str),
}

impl Subject<'_> {
    fn key(self) -> String {
        match self {
            Subject::Password(name) => format!("password:{}", truncate(&name.to_lowercase(), 64)),
            Subject::Code(account) => format!("code:{account}"),
            Subject::SetupCode => "setup".to_owned(),
            Subject::ConnectionTest(name) => format!("connection-test:{name}"),
        }
    }
}

/// Counts failed attempts in this process. Clones share the counts.
#[derive(Clone)]
pub(super) struct Throttle(Arc<Limiters>);

struct Limiters {
    by_subject_and_address: KeyedLimiter<(String, Option<IpAddr>)>,
    by_address: KeyedLimiter<IpAddr>,
    /// A single address stays below this limit.
    by_password: KeyedLimiter<String>,
    /// Codes are short, and who guesses them knows the password: a stricter limit.
    by_code: KeyedLimiter<String>,
    throttled: Mutex<Throttled>,
}

/// Throttled attempts that are not in the audit log yet.
#[derive(Default)]
struct Throttled {
    count: u64,
    last: Option<Actor>,
    recorded_at: Option<DateTime<Utc>>,
}

impl Default for Throttle {
    fn default() -> Self {
        Self(Arc::new(Limiters {
            by_subject_and_address: KeyedLimiter::new(5, Duration::from_secs(60)),
            by_address: KeyedLimiter::new(20, Duration::from_secs(10)),
            by_password: KeyedLimiter::new(100, Duration::from_secs(20)),
            by_code: KeyedLimiter::new(10, Duration::from_secs(300)),
            throttled: Mutex::default(),
        }))
    }
}

impl Throttle {
    /// Counts an attempt as a failure in advance, so that concurrent attempts cannot bypass the limit; a successful one calls
    /// [`Throttle::undo`] or [`Throttle::succeed`].
    ///
    /// # Errors
    /// The seconds to wait if the attempt is not allowed; it does not count then.
    pub fn attempt(&self, subject: Subject<'_>, address: Option<&str>, now: DateTime<Utc>) -> Result<(), i64> {
        let (key, client) = (subject.key(), client(address));
        let now = Duration::from_millis(u64::try_from(now.timestamp_millis()).unwrap_or_default());
        let seconds = |wait: Duration| i64::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(i64::MAX);
        if let Some(client) = client {
            self.0.by_address.admit(&client, now).map_err(seconds)?;
        }
        let by_account = self.by_account(subject).map_or(Ok(()), |limiter| limiter.admit(&key, now));
        let by_both = by_account.and_then(|()| {
            let admitted = self.0.by_subject_and_address.admit(&(key.clone(), client), now);
            admitted.inspect_err(|_| self.by_account(subject).into_iter().for_each(|limiter| limiter.refund(&key)))
        });
        by_both.map_err(|wait| {
            client.iter().for_each(|client| self.0.by_address.refund(client));
            seconds(wait)
        })
    }

    /// Undoes the count of an attempt that was not a failure.
    pub fn undo(&self, subject: Subject<'_>, address: Option<&str>) {
        let (key, client) = (subject.key(), client(address));
        client.iter().for_each(|client| self.0.by_address.refund(client));
        self.by_account(subject).into_iter().for_each(|limiter| limiter.refund(&key));
        self.0.by_subject_and_address.refund(&(key, client));
    }

    /// Undoes the count of a successful attempt and forgets earlier failures for this subject from this address.
    pub fn succeed(&self, subject: Subject<'_>, address: Option<&str>) {
        self.undo(subject, address);
        self.0.by_subject_and_address.reset(&(subject.key(), client(address)));
    }

    /// Counts a throttled attempt for the audit log.
    pub fn count_throttled(&self, actor: &Actor) {
        let mut throttled = self.0.throttled.lock().unwrap_or_else(PoisonError::into_inner);
        throttled.count += 1;
        throttled.last = Some(actor.clone());
    }

    /// The number of throttled attempts since the last call that returned some, with the last one's actor; at most once a minute.
    pub fn take_throttled(&self, now: DateTime<Utc>) -> Option<(u64, Actor)> {
        let mut throttled = self.0.throttled.lock().unwrap_or_else(PoisonError::into_inner);
        if throttled.recorded_at.is_some_and(|at| (now - at).abs() < AUDIT_INTERVAL) {
            return None;
        }
        let actor = throttled.last.take()?;
        throttled.recorded_at = Some(now);
        Some((std::mem::take(&mut throttled.count), actor))
    }

    fn by_account(&self, subject: Subject<'_>) -> Option<&KeyedLimiter<String>> {
        match subject {
            Subject::Password(_) => Some(&self.0.by_password),
            Subject::Code(_) => Some(&self.0.by_code),
            Subject::SetupCode | Subject::ConnectionTest(_) => None,
        }
    }
}

fn client(address: Option<&str>) -> Option<IpAddr> {
    address.and_then(|address| address.parse().ok()).map(client_key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::user::{Role, Via};

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(1_000_000 + seconds)
    }

    /// The number of attempts allowed at one time, of `tries`.
    fn allowed(throttle: &Throttle, subject: Subject<'_>, address: &str, seconds: i64, tries: usize) -> usize {
        (0..tries).filter(|_| throttle.attempt(subject, Some(address), at(seconds)).is_ok()).count()
    }

    #[test]
    fn one_address_cannot_lock_out_others() {
        let (throttle, root) = (Throttle::default(), Subject::Password("root"));
        assert_eq!(allowed(&throttle, root, "192.0.2.1", 0, 100), 5);
        assert_eq!(throttle.attempt(Subject::Password("ROOT"), Some("192.0.2.1"), at(0)), Err(60), "one account");
        assert_eq!(allowed(&throttle, root, "192.0.2.2", 0, 1), 1, "from elsewhere");
        let later: usize = (1..600).map(|minute| allowed(&throttle, root, "192.0.2.1", minute * 60, 9)).sum();
        assert_eq!(later, 599, "one a minute");
        assert_eq!(allowed(&throttle, root, "192.0.2.2", 36_000, 9), 5, "for hours");
    }

    #[test]
    fn an_address_is_limited_over_all_accounts_and_by_64() {
        let throttle = Throttle::default();
        let names: Vec<String> = (0..30).map(|number| format!("user{number}")).collect();
        let tried = names.iter().zip(1..).filter(|(name, host)| {
            throttle.attempt(Subject::Password(name), Some(&format!("2001:db8::{host:x}")), at(0)).is_ok()
        });
        assert_eq!(tried.count(), 20);
        assert!(throttle.attempt(Subject::SetupCode, Some("2001:db8::ffff"), at(0)).is_err());
        assert!(throttle.attempt(Subject::SetupCode, Some("2001:db8:0:1::1"), at(0)).is_ok(), "another network");
    }

    #[test]
    fn an_account_is_limited_over_all_addresses() {
        let throttle = Throttle::default();
        let from = |subject: Subject<'_>, seconds: i64| {
            (0..300)
                .filter(|host| {
                    throttle.attempt(subject, Some(&format!("10.0.{}.{}", host / 250, host % 250)), at(seconds)).is_ok()
                })
                .count()
        };
        assert_eq!((from(Subject::Password("root"), 0), from(Subject::Code("1"), 0)), (100, 10));
        assert_eq!((from(Subject::Password("root"), 300), from(Subject::Code("1"), 300)), (15, 1));
    }

    #[test]
    fn successes_do_not_count() {
        let (throttle, root) = (Throttle::default(), Subject::Password("root"));
        for _ in 0..1000 {
            assert_eq!(allowed(&throttle, root, "192.0.2.1", 0, 4), 4);
            (0..4).for_each(|_| throttle.undo(root, Some("192.0.2.1")));
        }
        assert_eq!(allowed(&throttle, root, "192.0.2.1", 0, 4), 4);
        throttle.succeed(root, Some("192.0.2.1"));
        assert_eq!(allowed(&throttle, root, "192.0.2.1", 0, 9), 5);
    }

    #[test]
    fn throttled_attempts_are_counted_for_a_minute() {
        let (throttle, eve) = (Throttle::default(), Actor::new("eve", Role::Viewer, Via::Page));
        assert_eq!(throttle.take_throttled(at(0)), None);
        throttle.count_throttled(&eve);
        assert_eq!(throttle.take_throttled(at(0)).map(|(count, actor)| (count, actor.name)), Some((1, "eve".to_owned())));
        (0..3).for_each(|_| throttle.count_throttled(&eve));
        assert_eq!(throttle.take_throttled(at(59)), None);
        assert_eq!(throttle.take_throttled(at(60)).map(|(count, _)| count), Some(3));
        assert_eq!(throttle.take_throttled(at(200)), None, "none since");
    }
}
