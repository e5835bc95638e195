//! Crontab parser, for user crontabs and the system crontab (`/etc/crontab`, with a user column): each line becomes a task that runs
//! its command in a shell, with the variables set above it. Lines without an equivalent are reported.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use serde_json::{Value, json};

use super::to_id;
use crate::domain::trigger::{Trigger, parse_zone};

/// A parsed crontab.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Crontab {
    pub entries: Vec<Entry>,
    /// Messages about lines that cannot be migrated or that change their meaning, with their line numbers.
    pub notes: Vec<(usize, String)>,
}

/// A task and the line it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub line: usize,
    pub task: Value,
}

/// Options of [`read`].
#[derive(Debug, Clone, Copy)]
pub struct CrontabOptions {
    /// Whether the sixth column is a user.
    pub system: bool,
    /// The default time zone, used until the crontab sets one.
    pub zone: Tz,
}

/// The variables and ids seen so far.
struct State {
    variables: BTreeMap<String, String>,
    zone: Tz,
    shell: Option<&'static str>,
    ids: BTreeMap<String, usize>,
}

/// Parses a crontab.
pub fn read(text: &str, options: CrontabOptions) -> Crontab {
    let mut state = State { variables: BTreeMap::new(), zone: options.zone, shell: None, ids: BTreeMap::new() };
    let mut found = Crontab::default();
    for (number, line) in text.lines().enumerate().map(|(place, line)| (place + 1, line.trim())) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let read = match assignment(line) {
            Some((name, value)) => state.set(&name, value).map(|()| None),
            None => state.entry(line, options).map(Some),
        };
        match read {
            Ok(Some((task, notes))) => {
                found.entries.push(Entry { line: number, task });
                found.notes.extend(notes.into_iter().map(|note| (number, note)));
            }
            Ok(None) => {}
            Err(what) => found.notes.push((number, what)),
        }
    }
    found
}

/// Parses `NAME = value`; both may be quoted.
fn assignment(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once('=')?;
    let name = unquoted(name.trim());
    let plain = !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !name.starts_with(|c: char| c.is_ascii_digit());
    plain.then(|| (name.to_owned(), unquoted(value.trim()).to_owned()))
}

fn unquoted(text: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
            return inner;
        }
    }
    text
}

impl State {
    fn set(&mut self, name: &str, value: String) -> Result<(), String> {
        match name {
            "CRON_TZ" | "TZ" => {
                self.zone = parse_zone(&value).map_err(|what| format!("{name}: {what}; the previous zone stays in effect"))?;
                if name == "TZ" {
                    self.variables.insert(name.to_owned(), value);
                }
            }
            "SHELL" => match value.rsplit('/').next() {
                Some("sh" | "dash" | "ash") => self.shell = None,
                Some("bash") => self.shell = Some("bash"),
                _ => return Err(format!("SHELL: {value} is not supported; the lines below run with sh")),
            },
            "MAILTO" if value.is_empty() => {}
            "MAILTO" => {
                return Err(format!("MAILTO: output is not mailed to {value}; it is stored with each run"));
            }
            _ => drop(self.variables.insert(name.to_owned(), value)),
        }
        Ok(())
    }

    fn entry(&mut self, line: &str, options: CrontabOptions) -> Result<(Value, Vec<String>), String> {
        // A leading dash turns off logging in some implementations.
        let line = line.strip_prefix('-').unwrap_or(line);
        let columns = if line.starts_with('@') { 1 } else { 5 };
        let (schedule, rest) = columns_of(line, columns).ok_or("the line has no command")?;
        let mut notes = Vec::new();
        let command = match options.system {
            true => {
                let (user, command) = columns_of(rest, 1).ok_or("the line has no command")?;
                if user != "root" {
                    notes.push(format!("it ran as {user}; its task runs as the account of the server"));
                }
                command
            }
            false => rest,
        };
        if command.is_empty() {
            return Err("the line has no command".to_owned());
        }
        let trigger = self.trigger(&schedule)?;
        let (command, input) = split_input(command);
        if command.trim().is_empty() {
            return Err("the line has no command".to_owned());
        }
        let mut params = json!({"command": raw(&command)});
        if let Some(input) = input {
            params["stdin"] = raw(&input).into();
        }
        if let Some(shell) = self.shell {
            params["shell"] = shell.into();
        }
        if !self.variables.is_empty() {
            params["env"] = self.variables.iter().map(|(name, value)| (name.clone(), Value::from(raw(value)))).collect();
        }
        let name: String = command.chars().filter(|c| !c.is_control()).take(200).collect();
        let task = json!({"id": self.id(&command), "name": name, "tags": ["crontab"], "type": "send_cmd", "trigger": trigger, "params": params});
        Ok((task, notes))
    }

    fn trigger(&self, schedule: &str) -> Result<Value, String> {
        if schedule.eq_ignore_ascii_case("@reboot") {
            return Err(
                "@reboot has no equivalent: start the command with the system, or run a task manually after a start".to_owned()
            );
        }
        let trigger = json!({"type": "cron", "expression": schedule, "timezone": self.zone.name()});
        match Trigger::parse(&trigger, self.zone) {
            Ok(_) => Ok(trigger),
            Err(faults) => Err(faults.into_iter().map(|fault| fault.message.to_string()).collect::<Vec<_>>().join("; ")),
        }
    }

