//! Providers: converts a message to a request, and a response to an outcome.

use super::exchange::{Message, Outcome, Request, Response};
use super::{aliyun, gateway, tencent, twilio};
use crate::domain::profile::Sms;
use crate::domain::profile::sms::Provider;
use crate::i18n::{self, message};

/// The request for the provider.
///
/// # Errors
/// If the provider does not support the message.
pub(super) fn request(message: &Message) -> Result<Request, i18n::Message> {
    match message.profile.provider {
        Some(Provider::Aliyun) => aliyun::request(message),
        Some(Provider::Tencent) => tencent::request(message),
        Some(Provider::Twilio) => twilio::request(message),
        Some(Provider::Http) => gateway::request(message),
        None => Err(message!("sms.provider_required")),
    }
}

/// The outcome that the response reports.
pub(super) fn outcome(response: &Response, profile: &Sms) -> Outcome {
    let read = match profile.provider {
        Some(Provider::Aliyun) => aliyun::outcome(response),
        Some(Provider::Tencent) => tencent::outcome(response),
        Some(Provider::Twilio) => twilio::outcome(response),
        _ => Some(gateway::outcome(response, &profile.gateway)),
    };
    let outcome = read
        .unwrap_or_else(|| Outcome::refused(format!("HTTP {}", response.status), i18n::Message::verbatim(response.excerpt())));
    outcome.classified(response.status, profile)
}
