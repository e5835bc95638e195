//! Settings of queues by administrators: one fact of the server each, named after the queue.

use super::statement::fetch;
use super::{Error, Result, Session, server_state};
use crate::domain::queue::{QueueSetting, QueueSettings};

/// Precedes the name of the queue.
const PREFIX: &str = "queue:";

/// Returns the settings of all queues that have some.
pub async fn all(s: &mut dyn Session) -> Result<QueueSettings> {
    let found: Vec<(String, String)> = fetch!(all, s, "read the settings of queues", ALL)?;
    found.into_iter().map(|(name, value)| Ok((name[PREFIX.len()..].to_owned(), parse(&value)?))).collect()
}

pub(super) const ALL: &str = "select name, value from server_state where name like 'queue:%'";

/// Returns the setting of a queue and locks it until the transaction ends; the default if it has none.
pub async fn lock(s: &mut dyn Session, queue: &str) -> Result<QueueSetting> {
    let found = server_state::lock(s, &format!("{PREFIX}{queue}")).await?;
    found.map_or_else(|| Ok(QueueSetting::default()), |value| parse(&value))
}

fn parse(value: &str) -> Result<QueueSetting> {
    serde_json::from_str(value).map_err(|error| Error::InvalidValue(format!("setting of a queue: {error}")))
}

/// Stores the setting of a queue.
pub async fn set(s: &mut dyn Session, queue: &str, setting: &QueueSetting) -> Result<()> {
    server_state::set(s, &format!("{PREFIX}{queue}"), &serde_json::json!(setting).to_string()).await
}
