//! Channels: one file a provider, and its line in `PROVIDERS`.

use std::pin::Pin;

use super::quota::Rate;
use super::text::TextForm;
use crate::domain::notify::channel::{Channel, ChannelType};

mod answer;
mod bark;
mod dingtalk;
mod endpoint;
mod feishu;
mod gotify;
mod mail;
mod ntfy;
mod pagerduty;
mod parcel;
mod pushplus;
mod run_task;
mod serverchan;
mod sign;
mod slack;
mod sms;
mod telegram;
mod transport;
mod webhook;
mod wecom_app;
mod wecom_robot;

pub use answer::Outcome;
pub use parcel::{Item, Parcel};
pub use transport::Transport;

/// Sends messages to one provider.
pub trait Provider: Send + Sync {
    fn channel_type(&self) -> ChannelType;

    /// The limits of one account or robot; none: unlimited.
    fn rates(&self) -> &'static [Rate];

    /// The text that the provider takes.
    fn form(&self) -> TextForm;

    /// Whether several notices may go in one message.
    fn groups(&self) -> bool {
        true
    }

    /// Whether the provider is busy at full and half hours, so that what is not urgent is sent a few seconds later.
    fn avoids_full_hours(&self) -> bool {
        false
    }

    /// Sends a message and reads the provider's answer. It is repeated with the same id after a failure.
    fn send<'a>(&'a self, parcel: &'a Parcel, channel: &'a Channel, transport: &'a Transport) -> Sending<'a>;
}

/// The future of [`Provider::send`].
pub type Sending<'a> = Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

/// All providers.
static PROVIDERS: [&dyn Provider; 15] = [
    &dingtalk::Dingtalk,
    &wecom_robot::WecomRobot,
    &wecom_app::WecomApp,
    &feishu::Feishu,
    &slack::Slack,
    &telegram::Telegram,
    &pagerduty::Pagerduty,
    &webhook::Webhook,
    &ntfy::Ntfy,
    &gotify::Gotify,
    &bark::Bark,
    &serverchan::Serverchan,
    &pushplus::Pushplus,
    &mail::Mail,
    &sms::Sms,
];

/// The provider of a channel; a test checks that each type has one.
pub fn provider(channel_type: ChannelType) -> &'static dyn Provider {
    let found = PROVIDERS.into_iter().find(|provider| provider.channel_type() == channel_type);
    found.unwrap_or(PROVIDERS[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_has_its_provider() {
        for channel_type in ChannelType::ALL {
            assert_eq!(provider(channel_type).channel_type(), channel_type);
        }
    }
}
