//! Initial setup, sign-in, sessions and tokens.

use belfry::domain::user::Via;
use belfry::service::{AdminSetup, Error};
use chrono::Duration;

use crate::for_each_database;
use crate::support::context::TestContext;

for_each_database! {
    async fn set_up_creates_only_the_first_administrator(db: &TestDatabase) {
        let service = TestContext::new(&db.database).service;
        assert!(service.needs_setup().await.unwrap());
        assert!(matches!(service.set_up("alice", "short").await, Err(Error::Invalid(_))));
        service.set_up("alice", "long enough").await.unwrap();
        assert!(!service.needs_setup().await.unwrap());
        assert!(matches!(service.set_up("bob", "long enough").await, Err(Error::Conflict(_))));
    }

    async fn sessions_expire_after_idle_time_and_lifetime(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let service = &context.service;
        service.set_up("alice", "long enough").await.unwrap();
        let wrong = service.sign_in("alice", "long enoug", None).await.unwrap_err().to_string();
        let unknown = service.sign_in("bob", "long enough", None).await.unwrap_err().to_string();
        assert_eq!(wrong, unknown, "the same error for a wrong password and an unknown name");
        let (_, secret) = service.sign_in("ALICE", "long enough", None).await.unwrap();
        assert_eq!(service.actor_by_session(&secret, Via::Page).await.unwrap().unwrap().name, "alice");
        assert!(service.actor_by_token(&secret).await.unwrap().is_none(), "a session is no token");
        service.sign_out(&secret).await.unwrap();
        assert!(service.actor_by_session(&secret, Via::Page).await.unwrap().is_none());
        let (_, secret) = service.sign_in("alice", "long enough", None).await.unwrap();
        for _ in 0..5 {
            context.clock.advance(Duration::days(5));
            assert!(service.actor_by_session(&secret, Via::Page).await.unwrap().is_some(), "kept alive by use");
        }
        context.clock.advance(Duration::days(5));
        assert!(service.actor_by_session(&secret, Via::Page).await.unwrap().is_none(), "expired after 30 days");
        let (_, secret) = service.sign_in("alice", "long enough", None).await.unwrap();
        context.clock.advance(Duration::days(8));
        assert!(service.actor_by_session(&secret, Via::Page).await.unwrap().is_none(), "idle for a week");
    }

    async fn bootstrap_creates_administrator_and_token(db: &TestDatabase) {
        let service = TestContext::new(&db.database).service;
        let token = "0123456789abcdef".to_owned();
        let setup = AdminSetup { user: Some("ops".into()), password: Some("long enough".into()), token: Some(token.clone()) };
        service.bootstrap(&setup).await.unwrap();
        service.bootstrap(&setup).await.unwrap();
        assert_eq!(service.actor_by_token(&token).await.unwrap().unwrap().name, "ops");
        service.sign_in("ops", "long enough", None).await.unwrap();
        let other = AdminSetup { user: Some("ops".into()), password: None, token: Some("fedcba9876543210".into()) };
        service.bootstrap(&other).await.unwrap();
        assert!(service.actor_by_token(&token).await.unwrap().is_none(), "a new token replaces the old one");
        let stranger = AdminSetup { user: Some("stranger".into()), ..AdminSetup::default() };
        assert!(matches!(service.bootstrap(&stranger).await, Err(Error::Conflict(_))));
        let short = AdminSetup { token: Some("short".into()), user: Some("ops".into()), ..AdminSetup::default() };
        assert!(matches!(service.bootstrap(&short).await, Err(Error::Invalid(_))));
    }
}
