use chrono_tz::Tz;
use serde_json::{Value, json};

use super::*;
use crate::migrate::Origin;

const PASSWD: &str =
    "root:x:0:0:root:/root:/bin/bash\nmail:x:8:8::/var/mail:/usr/sbin/nologin\nwww-data:x:33:33::/var/www:/bin/sh\n";

fn options() -> CrontabOptions {
    CrontabOptions {
        users: Users::parse(PASSWD),
        user: Some("ops".into()),
        home: Some("/home/ops".into()),
        ..CrontabOptions::default()
    }
}

fn found_with(text: &str, options: &CrontabOptions) -> Found {
    let origin = Origin::new("crontab", "-", None, None);
    let now = "2026-03-01T00:00:00Z".parse().unwrap();
    read(text, options, ImportContext { origin: &origin, zone: Tz::UTC, now })
}

fn found(text: &str) -> Found {
    found_with(text, &options())
}

/// The tasks of a text of which nothing is left out.
fn tasks(text: &str) -> Vec<Value> {
    let found = found(text);
    assert_eq!(found.left_out, []);
    found.entries.into_iter().flat_map(|entry| entry.tasks).collect()
}

/// Place and code of what is left out.
fn left_out(text: &str) -> Vec<(String, String)> {
    let code = |message: &Message| if message.code() == "field" { message.to_string() } else { message.code().to_owned() };
    found(text).left_out.iter().map(|remark| (remark.place.to_string(), code(&remark.message))).collect()
}

#[test]
fn entries_run_as_under_cron() {
    let tasks = tasks(
        "SHELL=/bin/bash\nPATH = \"/opt/bin:/bin\"\nMAILTO=\"\"\n# Nightly backup\n# of all databases\n0 3 * * * /opt/backup.sh --all\n\
         SHELL=/bin/sh\nCRON_TZ=Asia/Shanghai\nTZ=America/New_York\n*/5 8-18 * * Mon-Fri cd /srv && ./tick >> log 2>&1\n",
    );
    assert_eq!(tasks.len(), 2);
    let id = tasks[0]["id"].as_str().unwrap();
    assert!(id.starts_with("backup.sh-") && id.len() == "backup.sh-".len() + 8, "{id}");
    let (name, description) = (&tasks[0]["name"], &tasks[0]["description"]);
    assert_eq!((name, description), (&json!("backup.sh"), &json!("Nightly backup\nof all databases")));
    assert_eq!(tasks[0]["trigger"], json!({"type": "cron", "expression": "0 3 * * *", "timezone": "UTC"}));
    assert_eq!(
        tasks[0]["params"],
        json!({"command": "/opt/backup.sh --all", "shell": "bash", "cwd": "/home/ops",
            "env": {"HOME": "/home/ops", "LOGNAME": "ops", "MAILTO": "", "PATH": "/opt/bin:/bin", "SHELL": "/bin/bash", "USER": "ops"}})
    );
    assert_eq!(tasks[0]["policy"], json!({"timeout_seconds": null, "misfire_grace_seconds": 10, "on_overlap": "allow"}));
    // CRON_TZ moves the schedule, TZ is only a variable; the shell is the one set last.
    assert_eq!(tasks[1]["trigger"]["timezone"], "Asia/Shanghai");
    assert_eq!((&tasks[1]["params"]["env"]["TZ"], &tasks[1]["params"]["shell"]), (&json!("America/New_York"), &Value::Null));
}

#[test]
fn policy_can_be_changed() {
    let options = CrontabOptions { timeout: Some(60), max_instances: Some(1), catch_up: Some(3600), ..options() };
    let task = found_with("* * * * * x", &options).entries.remove(0).tasks.remove(0);
    assert_eq!(task["policy"], json!({"timeout_seconds": 60, "misfire_grace_seconds": 3600, "max_instances": 1}));
}

#[test]
fn ids_follow_the_line_and_not_its_place() {
    let ids = |text: &str| -> Vec<String> { tasks(text).iter().map(|task| task["id"].to_string()).collect() };
    let before = ids("0 1 * * * /opt/a.sh\n0 2 * * * /opt/a.sh\n");
    let after = ids("0 5 * * * /opt/b.sh\n\n0 2 * * * /opt/a.sh\n0 1 * * * /opt/a.sh\n");
    assert_eq!((&before[0], &before[1]), (&after[2], &after[1]));
    assert_ne!(before[0], before[1]);
}

