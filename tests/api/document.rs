//! The OpenAPI document, and its committed copies in `openapi/`.

use std::path::Path;

use serde_json::Value;

/// Compares a committed file with the generated document; `BELFRY_BLESS=1` writes it instead.
fn check_file(name: &str, generated: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi").join(name);
    if std::env::var_os("BELFRY_BLESS").is_some() {
        std::fs::write(&path, generated).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    assert!(
        committed == generated,
        "openapi/{name} is not what the program generates any more. It is what other programs are built from, so look at the \
         difference first; then run `BELFRY_BLESS=1 cargo test --test api document` and commit the file."
    );
}

#[test]
fn committed_document_is_up_to_date() {
    check_file("openapi.json", &belfry::api::openapi_json());
    check_file("openapi.yaml", &belfry::api::openapi_yaml());
}

#[test]
fn every_operation_documents_its_responses_and_errors() {
    let document = belfry::api::document();
    let mut ids = std::collections::HashSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, call) in operations.as_object().unwrap() {
            let place = format!("{method} {path}");
            assert!(ids.insert(call["operationId"].as_str().unwrap().to_owned()), "{place}: its operationId is taken");
            assert!(call["summary"].as_str().is_some_and(|text| !text.is_empty()), "{place} has no summary");
            assert_eq!(call["tags"].as_array().map(Vec::len), Some(1), "{place} has no tag");
            let responses = call["responses"].as_object().unwrap();
            for status in ["400", "401", "403", "422", "429", "500", "503"] {
                let schema = &responses[status]["content"]["application/problem+json"]["schema"]["$ref"];
                assert_eq!(schema, "#/components/schemas/Problem", "{place} does not declare {status}");
            }
            for (status, answer) in responses {
                for (kind, media) in answer["content"].as_object().into_iter().flatten() {
                    assert!(!kind.contains("charset"), "{place} {status}: {kind}");
                    assert!(!media["example"].is_null(), "{place} {status} has no example");
                }
            }
            if let Some(body) = call.get("requestBody") {
                assert!(!body["content"]["application/json"]["example"].is_null(), "{place}: the body has no example");
            }
        }
    }
    assert!(ids.len() >= 20, "{ids:?}");
}

/// What strict linters and generators of clients require of every schema.
#[test]
fn schemas_suit_linters_and_generators() {
    fn walk(value: &Value, place: &str) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| walk(item, place)),
            Value::Object(map) => {
                let nullable = map.get("nullable") == Some(&Value::Bool(true));
                assert!(!nullable || map.contains_key("type"), "{place}: nullable without type");
                for variant in map.get("oneOf").and_then(Value::as_array).into_iter().flatten() {
                    assert!(variant.get("$ref").is_some(), "{place}: a scalar in oneOf");
                }
                map.iter().for_each(|(name, item)| walk(item, &format!("{place}/{name}")));
            }
            _ => {}
        }
    }
    let document = belfry::api::document();
    walk(&document, "");
    assert!(document["info"]["license"]["url"].is_string() && document["info"]["contact"].is_object());
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, call) in operations.as_object().unwrap() {
            assert!(call["description"].as_str().is_some_and(|text| !text.is_empty()), "{method} {path} has no description");
        }
    }
}

#[test]
fn every_schema_reference_resolves() {
    fn walk(value: &Value, document: &Value) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| walk(item, document)),
            Value::Object(map) => {
                for (name, item) in map {
                    if let ("$ref", Some(target)) = (name.as_str(), item.as_str()) {
                        assert!(document.pointer(target.trim_start_matches('#')).is_some(), "{target} is missing");
                    }
                    walk(item, document);
                }
            }
            _ => {}
        }
    }
    let document = belfry::api::document();
    walk(&document, &document);
}

/// Query parameters and headers are documented in separate tables, which a new operation could miss.
#[test]
fn parameters_of_every_operation_are_documented() {
    let described = parameters_by_call();
    let mut seen = 0;
    for file in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/api")).unwrap() {
        let path = file.unwrap().path();
        let source = if path.is_file() { std::fs::read_to_string(&path).unwrap() } else { String::new() };
        for call in source.split("operation_id = \"").skip(1) {
            let (id, code) = call.split_once('"').unwrap();
            let head = code.split_once("\n    }").map_or(code, |(head, _)| head);
            let reads = [("query", "QueryString"), ("If-Match", "IfMatch"), ("Idempotency-Key", "IdempotencyKey")];
            for (what, _) in reads.iter().filter(|(_, kind)| head.contains(&format!(": {kind}"))) {
                assert!(described[id].iter().any(|name| name == what), "{id} reads {what}, which the document does not say");
            }
            seen += 1;
        }
    }
    assert!(seen >= described.len(), "{seen} of {} calls were found in the source", described.len());
}

/// The header parameters of each operation, and "query" for those with query parameters.
fn parameters_by_call() -> std::collections::HashMap<String, Vec<String>> {
    let document = belfry::api::document();
    let calls = document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values());
    let names = |call: &Value| {
        let parameters = call["parameters"].as_array().cloned().unwrap_or_default();
        let name =
            |given: &Value| if given["in"] == "query" { "query".into() } else { given["name"].as_str().unwrap().to_owned() };
        parameters.iter().map(name).collect()
    };
    calls.map(|call| (call["operationId"].as_str().unwrap().to_owned(), names(call))).collect()
}
