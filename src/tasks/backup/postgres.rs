//! Copies a PostgreSQL database by `pg_dump`, PostgreSQL's own program. How to sign in is told it by its environment: the
//! command line can be read by everybody on the machine.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::blocking;
use super::files::{Ending, Part};
use crate::storage::copy;
use crate::tasks::process::{self, CommandLine, Ended, Launch};
use crate::tasks::{RunContext, RunError, Toolbox};

/// What reading an archive's list of contents may take.
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
    let place = folder.to_owned();
    let part = blocking(move || Part::begin(&place, Ending::Postgres, now)).await?;
    let file = part.path().display().to_string();
    let dumping = launch("pg_dump", &["--format=custom", "--no-password", "--file", &file], environment);
    succeeded("pg_dump", process::run_trusted(dumping, context).await)?;
    let checking = launch("pg_restore", &["--list", &file], BTreeMap::new());
    let checked = process::run_quietly(checking, CHECK_LIMIT).await?;
    let checked = checked.ok_or_else(|| RunError::retry("the copy could not be checked in time"))?;
    succeeded("the copy is not sound: pg_restore", Ok(checked))?;
    blocking(move || part.finish()).await
}

fn launch(program: &str, arguments: &[&str], env: BTreeMap<String, String>) -> Launch {
    let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    Launch { env, ..Launch::new(CommandLine::Program(program.to_owned(), arguments)) }
}

fn succeeded(what: &str, ended: Result<Ended, RunError>) -> Result<(), RunError> {
    let ended = ended.map_err(|error| RunError {
        message: format!("{} (a backup of PostgreSQL needs PostgreSQL's client programs)", error.message),
        ..error
    })?;
    match ended.exit_code() {
        Some(0) => Ok(()),
        _ => Err(RunError::retry(format!("{what}: {}", ended.in_words()))),
    }
}
