use super::*;

fn parse(value: &Value) -> Result<TaskInput, Vec<Fault>> {
    TaskInput::parse(value, Tz::UTC, |name| (name == "echo").then(Policy::default).ok_or_else(|| vec!["echo".to_owned()]))
}

#[test]
fn only_id_type_and_trigger_are_required() {
    let input = parse(&json!({"id": "日报-1", "type": "echo", "trigger": {"type": "cron", "hour": 8}})).unwrap();
    assert_eq!((input.name.as_str(), input.enabled, &input.params), ("日报-1", true, &json!({})));
    let faults = parse(&json!({})).unwrap_err();
    let pointers: Vec<_> = faults.iter().map(|f| f.pointer.as_str()).collect();
    assert_eq!(pointers, ["/id", "/type", "/trigger"]);
}

#[test]
fn parse_reports_faults_of_all_fields() {
    let faults = parse(&json!({"id": "-a", "type": "nope", "trigger": {"type": "cron", "hour": 25}, "params": 1, "extra": 2,
        "tags": ["ok", "no good"]}))
    .unwrap_err();
    let pointers: Vec<_> = faults.iter().map(|f| f.pointer.as_str()).collect();
    assert_eq!(pointers, ["/id", "/type", "/tags/1", "/trigger/hour", "/params", "/extra"]);
}
