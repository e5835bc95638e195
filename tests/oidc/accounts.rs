//! Which account a reader is, whom the provider vouches for.

use belfry::domain::single_sign_on::IdentityProvider;
use belfry::domain::user::{Role, Via};
use belfry::service::{Error, NewUser, NotIn, Standing, UserChange};
use serde_json::{Value, json};

use crate::forger::{Forger, Journey};
use crate::support::TestDatabase;
use crate::support::parts::admin;
use crate::{on_each, parts, settings};

fn groups(group: &'static str) -> impl FnOnce(&mut Value) {
    move |claims| claims["groups"] = json!([group])
}

on_each! {
    async fn an_account_is_made_at_the_first_sign_in_and_follows_the_provider(db: &TestDatabase) {
        let forger = Forger::start().await;
        let parts = parts(db, settings(&forger.issuer), true).await;
        let service = &parts.service;
        let first = forger.sign_in(service, |_| ()).await.unwrap();
        assert_eq!((first.user.name.as_str(), first.user.role), ("alice", Role::Editor));
        let actor = service.actor_by_session(&first.session, Via::Api).await.unwrap().expect("no second factor is asked for here");
        assert_eq!(service.second_factor(&actor).await.unwrap(), Standing::NotHere);
        assert!(matches!(service.begin_second_factor(&actor).await, Err(Error::Conflict(_))));
        let again = forger.sign_in(service, |_| ()).await.unwrap();
        assert_eq!(again.user.id, first.user.id, "the same account");
        assert!(service.actor_by_session(&first.session, Via::Page).await.unwrap().is_some(), "the same role: sessions go on");
        let renamed = forger.sign_in(service, |claims| claims["preferred_username"] = json!("root")).await.unwrap();
        assert_eq!(renamed.user.name, "alice", "known by its subject, not by its name");
        let lesser = forger.sign_in(service, groups("belfry-viewers")).await.unwrap();
        assert_eq!(service.user(&admin(), "alice").await.unwrap().role, Role::Viewer);
        assert!(service.actor_by_session(&first.session, Via::Page).await.unwrap().is_none(), "another role ends former sessions");
        assert!(service.actor_by_session(&lesser.session, Via::Page).await.unwrap().is_some());
        assert!(service.ways_in(&admin()).await.unwrap().is_linked(&lesser.user));
    }

    async fn no_local_account_is_taken_over(db: &TestDatabase) {
        let forger = Forger::start().await;
        let parts = parts(db, settings(&forger.issuer), false).await;
        for name in ["root", "ROOT"] {
            let taken = forger.sign_in(&parts.service, |claims| claims["preferred_username"] = json!(name)).await;
            assert!(matches!(taken, Err(NotIn::Taken(_))), "{taken:?}");
        }
        assert_eq!(parts.service.users(&admin()).await.unwrap().len(), 1);
        parts.service.sign_in("root", "long enough", None).await.expect("its own password still");
    }

    async fn such_an_account_has_no_password(db: &TestDatabase) {
        let forger = Forger::start().await;
        let parts = parts(db, settings(&forger.issuer), false).await;
        let service = &parts.service;
        let arrival = forger.sign_in(service, |_| ()).await.unwrap();
        let change = UserChange { password: Some("another password".into()), ..UserChange::default() };
        assert!(matches!(service.update_user(&admin(), "alice", &change).await, Err(Error::Invalid(faults)) if faults[0].pointer == "/password"));
        let actor = service.actor_by_session(&arrival.session, Via::Page).await.unwrap().unwrap();
        assert!(service.change_own_password(&actor, "", "another password", None).await.is_err());
        assert!(matches!(service.sign_in("alice", "", None).await, Err(Error::Unauthorized(_))));
    }

    async fn who_is_disabled_stays_out_and_the_last_administrator_stays(db: &TestDatabase) {
        let forger = Forger::start().await;
        let parts = parts(db, settings(&forger.issuer), false).await;
        let service = &parts.service;
        forger.sign_in(service, groups("belfry-ops")).await.unwrap();
        let off = UserChange { disabled: Some(true), ..UserChange::default() };
        service.update_user(&admin(), "root", &off).await.unwrap();
        let lesser = forger.sign_in(service, groups("belfry-viewers")).await;
        assert!(matches!(lesser, Err(NotIn::LastAdministrator)), "{lesser:?}");
        assert_eq!(service.user(&admin(), "alice").await.unwrap().role, Role::Admin, "nothing changed");
        let second = NewUser { name: "second".into(), role: Role::Admin, password: None, grants: Vec::new(), tags: Vec::new() };
        service.create_user(&admin(), &second).await.unwrap();
        service.update_user(&admin(), "alice", &off).await.unwrap();
        let refused = forger.sign_in(service, groups("belfry-ops")).await;
        assert!(matches!(refused, Err(NotIn::Disabled(_))), "{refused:?}");
    }

    async fn only_whom_the_settings_let_in(db: &TestDatabase) {
        let forger = Forger::start().await;
        let settings = IdentityProvider { domains: vec!["example.com".into()], ..settings(&forger.issuer) };
        let parts = parts(db, settings, false).await;
        let service = &parts.service;
        forger.plan().userinfo = json!({"sub": "subject-1", "email": "alice@example.com", "email_verified": true, "groups": ["belfry-ops"]});
        let none = forger.sign_in(service, groups("others")).await;
        assert!(matches!(none, Err(NotIn::NoRole)), "the token's own claims stay: {none:?}");
        let arrival = forger.sign_in(service, |_| ()).await.unwrap();
        assert_eq!(arrival.user.role, Role::Editor);
        forger.plan().userinfo["email"] = json!("alice@other.example");
        assert!(matches!(forger.sign_in(service, |_| ()).await, Err(NotIn::Domain)));
        forger.plan().userinfo = json!({"sub": "subject-2", "email": "alice@example.com", "email_verified": true});
        assert!(matches!(forger.sign_in(service, |_| ()).await, Err(NotIn::Untrusted(_))), "userinfo of somebody else");
        let nameless = |claims: &mut Value| (claims["sub"], claims["preferred_username"]) = (json!("subject-2"), json!("no good"));
        assert!(matches!(forger.sign_in(service, nameless).await, Err(NotIn::Name(_))));
    }
}

