//! The gate to a provider: one request of an account at a time, none beyond its rate limit, whatever process sends it.

use chrono::{DateTime, Duration, Timelike, Utc};
use sha2::{Digest, Sha256};

use crate::domain::notify::channel::Channel;
use crate::domain::secret::Secret;
use crate::notify::channels::{Outcome, provider};
use crate::notify::courier::SEND_TIMEOUT;
use crate::notify::quota;
use crate::storage::notify_quota::{self, Quota};
use crate::storage::{Result, Session, Tx};

/// How long a crashed process keeps others from the account: longer than any request takes.
const LEASE: Duration = Duration::seconds(SEND_TIMEOUT.as_secs() as i64 + 20);
/// When to look again at an account that another process is using.
const RETRY: Duration = Duration::seconds(1);
/// The seconds after a full or half hour in which providers are busy.
const BUSY_SECONDS: u32 = 10;
/// The longest pause that a provider can ask for.
const PAUSE_MAX: Duration = Duration::hours(6);

/// Whether a message may go now.
#[derive(Debug, PartialEq, Eq)]
pub enum Admission {
    /// How many requests the rate limit still admits, this one included.
    Now(usize),
    /// Not before this time.
    At(DateTime<Utc>),
}

/// The gate to the provider of a channel.
pub struct Gate<'a> {
    pub channel: &'a Channel,
    pub node_id: &'a str,
    key: String,
}

impl<'a> Gate<'a> {
    pub fn new(channel: &'a Channel, node_id: &'a str) -> Self {
        Self { channel, node_id, key: account_key(channel) }
    }

    /// Whether a message may go, without taking the right to send.
    pub async fn look(&self, s: &mut dyn Session, now: DateTime<Utc>, urgent: bool) -> Result<Admission> {
        let Some(taken) = notify_quota::get(s, &self.key).await? else {
            return Ok(self.admission(&Quota::default(), now, urgent));
        };
        if taken.lease_until > now {
            return Ok(Admission::At(now + RETRY));
        }
        Ok(self.admission(&Quota { sends: taken.sends, paused_until: taken.paused_until }, now, urgent))
    }

    /// Takes the right to send one message and counts it. If the answer is not [`Admission::Now`], the transaction must be rolled
    /// back.
    pub async fn take(&self, tx: &mut Tx, now: DateTime<Utc>, urgent: bool) -> Result<Admission> {
        let Some(mut quota) = notify_quota::take(tx, &self.key, self.node_id, now, now + LEASE).await? else {
            return Ok(Admission::At(now + RETRY));
        };
        let admission = self.admission(&quota, now, urgent);
        if matches!(admission, Admission::Now(_)) {
            quota.sends = quota::with(&quota.sends, provider(self.channel.channel_type).rates, now.timestamp_millis());
            notify_quota::save(tx, &self.key, self.node_id, &quota, false).await?;
        }
        Ok(admission)
    }

    /// Gives the right back after a request that ended at `now`. `failures`: how many failed in a row, this one included.
    pub async fn release(&self, tx: &mut Tx, now: DateTime<Utc>, outcome: &Outcome, failures: i64) -> Result<()> {
        let Some(taken) = notify_quota::get(tx, &self.key).await? else { return Ok(()) };
        let mut sends = taken.sends;
        // The provider counts a request when it arrives, which was not before it was taken and not after now.
        if let Some(last) = sends.last_mut() {
            *last = (*last).max(now.timestamp_millis());
        }
        let pause = match outcome.retry_after {
            Some(pause) => Duration::from_std(pause).unwrap_or(PAUSE_MAX).min(PAUSE_MAX),
            None if outcome.delivered => Duration::zero(),
            None => backoff(failures),
        };
        notify_quota::save(tx, &self.key, self.node_id, &Quota { sends, paused_until: now + pause }, true).await
    }