    /// Returns an id derived from the program's name, with a number from the second use of a name on.
    fn id(&mut self, command: &str) -> String {
        let words = command.split_whitespace().skip_while(|word| word.contains('=') || matches!(*word, "cd" | "test" | "["));
        let word = words.map(|word| word.rsplit('/').next().unwrap_or(word)).find(|word| word.chars().any(char::is_alphanumeric));
        let base = to_id(word.unwrap_or("task"));
        let count = self.ids.entry(base.clone()).or_default();
        *count += 1;
        if *count == 1 { base } else { format!("{base}-{count}") }
    }
}

/// Splits off the first `count` columns, joined by blanks, and returns them with the rest.
fn columns_of(line: &str, count: usize) -> Option<(String, &str)> {
    let (mut columns, mut rest) = (Vec::new(), line.trim_start());
    for _ in 0..count {
        let end = rest.find([' ', '\t'])?;
        columns.push(&rest[..end]);
        rest = rest[end..].trim_start();
    }
    Some((columns.join(" "), rest))
}

/// Splits a command from its standard input: the first `%` ends the command, each further `%` is a line break, `\%` is a literal `%`.
fn split_input(command: &str) -> (String, Option<String>) {
    let (mut parts, mut escaped) = (vec![String::new()], false);
    for c in command.chars() {
        match (c, escaped) {
            ('%', true) => {
                if let Some(part) = parts.last_mut() {
                    part.pop();
                    part.push('%');
                }
            }
            ('%', false) => parts.push(String::new()),
            (c, _) => parts.last_mut().into_iter().for_each(|part| part.push(c)),
        }
        escaped = c == '\\';
    }
    let input = parts.split_off(1);
    let command = parts.pop().unwrap_or_default();
    (command, (!input.is_empty()).then(|| format!("{}\n", input.join("\n"))))
}

/// Escapes text that would otherwise be rendered as a template.
fn raw(text: &str) -> String {
    let is_template = ["{{", "{%", "{#"].iter().any(|mark| text.contains(mark));
    if is_template { format!("{{% raw %}}{text}{{% endraw %}}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: CrontabOptions = CrontabOptions { system: false, zone: Tz::UTC };

    fn tasks(text: &str, options: CrontabOptions) -> Vec<Value> {
        read(text, options).entries.into_iter().map(|entry| entry.task).collect()
    }

    #[test]
    fn entries_use_the_variables_set_above_them() {
        let text = "# backups\nSHELL=/bin/bash\nPATH = \"/usr/bin:/bin\"\nMAILTO=\"\"\n0 3 * * * /opt/backup.sh --all\nCRON_TZ=Asia/Shanghai\n*/5 8-18 * * Mon-Fri cd /srv && ./tick >> log 2>&1\n@daily /opt/backup.sh\n";
        let tasks = tasks(text, USER);
        assert_eq!(tasks.len(), 3);
        assert_eq!(
            tasks[0],
            json!({"id": "backup.sh", "name": "/opt/backup.sh --all", "tags": ["crontab"], "type": "send_cmd",
            "trigger": {"type": "cron", "expression": "0 3 * * *", "timezone": "UTC"},
            "params": {"command": "/opt/backup.sh --all", "shell": "bash", "env": {"PATH": "/usr/bin:/bin"}}})
        );
        assert_eq!(
            tasks[1]["trigger"],
            json!({"type": "cron", "expression": "*/5 8-18 * * Mon-Fri", "timezone": "Asia/Shanghai"})
        );
        assert_eq!((&tasks[2]["id"], &tasks[2]["trigger"]["expression"]), (&json!("backup.sh-2"), &json!("@daily")));
    }

    #[test]
    fn system_crontab_has_a_user_column() {
        let text = "17 * * * * root run-parts /etc/cron.hourly\n0 0 * * 7 www-data /opt/x\n";
        let found = read(text, CrontabOptions { system: true, zone: Tz::UTC });
        assert_eq!(found.entries[0].task["params"]["command"], "run-parts /etc/cron.hourly");
        assert_eq!(found.notes, [(2, "it ran as www-data; its task runs as the account of the server".to_owned())]);
    }

    #[test]
    fn percent_sign_ends_the_command() {
        let tasks = tasks("0 0 * * * mail -s \"100\\% done\" root%Hello%%there\n1 0 * * * date +\\%F\n", USER);
        assert_eq!(tasks[0]["params"], json!({"command": "mail -s \"100% done\" root", "stdin": "Hello\n\nthere\n"}));
        assert_eq!(tasks[1]["params"], json!({"command": "date +%F"}));
    }

    #[test]
    fn unsupported_lines_are_reported_with_their_line_numbers() {
        let text = "MAILTO=ops@example.com\n@reboot /opt/start\n61 * * * * x\n* * * *\nSHELL=/usr/bin/fish\nTZ=Mars/Phobos\n0 8 * * * docker ps --format '{{.ID}}'\n";
        let found = read(text, USER);
        let lines: Vec<usize> = found.notes.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [1, 2, 3, 4, 5, 6], "{:?}", found.notes);
        assert!(found.notes[1].1.contains("@reboot has no equivalent"));
        assert!(found.notes[2].1.contains("minute: 61 is not between 0 and 59"), "{:?}", found.notes[2]);
        assert_eq!(found.entries[0].task["params"]["command"], "{% raw %}docker ps --format '{{.ID}}'{% endraw %}");
    }
}
