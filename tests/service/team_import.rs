//! Documents of tasks, out and in, by somebody who is limited to tags.

use belfry::domain::permission::Reach;
use belfry::domain::user::{Actor, Role};
use belfry::service::{Error, Import};
use serde_json::{Value, json};

use crate::on_each;
use crate::support::parts::{TestParts, actor, admin};

fn editor_of(tag: &str) -> Actor {
    Actor { reach: Reach::of(&[tag.to_owned()]), ..actor("bob", Role::Editor) }
}

fn task(id: &str, tags: Value) -> Value {
    json!({"id": id, "type": "echo", "trigger": {"type": "interval", "hours": 1}, "tags": tags, "params": {"message": "hello"}})
}

/// The ids in an export.
async fn exported(parts: &TestParts, actor: &Actor) -> Vec<String> {
    let document = parts.service.export(actor).await.unwrap();
    document["tasks"].as_array().unwrap().iter().map(|task| task["id"].as_str().unwrap().to_owned()).collect()
}

on_each! {
    async fn a_document_reaches_no_further_than_its_bearer(db: &TestDatabase) {
        let parts = TestParts::new(&db.database);
        for (id, tag) in [("mine", "red"), ("old", "red"), ("theirs", "blue")] {
            parts.service.create_task(&admin(), &task(id, json!([tag]))).await.unwrap();
        }
        let bob = editor_of("red");
        assert_eq!(exported(&parts, &bob).await, ["mine", "old"]);

        // What the document leaves out goes, but for what is another team's; what it adds gets the team's tag.
        let document = json!({"tasks": [task("mine", json!(["red", "x"])), task("new", json!([]))]});
        let prune = Import { prune: true, dry_run: false };
        parts.service.import(&bob, &document, prune).await.unwrap();
        assert_eq!(exported(&parts, &bob).await, ["mine", "new"]);
        assert_eq!(exported(&parts, &admin()).await, ["mine", "new", "theirs"]);
        assert_eq!(parts.service.task(&bob, "new").await.unwrap().tags, ["red"]);

        // Another team's task is as one that cannot be made, whether it is named or given away.
        let foreign = json!({"tasks": [task("theirs", json!(["red"]))]});
        let refused = parts.service.import(&bob, &foreign, Import::default()).await;
        assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
        parts.service.create_user(&admin(), &blue_user()).await.unwrap();
        let given = json!({"tasks": [task("mine", json!(["red", "x"])), task("gift", json!(["red", "blue"]))]});
        let Err(Error::Invalid(faults)) = parts.service.import(&bob, &given, Import::default()).await else {
            panic!("a task was given to another team")
        };
        assert_eq!(faults[0].pointer, "/tasks/1/tags");
    }
}

fn blue_user() -> belfry::service::NewUser {
    let tags = vec!["blue".to_owned()];
    belfry::service::NewUser { name: "carol".into(), role: Role::Editor, password: None, grants: Vec::new(), tags }
}
