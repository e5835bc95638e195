//! The kept state of tasks: read, reset, and in exports and imports.

use belfry::domain::user::{Actor, Role};
use belfry::service::{Error, Import};
use belfry::storage::task_state::{self, Snapshot};
use serde_json::{Value, json};

use crate::support::TestDatabase;
use crate::support::context::{TestContext, actor, admin, echo, start};

const DAILY: &str = r#"{"type": "cron", "hour": 8}"#;

async fn with_task(db: &TestDatabase) -> TestContext {
    let context = TestContext::new(&db.database);
    context.create("a", serde_json::from_str(DAILY).unwrap()).await;
    context
}

async fn read(context: &TestContext, id: &str) -> Snapshot {
    task_state::snapshot(&mut context.database.read().await.unwrap(), id).await.unwrap().expect("the task exists")
}

/// Saves a state as a run does that read the snapshot.
async fn save(context: &TestContext, snapshot: &Snapshot, state: &Value) -> bool {
    let mut tx = context.database.write().await.unwrap();
    let saved = task_state::save(&mut tx, "a", "run", snapshot, state, start()).await.unwrap();
    tx.commit().await.unwrap();
    saved
}

async fn state(context: &TestContext) -> Option<Value> {
    context.services.tasks.state(&admin(), "a").await.unwrap().and_then(|found| found.state)
}

crate::for_each_database! {
    async fn reset_wins_over_a_run_in_progress(db: &TestDatabase) {
        let context = with_task(db).await;
        assert_eq!(context.services.tasks.state(&admin(), "a").await.unwrap(), None);
        let first = read(&context, "a").await;
        assert!(save(&context, &first, &json!({"watermark": 1})).await);
        let second = read(&context, "a").await;
        assert_eq!(second.state, Some(json!({"watermark": 1})));
        context.services.tasks.reset_state(&admin(), "a", None).await.unwrap();
        assert!(!save(&context, &second, &json!({"watermark": 2})).await, "the state was reset meanwhile");
        assert_eq!(state(&context).await, None);
        let third = read(&context, "a").await;
        assert!(save(&context, &third, &json!({"watermark": 3})).await);
        assert!(!save(&context, &third, &json!({"watermark": 4})).await, "another run has saved its state");
        assert_eq!(state(&context).await, Some(json!({"watermark": 3})));
    }

    async fn deleted_task_takes_its_state_along(db: &TestDatabase) {
        let context = with_task(db).await;
        let old = read(&context, "a").await;
        assert!(save(&context, &old, &json!({"watermark": 1})).await);
        context.services.tasks.delete(&admin(), "a", None).await.unwrap();
        context.create("a", serde_json::from_str(DAILY).unwrap()).await;
        assert_eq!(state(&context).await, None);
        assert!(!save(&context, &old, &json!({"watermark": 2})).await, "a run of the deleted task");
    }

    async fn reset_needs_the_right_to_edit_and_is_audited(db: &TestDatabase) {
        let context = with_task(db).await;
        let tasks = &context.services.tasks;
        let refused = |actor: Actor| async move { tasks.reset_state(&actor, "a", None).await };
        assert!(matches!(refused(actor("vera", Role::Viewer)).await, Err(Error::Forbidden(_))));
        assert!(matches!(refused(actor("olga", Role::Operator)).await, Err(Error::Forbidden(_))));
        assert!(matches!(tasks.reset_state(&admin(), "a", Some(7)).await, Err(Error::Stale { .. })));
        assert!(matches!(tasks.reset_state(&admin(), "none", None).await, Err(Error::NotFound(_))));
        tasks.reset_state(&actor("eve", Role::Editor), "a", None).await.unwrap();
    }

    async fn import_restores_missing_states_only(db: &TestDatabase) {
        let context = with_task(db).await;
        let transfer = &context.services.transfer;
        assert_eq!(transfer.export(&admin()).await.unwrap().get("states"), None);
        assert!(save(&context, &read(&context, "a").await, &json!({"watermark": 1})).await);
        let document = transfer.export(&admin()).await.unwrap();
        assert_eq!(document["states"], json!({"a": {"watermark": 1}}));

        assert!(save(&context, &read(&context, "a").await, &json!({"watermark": 9})).await);
        let kept = transfer.import(&admin(), &document, Import::default()).await.unwrap();
        assert_eq!((kept.states, state(&context).await), (0, Some(json!({"watermark": 9}))));

        context.services.tasks.reset_state(&admin(), "a", None).await.unwrap();
        let planned = transfer.import(&admin(), &document, Import { dry_run: true, ..Import::default() }).await.unwrap();
        assert_eq!((planned.states, state(&context).await), (1, None));
        let restored = transfer.import(&admin(), &document, Import::default()).await.unwrap();
        assert_eq!((restored.states, state(&context).await), (1, Some(json!({"watermark": 1}))));

        let foreign = json!({"tasks": [echo("b", serde_json::from_str(DAILY).unwrap())], "states": {"a": {}}});
        let Err(Error::Invalid(faults)) = transfer.import(&admin(), &foreign, Import::default()).await else {
            panic!("the state of a task outside the document is refused")
        };
        assert_eq!(faults[0].pointer, "/states/a");
    }
}
