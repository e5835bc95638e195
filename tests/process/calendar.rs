//! `belfry calendar` and `belfry freeze` on a local database.

use serde_json::Value;

use crate::cli::local;

#[test]
fn calendars_are_created_imported_and_exported() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let run = |arguments: &[&str]| local(folder.path(), arguments);
    std::fs::write(
        folder.path().join("team.yaml"),
        "name: team\nbase: cn\nclosures:\n  - {window: Sat 22:00-Sun 02:00, name: Maintenance}\n",
    )
    .expect("writes");
    let path = |name: &str| folder.path().join(name).display().to_string();
    run(&["task", "add", "a", "--type", "echo", "--param", "message=x", "--every", "1h"]).ok();
    assert!(run(&["calendar", "create", "-f", &path("team.yaml")]).ok().contains("calendar team saved"));
    assert!(run(&["calendar", "create", "team"]).failed_with(5).contains("there is a calendar 'team' already"));
    let list = run(&["calendar", "list"]).ok();
    assert!(["cn", "weekdays", "every_day", "team"].iter().all(|name| list.contains(name)), "{list}");
    let days = run(&["calendar", "days", "team", "--from", "2026-10-01", "--to", "2026-10-10", "--exceptions"]).ok();
    assert!(days.contains("National Day") && days.contains("2026-10-10"), "{days}");
    std::fs::write(folder.path().join("days.csv"), "2026-10-10,off,Closed\n").expect("writes");
    assert!(run(&["calendar", "import", "team", &path("days.csv"), "--dry-run"]).ok().contains("days to import into team: 1;"));
    assert!(run(&["calendar", "import", "team", &path("days.csv")]).ok().contains("days imported into team: 1;"));
    run(&["calendar", "export", "team", "-o", &path("team.json")]).ok();
    let exported: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.path().join("team.json")).expect("reads")).expect("JSON");
    assert_eq!((&exported["dates"][0]["name"], &exported["version"]), (&"Closed".into(), &Value::Null));
    run(&["calendar", "create", "-f", &path("team.json"), "--replace"]).ok();
    assert!(run(&["calendar", "versions", "team"]).ok().contains("3"));
    assert!(run(&["calendar", "restore", "team", "1", "--dry-run"]).ok().contains("would be restored to version 1"));
    assert!(run(&["calendar", "restore", "team", "1", "--yes"]).ok().contains("restored to version 1"));
    assert!(run(&["calendar", "restore", "team", "9", "--yes"]).failed_with(3).contains("no version 9"));
    run(&["calendar", "delete", "team", "--yes"]).ok();
    assert!(run(&["calendar", "show", "team"]).failed_with(3).contains("there is no calendar 'team'"));
}

#[test]
fn freezes_begin_and_end() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let run = |arguments: &[&str]| local(folder.path(), arguments);
    run(&["task", "add", "a", "--type", "echo", "--param", "message=x", "--every", "1h"]).ok();
    #[expect(clippy::disallowed_methods, reason = "the program under test uses the real clock")]
    let until = (chrono::Utc::now() + chrono::Duration::days(2)).format("%F %H:%M").to_string();
    let begun = run(&["freeze", "begin", "--until", &until, "--reason", "Closing", "--json"]).ok();
    let begun: Value = serde_json::from_str(&begun).expect("JSON");
    let id = begun["id"].as_str().expect("an id");
    assert!(run(&["freeze", "list"]).ok().contains("Closing"));
    assert!(run(&["freeze", "begin", "--until", "2020-01-01", "--reason", "x"]).failed_with(2).contains("until"));
    run(&["freeze", "end", id]).ok();
    assert!(!run(&["freeze", "list"]).ok().contains("Closing"));
    assert!(run(&["freeze", "list", "--all"]).ok().contains("Closing"));
    run(&["freeze", "end", id]).failed_with(5);
}
