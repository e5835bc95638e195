//! Refused triggers: pointer and message of the first fault.

use belfry::domain::trigger::Trigger;
use chrono_tz::Tz;
use serde_json::{Value, json};

/// Pointer and message of the first fault.
fn refused(value: &Value) -> (String, String) {
    let faults = Trigger::parse(value, Tz::UTC).expect_err(&value.to_string());
    let first = faults.first().expect("a fault");
    (first.pointer.clone(), first.message.to_string())
}

fn refuse(value: &Value, pointer: &str, message: &str) {
    assert_eq!(refused(value), (pointer.to_owned(), message.to_owned()), "{value}");
}

fn field(name: &str, value: Value, message: &str) {
    refuse(&json!({"type": "cron", name: value}), &format!("/trigger/{name}"), message);
}

fn expression(text: &str, message: &str) {
    refuse(&json!({"type": "cron", "expression": text}), "/trigger/expression", message);
}

#[test]
fn values_out_of_range_are_refused() {
    field("hour", json!(25), "hour: 25 is not between 0 and 23");
    field("hour", json!(-1), "hour: -1 is not between 0 and 23");
    field("hour", json!("8,20-25"), "hour: 25 is not between 0 and 23");
    field("year", json!(1969), "year: 1969 is not between 1970 and 9999");
    field("week", json!("54"), "week: 54 is not between 1 and 53");
    field("day", json!("0"), "day: 0 is not between 1 and 31");
    field("day_of_week", json!(7), "day_of_week: 7 is not between 0 and 6");
    field("minute", json!("1234567890"), "minute: 1234567890 has more than nine digits; write 0 to 59");
    field("minute", json!(1_234_567_890_123_u64), "minute: 1234567890123 has more than nine digits; write 0 to 59");
    expression("0 0 * * 8", "day_of_week: 8 is not between 0 and 7");
    expression("0 24 * * *", "hour: 24 is not between 0 and 23");
}

#[test]
fn steps_out_of_range_are_refused() {
    field("minute", json!("*/60"), "minute: the step in */60 must be between 1 and 59");
    field("minute", json!("*/0"), "minute: the step in */0 must be between 1 and 59");
    field("hour", json!("8-18/11"), "hour: the step in 8-18/11 must be between 1 and 10");
    field("hour", json!("20/4"), "hour: the step in 20/4 must be between 1 and 3");
    field("hour", json!("23/1"), "hour: 23/1 takes no step: its range holds a single value");
    field("day_of_week", json!("mon-fri/2"), "day_of_week: names take no step in 'mon-fri/2'");
    expression("*/0 * * * *", "minute: the step in */0 must be between 1 and 59");
    expression("0-0/0 * * * *", "minute: 0-0/0 takes no step: its range holds a single value");
}

#[test]
fn backwards_ranges_are_refused_with_the_correct_spelling() {
    field("day_of_week", json!("5-1"), "day_of_week: 5-1 runs backwards; write fri-mon");
    field("day_of_week", json!("5-1/2"), "day_of_week: 5-1/2 runs backwards; write fri,sun");
    field("month", json!("nov-feb"), "month: nov-feb runs backwards; write nov-dec,jan-feb");
    field("hour", json!("22-6"), "hour: 22-6 runs backwards; write 22-23,0-6");
    expression("0 0 * * 7-2", "day_of_week: 7-2 runs backwards; write sun-tue");
}

#[test]
fn unreadable_elements_are_refused() {
    field("month", json!("january"), "month: unknown name 'january'");
    field("hour", json!("8-"), "hour: cannot read '8-'");
    field("hour", json!("５"), "hour: cannot read '５'; write 5");
    field("hour", json!("8 9"), "hour: cannot read '8 9'");
    field("hour", json!("-1"), "hour: cannot read '-1'");
    field("hour", json!("+1"), "hour: cannot read '+1'");
    field("hour", json!("1.5"), "hour: cannot read '1.5'");
    field("hour", json!("1,,2"), "hour: empty list element in '1,,2'");
    field("hour", json!(""), "hour: is empty; leave it out or write *");
    field("hour", json!(8.5), "hour: 8.5 must be an integer or a string");
    field("hour", json!(true), "hour: true must be an integer or a string");
    field("day", json!("6th fri"), "day: cannot read '6th fri'; write 1st to 5th or last before a weekday");
    field("day", json!("2nd friday"), "day: unknown name 'friday'");
    field("day", json!("L"), "day: cannot read 'L'; write last");
    field("day_of_week", json!("fri#2"), "day_of_week: cannot read 'fri#2'");
    field("day_of_week", json!("mon-5"), "day_of_week: mon-5 mixes a name and a number");
    let cut = format!("hour: cannot read '{}'", "é".repeat(40));
    field("hour", json!("é".repeat(99)), &cut);
    field("hour", json!("1".repeat(4097)), "hour: is longer than 4096 characters");
}

