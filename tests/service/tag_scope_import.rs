//! Export and import by an account limited to tags.

use belfry::domain::tag_scope::TagScope;
use belfry::domain::user::{Actor, Role};
use belfry::service::{Error, Import};
use serde_json::{Value, json};

use crate::for_each_database;
use crate::support::context::{TestContext, actor, admin};

fn editor_of(tag: &str) -> Actor {
    Actor { scope: TagScope::from_tags(&[tag.to_owned()]), ..actor("bob", Role::Editor) }
}

fn task(id: &str, tags: Value) -> Value {
    json!({"id": id, "type": "echo", "trigger": {"type": "interval", "hours": 1}, "tags": tags, "params": {"message": "hello"}})
}

/// The ids in an export.
async fn exported(context: &TestContext, actor: &Actor) -> Vec<String> {
    let document = context.services.transfer.export(actor).await.unwrap();
    document["tasks"].as_array().unwrap().iter().map(|task| task["id"].as_str().unwrap().to_owned()).collect()
}

for_each_database! {
    async fn export_and_import_are_limited_to_the_tag_scope(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        for (id, tag) in [("mine", "red"), ("old", "red"), ("theirs", "blue")] {
            context.services.tasks.create(&admin(), &task(id, json!([tag]))).await.unwrap();
        }
        let bob = editor_of("red");
        assert_eq!(exported(&context, &bob).await, ["mine", "old"]);

        // Pruning deletes only tasks in the scope; new tasks get the account's tag.
        let document = json!({"tasks": [task("mine", json!(["red", "x"])), task("new", json!([]))]});
        let prune = Import { prune: true, ..Import::default() };
        context.services.transfer.import(&bob, &document, prune).await.unwrap();
        assert_eq!(exported(&context, &bob).await, ["mine", "new"]);
        assert_eq!(exported(&context, &admin()).await, ["mine", "new", "theirs"]);
        assert_eq!(context.services.tasks.get(&bob, "new").await.unwrap().tags, ["red"]);

        // Tasks outside the scope cannot be imported, and tags of other scopes cannot be added.
        let foreign = json!({"tasks": [task("theirs", json!(["red"]))]});
        let refused = context.services.transfer.import(&bob, &foreign, Import::default()).await;
        assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
        context.services.users.create(&admin(), &blue_user()).await.unwrap();
        let given = json!({"tasks": [task("mine", json!(["red", "x"])), task("gift", json!(["red", "blue"]))]});
        let Err(Error::Invalid(faults)) = context.services.transfer.import(&bob, &given, Import::default()).await else {
            panic!("a tag of another scope was added")
        };
        assert_eq!(faults[0].pointer, "/tasks/1/tags");
    }
}

fn blue_user() -> belfry::service::NewUser {
    let tags = vec!["blue".to_owned()];
    belfry::service::NewUser { name: "carol".into(), role: Role::Editor, password: None, grants: Vec::new(), tags }
}
