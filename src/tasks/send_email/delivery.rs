//! The conversation in which a mail server takes a mail.

use std::time::Duration;

use lettre::transport::smtp::Error;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail as From, Rcpt};
use lettre::transport::smtp::extension::{Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::response::Response;
use serde_json::{Value, json};

use super::failure::{Step, classify, within};
use super::message::Mail;
use crate::domain::input::cut;
use crate::domain::profile::Smtp;
use crate::tasks::RunError;

/// The slowest line on which a large mail still gets through, in bytes a second.
const SLOWEST: usize = 32 << 10;

/// What came of a mail.
#[derive(Debug)]
pub(super) struct Delivered {
    /// The server's last answer.
    pub answer: String,
    pub accepted: usize,
    /// Addresses that the server does not take, with its answer.
    pub refused: Vec<(String, String)>,
}

/// Why a mail was not taken.
#[derive(Debug)]
pub(super) struct NotDelivered {
    pub error: RunError,
    /// The server had not been told of the mail yet.
    pub before_anything: bool,
}

/// Sends one mail. Recipients that are refused for good are left out as long as there are others; where one is refused for now,
/// nothing is sent, so that another attempt doubles nothing.
pub(super) async fn deliver(smtp: &mut AsyncSmtpConnection, mail: &Mail, profile: &Smtp) -> Result<Delivered, NotDelivered> {
    let at = |before_anything| move |error| NotDelivered { error, before_anything };
    let options = options(smtp, mail, profile).map_err(at(false))?;
    let sender = Step::Sender(&mail.from);
    let from = From::new(Some(mail.from.clone()), options);
    ask(&sender, profile, profile.timeout, smtp.command(from)).await.map_err(at(true))?;
    let refused = recipients(smtp, mail, profile).await.map_err(at(false))?;
    ask(&Step::Text, profile, profile.timeout, smtp.command(Data)).await.map_err(at(false))?;
    let limit = profile.timeout + Duration::from_secs((mail.bytes.len() / SLOWEST) as u64);
    let answer = ask(&Step::Text, profile, limit, smtp.message(&mail.bytes)).await.map_err(at(false))?;
    Ok(Delivered { answer: shown(&answer), accepted: mail.recipients.len() - refused.len(), refused })
}

/// Tells the server the recipients; answers those that it refused for good.
async fn recipients(smtp: &mut AsyncSmtpConnection, mail: &Mail, profile: &Smtp) -> Result<Vec<(String, String)>, RunError> {
    let mut refused: Vec<(String, String)> = Vec::new();
    for address in &mail.recipients {
        let step = Step::Recipient(address);
        match ask(&step, profile, profile.timeout, smtp.command(Rcpt::new(address.clone(), Vec::new()))).await {
            Ok(_) => {}
            Err(error) if error.retryable => return Err(error),
            Err(error) => refused.push((address.to_string(), error.message)),
        }
    }
    match refused.as_slice() {
        [] => Ok(refused),
        [(_, only)] if mail.recipients.len() == 1 => Err(RunError::fail(only)),
        [(_, first), ..] if refused.len() == mail.recipients.len() => {
            Err(RunError::fail(format!("none of {} recipients is taken; {first}", refused.len())))
        }
        _ => Ok(refused),
    }
}

async fn ask(
    step: &Step<'_>,
    profile: &Smtp,
    limit: Duration,
    asking: impl Future<Output = Result<Response, Error>>,
) -> Result<Response, RunError> {
    within(step, limit, profile, asking).await?.map_err(|error| classify(step, &error, profile))
}

fn options(smtp: &AsyncSmtpConnection, mail: &Mail, profile: &Smtp) -> Result<Vec<MailParameter>, RunError> {
    let mut all = std::iter::once(&mail.from).chain(&mail.recipients);
    let Some(address) = all.find(|address| !AsRef::<str>::as_ref(*address).is_ascii()) else { return Ok(Vec::new()) };
    if smtp.server_info().supports_feature(Extension::SmtpUtfEight) {
        // Such an address stands in the headers as it is, so they are not plain ASCII either.
        return Ok(vec![MailParameter::SmtpUtfEight, MailParameter::Body(MailBodyParameter::EightBitMime)]);
    }
    Err(RunError::fail(format!(
        "{} does not take the address {address}: it has letters beyond ASCII before its @",
        profile.host()
    )))
}

fn shown(answer: &Response) -> String {
    let text = answer.message().collect::<Vec<_>>().join(" ");
    cut(&format!("{} {}", answer.code(), text.replace(char::is_control, " ")), 300)
}

impl Delivered {
    /// The result of the run.
    pub fn result(&self, mail: &Mail, smtp: &str) -> Value {
        let refused: Vec<Value> =
            self.refused.iter().map(|(address, reason)| json!({"address": address, "reason": reason})).collect();
        json!({
            "message_id": mail.id, "accepted": self.accepted, "refused": refused, "answer": self.answer,
            "bytes": mail.bytes.len(), "smtp": smtp,
        })
    }
}
