//! Example tasks: added and removed together.

use belfry::domain::page::{PageRequest, TaskFilter};
use belfry::domain::task::Task;
use belfry::domain::user::Role;
use belfry::i18n::Language;
use belfry::service::{DEMO_TAG, Error};
use serde_json::json;

use crate::for_each_database;
use crate::support::context::{TestContext, actor, admin};

async fn tasks(context: &TestContext) -> Vec<Task> {
    context.services.tasks.list(&admin(), &TaskFilter::default(), &PageRequest::default()).await.unwrap().items
}

for_each_database! {
    async fn example_tasks_are_added_run_and_removed(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let demo = &context.services.demo;
        context.create("mine", json!({"type": "cron", "hour": 8})).await;
        assert!(!demo.exists(&admin()).await.unwrap());
        assert_eq!(demo.add(&admin(), Language::Chinese).await.unwrap(), 6);
        let found = tasks(&context).await;
        let examples: Vec<_> = found.iter().filter(|task| task.tags == [DEMO_TAG]).collect();
        let mut types: Vec<_> = examples.iter().map(|task| task.task_type.as_str()).collect();
        types.sort_unstable();
        types.dedup();
        assert_eq!((found.len(), examples.len(), types), (7, 6, vec!["auto_test", "echo", "query_log", "send_cmd"]));
        for task in &examples {
            let runs = context.executions(&task.id).await;
            assert_eq!(runs.len(), 1, "{} runs at once", task.id);
        }
        assert_eq!(demo.add(&admin(), Language::Chinese).await.unwrap(), 0, "they are there already");
        assert!(demo.exists(&admin()).await.unwrap());
        assert_eq!(demo.remove(&admin()).await.unwrap(), 6);
        assert_eq!(tasks(&context).await.into_iter().map(|task| task.id).collect::<Vec<_>>(), ["mine"]);
        assert!(!demo.exists(&admin()).await.unwrap());
    }

    async fn example_tasks_are_for_administrators(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let editor = actor("edda", Role::Editor);
        assert!(matches!(context.services.demo.add(&editor, Language::English).await, Err(Error::Forbidden(_))));
        assert!(matches!(context.services.demo.remove(&editor).await, Err(Error::Forbidden(_))));
        assert!(tasks(&context).await.is_empty());
    }
}
