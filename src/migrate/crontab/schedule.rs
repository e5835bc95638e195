//! The columns of a crontab entry: its schedule in the dialect in which it is written, its user and its command.

use super::options::CrontabOptions;
use crate::i18n::{Message, message};
use crate::migrate::cron_rule::{CronRule, Dialect};

/// Users that are also programs, whose name at the start of a command says nothing.
const PROGRAM_USERS: [&str; 8] = ["mail", "sync", "man", "git", "lp", "news", "backup", "proxy"];

/// An entry split into its parts.
#[derive(Debug)]
pub(super) struct Columns<'l> {
    /// The schedule, with single blanks.
    pub schedule: String,
    pub rule: CronRule,
    pub dialect: Dialect,
    /// What follows the schedule.
    pub rest: &'l str,
}

/// Whether a line begins as an entry does, not as a variable or the continuation of a command.
pub(super) fn begins_entry(line: &str) -> bool {
    let line = line.strip_prefix('-').unwrap_or(line);
    let field = |word: &str| is_field(word) || (word.starts_with('H') && !word[1..].starts_with(|c: char| c.is_alphanumeric()));
    let words: Vec<&str> = line.split_whitespace().take(6).collect();
    line.starts_with('@') && words.len() > 1 && line[1..].starts_with(|c: char| c.is_ascii_alphanumeric())
        || words.len() == 6 && words[..2].iter().all(|word| field(word))
}

/// Splits an entry.
///
/// # Errors
/// Why cron would not accept it, or why it is not migrated.
pub(super) fn columns<'l>(line: &'l str, options: &CrontabOptions, is_anacron: bool) -> Result<Columns<'l>, Message> {
    // A leading dash turns off logging in some implementations.
    let line = line.strip_prefix('-').unwrap_or(line);
    let dialect = dialect(line, options, is_anacron)?;
    let count = match dialect {
        _ if line.starts_with('@') => 1,
        (Dialect::Quartz, count) | (Dialect::CrontabSeconds, count) => count,
        _ => 5,
    };
    let (schedule, rest) = split_columns(line, count).ok_or_else(|| message!("crontab.no_command"))?;
    let rule = CronRule::parse(&schedule, dialect.0)?;
    Ok(Columns { schedule, rule, dialect: dialect.0, rest })
}

/// Finds the dialect and the number of its fields.
fn dialect(line: &str, options: &CrontabOptions, is_anacron: bool) -> Result<(Dialect, usize), Message> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let is_number = |word: Option<&&str>| word.is_some_and(|word| word.bytes().all(|byte| byte.is_ascii_digit()));
    if line.starts_with('@') {
        if words[0].eq_ignore_ascii_case("@reboot") {
            return Err(message!("crontab.reboot"));
        }
        let has_delay = is_number(words.get(1)) && words.len() > 3;
        return if has_delay || is_anacron { Err(anacron(&words)) } else { Ok((Dialect::Crontab, 1)) };
    }
    let fields = &words[..words.len().min(5)];
    if is_anacron || (is_number(words.first()) && is_number(words.get(1)) && words.len() > 3 && !is_field(words[2])) {
        return Err(anacron(&words));
    }
    if matches!(words.first(), Some(&("export" | "setenv" | "set"))) {
        return Err(message!("crontab.export", assignment = words[1..].join(" ")));
    }
    if fields.iter().any(|word| word.split(',').any(|piece| piece.starts_with('H'))) {
        return Err(message!("crontab.jenkins", schedule = fields.join(" ")));
    }
    if let Some(random) = fields.iter().find(|word| word.contains('~')) {
        return Err(message!("crontab.random", field = *random));
    }
    let leading = words.iter().take(7).take_while(|word| is_field(word)).count();
    match leading {
        6 | 7 if words[..leading].iter().any(|word| word.contains('?')) => Ok((Dialect::Quartz, leading)),
        6 if options.seconds => Ok((Dialect::CrontabSeconds, 6)),
        6 | 7 => Err(message!("crontab.six_fields", fields = words[..leading].join(" "))),
        _ => Ok((Dialect::Crontab, 5)),
    }
}

/// What to write for a line of an anacrontab: a period in days, a delay in minutes, a name and a command.
fn anacron(words: &[&str]) -> Message {
    let delay: u32 = words.get(1).and_then(|delay| delay.parse().ok()).unwrap_or(0);
    let (minute, hour) = (delay % 60, (3 + delay / 60).min(23));
    let days = match words.first().copied().unwrap_or_default() {
        "1" | "@daily" => "* * *",
        "7" | "@weekly" => "* * 1",
        "30" | "31" | "@monthly" => "1 * *",
        "365" | "@yearly" | "@annually" => "1 1 *",
        _ => "* * *",
    };
    let command = words.get(3..).unwrap_or_default().join(" ");
    message!("crontab.anacron", line = format!("{minute} {hour} {days} {command}"))
}

/// Whether a word can only be a field of a schedule.
pub(super) fn is_field(word: &str) -> bool {
    let names = [
        "sun", "mon", "tue", "wed", "thu", "fri", "sat", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct",
        "nov", "dec",
    ];
    let lower = word.to_ascii_lowercase();
    let part = |part: &str| {
        let name = names.iter().find_map(|name| part.strip_prefix(name));
        name.unwrap_or(part).chars().all(|c| c.is_ascii_digit() || "*/?#lw~h()".contains(c))
    };
    matches!(word, "L" | "LW")
        || !word.is_empty()
            && lower.split([',', '-']).all(|piece| !piece.is_empty() && part(piece))
            && (lower.contains(|c: char| c.is_ascii_digit() || "*?".contains(c))
                || names.iter().any(|name| lower.starts_with(name)))
}

/// Whether the sixth column of every entry is a known account.
pub(super) fn has_user_column(text: &str, options: &CrontabOptions) -> bool {
    let entries = text.lines().map(str::trim).filter(|line| !line.starts_with('#') && begins_entry(line));
    // A command of one word has no user before it.
    let first = |rest: &str| split_columns(rest, 1).map(|(column, _)| user_name(&column).to_owned()).unwrap_or_default();
    let columns = entries.filter_map(|line| columns(line, options, false).ok());
    let users: Vec<String> = columns.map(|columns| first(columns.rest)).collect();
    let certain = |user: &String| options.users.knows(user) && !PROGRAM_USERS.contains(&user.as_str());
    users.iter().all(|user| options.users.knows(user)) && users.iter().any(certain)
}

/// Whether a command begins with an account, as a line of a system crontab does.
pub(super) fn begins_with_user(command: &str, options: &CrontabOptions) -> Option<String> {
    let (user, _) = split_columns(command, 1)?;
    (options.users.knows(&user) && !PROGRAM_USERS.contains(&user.as_str())).then_some(user)
}

/// Returns the name in a user column, without the group and login class of BSD.
pub(super) fn user_name(column: &str) -> &str {
    column.split([':', '/']).next().unwrap_or(column)
}

/// Splits off the first `count` columns, joined by blanks, and returns them with the rest.
pub(super) fn split_columns(line: &str, count: usize) -> Option<(String, &str)> {
    let (mut columns, mut rest) = (Vec::new(), line.trim_start());
    for _ in 0..count {
        let end = rest.find([' ', '\t'])?;
        columns.push(&rest[..end]);
        rest = rest[end..].trim_start();
    }
    Some((columns.join(" "), rest))
}
