//! The record of a request: the provider's answer, the next try, and the health of the channel.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::Delivery;
use super::gate::Gate;
use crate::domain::notify::channel_health::ChannelHealth;
use crate::domain::notify::event::NotifyEvent;
use crate::domain::notify::message::{Message, MessageState};
use crate::domain::notify::rule::Target;
use crate::i18n::{self, message};
use crate::notify::channels::Outcome;
use crate::notify::incidents::{self, DecisionTime, Trouble};
use crate::storage::notify_message::Attempt;
use crate::storage::{Result, Tx, notify_channel, notify_message};

/// A message is given up after this time.
const GIVEN_UP_AFTER: chrono::Duration = chrono::Duration::hours(24);
/// The longest time between two tries, unless the provider asks for more.
const RETRY_MAX: chrono::Duration = chrono::Duration::minutes(10);
/// How often the record is tried before the message is left to the next process: it is then sent again.
const RECORD_TRIES: u32 = 10;
const RECORD_PAUSE: Duration = Duration::from_secs(1);

impl Delivery {
    /// Records the answer to a request, again and again while the database fails: what is not recorded is sent again.
    pub(super) async fn record(&self, gate: &Gate<'_>, messages: &[Message], group_id: &str, outcome: &Outcome) -> Result<()> {
        let mut tries = 1;
        loop {
            match self.try_to_record(gate, messages, group_id, outcome).await {
                Err(error) if tries < RECORD_TRIES => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "failed to record a notification; retrying");
                    tokio::time::sleep(RECORD_PAUSE).await;
                    tries += 1;
                }
                recorded => return recorded,
            }
        }
    }

    async fn try_to_record(&self, gate: &Gate<'_>, messages: &[Message], group_id: &str, outcome: &Outcome) -> Result<()> {
        let (now, name) = (self.clock.now(), gate.channel.name.as_str());
        let mut tx = self.database.write().await?;
        let former = notify_channel::health_of(&mut tx, name).await?.unwrap_or_default();
        let was_failing = former.is_failing();
        let health = health(former, name, outcome, now);
        let attempt = attempt(messages, group_id, outcome, now, &self.node_id);
        notify_message::record(&mut tx, &attempt).await?;
        notify_channel::set_health(&mut tx, &health).await?;
        gate.release(&mut tx, now, outcome, health.failures).await?;
        let is_changed = health.is_failing() != was_failing;
        let told = is_changed && self.tell_health(&mut tx, &health, now).await?;
        tx.commit().await?;
        if is_changed {
            tracing::warn!(channel = name, failing = health.is_failing(), "the state of a notification channel changed");
        }
        if told {
            self.signals.notifications.notify_one();
        }
        if let Some(error) = outcome.template_error.as_ref().map(ToString::to_string) {
            tracing::warn!(channel = name, message.id = group_id, error, "failed to render the templates of a notification");
        }
        let (status, code) = (outcome.status, outcome.code.as_deref());
        match attempt.state {
            MessageState::Queued | MessageState::Failed => {
                let text = outcome.text.as_ref().map(ToString::to_string);
                tracing::warn!(channel = name, message.id = group_id, status, code, text, "failed to deliver a notification");
            }
            _ => tracing::debug!(channel = name, message.id = group_id, messages = messages.len(), "delivered a notification"),
        }
        Ok(())
    }
}

impl Delivery {
    /// Closes the incident of a channel that is deleted. Returns whether messages were queued.
    pub async fn end_failing(&self, tx: &mut Tx, channel: &str, now: DateTime<Utc>) -> Result<bool> {
        let well = ChannelHealth { channel: channel.to_owned(), ..ChannelHealth::default() };
        self.tell_health(tx, &well, now).await
    }

    /// Opens or closes the incident of a failing channel, which other channels tell. Returns whether messages were queued.
    async fn tell_health(&self, tx: &mut Tx, health: &ChannelHealth, now: DateTime<Utc>) -> Result<bool> {
        tracing::warn!(channel = health.channel, failing = health.is_failing(), "the state of a notification channel changed");
        let error = match (&health.provider_code, &health.provider_text) {
            (Some(code), Some(text)) => Some(message!("incident_error.provider", code, text = text.clone())),
            (Some(code), None) => Some(i18n::Message::verbatim(code)),
            (None, text) => text.clone(),
        };
        let subject = format!("channel:{}", health.channel);
        let trouble =
            Trouble { event: NotifyEvent::ChannelFailing, subject: &subject, target: Target::SERVER, error: error.as_ref() };
        let at = DecisionTime { now, zone: self.zone };
        match health.is_failing() {
            true => incidents::raise(tx, &trouble, at).await,
            false => incidents::resolve(tx, &trouble, at).await,
        }
    }
}

