//! Benchmarks of triggers: search for the next firing of typical and impossible rules, parsing, texts and previews.

use belfry::domain::trigger::Trigger;
use belfry::i18n::Language;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use divan::{Bencher, black_box};
use serde_json::json;

fn main() {
    divan::main();
}

const TYPICAL: &[&str] =
    &["*/5 * * * *", "0 8 * * mon-fri", "30 2 * * *", "0 0 L * *", "0 0 13 * fri", "0 9 * * mon#1", "0 0 29 2 *"];
const IMPOSSIBLE: &[&str] = &["0 0 30 2 *", "0 0 31 4,6,9,11 *"];

fn cron(expression: &str) -> Trigger {
    let value = json!({"type": "cron", "expression": expression, "timezone": "America/New_York"});
    Trigger::parse(&value, Tz::UTC).expect("a valid rule")
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_225_600, 0).expect("a valid timestamp")
}

fn next(bencher: Bencher, trigger: &Trigger) {
    bencher.bench_local(|| black_box(trigger).next_after(black_box(now()), now()));
}

#[divan::bench(args = TYPICAL)]
fn next_firing(bencher: Bencher, expression: &str) {
    next(bencher, &cron(expression));
}

#[divan::bench(args = IMPOSSIBLE)]
fn next_firing_impossible(bencher: Bencher, expression: &str) {
    next(bencher, &cron(expression));
}

#[divan::bench]
fn next_firing_past_years(bencher: Bencher) {
    let value = json!({"type": "cron", "year": "1970-2024/2", "month": 2, "day": "1st mon", "day_of_week": "mon"});
    next(bencher, &Trigger::parse(&value, Tz::UTC).expect("a valid rule"));
}

#[divan::bench(args = TYPICAL)]
fn parse(bencher: Bencher, expression: &str) {
    bencher.bench(|| cron(black_box(expression)));
}

#[divan::bench(args = TYPICAL)]
fn text(bencher: Bencher, expression: &str) {
    let trigger = cron(expression);
    bencher.bench(|| black_box(&trigger).text());
}

#[divan::bench(args = TYPICAL)]
fn describe(bencher: Bencher, expression: &str) {
    let trigger = cron(expression);
    bencher.bench(|| black_box(&trigger).describe(Language::Chinese));
}

#[divan::bench]
fn preview_1000(bencher: Bencher) {
    let trigger = cron("*/5 8-18 * * mon-fri");
    bencher.bench(|| black_box(&trigger).preview(now(), 1000));
}
