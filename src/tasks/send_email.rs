//! `send_email`: sends a mail through a mail server of the settings.

use std::time::Duration;

use lettre::message::Mailbox;
use serde_json::{Value, json};

use super::notify::{Mailer, Sending};
use super::{Run, RunContext, RunError, Spec, Stage, TaskType, Text, Toolbox};
use crate::domain::fault::Fault;
use crate::domain::policy::{Policy, Retry};
use crate::domain::profile::{Smtp, choose};

mod address;
mod attachment;
mod delivery;
mod failure;
mod message;
mod params;
mod server;
mod table;

use attachment::Attachment;
use delivery::deliver;
use message::Mail;
use params::Params;
use server::Servers;

/// Sends mail.
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
    ) -> Sending<'a> {
        Box::pin(async move { self.send_text(smtp, to, title, body, context).await.map(drop) })
    }
}

impl SendEmail {
    pub fn new(toolbox: &Toolbox) -> Self {
        Self { toolbox: toolbox.clone(), servers: Servers::default() }
    }

    /// Sends a plain mail on behalf of another task type; `smtp` names the mail server where there are several.
    ///
    /// # Errors
    /// As the run of a `send_email` task.
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
        let params = Params::read(params, Stage::Run)
            .map_err(|faults| RunError::fail(faults.into_iter().next().map(|fault| fault.message).unwrap_or_default()))?;
        let (name, profile) = self.profile(params.smtp.as_deref()).map_err(RunError::fail)?;
        let mail = self.make(params, profile, context).await?;
        let delivered = self.deliver(name, profile, &mail, context).await?;
        let result = delivered.result(&mail, name);
        let Some((_, first)) = delivered.refused.first() else { return Ok(result) };
        let all = mail.recipients.len();
        Err(RunError::fail(format!("sent to {} of {all} recipients; {first}", delivered.accepted)).with_result(result))
    }

    fn profile(&self, name: Option<&str>) -> Result<(&str, &Smtp), String> {
        choose("smtp", &self.toolbox.profiles.smtp, name).map_err(|message| format!("smtp: {message}"))
    }

    /// Makes the mail, away from the async threads: attachments may be large.
    async fn make(&self, mut params: Params, profile: &Smtp, context: &RunContext) -> Result<Mail, RunError> {
        let from = params.from.take().map_or_else(|| sender(profile), Ok)?;
        let attachments = Attachment::load_all(std::mem::take(&mut params.attachments), &self.toolbox).await?;
        let (id, now) = (context.execution_id.clone(), self.toolbox.clock.now());
        let made = tokio::task::spawn_blocking(move || Mail::make(params, from, attachments, &id, now)).await;
        made.unwrap_or_else(|error| Err(RunError::fail(format!("the mail cannot be made: {error}"))))
    }

    async fn deliver(
        &self,
        name: &str,
        profile: &Smtp,
        mail: &Mail,
        context: &RunContext,
    ) -> Result<delivery::Delivered, RunError> {
        let server = self.servers.get(name, profile);
        let mut connection = server.connection(&context.output).await?;
        let mut done = deliver(&mut connection.smtp, mail, profile).await;
        if connection.used_before && done.as_ref().is_err_and(|failed| failed.before_anything && failed.error.retryable) {
            // A server may give up a connection that it kept; that says nothing of the mail.
            drop(connection);
            connection = server.new_connection(&context.output).await?;
            done = deliver(&mut connection.smtp, mail, profile).await;
        }
        let delivered = done.map_err(|failed| failed.error)?;
        connection.keep();
        let (accepted, bytes) = (delivered.accepted, mail.bytes.len());
        let noun = if accepted == 1 { "recipient" } else { "recipients" };
        context.output.line(&format!("sent {} to {accepted} {noun}, {bytes} bytes: {}", mail.id, delivered.answer));
        delivered.refused.iter().for_each(|(_, reason)| context.output.line(reason));
        Ok(delivered)
    }
}

/// The sender that the settings give.
fn sender(profile: &Smtp) -> Result<Mailbox, RunError> {
    let Some(text) = profile.sender() else {
        return Err(RunError::fail("from: is missing; give it here, or in the mail server's settings"));
    };
    let read = address::mailboxes(text).map(|mut all| all.remove(0));
    read.map_err(|message| RunError::fail(format!("the sender of the mail server's settings: {message}")))
}

impl TaskType for SendEmail {
    fn spec(&self) -> Spec {
        Spec {
            name: "send_email".into(),
            title: Text::of("Send a mail", "发送邮件"),
            description: Text::of(
                "Sends a mail, with attachments if wanted, through a mail server of the settings.",
                "通过配置好的邮件服务器发送邮件，可带附件。",
            ),
            params_schema: params::schema(),
            example: json!({"to": "ops@example.com", "title": "Report", "body": "All is well."}),
            default_policy: Policy {
                timeout: Some(Duration::from_secs(300)),
                // The first attempt and three more.
                retry: Retry { max_attempts: 4, ..Retry::default() },
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
        // A mail server may be set up later; one that is named should be there.
        let named = params.smtp.filter(|name| Stage::Saved.knows(name));
        let unknown = named.and_then(|name| self.profile(Some(&name)).err());
        unknown.map(|message| Fault::new("/smtp", message)).into_iter().collect()
    }

    fn run<'a>(&'a self, params: Value, context: &'a RunContext) -> Run<'a> {
        Box::pin(async move {
            tokio::select! {
                done = self.send(&params, context) => done,
                () = context.cancel.cancelled() => Err(RunError::fail("the mail was given up before the server took it")),
            }
        })
    }
}
