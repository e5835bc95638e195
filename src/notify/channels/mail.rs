//! Mail through a mail server of the settings.

use serde_json::{Value, json};

use super::parcel::Parcel;
use super::{Provider, run_task};
use crate::domain::notify::channel::{Channel, ChannelType};
use crate::notify::quota::Rate;
use crate::notify::text::{self, Measure, TextForm};

const TITLE: TextForm = TextForm::new(200, Measure::Characters, text::plain);
const FORM: TextForm = TextForm::new(50_000, Measure::Characters, text::plain);

pub(super) const PROVIDER: Provider = Provider {
    rates: &[Rate::per_minute(20)],
    ..Provider::new(ChannelType::Email, FORM, |parcel, channel, transport| {
        Box::pin(run_task::run("send_email", params(parcel, channel), parcel, transport, accepted, answer))
    })
};

fn params(parcel: &Parcel, channel: &Channel) -> Value {
    let notices = parcel.notices();
    let title = text::title(&notices);
    let body = text::body(&notices, !TITLE.fits(&title), parcel.link().as_deref(), FORM);
    let title = TITLE.cut(&title).replace('\n', " ");
    let body = if body.is_empty() { title.clone() } else { body };
    let mut params = json!({"to": channel.options.to, "title": title, "body": body});
    if let Some(smtp) = &channel.options.smtp {
        params["smtp"] = smtp.as_str().into();
    }
    params
}

fn accepted(result: &Value) -> usize {
    result["recipients"].as_array().map_or(0, Vec::len)
}

/// The server's answer begins with its code.
fn answer(result: &Value) -> (Option<String>, Option<String>) {
    let Some(text) = result["answer"].as_str() else { return (None, None) };
    let code: String = text.chars().take_while(char::is_ascii_digit).collect();
    (Some(code).filter(|code| !code.is_empty()), Some(text.to_owned()))
}
