//! Property tests of triggers: no panic, ascending firings, agreement with a naive model, texts that parse back, and jitter within
//! bounds.

#[path = "trigger_properties/model.rs"]
mod model;

use belfry::domain::trigger::{Cron, Trigger, parse_datetime, parse_zone};
use belfry::i18n::Language;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use model::{Model, any_model, read_back};
use proptest::prelude::*;
use serde_json::{Value, json};

const KEYS: [&str; 21] = [
    "type",
    "run_date",
    "timezone",
    "weeks",
    "days",
    "hours",
    "minutes",
    "seconds",
    "start_date",
    "end_date",
    "jitter",
    "year",
    "month",
    "day",
    "week",
    "day_of_week",
    "hour",
    "minute",
    "second",
    "expression",
    "idle_duration",
];

fn parse_cron(value: &Value) -> Cron {
    match Trigger::parse(value, Tz::UTC) {
        Ok(Trigger::Cron(cron)) => cron,
        other => panic!("{value}: {other:?}"),
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        "[-*/,0-9a-zL#? :@]{0,16}",
        "\\PC{0,50}",
        "[0-9]{1,5}-[0-9]{1,2}-[0-9]{1,2}([ T][0-9]{1,2}:[0-9]{1,2}(:[0-9]{1,2}(\\.[0-9]{1,7})?)?)?(Z|[+-][0-9]{2}:[0-9]{2})?",
        "(\\*|[0-9]{1,2}) (\\*|[0-9]{1,2}) (\\*|[0-9]{1,2}|L) (\\*|[0-9]{1,2}) (\\*|[0-7]|fri#[1-5])",
        Just("Europe/Berlin".to_owned()),
    ];
    prop_oneof![
        4 => text.prop_map(Value::from),
        3 => (-5_i64..100).prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<u64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => Just(json!([1, {"a": 2}])),
    ]
}

fn any_object() -> impl Strategy<Value = Value> {
    let kind = prop_oneof![Just("date"), Just("interval"), Just("cron"), Just("idle"), Just("other")];
    let pair = (prop::sample::select(&KEYS[..]), any_value());
    (kind, prop::collection::vec(pair, 0..5)).prop_map(|(kind, pairs)| {
        let mut object = json!({"type": kind});
        for (key, value) in pairs.into_iter().filter(|(key, _)| *key != "type") {
            object[key] = value;
        }
        object
    })
}

fn any_instant() -> impl Strategy<Value = DateTime<Utc>> {
    prop_oneof![
        4 => 0_i64..4_200_000_000_000,
        1 => -10_000_000_000_000_i64..300_000_000_000_000,
        1 => Just(DateTime::<Utc>::MAX_UTC.timestamp_millis()),
        1 => Just(DateTime::<Utc>::MIN_UTC.timestamp_millis()),
    ]
    .prop_map(|millis| DateTime::from_timestamp_millis(millis).unwrap_or_default())
}

/// Calls every method of a trigger and checks the invariants of the results.
fn exercise(trigger: &Trigger, after: DateTime<Utc>) {
    let shown = trigger.preview(after, 20);
    assert!(shown.iter().all(|at| *at >= after), "{shown:?} after {after}");
    assert!(shown.windows(2).all(|pair| pair[0] < pair[1]), "{shown:?}");
    for lang in [Language::English, Language::Chinese] {
        assert!(!trigger.describe(lang).is_empty());
        drop(trigger.notes(&shown, after));
    }
    assert!(!trigger.text().contains('\n'));
}

