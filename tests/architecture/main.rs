//! Guards the map in `src/lib.rs`: which room may use which, and a few habits that keep the rooms readable. It reads the
//! sources as text, without comments, strings and tests.

mod paths;
mod rules;
mod source;

use source::Source;

#[test]
fn arrows_run_one_way() {
    let broken: Vec<String> = Source::all().iter().flat_map(rules::broken_arrows).collect();
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn libraries_stay_in_their_rooms() {
    let broken: Vec<String> = Source::all().iter().flat_map(rules::strayed_libraries).collect();
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn only_the_clock_reads_the_time() {
    let broken: Vec<String> = Source::all().iter().flat_map(rules::clock_readings).collect();
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn files_stay_readable() {
    let broken: Vec<String> = Source::all().iter().filter_map(rules::too_long).collect();
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

/// The guard itself: a rule that sees nothing guards nothing.
#[test]
fn the_guard_sees_what_it_should() {
    let source = |path: &str, text: &str| Source::new(path, text);
    let arrow = |path, text| rules::broken_arrows(&source(path, text)).len();
    assert_eq!(arrow("domain/task.rs", "use crate::storage::Database;"), 1);
    assert_eq!(arrow("domain/task.rs", "use crate::{clock::Clock, domain::page, service};"), 2);
    assert_eq!(arrow("domain/trigger/cron.rs", "fn f() { super::super::super::storage::open() }"), 1);
    assert_eq!(arrow("domain/task.rs", "// crate::storage\nfn f() { \"crate::storage::x\"; 'c'; } /* crate::api::x */"), 0);
    assert_eq!(arrow("domain/task.rs", "#[cfg(test)]\nmod tests { use crate::storage::x; }"), 0);
    assert_eq!(arrow("service/task.rs", "use crate::worker::cancel::Cancels;"), 0);
    assert_eq!(arrow("service/task.rs", "use crate::worker::executor;"), 1);
    assert_eq!(arrow("api/task.rs", "use crate::storage::task;"), 1);
    assert_eq!(arrow("cellar/task.rs", ""), 1, "a room without a rule");
    assert_eq!(rules::strayed_libraries(&source("service/mod.rs", "fn f() { sqlx::query(r#\"x\"#) }")).len(), 1);
    assert_eq!(rules::strayed_libraries(&source("domain/mod.rs", "use std::fs; use std::{env, fmt};")).len(), 2);
    assert_eq!(rules::clock_readings(&source("api/mod.rs", "let now = Utc::now();")).len(), 1);
    assert!(rules::too_long(&source("api/mod.rs", &"\n".repeat(500))).is_some());
}
