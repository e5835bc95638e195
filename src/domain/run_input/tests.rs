use super::*;

fn fields(value: Value) -> Vec<InputField> {
    parse(&value, "/inputs").unwrap()
}

fn pointers(faults: &[Fault]) -> Vec<&str> {
    faults.iter().map(|fault| fault.pointer.as_str()).collect()
}

fn map(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

fn every_kind() -> Vec<InputField> {
    fields(json!([
        {"name": "city", "required": true},
        {"name": "amount", "type": "number", "default": 1},
        {"name": "mode", "type": "choice", "choices": ["full", "delta"], "default": "delta"},
        {"name": "day", "type": "date"},
        {"name": "force", "type": "boolean"},
        {"name": "token", "type": "secret"},
    ]))
}

#[test]
fn inputs_round_trip_as_json() {
    let all = every_kind();
    assert_eq!(parse(&to_json(&all), ""), Ok(all.clone()));
    assert_eq!((all[0].title.as_str(), all[0].kind), ("city", InputKind::Text));
    assert_eq!(unanswered(&all).map(|field| field.name.as_str()), Some("city"));
}

#[test]
fn parse_reports_every_fault_with_its_place() {
    let wrong = json!([
        {"name": "1st"}, {"name": "a"}, {"name": "a"}, {"name": "b", "type": "list"}, {"name": "c", "type": "choice"},
        {"name": "d", "choices": ["x"]}, {"name": "e", "type": "number", "default": "1"},
        {"name": "f", "type": "secret", "default": "hunter22"}, {"name": "g", "more": 1}, {"name": "h", "title": null},
    ]);
    let faults = parse(&wrong, "/inputs").unwrap_err();
    let expected = ["0/name", "2/name", "3/type", "4/choices", "5/choices", "6/default", "7/default", "8/more", "9/title"];
    assert_eq!(pointers(&faults), expected.map(|place| format!("/inputs/{place}")));
    assert!(!format!("{faults:?}").contains("hunter22"), "a default is not repeated where it may be a secret");
    let many: Value = (0..31).map(|number| json!({"name": format!("n{number}")})).collect();
    assert_eq!(pointers(&parse(&many, "/inputs").unwrap_err()), ["/inputs"]);
}

#[test]
fn fill_takes_given_values_then_defaults() {
    let all = every_kind();
    let values = fill(&all, &map(json!({"city": "上海", "day": "2026-02-28"})), "/inputs").unwrap();
    let expected = json!({"city": "上海", "amount": 1, "mode": "delta", "day": "2026-02-28", "force": false});
    assert_eq!(Value::Object(values), expected, "an input without value is left out");
}

#[test]
fn fill_keeps_the_digits_of_numbers() {
    let all = fields(json!([{"name": "amount", "type": "number"}]));
    for digits in ["12345678901234567890123.10", "1.10", "-0.1e-7"] {
        let given: Value = serde_json::from_str(&format!(r#"{{"amount": {digits}}}"#)).unwrap();
        let values = fill(&all, &map(given), "").unwrap();
        assert_eq!(values["amount"].to_string().to_lowercase(), digits);
        assert_eq!(all[0].kind.read_text(digits), values["amount"]);
    }
}

#[test]
fn fill_names_the_input_of_each_fault() {
    let given = json!({"city": "", "amount": "1", "mode": "none", "day": "2026-02-30", "force": 1, "token": "abc", "more": 1});
    let faults = fill(&every_kind(), &map(given), "/inputs").unwrap_err();
    let names = ["city", "amount", "mode", "day", "force", "token", "more"];
    assert_eq!(pointers(&faults), names.map(|name| format!("/inputs/{name}")));
    assert_eq!(pointers(&fill(&every_kind(), &Map::new(), "/inputs").unwrap_err()), ["/inputs/city"]);
    assert_eq!(pointers(&fill(&every_kind(), &map(json!({"city": null})), "").unwrap_err()), ["/city"]);
}

#[test]
fn secrets_are_not_shown() {
    let all = every_kind();
    let given = map(json!({"city": "x", "token": "hunter22"}));
    let values = fill(&all, &given, "").unwrap();
    assert_eq!(shown(&all, &values)["token"], STARS);
    let wrong = fill(&all, &map(json!({"city": "x", "token": ["hunter22"]})), "").unwrap_err();
    assert!(!format!("{wrong:?}").contains("hunter22"));
}

#[test]
fn read_text_converts_by_kind() {
    let all = every_kind();
    assert_eq!(all[0].kind.read_text("1"), json!("1"));
    assert_eq!(all[1].kind.read_text(" 2.50 "), serde_json::from_str::<Value>("2.50").unwrap());
    assert_eq!(all[1].kind.read_text("two"), json!("two"));
    assert_eq!((all[4].kind.read_text("true"), all[4].kind.read_text("yes")), (json!(true), json!("yes")));
}
