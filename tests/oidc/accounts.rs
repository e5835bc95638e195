//! Accounts of single sign-on: creation, linking, roles and refusals.

use belfry::domain::single_sign_on::IdentityProvider;
use belfry::domain::user::{Role, Via};
use belfry::service::{Error, NewUser, SignInError, TwoFactorStatus, UserChange};
use serde_json::{Value, json};

use crate::forging_provider::{ForgingProvider, StartedLogin};
use crate::support::TestDatabase;
use crate::support::context::admin;
use crate::{context, for_each_database, settings};

fn groups(group: &'static str) -> impl FnOnce(&mut Value) {
    move |claims| claims["groups"] = json!([group])
}

for_each_database! {
    async fn first_sign_in_creates_an_account_that_follows_the_provider(db: &TestDatabase) {
        let provider = ForgingProvider::start().await;
        let context = context(db, settings(&provider.issuer), true).await;
        let services = &context.services;
        let first = provider.sign_in(services, |_| ()).await.unwrap();
        assert_eq!((first.user.name.as_str(), first.user.role), ("alice", Role::Editor));
        let actor = services.sessions.actor_by_session(&first.session, Via::Api).await.unwrap().expect("no second factor is required");
        assert_eq!(services.second_factor.status(&actor).await.unwrap(), TwoFactorStatus::NotApplicable);
        assert!(matches!(services.second_factor.begin(&actor).await, Err(Error::Conflict(_))));
        let again = provider.sign_in(services, |_| ()).await.unwrap();
        assert_eq!(again.user.id, first.user.id, "the same account");
        assert!(services.sessions.actor_by_session(&first.session, Via::Page).await.unwrap().is_some(), "the same role keeps the sessions");
        let renamed = provider.sign_in(services, |claims| claims["preferred_username"] = json!("root")).await.unwrap();
        assert_eq!(renamed.user.name, "alice", "identified by its subject, not by its name");
        let demoted = provider.sign_in(services, groups("belfry-viewers")).await.unwrap();
        assert_eq!(services.users.get(&admin(), "alice").await.unwrap().role, Role::Viewer);
        assert!(services.sessions.actor_by_session(&first.session, Via::Page).await.unwrap().is_none(), "a changed role ends earlier sessions");
        assert!(services.sessions.actor_by_session(&demoted.session, Via::Page).await.unwrap().is_some());
        assert!(services.users.sign_in_methods(&admin()).await.unwrap().is_linked(&demoted.user));
    }

    async fn local_accounts_are_not_taken_over(db: &TestDatabase) {
        let provider = ForgingProvider::start().await;
        let context = context(db, settings(&provider.issuer), false).await;
        for name in ["root", "ROOT"] {
            let taken = provider.sign_in(&context.services, |claims| claims["preferred_username"] = json!(name)).await;
            assert!(matches!(taken, Err(SignInError::Taken(_))), "{taken:?}");
        }
        assert_eq!(context.services.users.list(&admin()).await.unwrap().len(), 1);
        context.services.sign_in.without_second_factor("root", "long enough", None).await.expect("its own password still works");
    }

    async fn linked_accounts_have_no_password(db: &TestDatabase) {
        let provider = ForgingProvider::start().await;
        let context = context(db, settings(&provider.issuer), false).await;
        let services = &context.services;
        let signed_in = provider.sign_in(services, |_| ()).await.unwrap();
        let change = UserChange { password: Some("another password".into()), ..UserChange::default() };
        assert!(matches!(services.users.update(&admin(), "alice", &change).await, Err(Error::Invalid(faults)) if faults[0].pointer == "/password"));
        let actor = services.sessions.actor_by_session(&signed_in.session, Via::Page).await.unwrap().unwrap();
        assert!(services.users.change_own_password(&actor, "", "another password", None).await.is_err());
        assert!(matches!(services.sign_in.without_second_factor("alice", "", None).await, Err(Error::Unauthorized(_))));
    }

    async fn disabled_accounts_are_rejected_and_the_last_administrator_is_kept(db: &TestDatabase) {
        let provider = ForgingProvider::start().await;
        let context = context(db, settings(&provider.issuer), false).await;
        let services = &context.services;
        provider.sign_in(services, groups("belfry-ops")).await.unwrap();
        let off = UserChange { disabled: Some(true), ..UserChange::default() };
        services.users.update(&admin(), "root", &off).await.unwrap();
        let demoted = provider.sign_in(services, groups("belfry-viewers")).await;
        assert!(matches!(demoted, Err(SignInError::LastAdministrator)), "{demoted:?}");
        assert_eq!(services.users.get(&admin(), "alice").await.unwrap().role, Role::Admin, "nothing changed");
        let second = NewUser { name: "second".into(), role: Role::Admin, password: None, grants: Vec::new(), tags: Vec::new() };
        services.users.create(&admin(), &second).await.unwrap();
        services.users.update(&admin(), "alice", &off).await.unwrap();
        let refused = provider.sign_in(services, groups("belfry-ops")).await;
        assert!(matches!(refused, Err(SignInError::Disabled(_))), "{refused:?}");
    }

    async fn roles_and_domains_of_the_settings_are_required(db: &TestDatabase) {
        let provider = ForgingProvider::start().await;
        let settings = IdentityProvider { domains: vec!["example.com".into()], ..settings(&provider.issuer) };
        let context = context(db, settings, false).await;
        let services = &context.services;
        provider.script().userinfo = json!({"sub": "subject-1", "email": "alice@example.com", "email_verified": true, "groups": ["belfry-ops"]});
        let none = provider.sign_in(services, groups("others")).await;
        assert!(matches!(none, Err(SignInError::NoRole)), "claims of the token take precedence: {none:?}");
        let signed_in = provider.sign_in(services, |_| ()).await.unwrap();
        assert_eq!(signed_in.user.role, Role::Editor);
        provider.script().userinfo["email"] = json!("alice@other.example");
        assert!(matches!(provider.sign_in(services, |_| ()).await, Err(SignInError::Domain)));
        provider.script().userinfo = json!({"sub": "subject-2", "email": "alice@example.com", "email_verified": true});
        assert!(matches!(provider.sign_in(services, |_| ()).await, Err(SignInError::Untrusted(_))), "userinfo of another subject");
        let nameless = |claims: &mut Value| (claims["sub"], claims["preferred_username"]) = (json!("subject-2"), json!("no good"));
        assert!(matches!(provider.sign_in(services, nameless).await, Err(SignInError::Name(_))));
    }
}

