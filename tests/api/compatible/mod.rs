//! Backwards compatibility of the document: clients written for the last release keep working.
//!
//! `openapi/released.json` is the document of the last release; a release copies `openapi.json` over it
//! (`BELFRY_BLESS_RELEASE=1 cargo test --test api compatible`).

mod rules;
mod schema;

use std::path::Path;
use std::sync::LazyLock;

use serde_json::{Value, json};

use rules::breaks;

fn released() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi/released.json");
    if std::env::var_os("BELFRY_BLESS_RELEASE").is_some() {
        std::fs::write(&path, belfry::api::openapi_json()).unwrap();
    }
    serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap()
}

#[test]
fn document_is_compatible_with_the_release() {
    let found = breaks(&released(), &belfry::api::document());
    assert!(
        found.is_empty(),
        "programs written for the last release would break. Add instead of changing: a new field, call or status beside the old one.\n{}",
        found.join("\n")
    );
}

/// The incompatibilities found after a change of the current document.
fn found_after(change: impl FnOnce(&mut Value)) -> Vec<String> {
    static PRESENT: LazyLock<Value> = LazyLock::new(belfry::api::document);
    let mut new = PRESENT.clone();
    change(&mut new);
    assert_ne!(*PRESENT, new, "the change changes something");
    breaks(&PRESENT, &new)
}

fn at<'v>(document: &'v mut Value, pointer: &str) -> &'v mut Value {
    document.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer} is there"))
}

fn remove(document: &mut Value, pointer: &str) {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let name = name.replace("~1", "/");
    match at(document, parent) {
        Value::Object(map) => drop(map.shift_remove(&name).expect("is there")),
        Value::Array(list) => drop(list.remove(name.parse().unwrap())),
        other => panic!("{other} has no members"),
    }
}

#[track_caller]
fn refused(words: &str, change: impl FnOnce(&mut Value)) {
    let found = found_after(change);
    assert!(found.iter().any(|line| line.contains(words)), "{words:?} is not among {found:#?}");
}

#[track_caller]
fn allowed(change: impl FnOnce(&mut Value)) {
    assert_eq!(found_after(change), Vec::<String>::new());
}

const SCHEMAS: &str = "/components/schemas";

#[test]
fn removals_are_breaking() {
    refused("GET /stats is gone", |new| remove(new, "/paths/~1stats/get"));
    refused("GET /tasks/{id} is gone", |new| remove(new, "/paths/~1tasks~1{id}"));
    refused("the parameter 'search' is gone", |new| remove(new, "/paths/~1tasks/get/parameters/0"));
    refused("the status 201 is gone", |new| remove(new, "/paths/~1tasks/post/responses/201"));
    refused("the status 409 is gone", |new| remove(new, "/paths/~1tasks/post/responses/409"));
    refused("the field 'stats' is gone", |new| remove(new, &format!("{SCHEMAS}/Task/properties/stats")));
    refused("the field 'chain' is gone", |new| remove(new, &format!("{SCHEMAS}/TaskInput/properties/chain")));
    refused("the value \"queued\" is gone", |new| remove(new, &format!("{SCHEMAS}/ExecutionStatus/enum/0")));
    refused("a variant is gone", |new| remove(new, &format!("{SCHEMAS}/Trigger/oneOf/3")));
    refused("the media type text/plain is gone", |new| {
        remove(new, "/paths/~1executions~1{id}~1output/get/responses/200/content/text~1plain")
    });
    refused("the header ETag is gone", |new| remove(new, "/paths/~1tasks~1{id}/get/responses/200/headers/ETag"));
}

#[test]
fn new_requirements_are_breaking() {
    refused("the field 'name' is now required", |new| {
        at(new, &format!("{SCHEMAS}/TaskInput/required")).as_array_mut().unwrap().push(json!("name"))
    });
    refused("the parameter 'tenant' is new and required", |new| {
        let tenant = json!({"name": "tenant", "in": "query", "required": true, "schema": {"type": "string"}});
        at(new, "/paths/~1tasks/get/parameters").as_array_mut().unwrap().push(tenant)
    });
    refused("the parameter 'search' is now required", |new| *at(new, "/paths/~1tasks/get/parameters/0/required") = json!(true));
    refused("the body is now required", |new| *at(new, "/paths/~1tasks~1{id}~1run/post/requestBody/required") = json!(true));
    refused("null is not taken any more", |new| remove(new, &format!("{SCHEMAS}/TokenInput/properties/expires_at/nullable")));
    refused("maxLength is narrower", |new| *at(new, &format!("{SCHEMAS}/TaskInput/properties/name/maxLength")) = json!(10));
    refused("minimum is narrower", |new| *at(new, &format!("{SCHEMAS}/PolicyInput/properties/priority/minimum")) = json!(0));
    refused("the pattern is another", |new| {
        at(new, &format!("{SCHEMAS}/TaskInput/properties/id")).as_object_mut().unwrap().insert("pattern".into(), json!("^a"));
    });
    refused("other fields are not taken any more", |new| {
        *at(new, &format!("{SCHEMAS}/Params/additionalProperties")) = json!(false)
    });
}

#[test]
fn type_changes_are_breaking() {
    refused("was integer, is string", |new| *at(new, &format!("{SCHEMAS}/Task/properties/version/type")) = json!("string"));
    refused("was array, is object", |new| *at(new, &format!("{SCHEMAS}/TaskInput/properties/tags/type")) = json!("object"));
    refused("the operationId was getMe", |new| *at(new, "/paths/~1me/get/operationId") = json!("whoAmI"));
    refused("the format was date-time", |new| *at(new, &format!("{SCHEMAS}/Task/properties/created_at/format")) = json!("date"));
    refused("may be null now", |new| {
        at(new, &format!("{SCHEMAS}/Task/properties/version")).as_object_mut().unwrap().insert("nullable".into(), json!(true));
    });
    refused("the field 'version' may be missing now", |new| {
        at(new, &format!("{SCHEMAS}/Task/required")).as_array_mut().unwrap().retain(|name| name != "version")
    });
}

#[test]
fn additions_are_compatible() {
    allowed(|new| {
        let call = new["paths"]["/me"]["get"].clone();
        new["paths"]["/whoami"] = json!({"get": call});
    });
    allowed(|new| at(new, &format!("{SCHEMAS}/TaskInput/properties"))["colour"] = json!({"type": "string"}));
    allowed(|new| at(new, &format!("{SCHEMAS}/Task/properties"))["colour"] = json!({"type": "string"}));
    allowed(|new| *at(new, &format!("{SCHEMAS}/TaskInput/properties/name/maxLength")) = json!(400));
    allowed(|new| *at(new, &format!("{SCHEMAS}/PolicyInput/properties/priority/minimum")) = json!(-5000));
    allowed(|new| *at(new, "/paths/~1me/get/summary") = json!("Other words"));
    allowed(|new| {
        let colour = json!({"name": "colour", "in": "query", "required": false, "schema": {"type": "string"}});
        at(new, "/paths/~1tasks/get/parameters").as_array_mut().unwrap().push(colour)
    });
}
