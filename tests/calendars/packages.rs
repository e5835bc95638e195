//! The built-in `cn`, day by day, against PyPI's `chinesecalendar` and npm's `chinese-days`.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use belfry::domain::calendar::{CalendarSet, Source};
use chrono::NaiveDate;

use crate::support::venv::venv;

const PACKAGES: [&str; 1] = ["chinesecalendar==1.11.0"];
/// Prints each day as the package knows it: `2026-10-10 work National Day`.
const PYTHON: &str = "
import chinese_calendar as calendar, datetime, sys
first, last = (datetime.date.fromisoformat(text) for text in sys.argv[1:])
names = {**calendar.holidays, **calendar.workdays}
day = first
while day <= last:
    print(day, 'work' if calendar.is_workday(day) else 'off', getattr(names.get(day), 'value', names.get(day)) or '')
    day += datetime.timedelta(days=1)
";

fn days(output: &str) -> BTreeMap<NaiveDate, (bool, String)> {
    let day = |line: &str| {
        let mut parts = line.splitn(3, ' ');
        let date = parts.next()?.parse().ok()?;
        let working = parts.next()? == "work";
        Some((date, (working, parts.next().unwrap_or_default().trim().to_owned())))
    };
    output.lines().filter_map(day).collect()
}

fn run(command: &mut Command) -> String {
    let output = command.output().expect("runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The name as the package writes it.
fn package_name(name: &str) -> &str {
    match name {
        "Qingming Festival" => "Tomb-sweeping Day",
        "Mid-Autumn Festival" => "Mid-autumn Festival",
        "Victory Day" => "Anti-Fascist 70th Day",
        other => other,
    }
}

#[test]
fn cn_agrees_with_chinesecalendar_on_every_day_from_2004_to_2026() {
    let Some(python) = venv(&PACKAGES) else { return };
    let known = days(&run(Command::new(python).args(["-c", PYTHON, "2004-01-01", "2026-12-31"])));
    assert_eq!(known.len(), 8401);
    let set = CalendarSet::default();
    for (date, (working, name)) in known {
        let day = set.cn().day(date);
        let own = day.name.as_ref().map(|name| name.message().to_string()).unwrap_or_default();
        assert_eq!((day.working, package_name(&own)), (working, name.as_str()), "{date}");
        assert_ne!(day.source, Source::Provisional, "{date}");
    }
}

#[test]
fn cn_agrees_with_chinese_days_on_every_day_from_2004_to_2026() {
    let Some(folder) = node_packages() else { return };
    let known = days(&run(Command::new("node").current_dir(folder).args(["compare.mjs", "2004-01-01", "2026-12-31"])));
    assert_eq!(known.len(), 8401);
    let set = CalendarSet::default();
    let differing: Vec<_> = known.iter().filter(|(date, (working, _))| set.cn().day(**date).working != *working).collect();
    assert_eq!(differing, Vec::new());
}

/// A folder below `target/` with the npm packages of this folder. `None` if npm or its registry is unavailable: the test prints a
/// line and is skipped. In CI this panics instead.
fn node_packages() -> Option<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/calendars");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("calendar-packages");
    std::fs::create_dir_all(&folder).expect("creates the folder");
    let lock = File::create(folder.join("lock")).expect("creates the lock");
    lock.lock().expect("locks");
    for name in ["package.json", "package-lock.json", ".npmrc", "compare.mjs"] {
        std::fs::copy(source.join(name), folder.join(name)).expect("copies");
    }
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let installed = Command::new(npm).current_dir(&folder).args(["ci", "--silent"]).output();
    match installed {
        Ok(output) if output.status.success() => Some(folder),
        other => {
            assert!(std::env::var_os("CI").is_none(), "npm with chinese-days is required in CI: {other:?}");
            eprintln!("skipped: npm with chinese-days is unavailable");
            None
        }
    }
}
