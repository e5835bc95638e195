//! Architecture tests: check the dependencies between modules described in `src/lib.rs`, circles of files, the use of libraries,
//! access to the clock and the length of files. The sources are read as text, without comments, strings and tests.

mod circles;
mod paths;
mod rules;
mod source;

use source::Source;

#[test]
fn modules_use_only_allowed_modules() {
    let violations: Vec<String> = Source::all().iter().flat_map(rules::forbidden_dependencies).collect();
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

#[test]
fn libraries_are_used_only_in_their_modules() {
    let violations: Vec<String> = Source::all().iter().flat_map(rules::misplaced_libraries).collect();
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

#[test]
fn only_the_clock_module_reads_the_time() {
    let violations: Vec<String> = Source::all().iter().flat_map(rules::clock_reads).collect();
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

#[test]
fn files_are_within_the_length_limit() {
    let violations: Vec<String> = Source::all().iter().filter_map(rules::too_long).collect();
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

#[test]
fn files_form_no_circle() {
    let found = circles::circles(&Source::all());
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn circles_are_found_through_reexports() {
    let sources = [
        Source::new("a/mod.rs", "mod b;\nmod c;\npub use c::Thing;\n"),
        Source::new("a/b.rs", "use super::Thing;"),
        Source::new("a/c.rs", "fn f() { crate::a::b::g() }"),
    ];
    assert_eq!(circles::circles(&sources).len(), 1);
    assert_eq!(circles::circles(&sources[..2]).len(), 0);
}

/// Checks the rules themselves against sources that break them.
#[test]
fn rules_detect_violations() {
    let source = |path: &str, text: &str| Source::new(path, text);
    let violation_count = |path, text| rules::forbidden_dependencies(&source(path, text)).len();
    assert_eq!(violation_count("domain/task.rs", "use crate::storage::Database;"), 1);
    assert_eq!(violation_count("domain/task.rs", "use crate::{clock::Clock, domain::page, service};"), 2);
    assert_eq!(violation_count("domain/trigger/cron.rs", "fn f() { super::super::super::storage::open() }"), 1);
    assert_eq!(
        violation_count("domain/task.rs", "// crate::storage\nfn f() { \"crate::storage::x\"; 'c'; } /* crate::api::x */"),
        0
    );
    assert_eq!(violation_count("domain/task.rs", "#[cfg(test)]\nmod tests { use crate::storage::x; }"), 0);
    assert_eq!(violation_count("service/task.rs", "use crate::worker::cancel::CancelRegistry;"), 0);
    assert_eq!(violation_count("service/task.rs", "use crate::worker::executor;"), 1);
    assert_eq!(violation_count("api/task.rs", "use crate::storage::task;"), 1);
    assert_eq!(violation_count("unknown/task.rs", ""), 1, "a module without a rule");
    assert_eq!(rules::misplaced_libraries(&source("service/mod.rs", "fn f() { sqlx::query(r#\"x\"#) }")).len(), 1);
    assert_eq!(rules::misplaced_libraries(&source("domain/mod.rs", "use std::fs; use std::{env, fmt};")).len(), 2);
    assert_eq!(rules::clock_reads(&source("api/mod.rs", "let now = Utc::now();")).len(), 1);
    assert!(rules::too_long(&source("api/mod.rs", &"\n".repeat(500))).is_some());
}
