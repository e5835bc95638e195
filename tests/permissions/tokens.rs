//! Tokens follow changes of their account immediately.

use belfry::domain::tag_scope::TagScope;
use belfry::domain::user::{Actor, Role, Token};
use belfry::service::{Error, NewToken, NewUser, Services, UserChange};
use chrono::Duration;

use crate::for_each_database;
use crate::support::context::{TestContext, actor, admin, start};

fn tags(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn new(role: Option<Role>, tags_of: &[&str]) -> NewToken {
    NewToken { name: "program".into(), role, tags: tags(tags_of), expires_at: None }
}

async fn account(services: &Services, name: &str, role: Role, tags_of: &[&str]) -> Actor {
    let user = NewUser { name: name.into(), role, password: None, grants: Vec::new(), tags: tags(tags_of) };
    services.users.create(&admin(), &user).await.expect("an account");
    Actor { scope: TagScope::from_tags(&user.tags), ..actor(name, role) }
}

async fn create(services: &Services, who: &Actor, new: NewToken) -> (Token, String) {
    services.tokens.create(who, &new).await.expect("a token")
}

async fn actor_of(services: &Services, text: &str) -> Option<Actor> {
    services.sessions.actor_by_token(text).await.expect("reads")
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
        let services = &context.services;
        account(services, "root", Role::Admin, &[]).await;
        let bob = account(services, "bob", Role::Editor, &[]).await;
        let (one, text) = create(services, &bob, new(None, &[])).await;
        assert_eq!(actor_of(services, &text).await.unwrap().role, Role::Editor);
        let used = services.tokens.list(&bob).await.unwrap()[0].used_at;
        assert_eq!(used, Some(start()), "the last use is recorded");
        for (change, role) in [
            (UserChange { role: Some(Role::Viewer), ..change() }, Some(Role::Viewer)),
            (UserChange { disabled: Some(true), ..change() }, None),
            (UserChange { disabled: Some(false), role: Some(Role::Admin), ..change() }, Some(Role::Editor)),
        ] {
            services.users.update(&admin(), "bob", &change).await.unwrap();
            assert_eq!(actor_of(services, &text).await.map(|program| program.role), role, "{:?}", change.role);
        }
        services.tokens.revoke(&bob, &one.id).await.unwrap();
        assert!(actor_of(services, &text).await.is_none(), "revoked");
        let (_, short) = create(services, &bob, NewToken { expires_at: Some(start() + Duration::hours(1)), ..new(None, &[]) }).await;
        let (_, endless) = create(services, &bob, new(None, &[])).await;
        context.clock.advance(Duration::minutes(59));
        assert!(actor_of(services, &short).await.is_some());
        context.clock.advance(Duration::minutes(1));
        assert!(actor_of(services, &short).await.is_none(), "expired");
        services.users.delete(&admin(), "bob").await.unwrap();
        assert!(actor_of(services, &endless).await.is_none(), "its account was deleted");
        account(services, "bob", Role::Editor, &[]).await;
        assert!(actor_of(services, &endless).await.is_none(), "a new account of that name does not inherit tokens");
    }

    async fn token_scope_is_the_intersection_with_its_account(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let services = &context.services;
        let root = account(services, "root", Role::Admin, &[]).await;
        let bob = account(services, "bob", Role::Editor, &["red", "green"]).await;
        refused(services.tokens.create(&bob, &new(None, &["blue"])).await, "/tags");
        refused(services.tokens.create(&bob, &new(None, &["no good"])).await, "/tags/0");
        let (_, whole) = create(services, &bob, new(None, &[])).await;
        let (_, narrow) = create(services, &bob, new(None, &["red"])).await;
        assert_eq!(actor_of(services, &whole).await.unwrap().scope, TagScope::from_tags(&tags(&["red", "green"])));
        let program = actor_of(services, &narrow).await.unwrap();
        assert_eq!(program.scope, TagScope::from_tags(&tags(&["red"])));
        let (child, text) = create(services, &program, new(None, &[])).await;
        assert_eq!(child.tags, ["red"], "inherits the limits of the creating token");
        assert_eq!(actor_of(services, &text).await.unwrap().scope, TagScope::from_tags(&tags(&["red"])));
        refused(services.tokens.create(&program, &new(None, &["green"])).await, "/tags");
        let moved = UserChange { tags: Some(tags(&["green"])), ..change() };
        services.users.update(&root, "bob", &moved).await.unwrap();
        assert_eq!(actor_of(services, &whole).await.unwrap().scope, TagScope::from_tags(&tags(&["green"])));
        let nothing = actor_of(services, &narrow).await.unwrap();
        assert!(!nothing.scope.is_all() && !nothing.scope.allows(&tags(&["red", "green"])), "the intersection is empty");
        refused(services.tokens.create(&nothing, &new(None, &[])).await, "/tags");
        let free = UserChange { tags: Some(Vec::new()), ..change() };
        services.users.update(&root, "bob", &free).await.unwrap();
        assert!(actor_of(services, &whole).await.unwrap().scope.is_all());
        assert_eq!(actor_of(services, &narrow).await.unwrap().scope, TagScope::from_tags(&tags(&["red"])));
    }

    async fn administrators_cannot_be_limited_to_tags(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let services = &context.services;
        let root = account(services, "root", Role::Admin, &[]).await;
        let user = NewUser { name: "x".into(), role: Role::Admin, password: None, grants: vec![], tags: tags(&["red"]) };
        refused(services.users.create(&root, &user).await, "/tags");
        refused(services.tokens.create(&root, &new(None, &["red"])).await, "/tags");
        let (_, text) = create(services, &root, new(Some(Role::Operator), &["red"])).await;
        let program = actor_of(services, &text).await.unwrap();
        assert_eq!((program.role, program.scope), (Role::Operator, TagScope::from_tags(&tags(&["red"]))));
        account(services, "bob", Role::Editor, &["red"]).await;
        let promoted = UserChange { role: Some(Role::Admin), ..change() };
        refused(services.users.update(&root, "bob", &promoted).await, "/tags");
        let freed = UserChange { tags: Some(Vec::new()), ..promoted };
        services.users.update(&root, "bob", &freed).await.unwrap();
        assert_eq!(services.users.get(&root, "bob").await.unwrap().role, Role::Admin);
    }

    async fn tokens_created_by_a_token_end_with_it(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let services = &context.services;
        let bob = account(services, "bob", Role::Editor, &[]).await;
        let end = start() + Duration::hours(1);
        let (_, text) = create(services, &bob, NewToken { expires_at: Some(end), ..new(None, &[]) }).await;
        let program = actor_of(services, &text).await.unwrap();
        let (child, text) = create(services, &program, new(None, &[])).await;
        assert_eq!(child.expires_at, Some(end), "inherited");
        let grandchild = actor_of(services, &text).await.unwrap();
        for (hours, allowed) in [(0, true), (1, false)] {
            let expires_at = Some(end + Duration::hours(hours));
            let created = services.tokens.create(&grandchild, &NewToken { expires_at, ..new(None, &[]) }).await;
            if allowed { assert_eq!(created.unwrap().0.expires_at, expires_at) } else { refused(created, "/expires_at") }
        }
        let (endless, _) = create(services, &bob, new(None, &[])).await;
        assert_eq!(endless.expires_at, None, "a session sets no end");
        let (parent, text) = create(services, &bob, new(None, &[])).await;
        let (_, text) = create(services, &actor_of(services, &text).await.unwrap(), new(None, &[])).await;
        let (_, text) = create(services, &actor_of(services, &text).await.unwrap(), new(None, &[])).await;
        assert!(actor_of(services, &text).await.is_some());
        services.tokens.revoke(&bob, &parent.id).await.unwrap();
        assert!(actor_of(services, &text).await.is_none(), "revoked with the token it comes from");
    }

    async fn restricted_tokens_revoke_only_themselves(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let services = &context.services;
        account(services, "root", Role::Admin, &[]).await;
        let bob = account(services, "bob", Role::Editor, &[]).await;
        let end = Some(start() + Duration::hours(1));
        let restricted = [new(Some(Role::Viewer), &[]), new(None, &["red"]), NewToken { expires_at: end, ..new(None, &[]) }];
        let (other, _) = create(services, &bob, new(None, &[])).await;
        for wanted in restricted {
            let (own, text) = create(services, &bob, wanted).await;
            let program = actor_of(services, &text).await.unwrap();
            assert!(matches!(services.tokens.revoke(&program, &other.id).await, Err(Error::Forbidden(_))), "{own:?}");
            assert!(matches!(services.sessions.end_own(&program).await, Err(Error::Forbidden(_))), "{own:?}");
            services.tokens.revoke(&program, &own.id).await.unwrap();
        }
        let (_, text) = create(services, &bob, new(None, &[])).await;
        let program = actor_of(services, &text).await.unwrap();
        services.sessions.end_own(&program).await.unwrap();
        services.tokens.revoke(&program, &other.id).await.unwrap();
        let root = actor("root", Role::Admin);
        let (_, text) = create(services, &root, NewToken { expires_at: end, ..new(None, &[]) }).await;
        let program = actor_of(services, &text).await.unwrap();
        assert!(matches!(services.sessions.end_all_of(&program, "bob").await, Err(Error::Forbidden(_))));
    }
}
