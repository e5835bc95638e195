//! The documents that follow the table of settings: belfry.example.toml and docs/settings.md.

use std::path::Path;

use belfry::config::{Settings, settings, settings_reference};

use crate::{File, load};

const EXAMPLE: &str = include_str!("../../belfry.example.toml");
const RENEW: &str = "BELFRY_WRITE_DOCS=1 cargo test --test settings";

/// The example with its settings uncommented.
fn uncommented() -> String {
    let is_setting = |line: &str| line.starts_with("#") && !line.starts_with("# ") && line.len() > 1;
    EXAMPLE.lines().map(|line| if is_setting(line) { &line[1..] } else { line }).collect::<Vec<_>>().join("\n")
}

#[test]
fn example_file_equals_the_defaults() {
    let file = File::new(EXAMPLE);
    assert_eq!(load(Some(&file.path()), &[], &[]).expect("valid settings"), Settings::default());
}

#[test]
fn example_file_contains_every_setting() {
    let text = uncommented();
    let file = File::new(&text);
    load(Some(&file.path()), &[], &[]).expect("valid settings");
    for setting in settings().filter(|setting| setting.key != "*") {
        let line = match setting.default {
            "" => format!("\n{} = ", setting.key),
            default => format!("\n{} = {default}\n", setting.key),
        };
        assert!(format!("\n{text}\n").contains(&line), "belfry.example.toml lacks {line:?} of [{}]", setting.section);
    }
}

#[test]
fn table_defaults_equal_the_defaults() {
    let written: String = settings()
        .filter(|setting| !setting.default.is_empty() && !setting.section.contains('*'))
        .map(|setting| match setting.section {
            "" => format!("{} = {}\n", setting.key, setting.default),
            section => format!("{section}.{} = {}\n", setting.key, setting.default),
        })
        .collect();
    let file = File::new(&written);
    assert_eq!(load(Some(&file.path()), &[], &[]).expect("valid settings"), Settings::default());
}

#[test]
fn settings_reference_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/settings.md");
    let expected = settings_reference();
    if std::env::var_os("BELFRY_WRITE_DOCS").is_some() {
        std::fs::write(&path, &expected).expect("write docs/settings.md");
    }
    let current = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(current == expected, "docs/settings.md is out of date; renew it with: {RENEW}");
}