proptest! {
    #[test]
    fn arbitrary_objects_never_panic(object in any_object(), after in any_instant()) {
        match Trigger::parse(&object, Tz::America__New_York) {
            Ok(trigger) => exercise(&trigger, after),
            Err(faults) => prop_assert!(!faults.is_empty() && faults.iter().all(|fault| fault.pointer.starts_with("/trigger"))),
        }
    }

    #[test]
    fn arbitrary_texts_never_panic(text in "\\PC{0,60}", value in any_value()) {
        drop(parse_datetime(&text, Tz::Europe__Berlin));
        drop(parse_zone(&text));
        drop(Trigger::parse(&value, Tz::UTC));
        drop(Trigger::parse(&json!({"type": "cron", "expression": text}), Tz::UTC));
    }

    #[test]
    fn search_agrees_with_the_naive_model(model in any_model()) {
        let cron = Trigger::Cron(parse_cron(&model.json()));
        let (start, end) = (model.start(), model.start() + TimeDelta::hours(Model::HOURS));
        let found: Vec<_> = std::iter::successors(cron.next_at_or_after(start, start), |at| cron.next_after(*at, start))
            .take_while(|at| *at < end)
            .collect();
        prop_assert_eq!(found, model.naive_fires(), "{}", model.json());
    }

    #[test]
    fn next_firing_is_the_first_of_the_preview(model in any_model(), millis in 0_i64..86_400_000) {
        let cron = Trigger::Cron(parse_cron(&model.json()));
        let after = model.start() + TimeDelta::milliseconds(millis);
        let shown = cron.preview(after, 3);
        if let [first, second, ..] = shown[..] {
            prop_assert_eq!(cron.next_at_or_after(first.to_utc(), after), Some(first.to_utc()));
            prop_assert_eq!(cron.next_after(first.to_utc(), after), Some(second.to_utc()));
            // A search from any time between `after` and the first firing finds that firing.
            let between = after + (first.to_utc() - after) / 2;
            prop_assert_eq!(cron.next_at_or_after(between, after), Some(first.to_utc()));
        }
    }

    #[test]
    fn texts_parse_back_to_the_same_rule(model in any_model()) {
        let cron = parse_cron(&model.json());
        let text = Trigger::Cron(cron.clone()).text();
        prop_assert_eq!(&parse_cron(&read_back(&text)).rule, &cron.rule, "{} gives {}", model.json(), text);
    }

    #[test]
    fn texts_of_years_and_seconds_parse_back(
        year in prop::sample::select(&["*", "2026", "2026-2030", "*/4", "2020/10", "2026,2028,2030", "1970-9999/3", "2026-2030/2,2050"][..]),
        hour in prop::sample::select(&["*", "3", "1-3", "*/6", "0-23"][..]),
        minute in prop::sample::select(&["*", "0", "5", "0-59", "5,7", "5-6/1", "*/15", "58/1"][..]),
        second in prop::sample::select(&["*", "0", "5", "0-59", "5,7", "5-6/1", "*/15", "30,*/20", "1,2,4,8,16,32"][..]),
        all in any::<bool>(),
    ) {
        let mut value = json!({"type": "cron", "hour": hour, "minute": minute, "second": second});
        if !all {
            value["year"] = Value::from(year);
        }
        let cron = parse_cron(&value);
        let text = Trigger::Cron(cron.clone()).text();
        prop_assert_eq!(&parse_cron(&read_back(&text)).rule, &cron.rule, "{} gives {}", value, text);
    }

    #[test]
    fn jitter_stays_in_bounds(minutes in 1_u32..60, jitter in 0_u32..7200, key in "[a-z]{1,8}", count in 1_usize..40) {
        let end = "2026-03-01 20:10:00";
        let value = json!({"type": "cron", "minute": format!("*/{}", minutes.min(59)), "end_date": end, "jitter": jitter});
        let trigger = Trigger::Cron(parse_cron(&value));
        let after = parse_datetime("2026-03-01", Tz::UTC).unwrap();
        let last = parse_datetime(end, Tz::UTC).unwrap();
        let rule: Vec<_> = trigger.preview(after, count).iter().map(DateTime::to_utc).collect();
        let fires: Vec<_> = rule.iter().map(|at| trigger.fire_time(*at, &key, after)).collect();
        for (index, (at, fire)) in rule.iter().zip(&fires).enumerate() {
            prop_assert!(at <= fire && *fire <= *at + TimeDelta::seconds(i64::from(jitter)) && *fire <= last);
            prop_assert!(rule.get(index + 1).is_none_or(|next| fire < next));
            prop_assert_eq!(*fire, trigger.fire_time(*at, &key, after));
        }
    }

    #[test]
    fn intervals_keep_their_grid(seconds in 1_u32..10_000_000, start in 0_i64..4_000_000_000, late in 0_i64..1_000_000_000_000) {
        let zone = Tz::America__New_York;
        let start = DateTime::from_timestamp(start, 0).unwrap();
        let value = json!({"type": "interval", "seconds": seconds, "start_date": start.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)});
        let trigger = Trigger::parse(&value, zone).unwrap();
        let after = start + TimeDelta::milliseconds(late);
        let at = trigger.next_at_or_after(after, after).unwrap();
        prop_assert_eq!((at - start).num_milliseconds() % (i64::from(seconds) * 1000), 0);
        prop_assert!(at >= after && at - after < TimeDelta::seconds(i64::from(seconds)));
    }
}

#[test]
fn long_lists_are_parsed_quickly() {
    for text in
        ["*,".repeat(2047) + "*", "*/2,".repeat(1023) + "*/3", "1970-9999,".repeat(409) + "*", ",".repeat(4096), "-".repeat(4096)]
    {
        for key in ["year", "minute", "day_of_week", "expression"] {
            let value = json!({"type": "cron", key: text});
            let began = std::time::Instant::now();
            if let Ok(trigger) = Trigger::parse(&value, Tz::UTC) {
                exercise(&trigger, DateTime::from_timestamp(1_767_225_600, 0).unwrap());
            }
            assert!(began.elapsed().as_secs() < 10, "{key}");
        }
    }
}
