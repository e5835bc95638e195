//! Fuzz target: parsing, previewing and describing an arbitrary trigger must not panic.

#![no_main]

use belfry::domain::trigger::Trigger;
use belfry::i18n::Language;
use chrono::DateTime;
use chrono_tz::Tz;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (i64, &[u8])| {
    let (millis, text) = input;
    let Ok(value) = serde_json::from_slice(text) else { return };
    let Ok(trigger) = Trigger::parse(&value, Tz::America__New_York) else { return };
    let after = DateTime::from_timestamp_millis(millis).unwrap_or_default();
    let shown = trigger.preview(after, 10);
    assert!(shown.iter().all(|at| *at >= after));
    assert!(shown.windows(2).all(|pair| pair[0] < pair[1]));
    for language in Language::ALL {
        drop(trigger.describe(language));
    }
    drop(trigger.notes(&shown, after));
    drop(trigger.text());
});
