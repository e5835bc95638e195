use chrono_tz::Tz;

use super::*;
use crate::migrate::{Origin, firings};

const NOW: &str = "2026-03-01T00:00:00Z";

fn export(triggers: &str, more: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-16\"?>\n<Task version=\"1.2\" xmlns=\"http://schemas.microsoft.com/windows/2004/02/mit/task\">
        <RegistrationInfo><URI>\\Ops\\Nightly</URI><Description>a &amp; b</Description></RegistrationInfo>
        <Triggers>{triggers}</Triggers>{more}
        <Actions Context=\"Author\"><Exec><Command>C:\\tools\\x.exe</Command><Arguments>-a \"b c\"</Arguments>
        <WorkingDirectory>C:\\tools</WorkingDirectory></Exec></Actions></Task>"
    )
}

fn found(text: &str) -> Found {
    let origin = Origin::new("schtasks", "x", None, None);
    let context = ImportContext { origin: &origin, zone: Tz::Asia__Shanghai, now: NOW.parse().unwrap() };
    read(text, "file", context).unwrap()
}

/// The firings of all tasks of the only entry are those of Windows.
fn same_firings(triggers: &str, tasks: usize) -> Vec<Value> {
    let found = found(&export(triggers, ""));
    assert_eq!((found.entries.len(), found.left_out.len()), (1, 0), "{:?}", found.left_out);
    let entry = &found.entries[0];
    let from = entry.firings[0] - chrono::Duration::milliseconds(1);
    let mut here: Vec<_> =
        entry.tasks.iter().flat_map(|task| firings(&task["trigger"], Tz::Asia__Shanghai, from, 10).unwrap()).collect();
    here.sort();
    here.dedup();
    here.truncate(10);
    assert_eq!(entry.firings, here, "{triggers}");
    assert_eq!(entry.tasks.len(), tasks, "{triggers}");
    entry.tasks.iter().map(|task| task["trigger"].clone()).collect()
}

fn calendar(start: &str, schedule: &str) -> String {
    format!("<CalendarTrigger><StartBoundary>{start}</StartBoundary>{schedule}</CalendarTrigger>")
}

#[test]
fn calendar_triggers_fire_at_the_same_times() {
    let daily =
        same_firings(&calendar("2025-01-01T03:00:00", "<ScheduleByDay><DaysInterval>1</DaysInterval></ScheduleByDay>"), 1);
    assert_eq!(
        daily[0],
        json!({"type": "cron", "hour": "3", "minute": "0", "second": "0", "start_date": "2025-01-01 03:00:00", "timezone": "Asia/Shanghai"})
    );
    same_firings(&calendar("2025-01-01T03:00:00", "<ScheduleByDay><DaysInterval>3</DaysInterval></ScheduleByDay>"), 1);
    let week = |every: u32| {
        let schedule = format!(
            "<ScheduleByWeek><WeeksInterval>{every}</WeeksInterval><DaysOfWeek><Monday/><Friday/></DaysOfWeek></ScheduleByWeek>"
        );
        calendar("2026-01-07T18:30:00+08:00", &schedule)
    };
    same_firings(&week(1), 1);
    same_firings(&week(2), 2);
    let month = "<ScheduleByMonth><DaysOfMonth><Day>1</Day><Day>Last</Day></DaysOfMonth><Months><March/><June/></Months></ScheduleByMonth>";
    same_firings(&calendar("2026-01-01T00:00:30", month), 1);
    let nth = "<ScheduleByMonthDayOfWeek><Weeks><Week>2</Week><Week>Last</Week></Weeks><DaysOfWeek><Tuesday/></DaysOfWeek></ScheduleByMonthDayOfWeek>";
    same_firings(&calendar("2026-01-01T09:00:00Z", nth), 1);
}

