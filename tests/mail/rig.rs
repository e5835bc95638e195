//! Test fixture: `send_email` with the mail servers of a test.

use std::sync::Arc;

use belfry::clock::SystemClock;
use belfry::domain::profile::{Profiles, Smtp};
use belfry::tasks::output::{ExecutionChunk, OutputSink};
use belfry::tasks::send_email::SendEmail;
use belfry::tasks::{RunContext, RunError, TaskType, Toolbox};
use chrono::DateTime;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::support::TestDatabase;

/// The task type with one mail server, `office`.
pub struct Rig {
    pub send_email: Arc<SendEmail>,
    pub database: TestDatabase,
    pub files: tempfile::TempDir,
}

impl Rig {
    pub async fn new(smtp: Smtp) -> Rig {
        Rig::with([("office", smtp)]).await
    }

    pub async fn with<const N: usize>(smtp: [(&str, Smtp); N]) -> Rig {
        let database = TestDatabase::sqlite().await;
        let files = tempfile::tempdir().expect("a temporary folder");
        let smtp = smtp.into_iter().map(|(name, profile)| (name.to_owned(), profile)).collect();
        let toolbox = Toolbox {
            profiles: Arc::new(Profiles { smtp, ..Profiles::default() }),
            ..Toolbox::plain(database.database.clone(), Arc::new(SystemClock), files.path())
        };
        Rig { send_email: Arc::new(SendEmail::new(&toolbox)), database, files }
    }

    /// Runs the task once; returns the outcome and the output.
    pub async fn send(&self, params: Value) -> (Result<Value, RunError>, String) {
        assert_eq!(self.send_email.check(&params), []);
        let (context, mut receiver) = context();
        let ended = self.send_email.run(params, &context).await;
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

/// The parameters of a small mail.
pub fn mail() -> Value {
    json!({"to": "ops@example.com", "title": "标题", "body": "正文"})
}
