use serde_json::json;

use super::*;

fn schema() -> Value {
    let scalar = json!({"type": ["string", "number", "boolean"]});
    json!({"type": "object", "additionalProperties": false, "required": ["url", "command"], "properties": {
        "url": {"type": "string", "maxLength": 8192, "description": "Where", "x-description-zh": "地址"},
        "command": {"anyOf": [{"type": "string", "maxLength": 100_000}, {"type": "array", "items": {"type": "string"}}]},
        "method": {"enum": ["GET", "POST"], "default": "GET"},
        "timeout": {"type": "number", "default": 30.0},
        "verify": {"type": "boolean", "default": true},
        "to": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
        "status": {"type": "array", "items": {"anyOf": [{"type": "integer"}, {"type": "string"}]}},
        "headers": {"type": "object", "additionalProperties": {"type": "string"}},
        "query": {"type": "object", "additionalProperties": {"anyOf": [scalar, {"type": "array", "items": scalar}]}},
        "json": {},
        "expect": {"type": "array", "items": {"type": "object"}},
        "auth": {"type": "object", "properties": {
            "bearer": {"type": "string", "writeOnly": true},
            "basic": {"type": "object", "required": ["user"], "properties": {"user": {"type": "string"}}}}},
        "smtp": {"type": "string", "x-field": "smtp"},
    }})
}

fn pairs(given: &[(&str, &str)]) -> Pairs {
    Pairs(given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
}

fn field(params: &Value, name: &str) -> ParamField {
    let all = fields(&schema(), &json!({"timeout": 5}), params, Language::English);
    all.into_iter().find(|field| field.name == name).unwrap_or_else(|| panic!("no field {name}"))
}

fn applied(params: &Value, given: &[(&str, &str)]) -> Value {
    let (changed, faults) = apply(&schema(), params, &pairs(given));
    assert_eq!(faults, [], "{given:?}");
    changed
}

/// What a browser submits of the fields as they are drawn, with CR LF.
fn drawn(params: &Value) -> Pairs {
    let mut all = Vec::new();
    for field in fields(&schema(), &json!({}), params, Language::English) {
        for (name, value) in &field.pairs {
            all.push((format!("{}/-/name", field.name), name.clone()));
            all.push((format!("{}/-/value", field.name), value.clone()));
        }
        if field.kind == FieldKind::Pairs {
            all.push((format!("{}/-/name", field.name), String::new()));
            all.push((format!("{}/-/value", field.name), String::new()));
        } else {
            all.push((field.name.clone(), field.text.replace('\n', "\r\n")));
        }
    }
    Pairs(all)
}

#[test]
fn each_property_gets_the_field_of_its_schema() {
    let kinds = fields(&schema(), &json!({}), &json!({}), Language::Chinese);
    let found: Vec<_> = kinds.iter().map(|field| (field.name.as_str(), field.kind)).collect();
    assert_eq!(
        found,
        [
            ("/params/url", FieldKind::Text),
            ("/params/command", FieldKind::Lines),
            ("/params/method", FieldKind::Choice),
            ("/params/timeout", FieldKind::Number),
            ("/params/verify", FieldKind::Switch),
            ("/params/to", FieldKind::List),
            ("/params/status", FieldKind::List),
            ("/params/headers", FieldKind::Pairs),
            ("/params/query", FieldKind::Pairs),
            ("/params/json", FieldKind::Json),
            ("/params/expect", FieldKind::Json),
            ("/params/auth/bearer", FieldKind::Secret),
            ("/params/auth/basic/user", FieldKind::Text),
            ("/params/smtp", FieldKind::Smtp),
        ]
    );
    assert_eq!((kinds[0].hint.as_str(), kinds[0].required, kinds[0].is_primary), ("地址", true, true));
    assert_eq!(
        (kinds[2].choices.as_slice(), kinds[2].default.as_str()),
        (["GET".to_owned(), "POST".to_owned()].as_slice(), "GET")
    );
    assert!(!kinds[12].required, "its group is optional");
}

#[test]
fn fields_with_a_value_or_in_the_example_are_primary() {
    let params = json!({"auth": {"basic": {"user": "u"}}});
    assert!(field(&params, "/params/auth/basic/user").is_primary);
    assert!(field(&params, "/params/timeout").is_primary);
    assert!(!field(&params, "/params/verify").is_primary);
}

#[test]
fn values_that_a_field_cannot_show_are_json() {
    let params =
        json!({"url": "a\nb", "command": ["ls", "-l"], "verify": "yes", "to": [" a"], "headers": {"A": "x\ny"}, "method": true});
    assert_eq!(field(&params, "/params/url").kind, FieldKind::Lines);
    for name in ["/params/command", "/params/verify", "/params/to", "/params/headers", "/params/method"] {
        assert_eq!(field(&params, name).kind, FieldKind::Json, "{name}");
    }
}

#[test]
fn unchanged_fields_keep_the_exact_parameters() {
    let text = r#"{"url":"","command":"a\r\nb","timeout":1.50,"to":"a@x, b@y","status":["200",404],"headers":{},
        "query":{"n":1.10,"t":"1"},"json":"5","expect":[{"a":12345678901234567890123}],"auth":{},"more":[1]}"#;
    let params = read_typed(text).unwrap();
    let (same, faults) = apply(&schema(), &params, &drawn(&params));
    assert_eq!((same.to_string(), faults), (params.to_string(), vec![]));
    assert_eq!(unshown(&schema(), &params), ["more"]);
}