    fn admission(&self, quota: &Quota, now: DateTime<Utc>, urgent: bool) -> Admission {
        let (provider, millis) = (provider(self.channel.channel_type), now.timestamp_millis());
        let earliest = quota::earliest(&quota.sends, provider.rates, millis, urgent);
        let earliest = DateTime::from_timestamp_millis(earliest).unwrap_or(now).max(quota.paused_until);
        let busy = !urgent && provider.avoids_full_hours && now.minute().is_multiple_of(30) && now.second() < BUSY_SECONDS;
        let earliest = if busy { earliest.max(self.after_the_rush(now)) } else { earliest };
        match earliest > now {
            true => Admission::At(earliest),
            false => Admission::Now(quota::remaining(&quota.sends, provider.rates, millis)),
        }
    }

    /// Accounts are spread over some seconds.
    fn after_the_rush(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let spread = self.key.bytes().map(i64::from).sum::<i64>() % i64::from(BUSY_SECONDS);
        now + Duration::seconds(i64::from(BUSY_SECONDS - now.second().min(BUSY_SECONDS)) + spread)
    }
}

/// The pause after failures in a row: 2 seconds, twice as long each time, at most 5 minutes.
fn backoff(failures: i64) -> Duration {
    let doublings = u32::try_from(failures.clamp(1, 9)).unwrap_or(9);
    Duration::seconds(1_i64 << doublings).min(Duration::minutes(5))
}

/// The key of the account or robot: channels that share one share its limit.
fn account_key(channel: &Channel) -> String {
    let (options, credentials) = (&channel.options, &channel.credentials);
    let mut hash = Sha256::new();
    hash.update(channel.channel_type.as_str());
    let secret = |secret: &Option<Secret>| secret.as_ref().map_or("", Secret::reveal).to_owned();
    let plain = |text: &Option<String>| text.clone().unwrap_or_default();
    let parts = [
        secret(&credentials.url),
        secret(&credentials.token),
        secret(&credentials.key),
        plain(&options.corp_id),
        plain(&options.agent_id),
        plain(&options.chat_id),
        plain(&options.smtp),
        plain(&options.sms),
    ];
    for part in parts {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    data_encoding::HEXLOWER.encode(&hash.finalize()[..16])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::notify::channel::{ChannelOptions, ChannelType, Credentials};

    fn channel(channel_type: ChannelType, name: &str, token: &str) -> Channel {
        let credentials = Credentials { token: Some(Secret::new(token)), ..Credentials::default() };
        Channel { name: name.into(), channel_type, options: ChannelOptions::default(), credentials, from_file: true }
    }

    #[test]
    fn channels_of_one_robot_share_a_key() {
        let key = |channel_type, name, token| account_key(&channel(channel_type, name, token));
        assert_eq!(key(ChannelType::Dingtalk, "a", "t"), key(ChannelType::Dingtalk, "b", "t"));
        assert_ne!(key(ChannelType::Dingtalk, "a", "t"), key(ChannelType::Dingtalk, "a", "u"));
        assert_ne!(key(ChannelType::Dingtalk, "a", "t"), key(ChannelType::WecomRobot, "a", "t"));
    }

    #[test]
    fn feishu_waits_at_full_hours_unless_urgent() {
        let feishu = channel(ChannelType::Feishu, "a", "t");
        let gate = Gate::new(&feishu, "n");
        let admission = |at: &str, urgent| gate.admission(&Quota::default(), at.parse().unwrap(), urgent);
        let Admission::At(later) = admission("2026-11-21T08:30:02Z", false) else { panic!("not delayed") };
        assert!(
            ("2026-11-21T08:30:10Z".parse::<DateTime<Utc>>().unwrap().."2026-11-21T08:30:20Z".parse().unwrap()).contains(&later)
        );
        assert_eq!(admission("2026-11-21T08:30:02Z", true), Admission::Now(5));
        assert_eq!(admission("2026-11-21T08:31:02Z", false), Admission::Now(5));
    }

    #[test]
    fn backoff_doubles_up_to_five_minutes() {
        assert_eq!([1, 2, 3, 8, 9, 1_000].map(|failures| backoff(failures).num_seconds()), [2, 4, 8, 256, 300, 300]);
    }
}
