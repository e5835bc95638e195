//! Test fixture: `send_email` with the mail servers of a test.

use std::sync::Arc;

use belfry::clock::SystemClock;
use belfry::domain::profile::{Profiles, Smtp};
use belfry::profiles::ProfileDirectory;
use belfry::tasks::send_email::SendEmail;
use belfry::tasks::{RunError, Toolbox};
use serde_json::{Value, json};

use crate::support::TestDatabase;
use crate::support::run::run;

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
            profiles: Arc::new(ProfileDirectory::fixed(Profiles { smtp, ..Profiles::default() })),
            ..Toolbox::plain(database.database.clone(), Arc::new(SystemClock), files.path())
        };
        Rig { send_email: Arc::new(SendEmail::new(&toolbox)), database, files }
    }

    /// Runs the task once; returns the outcome and the output.
    pub async fn send(&self, params: Value) -> (Result<Value, RunError>, String) {
        run(&*self.send_email, params).await
    }

    pub async fn error(&self, params: Value) -> RunError {
        self.send(params).await.0.unwrap_err()
    }
}

/// The parameters of a small mail.
pub fn mail() -> Value {
    json!({"to": "ops@example.com", "title": "标题", "body": "正文"})
}
