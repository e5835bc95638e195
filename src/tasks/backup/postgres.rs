//! PostgreSQL backups by `pg_dump`. It gets the credentials in its environment, because every user of the machine can read its
//! command line.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::files::{BackupFormat, PartialBackup};
use super::run_blocking;
use crate::i18n::{Message, message};
use crate::storage::copy;
use crate::tasks::process::{self, CommandLine, Launch, ProcessExit};
use crate::tasks::{RunContext, RunError, Toolbox};

/// The time limit for listing the contents of a backup.
const CHECK_LIMIT: Duration = Duration::from_secs(600);

pub(super) async fn dump(
    toolbox: &Toolbox,
    folder: &Path,
    now: DateTime<Utc>,
    context: &RunContext,
) -> Result<PathBuf, RunError> {
    for program in ["pg_dump", "pg_restore"] {
        toolbox.limits.check_program(program).map_err(RunError::fail)?;
    }
    let environment = copy::postgres_environment(&toolbox.database).unwrap_or_default();
    let target_folder = folder.to_owned();
    let part = run_blocking(move || PartialBackup::create(&target_folder, BackupFormat::Postgres, now)).await?;
    let file = part.path().display().to_string();
    let dumping = launch("pg_dump", &["--format=custom", "--no-password", "--file", &file], environment);
    succeeded(process::run_trusted(dumping, context).await, |problem| message!("backup.dump_failed", problem))?;
    let checking = launch("pg_restore", &["--list", &file], BTreeMap::new());
    let checked = process::run_without_output(checking, CHECK_LIMIT).await?;
    let checked = checked.ok_or_else(|| RunError::retry(message!("backup.check_timed_out")))?;
    succeeded(Ok(checked), |problem| message!("backup.restore_list_failed", problem))?;
    run_blocking(move || part.finish()).await
}

fn launch(program: &str, arguments: &[&str], env: BTreeMap<String, String>) -> Launch {
    let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    Launch { env, ..Launch::new(CommandLine::Program(program.to_owned(), arguments)) }
}

fn succeeded(ended: Result<ProcessExit, RunError>, failed: fn(Message) -> Message) -> Result<(), RunError> {
    let ended = ended.map_err(|error| error.map_message(|problem| message!("backup.client_programs", problem)))?;
    match ended.exit_code() {
        Some(0) => Ok(()),
        _ => Err(RunError::retry(failed(ended.describe()))),
    }
}
