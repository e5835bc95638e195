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

/// A provider: its limits, and the function that sends it a message.
pub struct Provider {
    pub channel_type: ChannelType,
    /// The limits of one account or robot; none: unlimited.
    pub rates: &'static [Rate],
    /// The text that the provider takes.
    pub form: TextForm,
    /// Whether several notices may go in one message.
    pub groups: bool,
    /// Whether the provider is busy at full and half hours, so that what is not urgent is sent a few seconds later.
    pub avoids_full_hours: bool,
    /// Sends a message and reads the provider's answer. It is repeated with the same id after a failure.
    pub send: SendFn,
}

/// The function of a provider's file that sends a message, as [`Provider`] has it.
pub type SendFn = for<'a> fn(&'a Parcel, &'a Channel, &'a Transport) -> Sending<'a>;

/// A [`SendFn`] of an `async fn` whose failure is an outcome too.
macro_rules! sending {
    ($deliver:ident) => {
        |parcel, channel, transport| {
            Box::pin(async move { $deliver(parcel, channel, transport).await.unwrap_or_else(|failed| failed) })
        }
    };
}
use sending;

impl Provider {
    /// A provider without limits that groups messages.
    const fn new(channel_type: ChannelType, form: TextForm, send: SendFn) -> Provider {
        Provider { channel_type, rates: &[], form, groups: true, avoids_full_hours: false, send }
    }
}

/// The future of a [`SendFn`].
pub type Sending<'a> = Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

/// All providers.
static PROVIDERS: [&Provider; 15] = [
    &dingtalk::PROVIDER,
    &wecom_robot::PROVIDER,
    &wecom_app::PROVIDER,
    &feishu::PROVIDER,
    &slack::PROVIDER,
    &telegram::PROVIDER,
    &pagerduty::PROVIDER,
    &webhook::PROVIDER,
    &ntfy::PROVIDER,
    &gotify::PROVIDER,
    &bark::PROVIDER,
    &serverchan::PROVIDER,
    &pushplus::PROVIDER,
    &mail::PROVIDER,
    &sms::PROVIDER,
];

/// The provider of a channel; a test checks that each type has one.
pub fn provider(channel_type: ChannelType) -> &'static Provider {
    let found = PROVIDERS.into_iter().find(|provider| provider.channel_type == channel_type);
    found.unwrap_or(PROVIDERS[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_has_its_provider() {
        for channel_type in ChannelType::ALL {
            assert_eq!(provider(channel_type).channel_type, channel_type);
        }
    }
}
