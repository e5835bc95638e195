//! Mail through a mail server of the settings.

use serde_json::{Value, json};

use super::parcel::Parcel;
use super::transport::Transport;
use super::{Provider, Sending, run_task};
use crate::domain::notify::channel::{Channel, ChannelType};
use crate::notify::quota::Rate;
use crate::notify::text::{self, Measure, TextForm};

const TITLE: TextForm = TextForm::new(200, Measure::Characters, text::plain);

pub(super) struct Mail;

impl Provider for Mail {
    fn channel_type(&self) -> ChannelType {
        ChannelType::Email
    }

    fn rates(&self) -> &'static [Rate] {
        const { &[Rate::per_minute(20)] }
    }

    fn form(&self) -> TextForm {
        TextForm::new(50_000, Measure::Characters, text::plain)
    }

    fn send<'a>(&'a self, parcel: &'a Parcel, channel: &'a Channel, transport: &'a Transport) -> Sending<'a> {
        Box::pin(run_task::run("send_email", self.params(parcel, channel), parcel, transport, accepted, answer))
    }
}

impl Mail {
    fn params(&self, parcel: &Parcel, channel: &Channel) -> Value {
        let notices = parcel.notices();
        let title = text::title(&notices);
        let body = text::body(&notices, !TITLE.fits(&title), parcel.link().as_deref(), self.form());
        let title = TITLE.cut(&title).replace('\n', " ");
        let body = if body.is_empty() { title.clone() } else { body };
        let mut params = json!({"to": channel.options.to, "title": title, "body": body});
        if let Some(smtp) = &channel.options.smtp {
            params["smtp"] = smtp.as_str().into();
        }
        params
    }
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
