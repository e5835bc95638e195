//! Tests of single sign-on: with a real provider (`provider.mjs`), and with a fake one that issues invalid tokens.

mod accounts;
mod attacks;
mod forging_provider;
mod provider;
mod real;
#[path = "../support/mod.rs"]
mod support;

use std::sync::Arc;

use belfry::clock::{Clock, SystemClock};
use belfry::domain::single_sign_on::IdentityProvider;
use belfry::domain::user::Role;
use belfry::oidc::Provider;

use support::TestDatabase;
use support::context::TestContext;

/// The public URL of Belfry.
pub const PUBLIC: &str = "http://belfry.test";
pub const SECRET: &str = "a secret of 30 characters & more%";

/// The settings of the identity provider.
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

/// Services with a provider and one local administrator, `root`. The clock is stopped at the current time, which the real provider
/// uses too.
pub async fn context(db: &TestDatabase, settings: IdentityProvider, required: bool) -> TestContext {
    settings.check().expect("valid settings");
    let context = TestContext::with_deps(&db.database, |deps| {
        deps.single_sign_on = Some(Arc::new(Provider::new(settings, deps.clock.clone())));
        deps.second_factor_required = required;
    });
    context.clock.set(SystemClock.now());
    context.services.setup.create_admin("root", "long enough").await.expect("the first account");
    context
}
