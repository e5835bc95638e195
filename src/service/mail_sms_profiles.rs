//! Mail servers, SMS providers and HTTP services: list and test. A test runs the task type, so its result is the one that a task would get.

use std::sync::Arc;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::audit_log::{AuditEntry, AuditLog};
use super::datasources::ConnectionTest;
use super::deps::{ServiceDeps, Shared, from_deps};
use super::stored_profiles::missing;
use super::throttle::{Subject, Throttle};
use super::{Error, Result, allow};
use crate::clock::SharedClock;
use crate::domain::audit::AuditEvent;
use crate::domain::input::truncate;
use crate::domain::profile::{ProfileKind, Profiles};
use crate::domain::user::{Action, Actor};
use crate::i18n::message;
use crate::ids::new_id;
use crate::profiles::ProfileDirectory;
use crate::storage::Database;
use crate::tasks::RunContext;
use crate::tasks::output::OutputSink;
use crate::tasks::registry::{Entry, Registry};
use crate::vault::Vault;

/// The time limit of a test, whatever time the settings allow a run.
const TEST_TIMEOUT: Duration = Duration::from_secs(25);
/// The maximum output of a test, in bytes.
const MAX_OUTPUT: usize = 16 * 1024;
/// The task id of a test run.
const TEST_TASK_ID: &str = "connection-test";

/// A test message for an SMS provider: a text, or a template of the provider.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SmsTest {
    /// A phone number.
    pub to: String,
    pub text: Option<String>,
    pub template: Option<String>,
    /// The values of the template's placeholders: null, an object or a list.
    pub params: Value,
}

/// Lists and tests mail servers, SMS providers and HTTP services.
#[derive(Clone)]
pub struct ProfileService {
    database: Database,
    clock: SharedClock,
    registry: Arc<Registry>,
    vault: Arc<Vault>,
    throttle: Throttle,
    audit_log: AuditLog,
    profiles: Arc<ProfileDirectory>,
}

impl ProfileService {
    pub(super) fn new(deps: &ServiceDeps, shared: &Shared) -> Self {
        from_deps!(deps { database, clock, registry, vault, profiles }, shared { throttle, audit_log })
    }

    /// All profiles, those of the settings and those that administrators stored.
    pub async fn list(&self, actor: &Actor) -> Result<Arc<Profiles>> {
        allow(actor, Action::SeeServer)?;
        Ok(self.profiles.refresh().await?)
    }

    /// Sends a test mail. A refusal by the mail server is a result, not an error.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an invalid address, [`Error::NotFound`], [`Error::Forbidden`],
    /// [`Error::TooManyRequests`] after several tests in a row.
    pub async fn test_mail(&self, actor: &Actor, name: &str, to: &str) -> Result<ConnectionTest> {
        allow(actor, Action::Administer)?;
        self.find(ProfileKind::Smtp, name).await?;
        let body = format!("Test of the mail server {name}, requested by {}.", actor.name);
        let params = json!({"smtp": name, "to": to, "title": "Belfry test mail 钟楼测试邮件", "body": body});
        self.send_test_message(actor, "send_email", AuditEntry::new(AuditEvent::MailTest, "mail", name), to, params).await
    }

    /// Sends a test message. A refusal by the provider is a result, not an error.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a message that the provider does not support, [`Error::NotFound`], [`Error::Forbidden`],
    /// [`Error::TooManyRequests`] after several tests in a row.
    pub async fn test_sms(&self, actor: &Actor, name: &str, message: &SmsTest) -> Result<ConnectionTest> {
        allow(actor, Action::Administer)?;
        self.find(ProfileKind::Sms, name).await?;
        let mut params = json!({"sms": name, "to": message.to});
        for (member, text) in [("text", &message.text), ("template", &message.template)] {
            if let Some(text) = text {
                params[member] = text.as_str().into();
            }
        }
        if !message.params.is_null() {
            params["params"] = message.params.clone();
        }
        self.send_test_message(actor, "send_sms", AuditEntry::new(AuditEvent::SmsTest, "sms", name), &message.to, params).await
    }