#[test]
fn changed_fields_become_values_of_their_schema() {
    let before = json!({"timeout": 5, "status": ["200", 404], "headers": {"A": "1"}, "auth": {"bearer": "t"}});
    let given = [
        ("/params/command", "one\r\ntwo"),
        ("/params/timeout", "12345678901234567890.50"),
        ("/params/verify", "false"),
        ("/params/to", " a@x \r\n\r\n b@y"),
        ("/params/status", "200\n404\n500\n2xx"),
        ("/params/headers/-/name", "A"),
        ("/params/headers/-/value", "2"),
        ("/params/headers/-/name", ""),
        ("/params/headers/-/value", ""),
        ("/params/auth/bearer", ""),
        ("/params/auth/basic/user", "me"),
        ("/params/json", "{\"a\": [1]}"),
    ];
    let expected = r#"{"timeout":12345678901234567890.50,"status":["200",404,500,"2xx"],"headers":{"A":"2"},
        "command":"one\ntwo","verify":false,"to":["a@x","b@y"],"json":{"a":[1]},"auth":{"basic":{"user":"me"}}}"#;
    assert_eq!(applied(&before, &given), read_typed(expected).unwrap());
    assert_eq!(applied(&json!({}), &[("/params/to", "a@x")]), json!({"to": "a@x"}));
    assert_eq!(applied(&json!({"to": ["a@x"]}), &[("/params/to", "b@y")]), json!({"to": ["b@y"]}));
    assert_eq!(applied(&json!({"url": "x", "timeout": 1}), &[("/params/url", ""), ("/params/timeout", " ")]), json!({}));
    assert_eq!(
        applied(&json!({"headers": {"A": "1"}}), &[("/params/headers/-/name", ""), ("/params/headers/-/value", "")]),
        json!({})
    );
}

#[test]
fn a_text_in_a_json_field_needs_no_quotes() {
    for (typed, value) in
        [("hi", json!("hi")), ("5", json!(5)), ("\"5\"", json!("5")), ("true", json!(true)), ("[1, 2]", json!([1, 2]))]
    {
        assert_eq!(applied(&json!({}), &[("/params/json", typed)]), json!({"json": value}), "{typed}");
    }
}

#[test]
fn unreadable_fields_are_faults_and_change_nothing() {
    let before = json!({"json": 1, "headers": {"A": "1"}});
    let given = pairs(&[
        ("/params/json", "{\"a\": }"),
        ("/params/headers/-/name", "B"),
        ("/params/headers/-/value", "1"),
        ("/params/headers/-/name", "B"),
        ("/params/headers/-/value", "2"),
        ("/params/query/-/name", ""),
        ("/params/query/-/value", "2"),
    ]);
    let (after, faults) = apply(&schema(), &before, &given);
    let at: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
    assert_eq!((after, at), (before, vec!["/params/headers", "/params/query", "/params/json"]));
    let mut kept = fields(&schema(), &json!({}), &json!({}), Language::English);
    keep_typed(&mut kept, &given);
    let text = |name: &str| kept.iter().find(|field| field.name == name).map(|field| (field.text.clone(), field.pairs.len()));
    assert_eq!(text("/params/json"), Some(("{\"a\": }".to_owned(), 0)));
    assert_eq!(text("/params/headers"), Some((String::new(), 2)));
}

#[test]
fn faults_belong_to_the_nearest_field() {
    let names = ["/params/to", "/params/auth/bearer"];
    for (pointer, field) in [
        ("/params/to/0", "/params/to"),
        ("/params/to", "/params/to"),
        ("/params/auth/bearer", "/params/auth/bearer"),
        ("/params/auth", "/params"),
        ("/params/too", "/params"),
        ("/params", "/params"),
    ] {
        assert_eq!(field_of(names.into_iter(), pointer), field, "{pointer}");
    }
}
