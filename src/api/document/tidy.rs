//! Corrections to the generated document, so that generated clients get one plain form of everything.

use serde_json::{Map, Value, json};

/// Removes redundant members (`readOnly`, `deprecated: false`, `explode`, charset parameters), writes a described reference
/// as `allOf` with one member, and header names in their usual case.
pub fn tidy(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(tidy),
        Value::Object(map) => {
            map.values_mut().for_each(tidy);
            map.shift_remove("readOnly");
            map.shift_remove("explode");
            if map.get("deprecated") == Some(&Value::Bool(false)) {
                map.shift_remove("deprecated");
            }
            merge_description(map);
            rename_keys(map);
            unwrap_lines(map);
        }
        _ => {}
    }
}

/// `allOf: [{$ref}, {description}]` becomes `allOf: [{$ref}], description`; without a description only the reference remains.
fn merge_description(map: &mut Map<String, Value>) {
    let Some(Value::Array(parts)) = map.get_mut("allOf") else { return };
    if parts.len() != 2 || parts[0].get("$ref").is_none() {
        return;
    }
    let description = parts.pop().and_then(|part| part.as_object().cloned()).unwrap_or_default();
    if description.is_empty()
        && let Some(Value::Object(reference)) = parts.pop()
    {
        map.shift_remove("allOf");
        map.extend(reference);
    }
    map.extend(description);
}

fn rename_keys(map: &mut Map<String, Value>) {
    const SUFFIX: &str = "; charset=utf-8";
    let odd = |name: &String| name.ends_with(SUFFIX) || name == "ETAG" || name == "LOCATION";
    if !map.keys().any(odd) {
        return;
    }
    let renamed = |name: String| match name.as_str() {
        "ETAG" => "ETag".to_owned(),
        "LOCATION" => "Location".to_owned(),
        other => other.trim_end_matches(SUFFIX).to_owned(),
    };
    let plain = std::mem::take(map).into_iter();
    map.extend(plain.map(|(name, value)| (renamed(name), value)));
}

/// Joins lines that are wrapped in the source; paragraphs stay separate.
fn unwrap_lines(map: &mut Map<String, Value>) {
    if let Some(Value::String(text)) = map.get_mut("description")
        && text.contains('\n')
    {
        let paragraphs = text.split("\n\n").map(|paragraph| paragraph.replace('\n', " "));
        *text = paragraphs.collect::<Vec<_>>().join("\n\n");
    }
}

/// Inlines the named schemas where they are referred to: clients need no type of their own for a plain value.
pub fn inline(value: &mut Value, named: &Map<String, Value>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| inline(item, named)),
        Value::Object(map) => {
            if let Some(schema) = reference_name(map).and_then(|name| named.get(name)).and_then(Value::as_object) {
                let description = std::mem::replace(map, schema.clone());
                map.extend(description.into_iter().filter(|(name, _)| name != "allOf" && name != "$ref"));
            }
            map.values_mut().for_each(|item| inline(item, named));
        }
        _ => {}
    }
}

/// The name of the schema in a reference, or in `allOf` with one reference.
fn reference_name(map: &Map<String, Value>) -> Option<&str> {
    let alone = map.get("$ref");
    let target =
        alone.or_else(|| map.get("allOf").filter(|parts| parts.as_array().is_some_and(|p| p.len() == 1))?.pointer("/0/$ref"));
    target?.as_str()?.rsplit('/').next()
}

/// Writes out the schema of a nullable reference: `nullable` applies only beside `type`, so a reference cannot have it. A schema
/// without a type allows null anyway.
pub fn write_out_nullable(value: &mut Value, schemas: &Map<String, Value>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| write_out_nullable(item, schemas)),
        Value::Object(map) => {
            if map.get("nullable") == Some(&Value::Bool(true)) && !map.contains_key("type") {
                write_out(map, schemas);
            }
            map.values_mut().for_each(|item| write_out_nullable(item, schemas));
        }
        _ => {}
    }
}

fn write_out(map: &mut Map<String, Value>, schemas: &Map<String, Value>) {
    let target = reference_name(map).and_then(|name| schemas.get(name)).and_then(Value::as_object);
    let Some(target) = target.filter(|target| target.contains_key("type")) else {
        map.shift_remove("nullable");
        return;
    };
    let own = std::mem::replace(map, target.clone());
    map.extend(own.into_iter().filter(|(name, _)| name != "allOf"));
    if let Some(Value::Array(values)) = map.get_mut("enum") {
        values.push(Value::Null);
    }
}

/// Removes the schemas that nothing refers to.
pub fn drop_unused(document: &mut Value) {
    let text = document.to_string();
    if let Some(Value::Object(schemas)) = document.pointer_mut("/components/schemas") {
        schemas.retain(|name, _| text.contains(&format!("\"#/components/schemas/{name}\"")));
    }
}

/// Marks every field of a response as required; optional fields of the Rust types become nullable.
pub fn complete_answer(schema: &mut Value) {
    let required: Vec<Value> = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else { return };
    for (name, property) in properties.iter_mut() {
        if !required.iter().any(|given| given == name.as_str()) {
            make_nullable(property);
        }
    }
    let all: Vec<&String> = properties.keys().collect();
    schema["required"] = json!(all);
}

fn make_nullable(property: &mut Value) {
    if let Some(target) = property.get("$ref").cloned() {
        *property = json!({"allOf": [{"$ref": target}]});
    }
    property["nullable"] = json!(true);
}
