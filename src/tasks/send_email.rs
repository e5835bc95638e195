//! `send_email`: sends an email through a mail server of the profiles.

use std::time::Duration;

use lettre::message::Mailbox;
use serde_json::{Value, json};

use super::mailer::{Mailer, SendFuture};
use super::{Run, RunContext, RunError, Spec, Stage, TaskType, Text, Toolbox, first_fault};
use crate::domain::fault::Fault;
use crate::domain::policy::{Policy, Retry};
use crate::domain::profile::{Profiles, Smtp, choose};
use crate::i18n::{Message, message};

mod address;
mod attachment;
mod delivery;
mod failure;
mod header;
mod message;
mod params;
mod server;
mod table;

use attachment::Attachment;
use delivery::deliver;
use message::Mail;
use params::Params;
use server::Servers;

/// The task type `send_email`.
pub struct SendEmail {
    toolbox: Toolbox,
    servers: Servers,
}

impl Mailer for SendEmail {
    fn send<'a>(
        &'a self,
        smtp: Option<&'a str>,
        to: &'a [String],
        title: &'a str,
        body: &'a str,
        context: &'a RunContext,
    ) -> SendFuture<'a> {
        Box::pin(async move { self.send_text(smtp, to, title, body, context).await.map(drop) })
    }
}

impl SendEmail {
    pub fn new(toolbox: &Toolbox) -> Self {
        Self { toolbox: toolbox.clone(), servers: Servers::default() }
    }

    /// Sends a plain text mail for another task type. `smtp` names the mail server if there are several.
    pub async fn send_text(
        &self,
        smtp: Option<&str>,
        to: &[String],
        title: &str,
        body: &str,
        context: &RunContext,
    ) -> Result<Value, RunError> {
        let mut params = json!({"to": to, "title": title, "body": body});
        if let Some(smtp) = smtp {
            params["smtp"] = smtp.into();
        }
        self.send(&params, context).await
    }

    async fn send(&self, params: &Value, context: &RunContext) -> Result<Value, RunError> {
        let params = Params::read(params, Stage::Run).map_err(first_fault)?;
        let profiles = self.toolbox.profiles.current();
        let (name, profile) = profile(&profiles, params.smtp.as_deref()).map_err(RunError::fail)?;
        let mail = self.build(params, profile, context).await?;
        let delivered = self.deliver(name, profile, &mail, context).await?;
        let result = delivered.result(&mail, name);
        let Some((_, problem)) = delivered.refused.into_iter().next() else { return Ok(result) };
        let (accepted, all) = (delivered.accepted.len(), mail.recipients.len());
        Err(RunError::fail(message!("mail.partly_sent", accepted, all, problem)).with_result(result))
    }

    /// Builds the mail off the async threads, because attachments may be large.
    async fn build(&self, mut params: Params, profile: &Smtp, context: &RunContext) -> Result<Mail, RunError> {
        let from = params.from.take().map_or_else(|| sender(profile), Ok)?;
        let attachments = Attachment::load_all(std::mem::take(&mut params.attachments), &self.toolbox, &context.task_id).await?;
        let (id, now) = (context.execution_id.clone(), self.toolbox.clock.now());
        let built = tokio::task::spawn_blocking(move || Mail::build(params, from, attachments, &id, now)).await;
        built.map_err(|error| RunError::internal(&error))?
    }

    async fn deliver(
        &self,
        name: &str,
        profile: &Smtp,
        mail: &Mail,
        context: &RunContext,
    ) -> Result<delivery::DeliveryReport, RunError> {
        let server = self.servers.get(name, profile);
        let mut connection = server.connection(&context.output).await?;
        let mut delivered = deliver(&mut connection.smtp, mail, profile).await;
        if connection.reused && delivered.as_ref().is_err_and(|failed| failed.before_sending && failed.error.retryable) {
            // The server may have closed a kept connection; that does not concern the mail.
            drop(connection);
            connection = server.new_connection(&context.output).await?;
            delivered = deliver(&mut connection.smtp, mail, profile).await;
        }
        let delivered = delivered.map_err(|failed| failed.error)?;
        connection.keep();
        let (accepted, bytes) = (delivered.accepted.len(), mail.bytes.len());
        let noun = if accepted == 1 { "recipient" } else { "recipients" };
        context.output.line(&format!("sent {} to {accepted} {noun}, {bytes} bytes: {}", mail.id, delivered.answer));
        delivered.refused.iter().for_each(|(_, reason)| context.output.line(&reason.to_string()));
        Ok(delivered)
    }
}

/// The mail server of this name; without a name the only one.
fn profile<'p>(profiles: &'p Profiles, name: Option<&str>) -> Result<(&'p str, &'p Smtp), Message> {
    choose("smtp", &profiles.smtp, name).map_err(|message| message.of("smtp"))
}

/// The default sender of the profile.
fn sender(profile: &Smtp) -> Result<Mailbox, RunError> {
    let Some(text) = profile.sender() else {
        return Err(RunError::fail(message!("mail.sender_missing")));
    };
    address::only_mailbox(text).map_err(|problem| RunError::fail(message!("mail.sender_invalid", problem)))
}

impl TaskType for SendEmail {
    fn spec(&self) -> Spec {
        Spec {
            name: "send_email".into(),
            title: Text::new("Send an email", "发送邮件"),
            description: Text::new(
                "Sends an email, optionally with attachments, through a mail server of the settings.",
                "通过配置好的邮件服务器发送邮件，可带附件。",
            ),
            params_schema: params::schema(),
            example: json!({"to": "ops@example.com", "title": "Report", "body": "All is well."}),
            default_policy: Policy {
                timeout: Some(Duration::from_secs(300)),
                // The first attempt and three more. After a crash nobody knows whether the message was sent.
                retry: Retry { max_attempts: 4, on_interruption: false, ..Retry::default() },
                ..Policy::default()
            },
            dangerous: false,
        }
    }

    fn check(&self, params: &Value) -> Vec<Fault> {
        let params = match Params::read(params, Stage::Saved) {
            Ok(params) => params,
            Err(faults) => return faults,
        };
        // Without a name the mail server may be configured later; a named one must exist.
        let named = params.smtp.filter(|name| Stage::Saved.is_resolved(name));
        let unknown = named.and_then(|name| profile(&self.toolbox.profiles.current(), Some(&name)).err());
        unknown.map(|message| Fault::new("/smtp", message)).into_iter().collect()
    }

    fn overridable(&self) -> &'static [&'static str] {
        &["title", "body"]
    }

    fn uses_profiles(&self) -> bool {
        true
    }

    fn run<'a>(&'a self, params: Value, context: &'a RunContext) -> Run<'a> {
        Box::pin(async move {
            tokio::select! {
                delivered = self.send(&params, context) => delivered,
                () = context.cancel.cancelled() => Err(RunError::fail(message!("mail.cancelled"))),
            }
        })
    }
}
