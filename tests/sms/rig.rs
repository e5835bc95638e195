//! Test fixture: `send_sms` with the provider of a test.

use std::sync::Arc;

use belfry::clock::SystemClock;
use belfry::domain::profile::sms::Provider;
use belfry::domain::profile::{Profiles, Sms};
use belfry::domain::secret::Secret;
use belfry::tasks::output::{ExecutionChunk, OutputSink};
use belfry::tasks::send_sms::SendSms;
use belfry::tasks::{RunContext, RunError, TaskType, Toolbox};
use chrono::DateTime;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::gateway::{ACCESS_KEY, Gateway, SECRET_KEY};
use crate::support::TestDatabase;

/// The task type with one provider, `main`.
pub struct Rig {
    pub send_sms: Arc<SendSms>,
    pub database: TestDatabase,
}

impl Rig {
    pub async fn new(sms: Sms) -> Rig {
        let database = TestDatabase::sqlite().await;
        let profiles = Profiles { sms: [("main".to_owned(), sms)].into(), ..Profiles::default() };
        let toolbox = Toolbox {
            profiles: Arc::new(profiles),
            ..Toolbox::plain(database.database.clone(), Arc::new(SystemClock), &std::env::temp_dir())
        };
        Rig { send_sms: Arc::new(SendSms::new(&toolbox)), database }
    }

    /// Runs the task once; returns the outcome and the output.
    pub async fn send(&self, params: Value) -> (Result<Value, RunError>, String) {
        assert_eq!(self.send_sms.check(&params), []);
        let (context, mut receiver) = context();
        let ended = self.send_sms.run(params, &context).await;
        drop(context);
        let mut text = String::new();
        while let Some(piece) = receiver.recv().await {
            text.push_str(&piece.chunk.text);
        }
        (ended, text)
    }

    pub async fn error(&self, params: Value) -> RunError {
        self.send(params).await.0.unwrap_err()
    }
}

/// A profile of a provider at a fake gateway, with the correct keys.
pub fn profile(provider: Provider, gateway: &Gateway) -> Sms {
    Sms {
        provider: Some(provider),
        access_key: Some(ACCESS_KEY.into()),
        secret_key: Some(Secret::new(SECRET_KEY)),
        endpoint: Some(gateway.url.clone()),
        app_id: (provider == Provider::Tencent).then(|| "1400006666".into()),
        from: (provider == Provider::Twilio).then(|| "+15005550006".into()),
        sign: Some("钟楼".into()),
        ..Sms::default()
    }
}

pub fn context() -> (RunContext, mpsc::UnboundedReceiver<ExecutionChunk>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let context = RunContext {
        execution_id: "01EXECUTION".into(),
        task_id: "task-1".into(),
        attempt: 1,
        scheduled_at: DateTime::UNIX_EPOCH,
        cancel: CancellationToken::new(),
        output: OutputSink::new("01EXECUTION", 1, 100_000, Arc::new(SystemClock), sender),
    };
    (context, receiver)
}
