//! Text messages through an SMS provider of the settings.

use serde_json::{Value, json};

use super::parcel::Parcel;
use super::{Provider, run_task};
use crate::domain::notify::channel::{Channel, ChannelType};
use crate::notify::quota::Rate;
use crate::notify::text::{self, Measure, TextForm};

const FORM: TextForm = TextForm::new(1_000, Measure::Characters, text::plain);

pub(super) const PROVIDER: Provider = Provider {
    rates: &[Rate::per_minute(10)],
    ..Provider::new(ChannelType::Sms, FORM, |parcel, channel, transport| {
        Box::pin(run_task::run("send_sms", params(parcel, channel), parcel, transport, accepted, answer))
    })
};

fn params(parcel: &Parcel, channel: &Channel) -> Value {
    let content = text::whole(&parcel.notices(), parcel.link().as_deref(), FORM);
    let mut params = json!({"to": channel.options.to});
    match &channel.options.template {
        Some(template) => {
            params["template"] = template.as_str().into();
            params["params"] = json!({"text": content});
        }
        None => params["text"] = content.into(),
    }
    if let Some(sms) = &channel.options.sms {
        params["sms"] = sms.as_str().into();
    }
    params
}

fn accepted(result: &Value) -> usize {
    result["accepted"].as_u64().and_then(|count| usize::try_from(count).ok()).unwrap_or_default()
}

/// The outcome of the first number.
fn answer(result: &Value) -> (Option<String>, Option<String>) {
    let first = &result["messages"][0];
    let text = |field: &str| first[field].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    (text("code"), text("message"))
}
