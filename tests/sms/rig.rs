//! Test fixture: `send_sms` with the provider of a test.

use std::sync::Arc;

use belfry::clock::SystemClock;
use belfry::domain::profile::sms::Provider;
use belfry::domain::profile::{Profiles, Sms};
use belfry::domain::secret::Secret;
use belfry::profiles::ProfileDirectory;
use belfry::tasks::send_sms::SendSms;
use belfry::tasks::{RunError, Toolbox};
use serde_json::Value;

use crate::gateway::{ACCESS_KEY, Gateway, SECRET_KEY};
use crate::support::TestDatabase;
use crate::support::run::run;

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
            profiles: Arc::new(ProfileDirectory::fixed(profiles)),
            ..Toolbox::plain(database.database.clone(), Arc::new(SystemClock), &std::env::temp_dir())
        };
        Rig { send_sms: Arc::new(SendSms::new(&toolbox)), database }
    }

    /// Runs the task once; returns the outcome and the output.
    pub async fn send(&self, params: Value) -> (Result<Value, RunError>, String) {
        run(&*self.send_sms, params).await
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
