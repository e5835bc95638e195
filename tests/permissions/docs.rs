//! The generated tables of docs/permissions.md: actions by role, and API operations by role.

use std::fmt::Write;

use belfry::domain::permission::{RULES, Rule};
use belfry::domain::user::{Action, Actor, Role, Via};

use crate::calls::{ROWS, described};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/permissions.md");
const RENEW: &str = "BELFRY_WRITE_DOCS=1 cargo test --test permissions docs";

fn description(action: Action) -> &'static str {
    match action {
        Action::See => {
            "read tasks, executions, output, versions, incidents, notification rules, the overview, the calendar and nodes; manage one's own tokens, password and \
             second factor"
        }
        Action::SeeServer => "read what belongs to the whole server: datasources, mail servers, SMS providers and HTTP profiles",
        Action::Run => "run, rerun, pause, resume and cancel; acknowledge and close incidents, mute tasks",
        Action::Edit => "create, change, restore, import and delete tasks of safe types; make notification rules for one's tasks",
        Action::EditDangerous => "the same for dangerous types; override the parameters of their runs",
        Action::Administer => {
            "manage accounts, secrets, notification channels, mail servers, SMS providers, datasources, HTTP profiles and all tokens; import run history; read the audit log"
        }
    }
}

fn mark(allowed: bool) -> &'static str {
    if allowed { "✓" } else { "" }
}

/// The row of an action. The column "editor with a grant" is about the granted task types.
fn action_row(rule: &Rule) -> String {
    let granted = Actor { grants: vec!["type".to_owned()], ..Actor::new("granted", Role::Editor, Via::Api) };
    let with_grant =
        if rule.action == Action::EditDangerous { granted.may_set_up("type") } else { granted.role.allows(rule.action) };
    let [viewer, operator, editor, admin] = Role::ALL.map(|role| mark(role.allows(rule.action)));
    let limited = if rule.whole { "" } else { "own tasks" };
    let text = description(rule.action);
    format!("| {text} | {viewer} | {operator} | {editor} | {} | {admin} | {limited} |", mark(with_grant))
}

fn actions_table() -> String {
    let mut table = "| action | viewer | operator | editor | editor with a grant | admin | limited to tags |\n".to_owned();
    table.push_str("| --- | :-: | :-: | :-: | :-: | :-: | :-: |\n");
    for rule in &RULES {
        table.push_str(&action_row(rule));
        table.push('\n');
    }
    table
}

/// One row per API operation, from the first row of the operation in [`ROWS`].
fn operations_table() -> String {
    let operations = described();
    let mut table = "| operation | request | viewer | operator | editor | editor with a grant | admin |\n".to_owned();
    table.push_str("| --- | --- | :-: | :-: | :-: | :-: | :-: |\n");
    let mut seen = Vec::new();
    for (name, _, _, statuses) in ROWS {
        if seen.contains(name) {
            continue;
        }
        seen.push(*name);
        let (method, path) = &operations[*name];
        let marks: Vec<&str> = statuses[1..].iter().map(|status| mark(*status != 403)).collect();
        writeln!(table, "| `{name}` | `{method} {path}` | {} |", marks.join(" | ")).expect("writes to a string");
    }
    table
}

/// Replaces the text between `<!-- generated: name -->` and the next `<!-- end -->`.
fn replace_part(document: &str, name: &str, table: &str) -> String {
    let start = format!("<!-- generated: {name} -->\n");
    let (before, rest) = document.split_once(&start).unwrap_or_else(|| panic!("{FILE} lacks the mark {start}"));
    let (_, after) = rest.split_once("<!-- end -->").unwrap_or_else(|| panic!("{FILE} lacks <!-- end --> after {start}"));
    format!("{before}{start}{table}<!-- end -->{after}")
}

#[test]
fn docs_tables_are_up_to_date() {
    let committed = std::fs::read_to_string(FILE).expect("docs/permissions.md is readable").replace("\r\n", "\n");
    let renewed = replace_part(&committed, "actions", &actions_table());
    let renewed = replace_part(&renewed, "operations", &operations_table());
    if std::env::var_os("BELFRY_WRITE_DOCS").is_some() {
        std::fs::write(FILE, &renewed).expect("docs/permissions.md is writable");
        return;
    }
    assert!(committed == renewed, "the tables of docs/permissions.md are stale; renew them with `{RENEW}`");
}