    /// Sends a GET request with the credentials of an HTTP service. A refusal by the service is a result, not an error.
    ///
    /// - `path`: below the base URL of the profile; empty for the base URL itself.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an invalid path, [`Error::NotFound`], [`Error::Forbidden`], [`Error::TooManyRequests`] after several tests
    /// in a row.
    pub async fn test_http(&self, actor: &Actor, name: &str, path: &str) -> Result<ConnectionTest> {
        allow(actor, Action::Administer)?;
        self.find(ProfileKind::Http, name).await?;
        let audit = AuditEntry::new(AuditEvent::HttpProfileTest, "http_profile", name);
        self.send_test_message(actor, "http_request", audit, path, json!({"http": name, "url": path})).await
    }

    /// Fails unless there is such a profile.
    async fn find(&self, kind: ProfileKind, name: &str) -> Result<()> {
        if self.profiles.refresh().await?.contains(kind, name) { Ok(()) } else { Err(missing(kind, name)) }
    }

    async fn send_test_message(
        &self,
        actor: &Actor,
        task_type: &str,
        audit: AuditEntry,
        to: &str,
        params: Value,
    ) -> Result<ConnectionTest> {
        let unknown = || Error::Conflict(message!("task.type_unavailable", task_type));
        let entry = self.registry.get(task_type).ok_or_else(unknown)?;
        let faults = entry.check(&params, "");
        if !faults.is_empty() {
            return Err(Error::Invalid(faults));
        }
        self.throttle_tests(actor)?;
        let test = self.run_test(&entry, params).await?;
        let (mut tx, ok) = (self.database.write().await?, test.outcome.is_ok());
        tracing::info!(target_name = audit.target, actor = actor.name, ok, "test message sent");
        self.audit_log.record(&mut tx, actor, audit.after(json!({"to": truncate(to, 200), "ok": ok}))).await?;
        tx.commit().await?;
        Ok(test)
    }

    /// Limits the rate of tests, since messages cost money.
    fn throttle_tests(&self, actor: &Actor) -> Result<()> {
        let admitted = self.throttle.attempt(Subject::ConnectionTest(&actor.name), None, self.clock.now());
        admitted.map_err(|seconds| Error::TooManyRequests(message!("profile.too_many_tests", seconds)))
    }

    /// Runs the task type once, without a task; returns its output and outcome, secrets masked.
    async fn run_test(&self, entry: &Entry, params: Value) -> Result<ConnectionTest> {
        self.vault.values().await?;
        let (now, mask, cancel) = (self.clock.now(), self.vault.mask(), CancellationToken::new());
        let (pieces, mut output_chunks) = mpsc::unbounded_channel();
        let execution_id = new_id(now);
        let output = OutputSink::new(&execution_id, 1, MAX_OUTPUT, self.clock.clone(), pieces).with_mask(mask.clone());
        let (task_id, scheduled_at) = (TEST_TASK_ID.to_owned(), now);
        let context = RunContext { execution_id, task_id, attempt: 1, scheduled_at, cancel, output };
        let started = Instant::now();
        let run = tokio::time::timeout(TEST_TIMEOUT, entry.task_type.run(params, &context)).await;
        let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        context.output.finish();
        let mut text = String::new();
        while let Ok(piece) = output_chunks.try_recv() {
            text.push_str(&piece.chunk.text);
        }
        let outcome = match run {
            Ok(Ok(_)) => Ok(text.trim_end().to_owned()),
            Ok(Err(error)) => Err(message!(
                "profile.test_failed",
                output = text,
                error = error.message.map_texts(&|text| mask.text(text).into_owned())
            )),
            Err(_) => Err(message!("profile.no_answer", output = text, seconds = TEST_TIMEOUT.as_secs())),
        };
        Ok(ConnectionTest { elapsed_ms, outcome })
    }
}