#[tokio::test]
async fn authorization_request_has_a_challenge_and_the_code_exchange_its_verifier() {
    use base64::Engine;
    use sha2::Digest;
    let (db, provider) = (TestDatabase::sqlite().await, ForgingProvider::start().await);
    let context = context(&db, settings(&provider.issuer), false).await;
    let login = StartedLogin::begin(&context.services).await;
    let parameter = |name: &str| {
        login.url.query_pairs().find(|(own, _)| own == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
    };
    assert_eq!((parameter("response_type"), parameter("code_challenge_method")), ("code".to_owned(), "S256".to_owned()));
    assert_eq!(
        (parameter("redirect_uri"), parameter("scope")),
        (format!("{}/login/oidc/callback", crate::PUBLIC), "openid profile email groups".to_owned())
    );
    let token = provider.script().keys[0].sign(&provider.claims(&login.nonce, context.services.clock.now()));
    provider.script().id_token = token;
    context.services.single_sign_on.finish(&login.returned, None).await.expect("signs in");
    let exchanged = provider.script().exchanged.clone();
    let verifier = exchanged.split('&').find_map(|pair| pair.strip_prefix("code_verifier=")).expect("the verifier");
    let challenge = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(verifier.as_bytes()));
    assert_eq!(challenge, parameter("code_challenge"));
    assert!(
        !exchanged.contains("secret") && provider.script().authorization.starts_with("Basic "),
        "the secret is sent in the header"
    );
    db.remove().await;
}