/// The health of a channel after a request. A rate limit says nothing about it.
fn health(former: ChannelHealth, channel: &str, outcome: &Outcome, now: DateTime<Utc>) -> ChannelHealth {
    let answered = ChannelHealth {
        channel: channel.to_owned(),
        provider_status: outcome.status.map(i64::from),
        provider_code: outcome.code.clone(),
        provider_text: outcome.text.clone(),
        ..former
    };
    if outcome.delivered {
        return ChannelHealth { failures: 0, failing_since: None, last_success_at: Some(now), ..answered };
    }
    let failures = if outcome.retry_after.is_some() { answered.failures } else { answered.failures.saturating_add(1) };
    ChannelHealth { failures, failing_since: answered.failing_since.or(Some(now)), last_failure_at: Some(now), ..answered }
}

fn attempt(messages: &[Message], group_id: &str, outcome: &Outcome, now: DateTime<Utc>, node_id: &str) -> Attempt {
    let attempts = messages.first().map_or(0, |message| message.attempts);
    let oldest = messages.iter().map(|message| message.not_before.max(message.created_at)).min().unwrap_or(now);
    let is_test = messages.iter().any(|message| message.notice.event == NotifyEvent::Test);
    let (state, next_try_at) = match outcome.delivered {
        true => (MessageState::Sent, None),
        // A test is not repeated: somebody has seen its answer.
        false if is_test || now - oldest >= GIVEN_UP_AFTER => (MessageState::Failed, None),
        false => (MessageState::Queued, Some(now + pause(attempts, outcome))),
    };
    Attempt {
        group_id: group_id.to_owned(),
        state,
        next_try_at,
        at: now,
        provider_status: outcome.status.map(i64::from),
        provider_code: outcome.code.clone(),
        provider_text: outcome.text.clone(),
        template_error: outcome.template_error.clone(),
        node: node_id.to_owned(),
    }
}

/// The pause before the next try: 5 seconds, or a minute for a refusal that lasts; twice as long each time.
fn pause(attempts: i64, outcome: &Outcome) -> chrono::Duration {
    if let Some(asked) = outcome.retry_after {
        return chrono::Duration::from_std(asked).unwrap_or(RETRY_MAX);
    }
    let first = if outcome.permanent { 60 } else { 5 };
    let doublings = u32::try_from(attempts.clamp(0, 10)).unwrap_or(10);
    chrono::Duration::seconds(first << doublings).min(RETRY_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pause_doubles_and_follows_the_provider() {
        let refused = Outcome::default();
        assert_eq!([0, 1, 2, 9, 99].map(|attempts| pause(attempts, &refused).num_seconds()), [5, 10, 20, 600, 600]);
        let permanent = Outcome { permanent: true, ..Outcome::default() };
        assert_eq!([0, 1, 99].map(|attempts| pause(attempts, &permanent).num_seconds()), [60, 120, 600]);
        let asked = Outcome { retry_after: Some(Duration::from_secs(7_000)), ..Outcome::default() };
        assert_eq!(pause(3, &asked).num_seconds(), 7_000);
    }

    #[test]
    fn health_counts_failures_until_a_success() {
        let at = |minute: i64| DateTime::UNIX_EPOCH + chrono::Duration::minutes(minute);
        let refused = Outcome { code: Some("310000".into()), permanent: true, ..Outcome::default() };
        let mut now = ChannelHealth::default();
        for minute in 1..=3 {
            assert!(!now.is_failing());
            now = health(now, "ops", &refused, at(minute));
        }
        assert!(now.is_failing());
        assert_eq!(
            (now.failing_since, now.last_failure_at, now.provider_code.as_deref()),
            (Some(at(1)), Some(at(3)), Some("310000"))
        );
        let limited = Outcome { retry_after: Some(Duration::from_secs(1)), ..Outcome::default() };
        now = health(now, "ops", &limited, at(4));
        assert_eq!(now.failures, 3);
        now = health(now, "ops", &Outcome { delivered: true, ..Outcome::default() }, at(5));
        assert_eq!(
            (now.failures, now.failing_since, now.last_success_at, now.last_failure_at),
            (0, None, Some(at(5)), Some(at(4)))
        );
    }
}
