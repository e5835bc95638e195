//! The events that notifications tell of.

use super::super::text_enum::text_enum;

text_enum! {
    /// What a notification tells.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub enum NotifyEvent {
        Failed = "failed",
        FailuresInARow = "failures_in_a_row",
        Recovered = "recovered",
        Missed = "missed",
        Skipped = "skipped",
        Late = "late",
        RunningLong = "running_long",
        NoSuccess = "no_success",
        HeartbeatLost = "heartbeat_lost",
        ChannelFailing = "channel_failing",
        CalendarMissing = "calendar_missing",
        StorageTrouble = "storage_trouble",
        Digest = "digest",
        Summary = "summary",
        Test = "test",
    }
}

impl NotifyEvent {
    /// The events that a rule may name.
    pub fn of_rules() -> impl Iterator<Item = NotifyEvent> {
        let told_alone = [NotifyEvent::Digest, NotifyEvent::Summary, NotifyEvent::Test];
        NotifyEvent::ALL.into_iter().filter(move |event| !told_alone.contains(event))
    }

    /// Whether the next success of the task ends an incident of this event.
    #[must_use]
    pub fn ends_with_success(self) -> bool {
        use NotifyEvent::{Failed, FailuresInARow, Missed, NoSuccess, Skipped};
        matches!(self, Failed | FailuresInARow | Missed | NoSuccess | Skipped)
    }
}