#[tokio::test]
async fn readers_are_sent_with_a_challenge_and_the_code_with_its_verifier() {
    use base64::Engine;
    use sha2::Digest;
    let (db, forger) = (TestDatabase::sqlite().await, Forger::start().await);
    let parts = parts(&db, settings(&forger.issuer), false).await;
    let journey = Journey::begin(&parts.service).await;
    let asked = |name: &str| {
        journey.url.query_pairs().find(|(own, _)| own == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
    };
    assert_eq!((asked("response_type"), asked("code_challenge_method")), ("code".to_owned(), "S256".to_owned()));
    assert_eq!(
        (asked("redirect_uri"), asked("scope")),
        (format!("{}/login/oidc/callback", crate::PUBLIC), "openid profile email groups".to_owned())
    );
    let token = forger.plan().keys[0].sign(&forger.claims(&journey.nonce, parts.service.clock().now()));
    forger.plan().id_token = token;
    parts.service.arrive(&journey.returned, None).await.expect("in");
    let exchanged = forger.plan().exchanged.clone();
    let verifier = exchanged.split('&').find_map(|pair| pair.strip_prefix("code_verifier=")).expect("the verifier");
    let challenge = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(verifier.as_bytes()));
    assert_eq!(challenge, asked("code_challenge"));
    assert!(!exchanged.contains("secret") && forger.plan().authorization.starts_with("Basic "), "the secret goes in the header");
    db.remove().await;
}
