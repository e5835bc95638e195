//! Inputs of tasks: declared by editors, given by operators.

use belfry::domain::fault::Fault;
use belfry::domain::user::{Actor, Role, Via};
use belfry::service::{Error, RunValues};
use serde_json::{Map, Value, json};

use crate::for_each_database;
use crate::support::context::TestContext;

fn actor(role: Role) -> Actor {
    Actor::new("bob", role, Via::Api)
}

fn task(params: Value) -> Value {
    json!({"id": "report", "type": "echo", "trigger": {"type": "cron", "hour": 8}, "params": params, "enabled": false,
        "inputs": [{"name": "city", "required": true}, {"name": "mode", "type": "choice", "choices": ["full", "delta"]}]})
}

fn map(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}

fn pointers(error: Error) -> Vec<String> {
    match error {
        Error::Invalid(faults) => faults.into_iter().map(|Fault { pointer, .. }| pointer).collect(),
        other => panic!("{other:?}"),
    }
}

for_each_database! {
    async fn operators_give_inputs_without_overriding_parameters(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let (tasks, runs) = (&context.services.tasks, &context.services.executions);
        tasks.create(&actor(Role::Editor), &task(json!({"message": "{{ input.city }}"}))).await.unwrap();
        let run = async |role: Role, inputs: Value| {
            let inputs = map(inputs);
            runs.run_with(&actor(role), "report", RunValues { params: None, inputs: Some(&inputs) }, None).await
        };
        let queued = run(Role::Operator, json!({"city": "上海"})).await.unwrap();
        assert_eq!(queued.params, json!({"message": "{{ input.city }}"}));
        let detail = runs.get(&actor(Role::Viewer), &queued.id).await.unwrap();
        assert_eq!(Value::Object(detail.given.unwrap().inputs), json!({"city": "上海"}));
        assert!(matches!(run(Role::Viewer, json!({"city": "x"})).await, Err(Error::Forbidden(_))));
        assert_eq!(pointers(run(Role::Operator, json!({"mode": "none", "more": 1})).await.unwrap_err()),
            ["/inputs/city", "/inputs/mode", "/inputs/more"]);
        assert_eq!(pointers(runs.run(&actor(Role::Operator), "report", None, None).await.unwrap_err()), ["/inputs/city"]);
    }

    async fn a_required_input_without_default_needs_a_paused_task(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let tasks = &context.services.tasks;
        let editor = actor(Role::Editor);
        let mut enabled = task(json!({}));
        enabled["enabled"] = true.into();
        assert_eq!(pointers(tasks.create(&editor, &enabled).await.unwrap_err()), ["/inputs/0"]);
        tasks.create(&editor, &task(json!({}))).await.unwrap();
        assert!(matches!(tasks.resume(&editor, "report", None).await, Err(Error::Conflict(_))));
        assert_eq!(pointers(tasks.patch(&editor, "report", &json!({"enabled": true}), None).await.unwrap_err()), ["/inputs/0"]);
        let with_default = json!({"enabled": true, "inputs": [{"name": "city", "required": true, "default": "x"}]});
        tasks.patch(&editor, "report", &with_default, None).await.unwrap();
    }

    async fn templates_are_checked_against_the_inputs(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let tasks = &context.services.tasks;
        let root = Actor::local("root");
        let create = async |body: &Value| tasks.create(&root, body).await.map(drop);
        assert_eq!(pointers(create(&task(json!({"message": "{{ input.town }}"}))).await.unwrap_err()), ["/params/message"]);
        let mut command = task(json!({"command": "echo {{ input.city }}"}));
        command["type"] = "send_cmd".into();
        assert_eq!(pointers(create(&command).await.unwrap_err()), ["/params/command"], "free text is no code");
        command["params"] = json!({"command": "echo {{ hook.body }}"});
        assert_eq!(pointers(create(&command).await.unwrap_err()), ["/params/command"]);
        command["params"] = json!({"command": "echo {{ input.mode }}", "env": {"CITY": "{{ input.city }}"}});
        create(&command).await.unwrap();
    }

    async fn inputs_are_exported_and_imported(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let root = Actor::local("root");
        let created = context.services.tasks.create(&root, &task(json!({}))).await.unwrap();
        let document = context.services.transfer.export(&root).await.unwrap();
        assert_eq!(document["tasks"][0]["inputs"], created.to_input()["inputs"]);
        let version = context.services.tasks.versions(&root, "report", None).await.unwrap();
        assert_eq!(version[0].content["inputs"], created.to_input()["inputs"]);
    }
}
