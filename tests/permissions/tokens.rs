//! Tokens end and shrink with their account, at once.

use belfry::domain::permission::Reach;
use belfry::domain::user::{Actor, Role, Token};
use belfry::service::{Error, NewToken, NewUser, Service, UserChange};
use chrono::Duration;

use crate::on_each;
use crate::support::parts::{TestParts, actor, admin, start};

fn tags(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn new(role: Option<Role>, tags_of: &[&str]) -> NewToken {
    NewToken { name: "program".into(), role, tags: tags(tags_of), expires_at: None }
}

async fn account(service: &Service, name: &str, role: Role, tags_of: &[&str]) -> Actor {
    let user = NewUser { name: name.into(), role, password: None, grants: Vec::new(), tags: tags(tags_of) };
    service.create_user(&admin(), &user).await.expect("an account");
    Actor { reach: Reach::of(&user.tags), ..actor(name, role) }
}

async fn made(service: &Service, who: &Actor, new: NewToken) -> (Token, String) {
    service.create_token(who, &new).await.expect("a token")
}

async fn behind(service: &Service, text: &str) -> Option<Actor> {
    service.actor_by_token(text).await.expect("reads")
}

fn change() -> UserChange {
    UserChange::default()
}

#[track_caller]
fn refused(result: Result<impl std::fmt::Debug, Error>, pointer: &str) {
    match result {
        Err(Error::Invalid(faults)) => assert_eq!(faults[0].pointer, pointer),
        other => panic!("{other:?}"),
    }
}

on_each! {
    async fn a_token_dies_with_its_account_and_at_its_end(db: &TestDatabase) {
        let parts = TestParts::new(&db.database);
        let service = &parts.service;
        account(service, "root", Role::Admin, &[]).await;
        let bob = account(service, "bob", Role::Editor, &[]).await;
        let (one, text) = made(service, &bob, new(None, &[])).await;
        assert_eq!(behind(service, &text).await.unwrap().role, Role::Editor);
        let used = service.tokens(&bob).await.unwrap()[0].used_at;
        assert_eq!(used, Some(start()), "its last use is noted");
        for (change, role) in [
            (UserChange { role: Some(Role::Viewer), ..change() }, Some(Role::Viewer)),
            (UserChange { disabled: Some(true), ..change() }, None),
            (UserChange { disabled: Some(false), role: Some(Role::Admin), ..change() }, Some(Role::Editor)),
        ] {
            service.update_user(&admin(), "bob", &change).await.unwrap();
            assert_eq!(behind(service, &text).await.map(|program| program.role), role, "{:?}", change.role);
        }
        service.revoke_token(&bob, &one.id).await.unwrap();
        assert!(behind(service, &text).await.is_none(), "withdrawn");
        let (_, short) = made(service, &bob, NewToken { expires_at: Some(start() + Duration::hours(1)), ..new(None, &[]) }).await;
        let (_, endless) = made(service, &bob, new(None, &[])).await;
        parts.clock.advance(Duration::minutes(59));
        assert!(behind(service, &short).await.is_some());
        parts.clock.advance(Duration::minutes(1));
        assert!(behind(service, &short).await.is_none(), "run out");
        service.delete_user(&admin(), "bob").await.unwrap();
        assert!(behind(service, &endless).await.is_none(), "its account is gone");
        account(service, "bob", Role::Editor, &[]).await;
        assert!(behind(service, &endless).await.is_none(), "another of that name has nothing to do with it");
    }

    async fn a_token_reaches_what_both_it_and_its_account_reach(db: &TestDatabase) {
        let parts = TestParts::new(&db.database);
        let service = &parts.service;
        let root = account(service, "root", Role::Admin, &[]).await;
        let bob = account(service, "bob", Role::Editor, &["red", "green"]).await;
        refused(service.create_token(&bob, &new(None, &["blue"])).await, "/tags");
        refused(service.create_token(&bob, &new(None, &["no good"])).await, "/tags/0");
        let (_, whole) = made(service, &bob, new(None, &[])).await;
        let (_, narrow) = made(service, &bob, new(None, &["red"])).await;
        assert_eq!(behind(service, &whole).await.unwrap().reach, Reach::of(&tags(&["red", "green"])));
        let program = behind(service, &narrow).await.unwrap();
        assert_eq!(program.reach, Reach::of(&tags(&["red"])));
        let (child, text) = made(service, &program, new(None, &[])).await;
        assert_eq!(child.tags, ["red"], "no more than the token that made it");
        assert_eq!(behind(service, &text).await.unwrap().reach, Reach::of(&tags(&["red"])));
        refused(service.create_token(&program, &new(None, &["green"])).await, "/tags");
        let moved = UserChange { tags: Some(tags(&["green"])), ..change() };
        service.update_user(&root, "bob", &moved).await.unwrap();
        assert_eq!(behind(service, &whole).await.unwrap().reach, Reach::of(&tags(&["green"])));
        let nothing = behind(service, &narrow).await.unwrap();
        assert!(!nothing.reach.is_all() && !nothing.reach.holds(&tags(&["red", "green"])), "nothing is left of it");
        refused(service.create_token(&nothing, &new(None, &[])).await, "/tags");
        let free = UserChange { tags: Some(Vec::new()), ..change() };
        service.update_user(&root, "bob", &free).await.unwrap();
        assert!(behind(service, &whole).await.unwrap().reach.is_all());
        assert_eq!(behind(service, &narrow).await.unwrap().reach, Reach::of(&tags(&["red"])));
    }

    async fn administrators_are_never_limited(db: &TestDatabase) {
        let parts = TestParts::new(&db.database);
        let service = &parts.service;
        let root = account(service, "root", Role::Admin, &[]).await;
        let user = NewUser { name: "x".into(), role: Role::Admin, password: None, grants: vec![], tags: tags(&["red"]) };
        refused(service.create_user(&root, &user).await, "/tags");
        refused(service.create_token(&root, &new(None, &["red"])).await, "/tags");
        let (_, text) = made(service, &root, new(Some(Role::Operator), &["red"])).await;
        let program = behind(service, &text).await.unwrap();
        assert_eq!((program.role, program.reach), (Role::Operator, Reach::of(&tags(&["red"]))));
        account(service, "bob", Role::Editor, &["red"]).await;
        let promoted = UserChange { role: Some(Role::Admin), ..change() };
        refused(service.update_user(&root, "bob", &promoted).await, "/tags");
        let freed = UserChange { tags: Some(Vec::new()), ..promoted };
        service.update_user(&root, "bob", &freed).await.unwrap();
        assert_eq!(service.user(&root, "bob").await.unwrap().role, Role::Admin);
    }
}