#[test]
fn other_shells_are_started_by_their_path() {
    let tasks = tasks("SHELL=/usr/bin/zsh\n0 0 * * * print -l {{x}}\n");
    assert_eq!(tasks[0]["params"]["command"], json!(["/usr/bin/zsh", "-c", "{% raw %}print -l {{x}}{% endraw %}"]));
}

#[test]
fn percent_sign_ends_the_command() {
    let tasks = tasks("0 0 * * * mail -s \"100\\% done\" ops%Hello%%there\n1 0 * * * date +\\%F\n");
    let part = |task: &Value, name: &str| task["params"][name].clone();
    assert_eq!(
        (part(&tasks[0], "command"), part(&tasks[0], "stdin")),
        (json!("mail -s \"100% done\" ops"), json!("Hello\n\nthere\n"))
    );
    assert_eq!(part(&tasks[1], "command"), "date +%F");
}

#[test]
fn system_crontab_is_recognised_by_accounts() {
    let text = "17 * * * * root cd / && run-parts --report /etc/cron.hourly\n0 0 * * 7 www-data /opt/x\n";
    let found = found(text);
    assert_eq!(found.left_out, []);
    assert_eq!(found.notes[0].message.code(), "crontab.read_as_system");
    assert_eq!(found.entries[0].tasks[0]["params"]["command"], "cd / && run-parts --report /etc/cron.hourly");
    assert_eq!(found.entries[0].tasks[0]["params"]["cwd"], "/root");
    assert_eq!(found.entries[1].notes[0].code(), "crontab.runs_as_server");
    let runuser = CrontabOptions { runuser: true, ..options() };
    let command = &found_with(text, &runuser).entries[1].tasks[0]["params"]["command"];
    assert_eq!(*command, json!(["runuser", "-u", "www-data", "--", "/bin/sh", "-c", "/opt/x"]));
    let forced = CrontabOptions { system: Some(true), ..options() };
    assert_eq!(found_with("0 0 * * * nobody2 /opt/x\n", &forced).left_out[0].message.code(), "crontab.unknown_user");
    // A user's crontab may run the program mail.
    assert_eq!(tasks("0 8 * * * mail -s hi ops\n")[0]["name"], "mail");
    assert_eq!(left_out("0 8 * * * /opt/x\n0 9 * * * root /opt/y\n"), [("line 2".into(), "crontab.begins_with_user".into())]);
}

#[test]
fn commented_out_entries_become_paused_tasks_on_request() {
    let text = "# m h  dom mon dow   command\n#0 4 * * * /opt/old.sh\n# at 5 * we start\n5 4 * * * /opt/new.sh\n";
    let found = found(text);
    assert_eq!((found.entries.len(), found.notes[0].message.code()), (1, "crontab.commented_out"));
    assert_eq!(found.entries[0].tasks[0]["description"], "at 5 * we start");
    let all = found_with(text, &CrontabOptions { commented: true, ..options() });
    assert_eq!((all.entries.len(), &all.entries[0].tasks[0]["enabled"]), (2, &json!(false)));
    // Its id is that of the entry in force.
    let active = tasks("0 4 * * * /opt/old.sh\n");
    assert_eq!(all.entries[0].tasks[0]["id"], active[0]["id"]);
}

