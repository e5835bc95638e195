//! The mail servers and SMS providers of the settings: what there is, and whether they take a message. A trial goes the way
//! of a task's run, so that its answer is the one that a run would get.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::audit::Told;
use super::{Error, Result, Service, Trial, allow};
use crate::domain::audit::Act;
use crate::domain::input::cut;
use crate::domain::profile::Profiles;
use crate::domain::user::{Action, Actor};
use crate::ids::new_id;
use crate::tasks::RunContext;
use crate::tasks::output::OutputSink;
use crate::tasks::registry::Entry;

/// The longest trial; callers do not wait for ever, whatever the settings allow a run.
const TRIAL_LIMIT: Duration = Duration::from_secs(25);
/// Bytes of the conversation that are answered.
const SAID_MAX: usize = 16 * 1024;
/// Where a trial stands in the place of a task's id.
const TRIAL: &str = "trial";

/// A text message to try a provider with: a text, or a template that the provider knows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SmsTrial {
    /// A phone number.
    pub to: String,
    pub text: Option<String>,
    pub template: Option<String>,
    /// What the template's places are filled with: null, an object or a list.
    pub params: Value,
}

impl Service {
    /// The mail servers and SMS providers of the settings, by name.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub fn profiles(&self, actor: &Actor) -> Result<&Profiles> {
        allow(actor, Action::SeeServer)?;
        Ok(&self.0.parts.profiles)
    }

    /// Sends a short mail through a mail server. That it is not taken is an answer too.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an address that is none, [`Error::NotFound`], [`Error::Forbidden`],
    /// [`Error::TooManyRequests`] after several trials in a row.
    pub async fn try_mail(&self, actor: &Actor, name: &str, to: &str) -> Result<Trial> {
        allow(actor, Action::Administer)?;
        if !self.0.parts.profiles.smtp.contains_key(name) {
            return Err(Error::NotFound(format!("there is no mail server '{}'", cut(name, 64))));
        }
        let body = format!("Sent by Belfry to try the mail server {name}, asked for by {}.", actor.name);
        let params = json!({"smtp": name, "to": to, "title": "Belfry: a trial 钟楼测试邮件", "body": body});
        self.try_message(actor, "send_email", Told::of(Act::MailTest, "mail", name), to, params).await
    }

    /// Sends a text message through a provider. That it is not taken is an answer too.
    ///
    /// # Errors
    /// [`Error::Invalid`] for what the provider cannot send, [`Error::NotFound`], [`Error::Forbidden`],
    /// [`Error::TooManyRequests`] after several trials in a row.
    pub async fn try_sms(&self, actor: &Actor, name: &str, message: &SmsTrial) -> Result<Trial> {
        allow(actor, Action::Administer)?;
        if !self.0.parts.profiles.sms.contains_key(name) {
            return Err(Error::NotFound(format!("there is no SMS provider '{}'", cut(name, 64))));
        }
        let mut params = json!({"sms": name, "to": message.to});
        for (member, text) in [("text", &message.text), ("template", &message.template)] {
            if let Some(text) = text {
                params[member] = text.as_str().into();
            }
        }
        if !message.params.is_null() {
            params["params"] = message.params.clone();
        }
        self.try_message(actor, "send_sms", Told::of(Act::SmsTest, "sms", name), &message.to, params).await
    }

    async fn try_message(&self, actor: &Actor, task_type: &str, told: Told, to: &str, params: Value) -> Result<Trial> {
        let unknown = || Error::Conflict(format!("the task type {task_type} is not available"));
        let entry = self.registry().get(task_type).ok_or_else(unknown)?;
        let faults = entry.check(&params, "");
        if !faults.is_empty() {
            return Err(Error::Invalid(faults));
        }
        self.slow_down(actor)?;
        let trial = self.converse(&entry, params).await?;
        let (mut tx, ok) = (self.database().write().await?, trial.outcome.is_ok());
        tracing::info!(target_name = told.target, actor = actor.name, ok, "tried to send a message");
        self.tell(&mut tx, actor, told.after(json!({"to": cut(to, 200), "ok": ok}))).await?;
        tx.commit().await?;
        Ok(trial)
    }

    /// Messages cost money and patience: who sends several trials must wait between them, longer every time.
    fn slow_down(&self, actor: &Actor) -> Result<()> {
        let (keys, now) = ([format!("trial:{}", actor.name)], self.clock().now());
        if let Some(seconds) = self.0.throttle.wait(&keys, now) {
            return Err(Error::TooManyRequests(format!("too many trials; wait {seconds} seconds")));
        }
        self.0.throttle.failed(&keys, now);
        Ok(())
    }

    /// Runs the task type once, outside of any task; what it said and how it ended, secrets hidden.
    async fn converse(&self, entry: &Entry, params: Value) -> Result<Trial> {
        self.vault().values().await?;
        let (now, mask, cancel) = (self.clock().now(), self.vault().mask(), CancellationToken::new());
        let (pieces, mut said) = mpsc::unbounded_channel();
        let execution_id = new_id(now);
        let output = OutputSink::new(&execution_id, 1, SAID_MAX, self.clock().clone(), pieces).masked(mask.clone());
        let (task_id, scheduled_at) = (TRIAL.to_owned(), now);
        let context = RunContext { execution_id, task_id, attempt: 1, scheduled_at, cancel, output };
        let begun = Instant::now();
        let run = tokio::time::timeout(TRIAL_LIMIT, entry.task_type.run(params, &context)).await;
        let elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        context.output.finish();
        let mut text = String::new();
        while let Ok(piece) = said.try_recv() {
            text.push_str(&piece.chunk.text);
        }
        let outcome = match run {
            Ok(Ok(_)) => Ok(text.trim_end().to_owned()),
            Ok(Err(error)) => Err(format!("{text}{}", mask.text(&error.message))),
            Err(_) => Err(format!("{text}no answer within {} s", TRIAL_LIMIT.as_secs())),
        };
        Ok(Trial { elapsed_ms, outcome })
    }
}
