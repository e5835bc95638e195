//! Delivery: the SMTP commands that hand a mail to the server.

use std::time::Duration;

use lettre::transport::smtp::Error;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail as From, Rcpt};
use lettre::transport::smtp::extension::{Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::response::Response;
use serde_json::{Value, json};

use super::failure::{Step, classify, with_timeout};
use super::message::Mail;
use crate::domain::input::truncate;
use crate::domain::profile::Smtp;
use crate::i18n::{Message, message};
use crate::tasks::RunError;

/// The slowest connection over which a large mail can be sent, in bytes per second.
const MIN_BYTES_PER_SECOND: usize = 32 << 10;

/// A delivered mail.
#[derive(Debug)]
pub(super) struct DeliveryReport {
    /// The server's last reply.
    pub answer: String,
    /// The recipients that the server accepted.
    pub accepted: Vec<String>,
    /// Rejected addresses, each with the server's reply.
    pub refused: Vec<(String, Message)>,
}

/// A mail that was not delivered.
#[derive(Debug)]
pub(super) struct DeliveryError {
    pub error: RunError,
    /// The failure happened at the first command, before the server accepted anything of this mail.
    pub before_sending: bool,
}

/// Sends one mail. Permanently rejected recipients are left out as long as there are others. If a recipient is rejected
/// temporarily, nothing is sent, so that a retry does not send duplicates.
pub(super) async fn deliver(
    smtp: &mut AsyncSmtpConnection,
    mail: &Mail,
    profile: &Smtp,
) -> Result<DeliveryReport, DeliveryError> {
    let at = |before_sending| move |error| DeliveryError { error, before_sending };
    let options = options(smtp, mail, profile).map_err(at(false))?;
    let sender = Step::Sender(&mail.from);
    let from = From::new(Some(mail.from.clone()), options);
    send_command(&sender, profile, profile.timeout, smtp.command(from)).await.map_err(at(true))?;
    let refused = recipients(smtp, mail, profile).await.map_err(at(false))?;
    send_command(&Step::Data, profile, profile.timeout, smtp.command(Data)).await.map_err(at(false))?;
    let limit = profile.timeout + Duration::from_secs((mail.bytes.len() / MIN_BYTES_PER_SECOND) as u64);
    let answer = send_command(&Step::Data, profile, limit, smtp.message(&mail.bytes)).await.map_err(at(false))?;
    Ok(DeliveryReport { answer: shown(&answer), accepted: accepted(mail, &refused), refused })
}

fn accepted(mail: &Mail, refused: &[(String, Message)]) -> Vec<String> {
    let all = mail.recipients.iter().map(ToString::to_string);
    all.filter(|address| refused.iter().all(|(refused, _)| refused != address)).collect()
}

/// Sends the recipients; returns the permanently rejected ones.
async fn recipients(smtp: &mut AsyncSmtpConnection, mail: &Mail, profile: &Smtp) -> Result<Vec<(String, Message)>, RunError> {
    let mut refused: Vec<(String, Message)> = Vec::new();
    for address in &mail.recipients {
        let step = Step::Recipient(address);
        match send_command(&step, profile, profile.timeout, smtp.command(Rcpt::new(address.clone(), Vec::new()))).await {
            Ok(_) => {}
            Err(error) if error.retryable => return Err(error),
            Err(error) => refused.push((address.to_string(), error.message)),
        }
    }
    match refused.as_slice() {
        [] => Ok(refused),
        [(_, only)] if mail.recipients.len() == 1 => Err(RunError::fail(only.clone())),
        [(_, first), ..] if refused.len() == mail.recipients.len() => {
            Err(RunError::fail(message!("mail.all_rejected", count = refused.len(), problem = first.clone())))
        }
        _ => Ok(refused),
    }
}

async fn send_command(
    step: &Step<'_>,
    profile: &Smtp,
    limit: Duration,
    command: impl Future<Output = Result<Response, Error>>,
) -> Result<Response, RunError> {
    with_timeout(step, limit, profile, command).await?.map_err(|error| classify(step, &error, profile))
}

fn options(smtp: &AsyncSmtpConnection, mail: &Mail, profile: &Smtp) -> Result<Vec<MailParameter>, RunError> {
    let mut all = std::iter::once(&mail.from).chain(&mail.recipients);
    let Some(address) = all.find(|address| !AsRef::<str>::as_ref(*address).is_ascii()) else { return Ok(Vec::new()) };
    if smtp.server_info().supports_feature(Extension::SmtpUtfEight) {
        // Such an address is also written unchanged into the headers, which are then not ASCII.
        return Ok(vec![MailParameter::SmtpUtfEight, MailParameter::Body(MailBodyParameter::EightBitMime)]);
    }
    Err(RunError::fail(message!("mail.address_unsupported", host = profile.host(), address = address.to_string())))
}

fn shown(answer: &Response) -> String {
    let text = answer.message().collect::<Vec<_>>().join(" ");
    truncate(&format!("{} {}", answer.code(), text.replace(char::is_control, " ")), 300)
}

impl DeliveryReport {
    /// The result of the run.
    pub fn result(&self, mail: &Mail, smtp: &str) -> Value {
        let refused: Vec<Value> =
            self.refused.iter().map(|(address, reason)| json!({"address": address, "reason": reason.to_string()})).collect();
        json!({
            "message_id": mail.id, "accepted": self.accepted.len(), "recipients": self.accepted, "refused": refused, "answer": self.answer,
            "bytes": mail.bytes.len(), "smtp": smtp,
        })
    }
}
