//! Crontabs, of a user or of the system (with a user column): each entry becomes a task that runs its command as cron does. A line is
//! understood as a whole or left out with the reason.

mod comment;
mod entry;
mod merge;
mod options;
mod program;
mod schedule;
mod variables;
mod words;

use std::collections::BTreeMap;

use self::comment::Comments;
use self::entry::Reader;
pub use self::options::{CrontabOptions, Users};
pub use self::program::program_name;
use self::variables::Variables;
use super::{Found, ImportContext};
use crate::i18n::{Message, message};

/// Reads a crontab.
pub fn read(text: &str, options: &CrontabOptions, context: ImportContext<'_>) -> Found {
    let mut found = Found::default();
    let is_system = options.system.unwrap_or_else(|| schedule::has_user_column(text, options));
    if is_system && options.system.is_none() {
        found.note(message!("migrate.file"), message!("crontab.read_as_system"));
    }
    let reader = Reader { options, context, is_system };
    let (mut variables, mut comments) = (Variables::new(context.zone), Comments::default());
    let (mut continues, mut commented) = (false, 0_usize);
    for (number, line) in text.lines().enumerate().map(|(place, line)| (place + 1, line.trim())) {
        let place = place(number);
        let is_continuation = continues && !schedule::begins_entry(line) && !line.starts_with('#') && !line.is_empty();
        continues = line.ends_with('\\') && !line.starts_with('#');
        if is_continuation || continues {
            comments.clear();
            found.leave_out(place, message!("crontab.continued"));
        } else if line.is_empty() {
            comments.clear();
        } else if let Some(comment) = line.strip_prefix('#') {
            match comment::commented_entry(comment) {
                Some(entry) if reader.reads(entry, &variables) => {
                    commented += 1;
                    if options.commented {
                        let read = reader.entry(entry, &variables, &comments.take(), place.clone());
                        found.add(place, read.map(entry::paused));
                    }
                }
                _ => comments.push(comment),
            }
        } else if let Some((name, value)) = variables::assignment(line) {
            comments.clear();
            variables.set(name, value, place, &mut found);
        } else {
            let read = reader.entry(line, &variables, &comments.take(), place.clone());
            found.add(place, read);
        }
    }
    if commented > 0 && !options.commented {
        found.note(message!("migrate.file"), message!("crontab.commented_out", count = commented));
    }
    if options.merge {
        merge::merge(&mut found);
    }
    found
}

fn place(line: usize) -> Message {
    message!("migrate.line", line)
}

/// Environment variables by name.
type Environment = BTreeMap<String, String>;

#[cfg(test)]
mod tests;