#[test]
fn other_dialects_are_understood_or_left_out() {
    let trigger = |line: &str| tasks(line)[0]["trigger"]["expression"].clone();
    assert_eq!(trigger("0 0 12 ? * 2-6 /opt/x"), "0 12 * * mon-fri");
    assert_eq!(trigger("0 0/15 8 * * ? 2027-2030 /opt/x"), Value::Null);
    assert_eq!(trigger("@every_minute /opt/x"), "* * * * *");
    assert_eq!(trigger("@Daily /opt/x"), "@Daily");
    assert_eq!(trigger("-*/15 * * * * /opt/x"), "*/15 * * * *");
    for (line, code) in [
        ("@reboot /opt/x", "crontab.reboot"),
        ("*/10 * * * * * /opt/x", "crontab.six_fields"),
        ("H 3 * * * /opt/x", "crontab.jenkins"),
        ("H(0-29)/10 * * * * /opt/x", "crontab.jenkins"),
        ("0~59 * * * * /opt/x", "crontab.random"),
        ("1 5 cron.daily run-parts /etc/cron.daily", "crontab.anacron"),
        ("@monthly 45 cron.monthly run-parts /etc/cron.monthly", "crontab.anacron"),
        ("export A=1", "crontab.export"),
        ("@600 /opt/x", "migrate.cron_unknown_macro"),
        ("* * * *", "crontab.no_command"),
        ("0 0 * * *  ", "crontab.no_command"),
        ("0 0 * * * %input", "crontab.no_command"),
        ("61 * * * * x", "minute: cannot read '61'"),
        ("0 0 ? * 1 /opt/x", "day: cannot read '?'"),
        ("RANDOM_DELAY=soon", "crontab.random_delay"),
    ] {
        assert_eq!(left_out(line), [("line 1".to_owned(), code.to_owned())], "{line}");
    }
    let seconds = CrontabOptions { seconds: true, ..options() };
    let found = found_with("*/10 * * * * * /opt/x\n", &seconds);
    assert_eq!(found.entries[0].tasks[0]["trigger"]["expression"], "*/10 * * * * *");
}

#[test]
fn continued_lines_are_left_out_as_a_whole() {
    let text = "0 3 * * * docker run \\\n  -e A=1 \\\nB=2 image\n0 4 * * * /opt/x\nC=3\n";
    let found = found(text);
    assert_eq!(found.left_out.iter().map(|remark| remark.place.to_string()).collect::<Vec<_>>(), ["line 1", "line 2", "line 3"]);
    assert_eq!(found.entries.len(), 1);
}

#[test]
fn invalid_zone_leaves_out_the_lines_below_it() {
    let codes = left_out("0 1 * * * a\nCRON_TZ=Mars/Phobos\n0 2 * * * b\nCRON_TZ=UTC\n0 3 * * * c\n");
    assert_eq!(codes.iter().map(|(place, _)| place.as_str()).collect::<Vec<_>>(), ["line 2", "line 3"]);
}

#[test]
fn cron_options_before_a_command_are_not_part_of_it() {
    let tasks = tasks("0 0 * * * -n -q -s /opt/x\nRANDOM_DELAY=5\n0 1 * * * y\n");
    assert_eq!((&tasks[0]["params"]["command"], &tasks[0]["policy"]["max_instances"]), (&json!("/opt/x"), &json!(1)));
    assert_eq!(tasks[1]["trigger"]["jitter"], 300);
}

#[test]
fn firings_of_cron_are_those_of_the_tasks() {
    let text = "*/7 */5 * * * a\n0 0 13 * 5 b\n0 0 */20 * mon c\n0 8 * * 7 d\n*/90 4 1-9/3 feb,dec * e\n@weekly f\n";
    for entry in found(text).entries {
        let from = entry.firings[0] - chrono::Duration::milliseconds(1);
        let here = crate::migrate::firings(&entry.tasks[0]["trigger"], Tz::UTC, from, 10).unwrap();
        assert_eq!(entry.firings, here, "{}", entry.command);
    }
}

#[test]
fn lines_with_the_same_command_become_rules_on_request() {
    let crontab = "0 8 * * * /usr/bin/report --daily\n# evening\n0 20 * * * /usr/bin/report --daily\n0 9 * * * /usr/bin/other\n";
    let plain = found(crontab);
    let merged = found_with(crontab, &CrontabOptions { merge: true, ..options() });
    assert_eq!((plain.entries.len(), merged.entries.len()), (3, 2));
    let task = &merged.entries[0].tasks[0];
    assert_eq!(task["id"], plain.entries[0].tasks[0]["id"], "the id of the first line");
    let expressions: Vec<&Value> =
        task["triggers"].as_array().unwrap().iter().map(|rule| &rule["trigger"]["expression"]).collect();
    assert_eq!(expressions, ["0 8 * * *", "0 20 * * *"]);
    assert_eq!(merged.entries[1].tasks[0], plain.entries[2].tasks[0]);
    assert!(merged.entries[0].firings.is_sorted());
}
