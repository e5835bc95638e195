//! The health of a channel: the outcome of its last deliveries.

use chrono::{DateTime, Utc};

use crate::i18n::Message;

/// A channel is failing after this many failures in a row.
pub const FAILING_AFTER: i64 = 3;

/// What the last deliveries of a channel came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChannelHealth {
    pub channel: String,
    /// Failures in a row.
    pub failures: i64,
    /// The time of the first of them.
    pub failing_since: Option<DateTime<Utc>>,
    pub last_success_at: Option<DateTime<Utc>>,
    pub last_failure_at: Option<DateTime<Utc>>,
    /// The HTTP status of the last answer.
    pub provider_status: Option<i64>,
    /// The provider's code in the last answer.
    pub provider_code: Option<String>,
    /// The provider's text in the last answer, or why there was none.
    pub provider_text: Option<Message>,
}

impl ChannelHealth {
    /// Whether the channel is failing: its messages do not arrive, so other channels should tell of it.
    pub fn is_failing(&self) -> bool {
        self.failures >= FAILING_AFTER
    }
}
