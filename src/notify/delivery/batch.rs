//! Batches: which of the due messages go in one request.

use crate::domain::notify::message::{Message, Notice};
use crate::notify::channels::Provider;
use crate::notify::text;

/// How many of the due messages go together, from the first; at least one. `admitted`: how many requests the rate limit still
/// admits.
///
/// A message goes alone while the rate limit admits twice as many requests as there are messages. Otherwise, and for messages
/// that quiet hours held back, as many go together as one message can name.
pub fn size(due: &[Message], admitted: usize, provider: &Provider) -> usize {
    let Some(first) = due.first() else { return 0 };
    let held = first.not_before > first.created_at;
    let joins = |message: &&Message| is_free(message) && (!held || message.not_before == first.not_before);
    let together: Vec<&Notice> = due.iter().take_while(joins).map(|message| &message.notice).collect();
    if !provider.groups || (!held && due.len().saturating_mul(2) <= admitted) {
        return 1;
    }
    text::fitting(&together, provider.form)
}

/// Whether a message is not yet part of a group.
fn is_free(message: &Message) -> bool {
    message.group_id.is_none()
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Duration};

    use super::*;
    use crate::domain::notify::channel::ChannelType;
    use crate::domain::notify::event::NotifyEvent;
    use crate::domain::notify::message::MessageState;
    use crate::i18n::Language;
    use crate::notify::channels::provider;

    fn message(n: usize, held_minutes: i64) -> Message {
        let at = DateTime::UNIX_EPOCH;
        let id = format!("{n:04}");
        Message {
            notice: Notice::new(&id, NotifyEvent::Failed, Language::English, format!("task {n} failed")),
            id,
            channel: "ops".into(),
            incident_id: None,
            rule: "all".into(),
            urgent: false,
            not_before: at + Duration::minutes(held_minutes),
            created_at: at,
            state: MessageState::Queued,
            attempts: 0,
            next_try_at: Some(at),
            sent_at: None,
            group_id: None,
            provider_status: None,
            provider_code: None,
            provider_text: None,
            template_error: None,
            node: None,
        }
    }

    fn size_of(due: &[Message], admitted: usize, channel_type: ChannelType) -> usize {
        size(due, admitted, provider(channel_type))
    }

    #[test]
    fn messages_go_alone_while_the_rate_limit_has_room() {
        let due: Vec<Message> = (0..5).map(|n| message(n, 0)).collect();
        assert_eq!(size_of(&due, 20, ChannelType::Dingtalk), 1);
        assert_eq!(size_of(&due, 9, ChannelType::Dingtalk), 5);
        assert_eq!(size_of(&due, 1, ChannelType::Pagerduty), 1);
        assert_eq!(size_of(&[], 1, ChannelType::Slack), 0);
    }

    #[test]
    fn a_group_ends_where_the_text_is_full_or_another_group_begins() {
        let mut due: Vec<Message> = (0..200).map(|n| message(n, 0)).collect();
        let fits = size_of(&due, 1, ChannelType::WecomRobot);
        assert!((10..200).contains(&fits), "{fits}");
        due[3].group_id = Some("g".into());
        assert_eq!(size_of(&due, 1, ChannelType::WecomRobot), 3);
    }

    #[test]
    fn messages_held_until_one_time_go_together() {
        let mut due: Vec<Message> = (0..3).map(|n| message(n, 60)).collect();
        due.push(message(3, 0));
        assert_eq!(size_of(&due, 20, ChannelType::Dingtalk), 3);
    }
}
