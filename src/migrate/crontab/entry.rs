//! Entries of crontabs as tasks: the command, its shell, folder, environment and standard input.

use serde_json::{Map, Value, json};

use super::Environment;
use super::options::CrontabOptions;
use super::program::program_name;
use super::schedule::{self, Columns};
use super::variables::{DEFAULT_SHELL, Variables};
use crate::i18n::{Message, message};
use crate::migrate::cron_rule::Dialect;
use crate::migrate::{Entry, ImportContext, PREVIEW_COUNT, check_trigger, escape_templates, to_name};

/// The path that cron sets.
const DEFAULT_PATH: &str = "/usr/bin:/bin";

/// Reads the entries of one crontab.
#[derive(Clone, Copy)]
pub(super) struct Reader<'r> {
    pub options: &'r CrontabOptions,
    pub context: ImportContext<'r>,
    pub is_system: bool,
}

/// What an entry runs.
struct Job<'l> {
    user: Option<String>,
    command: &'l str,
    /// Whether the entry forbids a second run beside the first.
    alone: bool,
    notes: Vec<Message>,
}

/// The paused form of an entry.
pub(super) fn paused(mut entry: Entry) -> Entry {
    for task in &mut entry.tasks {
        task["enabled"] = false.into();
    }
    entry
}

impl Reader<'_> {
    /// Whether a line is an entry that can be migrated.
    pub fn reads(self, line: &str, variables: &Variables) -> bool {
        let columns = schedule::columns(line, self.options, variables.is_anacron);
        columns.is_ok_and(|columns| self.job(&columns).is_ok())
    }

    /// Reads an entry.
    ///
    /// # Errors
    /// Why the line is left out.
    pub fn entry(self, line: &str, variables: &Variables, description: &str, place: Message) -> Result<Entry, Message> {
        let columns = schedule::columns(line, self.options, variables.is_anacron)?;
        let zone = variables.zone.clone().map_err(|reason| message!("crontab.no_zone", reason))?;
        let Job { user, command, alone, mut notes } = self.job(&columns)?;
        let (command, input) = split_input(command);
        let command = command.trim();
        if command.is_empty() {
            return Err(message!("crontab.no_command"));
        }
        if columns.dialect == Dialect::Quartz {
            notes.push(message!("crontab.quartz"));
        }
        let mut trigger = json!({"type": "cron", "expression": &columns.schedule, "timezone": zone.name()});
        if columns.dialect != Dialect::Crontab || check_trigger(&trigger, zone).is_err() {
            trigger = columns.rule.trigger(zone)?;
        }
        if variables.random_delay > 0 {
            trigger["jitter"] = (variables.random_delay * 60).into();
        }
        let name = program_name(command, &variables.environment).unwrap_or_else(|| "task".to_owned());
        let mut task = json!({"id": self.context.origin.id_of_text(&name, line), "name": to_name(&name), "type": "send_cmd"});
        if !description.is_empty() {
            task["description"] = description.into();
        }
        task["trigger"] = trigger;
        task["params"] = self.params(command, input.as_deref(), user.as_deref(), variables);
        task["policy"] = self.options.policy(alone).build();
        let firings = columns.rule.firings(zone, self.context.now, PREVIEW_COUNT);
        Ok(Entry { place, command: command.to_owned(), tasks: vec![task], notes, firings })
    }

    /// Splits user, options and command.
    fn job<'l>(self, columns: &Columns<'l>) -> Result<Job<'l>, Message> {
        let mut job = Job { user: self.options.user.clone(), command: columns.rest, alone: false, notes: Vec::new() };
        if self.is_system {
            let (column, command) = schedule::split_columns(columns.rest, 1).ok_or_else(|| message!("crontab.no_command"))?;
            let user = schedule::user_name(&column);
            if !self.options.users.accepts(user) {
                return Err(message!("crontab.unknown_user", user));
            }
            if user != "root" && !self.options.runuser {
                job.notes.push(message!("crontab.runs_as_server", user));
            }
            (job.user, job.command) = (Some(user.to_owned()), command);
        } else if let Some(user) = schedule::begins_with_user(columns.rest, self.options) {
            return Err(message!("crontab.begins_with_user", user));
        }
        job.skip_options();
        let is_empty = job.command.is_empty() || job.command.starts_with('%');
        if is_empty { Err(message!("crontab.no_command")) } else { Ok(job) }
    }

    fn params(self, command: &str, input: Option<&str>, user: Option<&str>, variables: &Variables) -> Value {
        let environment = self.environment(user, variables);
        let shell = variables.shell.as_str();
        let other_user = user.filter(|user| self.is_system && self.options.runuser && *user != "root");
        let command = escape_templates(command);
        let mut params = Map::new();
        match (other_user, shell.rsplit('/').next()) {
            (Some(user), _) => {
                params.insert("command".to_owned(), json!(["runuser", "-u", user, "--", shell, "-c", command]));
            }
            (None, Some("sh" | "dash" | "ash")) => drop(params.insert("command".to_owned(), command.into())),
            (None, Some("bash")) => {
                params.insert("command".to_owned(), command.into());
                params.insert("shell".to_owned(), "bash".into());
            }
            (None, _) => drop(params.insert("command".to_owned(), json!([shell, "-c", command]))),
        }
        if let Some(home) = environment.get("HOME") {
            params.insert("cwd".to_owned(), escape_templates(home).into());
        }
        let environment = environment.iter().map(|(name, value)| (name.clone(), Value::from(escape_templates(value))));
        params.insert("env".to_owned(), environment.collect());
        if let Some(input) = input {
            params.insert("stdin".to_owned(), escape_templates(input).into());
        }
        Value::Object(params)
    }

    /// The environment that cron gives to a command.
    fn environment(self, user: Option<&str>, variables: &Variables) -> Environment {
        let mut environment = Environment::from([("PATH".to_owned(), DEFAULT_PATH.to_owned())]);
        let own_home = if self.is_system { None } else { self.options.home.as_deref() };
        let home = own_home.or_else(|| user.and_then(|user| self.options.users.home(user))).or(self.options.home.as_deref());
        let given = [("HOME", home), ("LOGNAME", user), ("USER", user)];
        environment.extend(given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))));
        environment.extend(variables.environment.clone());
        if variables.shell != DEFAULT_SHELL {
            environment.insert("SHELL".to_owned(), variables.shell.clone());
        }
        environment.extend(self.options.environment.clone());
        environment
    }
}

impl Job<'_> {
    /// Takes the options that BSD's cron allows before a command: `-n` (mail only after a failure), `-q` (no log), `-s` (one at a time).
    fn skip_options(&mut self) {
        while let Some(option) = ["-n", "-q", "-s"]
            .into_iter()
            .find(|option| self.command.strip_prefix(option).is_some_and(|rest| rest.starts_with([' ', '\t'])))
        {
            self.alone |= option == "-s";
            self.notes.push(message!("crontab.bsd_option", option));
            self.command = self.command[2..].trim_start();
        }
    }
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
