//! Actions: programs with arguments as commands.

use serde_json::{Map, Value, json};

use super::xml::Element;
use crate::i18n::{Message, message};
use crate::migrate::escape_templates;

/// Returns the parameters of the command that runs all actions of a task.
///
/// # Errors
/// An action that is not a program.
pub(super) fn params(task: &Element) -> Result<Value, Message> {
    let actions = task.child("Actions").map(|actions| actions.children.as_slice()).unwrap_or_default();
    if let Some(other) = actions.iter().find(|action| action.name != "Exec") {
        return Err(message!("schtasks.action", kind = &other.name));
    }
    let mut params = match actions {
        [] => return Err(message!("migrate.no_command")),
        [only] => one(only)?,
        several => {
            // Windows runs them one after the other, whatever their ends.
            let lines = several.iter().map(line).collect::<Result<Vec<_>, _>>()?;
            shell(&lines.join(" & "))
        }
    };
    if let Some(folder) = actions.iter().find_map(|action| action.find(&["WorkingDirectory"])) {
        params.insert("cwd".to_owned(), escape_templates(folder.trim_matches('"')).into());
    }
    Ok(Value::Object(params))
}

/// The actions in one line, for display.
pub(super) fn command(task: &Element) -> String {
    let actions = task.child("Actions").map(|actions| actions.children.as_slice()).unwrap_or_default();
    actions.iter().filter_map(|action| line(action).ok()).collect::<Vec<_>>().join(" & ")
}

fn shell(text: &str) -> Map<String, Value> {
    Map::from_iter([("command".to_owned(), escape_templates(text).into()), ("shell".to_owned(), "cmd".into())])
}

/// A program is started without a shell, unless it is cmd itself or names variables, which Windows replaces.
fn one(action: &Element) -> Result<Map<String, Value>, Message> {
    let (program, arguments) = parts(action)?;
    let base = program.rsplit('\\').next().unwrap_or(program).to_ascii_lowercase();
    if matches!(base.as_str(), "cmd" | "cmd.exe")
        && let Some(command) = after_switch(arguments)
    {
        return Ok(shell(command));
    }
    if program.contains('%') || arguments.contains('%') {
        return Ok(shell(&line(action)?));
    }
    let words: Vec<String> =
        [program.to_owned()].into_iter().chain(split(arguments)).map(|word| escape_templates(&word)).collect();
    Ok(Map::from_iter([("command".to_owned(), json!(words))]))
}

fn parts(action: &Element) -> Result<(&str, &str), Message> {
    let program = action.find(&["Command"]).map(|program| program.trim_matches('"')).filter(|program| !program.is_empty());
    Ok((program.ok_or_else(|| message!("migrate.no_command"))?, action.find(&["Arguments"]).unwrap_or_default()))
}

fn line(action: &Element) -> Result<String, Message> {
    let (program, arguments) = parts(action)?;
    let program = if program.contains(' ') { format!("\"{program}\"") } else { program.to_owned() };
    Ok(format!("{program} {arguments}").trim().to_owned())
}

/// Returns the command after `/c`, which cmd runs without the outer quotes.
fn after_switch(arguments: &str) -> Option<&str> {
    let start = arguments.to_ascii_lowercase().find("/c")?;
    let switches = arguments[..start].trim();
    let command = arguments[start + 2..].trim();
    let is_quoted = command.len() > 1 && command.starts_with('"') && command.ends_with('"') && command.matches('"').count() != 2;
    let alone = command.len() > 1 && command.starts_with('"') && command.ends_with('"') && !command.contains(' ');
    let inner = if is_quoted && !alone { &command[1..command.len() - 1] } else { command };
    (switches.split_whitespace().all(|switch| switch.starts_with('/')) && !inner.is_empty()).then_some(inner)
}

/// Splits arguments as programs on Windows do: quotes group, a backslash escapes only before a quote.
fn split(arguments: &str) -> Vec<String> {
    let (mut words, mut word, mut is_quoted, mut any, mut backslashes) = (Vec::new(), String::new(), false, false, 0_usize);
    for c in arguments.chars() {
        if c == '\\' {
            backslashes += 1;
            continue;
        }
        let is_escaped = c == '"' && backslashes % 2 == 1;
        let kept = if c == '"' { backslashes / 2 } else { backslashes };
        word.extend(std::iter::repeat_n('\\', kept));
        any |= backslashes > 0;
        backslashes = 0;
        match c {
            '"' if !is_escaped => {
                is_quoted = !is_quoted;
                any = true;
            }
            c if c.is_whitespace() && !is_quoted => {
                if any {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            c => {
                word.push(c);
                any = true;
            }
        }
    }
    word.extend(std::iter::repeat_n('\\', backslashes));
    if any || backslashes > 0 {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_split_as_on_windows() {
        assert_eq!(split(r#"-File "C:\a b\x.ps1" -n 5"#), ["-File", r"C:\a b\x.ps1", "-n", "5"]);
        assert_eq!(split(r#"a\b "c:\d\\" \"e\" """#), [r"a\b", r"c:\d\", "\"e\"", ""]);
        assert_eq!(split(""), [""; 0]);
    }

    #[test]
    fn cmd_itself_becomes_a_shell_command() {
        assert_eq!(after_switch("/c echo a>b"), Some("echo a>b"));
        assert_eq!(after_switch("/q /C \"\"C:\\a b\\x.bat\" \"y z\"\""), Some("\"C:\\a b\\x.bat\" \"y z\""));
        assert_eq!(after_switch("C:\\x.bat"), None);
    }
}
