//! Tokens follow changes of their account immediately.

use belfry::domain::permission::TagScope;
use belfry::domain::user::{Actor, Role, Token};
use belfry::service::{Error, NewToken, NewUser, Service, UserChange};
use chrono::Duration;

use crate::for_each_database;
use crate::support::context::{TestContext, actor, admin, start};

fn tags(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn new(role: Option<Role>, tags_of: &[&str]) -> NewToken {
    NewToken { name: "program".into(), role, tags: tags(tags_of), expires_at: None }
}

async fn account(service: &Service, name: &str, role: Role, tags_of: &[&str]) -> Actor {
    let user = NewUser { name: name.into(), role, password: None, grants: Vec::new(), tags: tags(tags_of) };
    service.create_user(&admin(), &user).await.expect("an account");
    Actor { scope: TagScope::from_tags(&user.tags), ..actor(name, role) }
}

async fn create(service: &Service, who: &Actor, new: NewToken) -> (Token, String) {
    service.create_token(who, &new).await.expect("a token")
}

async fn actor_of(service: &Service, text: &str) -> Option<Actor> {
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

for_each_database! {
    async fn tokens_end_with_their_account_and_at_expiry(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let service = &context.service;
        account(service, "root", Role::Admin, &[]).await;
        let bob = account(service, "bob", Role::Editor, &[]).await;
        let (one, text) = create(service, &bob, new(None, &[])).await;
        assert_eq!(actor_of(service, &text).await.unwrap().role, Role::Editor);
        let used = service.tokens(&bob).await.unwrap()[0].used_at;
        assert_eq!(used, Some(start()), "the last use is recorded");
        for (change, role) in [
            (UserChange { role: Some(Role::Viewer), ..change() }, Some(Role::Viewer)),
            (UserChange { disabled: Some(true), ..change() }, None),
            (UserChange { disabled: Some(false), role: Some(Role::Admin), ..change() }, Some(Role::Editor)),
        ] {
            service.update_user(&admin(), "bob", &change).await.unwrap();
            assert_eq!(actor_of(service, &text).await.map(|program| program.role), role, "{:?}", change.role);
        }
        service.revoke_token(&bob, &one.id).await.unwrap();
        assert!(actor_of(service, &text).await.is_none(), "revoked");
        let (_, short) = create(service, &bob, NewToken { expires_at: Some(start() + Duration::hours(1)), ..new(None, &[]) }).await;
        let (_, endless) = create(service, &bob, new(None, &[])).await;
        context.clock.advance(Duration::minutes(59));
        assert!(actor_of(service, &short).await.is_some());
        context.clock.advance(Duration::minutes(1));
        assert!(actor_of(service, &short).await.is_none(), "expired");
        service.delete_user(&admin(), "bob").await.unwrap();
        assert!(actor_of(service, &endless).await.is_none(), "its account was deleted");
        account(service, "bob", Role::Editor, &[]).await;
        assert!(actor_of(service, &endless).await.is_none(), "a new account of that name does not inherit tokens");
    }

    async fn token_scope_is_the_intersection_with_its_account(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let service = &context.service;
        let root = account(service, "root", Role::Admin, &[]).await;
        let bob = account(service, "bob", Role::Editor, &["red", "green"]).await;
        refused(service.create_token(&bob, &new(None, &["blue"])).await, "/tags");
        refused(service.create_token(&bob, &new(None, &["no good"])).await, "/tags/0");
        let (_, whole) = create(service, &bob, new(None, &[])).await;
        let (_, narrow) = create(service, &bob, new(None, &["red"])).await;
        assert_eq!(actor_of(service, &whole).await.unwrap().scope, TagScope::from_tags(&tags(&["red", "green"])));
        let program = actor_of(service, &narrow).await.unwrap();
        assert_eq!(program.scope, TagScope::from_tags(&tags(&["red"])));
        let (child, text) = create(service, &program, new(None, &[])).await;
        assert_eq!(child.tags, ["red"], "inherits the limits of the creating token");
        assert_eq!(actor_of(service, &text).await.unwrap().scope, TagScope::from_tags(&tags(&["red"])));
        refused(service.create_token(&program, &new(None, &["green"])).await, "/tags");
        let moved = UserChange { tags: Some(tags(&["green"])), ..change() };
        service.update_user(&root, "bob", &moved).await.unwrap();
        assert_eq!(actor_of(service, &whole).await.unwrap().scope, TagScope::from_tags(&tags(&["green"])));
        let nothing = actor_of(service, &narrow).await.unwrap();
        assert!(!nothing.scope.is_all() && !nothing.scope.includes(&tags(&["red", "green"])), "the intersection is empty");
        refused(service.create_token(&nothing, &new(None, &[])).await, "/tags");
        let free = UserChange { tags: Some(Vec::new()), ..change() };
        service.update_user(&root, "bob", &free).await.unwrap();
        assert!(actor_of(service, &whole).await.unwrap().scope.is_all());
        assert_eq!(actor_of(service, &narrow).await.unwrap().scope, TagScope::from_tags(&tags(&["red"])));
    }

    async fn administrators_cannot_be_limited_to_tags(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let service = &context.service;
        let root = account(service, "root", Role::Admin, &[]).await;
        let user = NewUser { name: "x".into(), role: Role::Admin, password: None, grants: vec![], tags: tags(&["red"]) };
        refused(service.create_user(&root, &user).await, "/tags");
        refused(service.create_token(&root, &new(None, &["red"])).await, "/tags");
        let (_, text) = create(service, &root, new(Some(Role::Operator), &["red"])).await;
        let program = actor_of(service, &text).await.unwrap();
        assert_eq!((program.role, program.scope), (Role::Operator, TagScope::from_tags(&tags(&["red"]))));
        account(service, "bob", Role::Editor, &["red"]).await;
        let promoted = UserChange { role: Some(Role::Admin), ..change() };
        refused(service.update_user(&root, "bob", &promoted).await, "/tags");
        let freed = UserChange { tags: Some(Vec::new()), ..promoted };
        service.update_user(&root, "bob", &freed).await.unwrap();
        assert_eq!(service.user(&root, "bob").await.unwrap().role, Role::Admin);
    }
}
