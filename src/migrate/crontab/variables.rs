//! Variables of crontabs, as they stand at each line.

use chrono_tz::Tz;

use super::Environment;
use crate::domain::trigger::parse_zone;
use crate::i18n::{Message, message};
use crate::migrate::Found;

/// The shell that cron uses unless SHELL names another.
pub(super) const DEFAULT_SHELL: &str = "/bin/sh";

#[derive(Debug, Clone)]
pub(super) struct Variables {
    pub environment: Environment,
    /// The zone of the schedules; the fault of a CRON_TZ that names none.
    pub zone: Result<Tz, Message>,
    pub shell: String,
    /// Minutes by which cronie delays runs at most.
    pub random_delay: i64,
    /// Whether the file has settings of anacron.
    pub is_anacron: bool,
}

impl Variables {
    pub fn new(zone: Tz) -> Variables {
        Variables {
            environment: Environment::new(),
            zone: Ok(zone),
            shell: DEFAULT_SHELL.to_owned(),
            random_delay: 0,
            is_anacron: false,
        }
    }

    /// Sets a variable, and notes what it does not do here.
    pub fn set(&mut self, name: &str, value: &str, place: Message, found: &mut Found) {
        match name {
            "CRON_TZ" => {
                self.zone = parse_zone(value);
                if let Err(reason) = &self.zone {
                    found.leave_out(place, reason.clone().of("CRON_TZ"));
                }
                return;
            }
            "SHELL" if value.is_empty() => DEFAULT_SHELL.clone_into(&mut self.shell),
            "SHELL" => value.clone_into(&mut self.shell),
            "RANDOM_DELAY" => match value.parse() {
                Ok(minutes @ 0..=10_000) => self.random_delay = minutes,
                _ => return found.leave_out(place, message!("crontab.random_delay", value)),
            },
            "START_HOURS_RANGE" => self.is_anacron = true,
            "MAILTO" if !value.is_empty() => found.note(place, message!("crontab.mail", address = value)),
            _ if value.contains('$') => found.note(place, message!("crontab.not_expanded", name, value)),
            _ => {}
        }
        self.environment.insert(name.to_owned(), value.to_owned());
    }
}

/// Parses `NAME = value`; both may be quoted. Blanks at the end of an unquoted value do not count.
pub(super) fn assignment(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once('=')?;
    let name = unquoted(name.trim());
    let is_name = !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !name.starts_with(|c: char| c.is_ascii_digit());
    is_name.then(|| (name, unquoted(value.trim())))
}

fn unquoted(text: &str) -> &str {
    ['"', '\''].into_iter().find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote)).unwrap_or(text)
}
