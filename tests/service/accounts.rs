//! Initial setup, sign-in, sessions and tokens.

use belfry::domain::user::Via;
use belfry::service::{AdminSetup, Error};
use chrono::Duration;

use crate::for_each_database;
use crate::support::context::TestContext;

for_each_database! {
    async fn set_up_creates_only_the_first_administrator(db: &TestDatabase) {
        let services = TestContext::new(&db.database).services;
        assert!(services.setup.is_needed().await.unwrap());
        assert!(matches!(services.setup.create_admin("alice", "short").await, Err(Error::Invalid(_))));
        services.setup.create_admin("alice", "long enough").await.unwrap();
        assert!(!services.setup.is_needed().await.unwrap());
        assert!(matches!(services.setup.create_admin("bob", "long enough").await, Err(Error::Conflict(_))));
    }

    async fn sessions_expire_after_idle_time_and_lifetime(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let services = &context.services;
        services.setup.create_admin("alice", "long enough").await.unwrap();
        let wrong = services.sign_in.without_second_factor("alice", "long enoug", None).await.unwrap_err().to_string();
        let unknown = services.sign_in.without_second_factor("bob", "long enough", None).await.unwrap_err().to_string();
        assert_eq!(wrong, unknown, "the same error for a wrong password and an unknown name");
        let (_, secret) = services.sign_in.without_second_factor("ALICE", "long enough", None).await.unwrap();
        assert_eq!(services.sessions.actor_by_session(&secret, Via::Page).await.unwrap().unwrap().name, "alice");
        assert!(services.sessions.actor_by_token(&secret).await.unwrap().is_none(), "a session is no token");
        services.sessions.sign_out(&secret).await.unwrap();
        assert!(services.sessions.actor_by_session(&secret, Via::Page).await.unwrap().is_none());
        let (_, secret) = services.sign_in.without_second_factor("alice", "long enough", None).await.unwrap();
        for _ in 0..5 {
            context.clock.advance(Duration::days(5));
            assert!(services.sessions.actor_by_session(&secret, Via::Page).await.unwrap().is_some(), "kept alive by use");
        }
        context.clock.advance(Duration::days(5));
        assert!(services.sessions.actor_by_session(&secret, Via::Page).await.unwrap().is_none(), "expired after 30 days");
        let (_, secret) = services.sign_in.without_second_factor("alice", "long enough", None).await.unwrap();
        context.clock.advance(Duration::days(8));
        assert!(services.sessions.actor_by_session(&secret, Via::Page).await.unwrap().is_none(), "idle for a week");
    }

    async fn bootstrap_creates_administrator_and_token(db: &TestDatabase) {
        let services = TestContext::new(&db.database).services;
        let token = "0123456789abcdef".to_owned();
        let setup = AdminSetup { user: Some("ops".into()), password: Some("long enough".into()), token: Some(token.clone()) };
        services.setup.bootstrap(&setup).await.unwrap();
        services.setup.bootstrap(&setup).await.unwrap();
        assert_eq!(services.sessions.actor_by_token(&token).await.unwrap().unwrap().name, "ops");
        services.sign_in.without_second_factor("ops", "long enough", None).await.unwrap();
        let other = AdminSetup { user: Some("ops".into()), password: None, token: Some("fedcba9876543210".into()) };
        services.setup.bootstrap(&other).await.unwrap();
        assert!(services.sessions.actor_by_token(&token).await.unwrap().is_none(), "a new token replaces the old one");
        let stranger = AdminSetup { user: Some("stranger".into()), ..AdminSetup::default() };
        assert!(matches!(services.setup.bootstrap(&stranger).await, Err(Error::Conflict(_))));
        let short = AdminSetup { token: Some("short".into()), user: Some("ops".into()), ..AdminSetup::default() };
        assert!(matches!(services.setup.bootstrap(&short).await, Err(Error::Invalid(_))));
    }
}
