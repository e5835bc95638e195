//! Single sign-on: against a real provider (`provider.mjs`), and against one that forges tokens.

mod accounts;
mod attacks;
mod forger;
mod provider;
mod real;
#[path = "../support/mod.rs"]
mod support;

use std::sync::Arc;

use belfry::clock::{Clock, SystemClock};
use belfry::domain::single_sign_on::IdentityProvider;
use belfry::domain::user::Role;
use belfry::oidc::Provider;
use belfry::tasks::sql::Datasources;

use support::TestDatabase;
use support::parts::TestParts;

/// Where readers reach Belfry, by its setting.
pub const PUBLIC: &str = "http://belfry.test";
pub const SECRET: &str = "a secret of 30 characters & more%";

/// What the tests' settings say of a provider.
pub fn settings(issuer: &str) -> IdentityProvider {
    let values = |value: &str| vec![value.to_owned()];
    IdentityProvider {
        issuer: issuer.to_owned(),
        client_id: "belfry".to_owned(),
        client_secret: Some(belfry::config::Secret::new(SECRET)),
        scopes: ["profile", "email", "groups"].map(str::to_owned).to_vec(),
        name: "Example".to_owned(),
        role_claim: Some("groups".to_owned()),
        roles: vec![
            (Role::Admin, values("belfry-ops")),
            (Role::Editor, values("belfry-editors")),
            (Role::Viewer, values("belfry-viewers")),
        ],
        public_url: PUBLIC.to_owned(),
        ..IdentityProvider::default()
    }
}

/// Services with a provider and one local administrator, `root`. The clock tells the real time, as providers do, and stands
/// still.
pub async fn parts(db: &TestDatabase, settings: IdentityProvider, required: bool) -> TestParts {
    settings.check().expect("settings that can work");
    let parts = TestParts::built(&db.database, Arc::new(Datasources::default()), |parts| {
        parts.single_sign_on = Some(Arc::new(Provider::new(settings, parts.clock.clone())));
        parts.second_factor_required = required;
    });
    parts.clock.set(SystemClock.now());
    parts.service.set_up("root", "long enough").await.expect("the first account");
    parts
}
