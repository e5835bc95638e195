//! The first administrator, sign-in, sessions and tokens.

use belfry::domain::user::Via;
use belfry::service::{AdminSetup, Error};
use chrono::Duration;

use crate::on_each;
use crate::support::parts::TestParts;

on_each! {
    async fn the_first_visitor_becomes_administrator_and_nobody_after(db: &TestDatabase) {
        let service = TestParts::new(&db.database).service;
        assert!(service.needs_setup().await.unwrap());
        assert!(matches!(service.set_up("alice", "short").await, Err(Error::Invalid(_))));
        service.set_up("alice", "long enough").await.unwrap();
        assert!(!service.needs_setup().await.unwrap());
        assert!(matches!(service.set_up("bob", "long enough").await, Err(Error::Conflict(_))));
    }

    async fn sign_in_answers_a_session_that_runs_out(db: &TestDatabase) {
        let parts = TestParts::new(&db.database);
        let service = &parts.service;
        service.set_up("alice", "long enough").await.unwrap();
        let wrong = service.sign_in("alice", "long enoug", None).await.unwrap_err().to_string();
        let unknown = service.sign_in("bob", "long enough", None).await.unwrap_err().to_string();
        assert_eq!(wrong, unknown, "nothing tells a wrong password from an unknown name");
        let (_, secret) = service.sign_in("ALICE", "long enough", None).await.unwrap();
        assert_eq!(service.actor_by_session(&secret, Via::Page).await.unwrap().unwrap().name, "alice");
        assert!(service.actor_by_token(&secret).await.unwrap().is_none(), "a session is no token");
        service.sign_out(&secret).await.unwrap();
        assert!(service.actor_by_session(&secret, Via::Page).await.unwrap().is_none());
        let (_, secret) = service.sign_in("alice", "long enough", None).await.unwrap();
        for _ in 0..5 {
            parts.clock.advance(Duration::days(5));
            assert!(service.actor_by_session(&secret, Via::Page).await.unwrap().is_some(), "it is used");
        }
        parts.clock.advance(Duration::days(5));
        assert!(service.actor_by_session(&secret, Via::Page).await.unwrap().is_none(), "after 30 days all the same");
        let (_, secret) = service.sign_in("alice", "long enough", None).await.unwrap();
        parts.clock.advance(Duration::days(8));
        assert!(service.actor_by_session(&secret, Via::Page).await.unwrap().is_none(), "not used for a week");
    }

    async fn settings_may_give_the_administrator_and_a_token(db: &TestDatabase) {
        let service = TestParts::new(&db.database).service;
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