#[test]
fn repetitions_fire_at_the_same_times() {
    let repeated = |start: &str, interval: &str, duration: &str, schedule: &str| {
        let repetition =
            format!("<Repetition><Interval>{interval}</Interval><Duration>{duration}</Duration></Repetition>{schedule}");
        calendar(start, &repetition)
    };
    let daily = "<ScheduleByDay><DaysInterval>1</DaysInterval></ScheduleByDay>";
    same_firings(&repeated("2026-01-01T08:00:00", "PT15M", "PT2H", daily), 1);
    same_firings(&repeated("2026-01-01T08:10:00", "PT20M", "PT1H30M", daily), 2);
    same_firings(&repeated("2026-01-01T03:05:00", "PT10M", "P1D", daily), 1);
    let weekly = "<ScheduleByWeek><DaysOfWeek><Saturday/></DaysOfWeek></ScheduleByWeek>";
    same_firings(&repeated("2026-01-01T22:00:00", "PT1H", "PT4H", weekly), 2);
    same_firings(
        "<TimeTrigger><StartBoundary>2026-01-01T00:07:00</StartBoundary><Repetition><Interval>PT5M</Interval></Repetition></TimeTrigger>",
        1,
    );
}

#[test]
fn settings_become_the_policy() {
    let trigger = "<TimeTrigger><StartBoundary>2027-01-01T00:00:00</StartBoundary></TimeTrigger>";
    let settings = "<Settings><MultipleInstancesPolicy>Parallel</MultipleInstancesPolicy><ExecutionTimeLimit>PT1H</ExecutionTimeLimit>\
        <StartWhenAvailable>true</StartWhenAvailable><Enabled>false</Enabled>\
        <RestartOnFailure><Interval>PT1M</Interval><Count>3</Count></RestartOnFailure></Settings>";
    let task = found(&export(trigger, settings)).entries.remove(0).tasks.remove(0);
    assert_eq!(
        (&task["id"], &task["name"], &task["description"], &task["enabled"]),
        (&json!("schtasks-Ops-Nightly"), &json!("Nightly"), &json!("a & b"), &json!(false))
    );
    assert_eq!(
        task["policy"],
        json!({"on_overlap": "allow", "timeout_seconds": 3600, "misfire_grace_seconds": null,
            "retry": {"max_attempts": 4, "delay_seconds": 60, "backoff": "fixed", "max_delay_seconds": 60}})
    );
    assert_eq!(task["params"], json!({"command": ["C:\\tools\\x.exe", "-a", "b c"], "cwd": "C:\\tools"}));
}

#[test]
fn triggers_without_an_equivalent_are_left_out() {
    let text = export(
        "<BootTrigger/><LogonTrigger></LogonTrigger><TimeTrigger><StartBoundary>2020-01-01T00:00:00</StartBoundary></TimeTrigger>",
        "",
    );
    let found = found(&text);
    assert!(found.entries.is_empty());
    let codes: Vec<&str> = found.left_out.iter().map(|remark| remark.message.code()).collect();
    assert_eq!(codes, ["schtasks.trigger", "schtasks.trigger", "schtasks.passed"]);
}

#[test]
fn several_tasks_are_read_with_their_names() {
    let one = export("<TimeTrigger><StartBoundary>2027-01-01T00:00:00</StartBoundary></TimeTrigger>", "");
    let body = one.split_once('\n').unwrap().1.replace("<URI>\\Ops\\Nightly</URI>", "");
    let all = found(&format!("<Tasks><!-- \\A\\One -->{body}<!-- \\Two -->{body}</Tasks>"));
    let ids: Vec<&Value> = all.entries.iter().map(|entry| &entry.tasks[0]["id"]).collect();
    assert_eq!(ids, ["schtasks-A-One", "schtasks-Two"]);
    let origin = Origin::new("schtasks", "x", None, None);
    let context = ImportContext { origin: &origin, zone: Tz::UTC, now: NOW.parse().unwrap() };
    for text in ["<html/>", "no", "<Task>", "<Task>&x;</Task>"] {
        assert!(read(text, "x", context).is_err(), "{text}");
    }
}