#[test]
fn invalid_expressions_are_refused() {
    expression("25:60", "expression: 25:60 is not a time of day; write HH:MM or HH:MM:SS, 00:00:00 to 23:59:59");
    expression("24:00", "expression: 24:00 is not a time of day; write HH:MM or HH:MM:SS, 00:00:00 to 23:59:59");
    expression("8:5", "expression: 8:5 is not a time of day; write HH:MM or HH:MM:SS, 00:00:00 to 23:59:59");
    expression("* * * *", "expression: 4 fields; 5 are needed, or 6 with seconds first");
    expression("", "expression: 0 fields; 5 are needed, or 6 with seconds first");
    expression("0 0 0 1 1 * 2026 2027", "expression: 8 fields; 5 are needed, or 6 with seconds first");
    expression("0 ? * * *", "hour: cannot read '?'; write *");
    expression("0 0 32W * *", "day: 32 is not between 1 and 31");
    expression("0 0 L-31 * *", "day: 31 is not between 1 and 30");
    expression("0 0 L-3W * *", "day: cannot read 'L-3W'");
    expression("H * * * *", "minute: cannot read 'H'");
    expression("0 0 * * L", "day_of_week: cannot read 'L'; write sat");
    expression("0 8 ＊ * *", "expression: '0 8 ＊ * *' holds full-width characters; write 0 8 * * *");
    expression("0，30 8 * * 一", "expression: '0，30 8 * * 一' holds full-width characters; write 0,30 8 * * 一");
    expression("8：30", "expression: '8：30' holds full-width characters; write 8:30");
    expression("0 8 * * *\n0 9 * * *", "expression: has more than one line; write a single expression");
    let every = |text: &str| {
        let message = "is not a duration of whole seconds; write @every and a duration such as 30s, 5m or 1h30m (units h, m, s)";
        expression(format!("@every {text}").trim_end(), &format!("expression: '{text}' {message}"));
    };
    ["", "1d", "500ms", "five minutes", "1h 30m", "-5s"].into_iter().for_each(every);
    expression("0 0 * * fri#6", "day_of_week: the number after # in fri#6 must be between 1 and 5");
    expression("0 0 * * mon-fri#2", "day_of_week: cannot read 'mon-fri#2'");
    assert!(
        refused(&json!({"type": "cron", "expression": "@reboot"}))
            .1
            .starts_with("expression: unknown name '@reboot'; write @hourly,")
    );
    refuse(
        &json!({"type": "cron", "expression": "* * * * *", "hour": 3}),
        "/trigger/hour",
        "hour: cannot be combined with expression",
    );
}

