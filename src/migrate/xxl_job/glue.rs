//! Scripts of XXL-JOB (GLUE) as commands. The executor saves the script and runs it with three arguments: the job's parameter, and index
//! and count of the shards; the commands pass the same, as shard 0 of 1.

use serde_json::{Value, json};

use crate::i18n::{Message, message};
use crate::migrate::escape_templates;
use crate::migrate::table::TableRow;

/// Returns the parameters of the command.
///
/// # Errors
/// The handler or language that is left out.
pub(super) fn params(job: &TableRow) -> Result<Value, Message> {
    let kind = job.text("glue_type").unwrap_or("BEAN");
    let source = job.text("glue_source").map(|source| source.replace("\r\n", "\n"));
    let source = || source.filter(|source| !source.trim().is_empty()).ok_or_else(|| message!("xxl_job.no_source"));
    let arguments = [job.text("executor_param").unwrap_or_default(), "0", "1"];
    let command = match kind {
        "BEAN" => return Err(message!("xxl_job.bean", handler = job.text("executor_handler").unwrap_or_default())),
        "GLUE_SHELL" => return Ok(shell(&source()?, arguments)),
        "GLUE_PYTHON" => program(&["python3", "-c"], source()?, &[], arguments),
        "GLUE_PYTHON2" => program(&["python2", "-c"], source()?, &[], arguments),
        // Node and PHP count the script itself as an argument.
        "GLUE_NODEJS" => program(&["node", "-e"], source()?, &["xxl-job"], arguments),
        "GLUE_PHP" => program(&["php", "-r"], without_php_tags(&source()?), &["--"], arguments),
        "GLUE_POWERSHELL" => {
            let quoted = arguments.map(|argument| format!("'{}'", argument.replace('\'', "''")));
            let text = format!("& {{\n{}\n}} {}", source()?, quoted.join(" "));
            return Ok(json!({"command": escape_templates(&text), "shell": "powershell"}));
        }
        other => return Err(message!("xxl_job.glue_type", kind = other)),
    };
    Ok(json!({"command": command}))
}

/// A shell script is a text where it does not use its arguments, which is easier to edit.
fn shell(source: &str, arguments: [&str; 3]) -> Value {
    let uses_arguments = ["$1", "$2", "$3", "${1", "${2", "${3", "$@", "$*", "$#", "${@", "${*", "${#", "shift", "getopts"];
    if uses_arguments.iter().any(|mark| source.contains(mark)) {
        json!({"command": program(&["bash", "-c"], source.to_owned(), &["xxl-job"], arguments)})
    } else {
        json!({"command": escape_templates(source), "shell": "bash"})
    }
}

fn program(start: &[&str], source: String, middle: &[&str], arguments: [&str; 3]) -> Vec<String> {
    let words = start.iter().copied().chain([source.as_str()]).chain(middle.iter().copied()).chain(arguments);
    words.map(escape_templates).collect()
}

/// `php -r` takes code without the tags of a file.
fn without_php_tags(source: &str) -> String {
    let source = source.trim();
    let source = source.strip_prefix("<?php").or(source.strip_prefix("<?")).unwrap_or(source);
    source.strip_suffix("?>").unwrap_or(source).to_owned()
}
