//! Notification channels: those of administrators, the health of all, and the rate limits of their providers.

use chrono::{DateTime, Utc};

use super::column::stored;
use super::statement::{execute, fetch};
use super::{Error, Result, Session, Tx, message_json, millis};
use crate::domain::notify::channel::{ChannelOptions, ChannelType};
use crate::domain::notify::channel_health::ChannelHealth;

/// A channel with its encrypted credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredChannel {
    pub name: String,
    pub channel_type: ChannelType,
    pub options: ChannelOptions,
    pub ciphertext: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub updated_by: String,
}

stored! {
    COLUMNS: StoredChannel { name, channel_type = type, options, ciphertext, created_at, updated_at, updated_by }
}

/// Returns all channels of administrators by name.
pub async fn list(s: &mut dyn Session) -> Result<Vec<StoredChannel>> {
    fetch!(all, s, "read the channels", &format!("select {COLUMNS} from notify_channels order by name"))
}

/// Returns a value that changes with every change of a channel: the row count and the sum of update times.
pub async fn revision(s: &mut dyn Session) -> Result<(i64, i64)> {
    let text = "select count(*), cast(coalesce(sum(updated_at), 0) as bigint) from notify_channels";
    fetch!(one, s, "read the channels", text)
}

/// Inserts a channel.
///
/// # Errors
/// [`Error::Conflict`] if there is one of that name.
pub async fn insert(tx: &mut Tx, channel: &StoredChannel) -> Result<()> {
    let text = "insert into notify_channels (name, type, options, ciphertext, created_at, updated_at, updated_by)
        values ($1, $2, $3, $4, $5, $5, $6)";
    let (options, at) = (options_text(channel)?, millis(channel.created_at));
    let kind = channel.channel_type.as_str();
    execute!(tx, "create the channel", text, &channel.name, kind, options, &channel.ciphertext, at, &channel.updated_by).map(drop)
}

/// Replaces a channel. Returns false if it does not exist. The update time always grows, for [`revision`].
pub async fn update(tx: &mut Tx, channel: &StoredChannel) -> Result<bool> {
    let text = "update notify_channels set type = $2, options = $3, ciphertext = $4, updated_by = $6,
            updated_at = case when updated_at < $5 then $5 else updated_at + 1 end where name = $1";
    let (options, at) = (options_text(channel)?, millis(channel.updated_at));
    let kind = channel.channel_type.as_str();
    let changed =
        execute!(tx, "save the channel", text, &channel.name, kind, options, &channel.ciphertext, at, &channel.updated_by)?;
    Ok(changed > 0)
}

fn options_text(channel: &StoredChannel) -> Result<String> {
    serde_json::to_string(&channel.options).map_err(|error| Error::InvalidValue(error.to_string()))
}

/// Deletes a channel and its health. Returns false if it does not exist.
pub async fn delete(tx: &mut Tx, name: &str) -> Result<bool> {
    execute!(tx, "delete the channel", "delete from notify_channel_health where channel = $1", name)?;
    Ok(execute!(tx, "delete the channel", "delete from notify_channels where name = $1", name)? > 0)
}

stored! {
    HEALTH: ChannelHealth {
        channel, failures, failing_since, last_success_at, last_failure_at, provider_status, provider_code, provider_text
    }
}

/// Returns the health of the channels that have sent something, by name.
pub async fn health(s: &mut dyn Session) -> Result<Vec<ChannelHealth>> {
    fetch!(all, s, "read the channels' health", &format!("select {HEALTH} from notify_channel_health order by channel"))
}

/// Returns the health of one channel.
pub async fn health_of(s: &mut dyn Session, channel: &str) -> Result<Option<ChannelHealth>> {
    let text = format!("select {HEALTH} from notify_channel_health where channel = $1");
    fetch!(optional, s, "read the channel's health", &text, channel)
}

/// Saves the health of a channel.
pub async fn set_health(tx: &mut Tx, health: &ChannelHealth) -> Result<()> {
    let text = "insert into notify_channel_health
            (channel, failures, failing_since, last_success_at, last_failure_at, provider_status, provider_code, provider_text)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        on conflict (channel) do update set failures = excluded.failures, failing_since = excluded.failing_since,
            last_success_at = excluded.last_success_at, last_failure_at = excluded.last_failure_at,
            provider_status = excluded.provider_status, provider_code = excluded.provider_code,
            provider_text = excluded.provider_text";
    execute!(
        tx,
        "save the channel's health",
        text,
        &health.channel,
        health.failures,
        health.failing_since.map(millis),
        health.last_success_at.map(millis),
        health.last_failure_at.map(millis),
        health.provider_status,
        &health.provider_code,
        message_json(health.provider_text.as_ref())
    )
    .map(drop)
}