#[test]
fn invalid_dates_zones_and_bounds_are_refused() {
    field("timezone", json!("Mars/Phobos"), "timezone: unknown zone 'Mars/Phobos'");
    for zone in ["local", "/etc/localtime", ""] {
        field("timezone", json!(zone), &format!("timezone: unknown zone '{zone}'"));
    }
    for (zone, advice) in [
        ("+08:00", "Asia/Shanghai, Etc/GMT-8"),
        ("UTC+8", "Asia/Shanghai, Etc/GMT-8"),
        ("europe/berlin", "Europe/Berlin"),
        ("China Standard Time", "Asia/Shanghai"),
        ("Beijing", "Asia/Shanghai"),
    ] {
        field("timezone", json!(zone), &format!("timezone: unknown zone '{zone}'; write {advice}"));
    }
    refuse(
        &json!({"type": "cron", "start_date": "2026-01-02", "end_date": "2026-01-01"}),
        "/trigger/end_date",
        "end_date: is before start_date",
    );
    let dates = [
        "2026-02-30",
        "2026-02-20 24:00",
        "2026-2-20 8",
        "2026-02-20 08:00:60",
        "26-02-20",
        "2026-02-20 08:00:00.1234567",
        "",
        "2026-02-20T08:00+24:00",
        "2026-02-20 08:00 ",
        "tomorrow",
        "２０26-01-01",
        "0000-01-01",
        "2026-01-01 08:00:00.",
        "20260101",
        "é-12:30",
    ];
    for date in dates {
        let (pointer, message) = refused(&json!({"type": "date", "run_date": date}));
        assert_eq!(pointer, "/trigger/run_date");
        assert!(message.starts_with(&format!("run_date: cannot read '{date}'; write YYYY-MM-DD")), "{message}");
    }
    refuse(&json!({"type": "date"}), "/trigger/run_date", "run_date: is required");
}

#[test]
fn invalid_intervals_and_idle_triggers_are_refused() {
    refuse(&json!({"type": "interval"}), "/trigger", "the interval must be at least one second");
    refuse(&json!({"type": "interval", "days": 36600, "seconds": 1}), "/trigger", "the interval must be at most 36600 days");
    refuse(&json!({"type": "interval", "hours": -1}), "/trigger/hours", "hours: -1 is not between 0 and 878400");
    refuse(&json!({"type": "interval", "hours": "1"}), "/trigger/hours", "hours: \"1\" must be an integer from 0 to 878400");
    refuse(
        &json!({"type": "cron", "jitter": 1_000_000_001}),
        "/trigger/jitter",
        "jitter: 1000000001 is not between 0 and 1000000000",
    );
    refuse(
        &json!({"type": "idle", "idle_duration": 0}),
        "/trigger/idle_duration",
        "idle_duration: 0 is not between 1 and 31622400",
    );
    for percent in [json!(0), json!(100.5), json!(-1)] {
        refuse(
            &json!({"type": "idle", "cpu_below_percent": percent}),
            "/trigger/cpu_below_percent",
            &format!("cpu_below_percent: {percent} is not above 0 and at most 100"),
        );
    }
}

#[test]
fn unknown_keys_and_types_are_refused() {
    refuse(&json!({"type": "cron", "hours": 8}), "/trigger/hours", "hours: unknown field");
    refuse(&json!({"type": "date", "run_date": "2026-01-01", "a/b~": 1}), "/trigger/a~1b~0", "a/b~: unknown field");
    refuse(&json!({"type": "weekly"}), "/trigger/type", "type: unknown type 'weekly'; write date, interval, cron or idle");
    refuse(&json!({}), "/trigger/type", "type: is required; write date, interval, cron or idle");
    refuse(&json!({"type": 1}), "/trigger/type", "type: must be a string; write date, interval, cron or idle");
    refuse(&json!("cron"), "/trigger", "a trigger must be an object with a type: date, interval, cron or idle");
}

#[test]
fn faults_are_in_the_order_of_the_keys() {
    let value = json!({"type": "cron", "second": 60, "hours": 1, "hour": "x", "timezone": "Nowhere", "minute": "8-"});
    let faults = Trigger::parse(&value, Tz::UTC).expect_err("five faults");
    let pointers: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
    assert_eq!(pointers, ["/trigger/second", "/trigger/hours", "/trigger/hour", "/trigger/timezone", "/trigger/minute"]);
}

#[test]
fn null_is_refused() {
    let null = "null is not allowed; leave it out or give a value";
    for key in ["expression", "hour", "timezone", "jitter", "end_date"] {
        field(key, Value::Null, &format!("{key}: {null}"));
    }
    refuse(&json!({"type": "date", "run_date": null}), "/trigger/run_date", &format!("run_date: {null}"));
    refuse(&json!({"type": "interval", "hours": 1, "minutes": null}), "/trigger/minutes", &format!("minutes: {null}"));
    refuse(&json!({"type": "idle", "repeat": null}), "/trigger/repeat", &format!("repeat: {null}"));
}
