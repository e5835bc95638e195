//! The example file and the README name every setting with its true default.

use belfry::config::{Setting, Settings, settings};

use crate::{File, load};

const EXAMPLE: &str = include_str!("../../belfry.example.toml");
const README: &str = include_str!("../../README.md");

/// The example with its settings taken out of their comments.
fn uncommented() -> String {
    let is_setting = |line: &str| line.starts_with("#") && !line.starts_with("# ") && line.len() > 1;
    EXAMPLE.lines().map(|line| if is_setting(line) { &line[1..] } else { line }).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_example_as_it_is_changes_nothing() {
    let file = File::new(EXAMPLE);
    assert_eq!(load(Some(&file.path()), &[], &[]).expect("loads"), Settings::default());
}

#[test]
fn the_example_holds_every_setting_and_is_right() {
    let text = uncommented();
    let file = File::new(&text);
    load(Some(&file.path()), &[], &[]).expect("loads");
    for setting in settings().filter(|setting| setting.key != "*") {
        let line = match setting.default {
            "" => format!("\n{} = ", setting.key),
            default => format!("\n{} = {default}\n", setting.key),
        };
        assert!(format!("\n{text}\n").contains(&line), "belfry.example.toml lacks {line:?} of [{}]", setting.section);
    }
}

#[test]
fn defaults_are_what_the_table_says() {
    let written: String = settings()
        .filter(|setting| !setting.default.is_empty() && !setting.section.contains('*'))
        .map(|setting| match setting.section {
            "" => format!("{} = {}\n", setting.key, setting.default),
            section => format!("{section}.{} = {}\n", setting.key, setting.default),
        })
        .collect();
    let file = File::new(&written);
    assert_eq!(load(Some(&file.path()), &[], &[]).expect("loads"), Settings::default());
}

#[test]
fn the_readme_names_every_setting() {
    let missing: Vec<String> = settings().filter(|setting| !README.contains(&row(setting))).map(row).collect();
    assert!(missing.is_empty(), "the README's table of settings lacks:\n{}", missing.join("\n"));
}

fn row(setting: &Setting) -> String {
    let name = match setting.section {
        "" => format!("`{}`", setting.key),
        section => {
            format!("`[{}]` `{}`", section.replace('*', "<name>"), if setting.key == "*" { "<name>" } else { setting.key })
        }
    };
    let default = if setting.default.is_empty() { String::new() } else { format!("`{}`", setting.default) };
    format!("| {name} | {default} | {} |", setting.help)
}
