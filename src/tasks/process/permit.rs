//! Program permission: checks a program against the settings `[commands]`.

use std::sync::Arc;

use super::Launch;
use crate::i18n::message;
use crate::tasks::{Limits, RunError};

/// Variables that change which program a name resolves to, or load code into it. With them an allowed name could start any
/// program.
const LOADER_VARIABLES: [&str; 4] = ["PATH", "PATHEXT", "BASH_ENV", "ENV"];
const LOADER_VARIABLE_PREFIXES: [&str; 2] = ["LD_", "DYLD_"];

/// Checks the program, its variables and its working directory.
pub(super) async fn check(launch: &Launch, limits: &Arc<Limits>) -> Result<(), RunError> {
    limits.check_program(launch.command.program()).map_err(RunError::fail)?;
    if !limits.programs.is_empty()
        && let Some(name) = launch.env.keys().find(|name| affects_loading(name))
    {
        return Err(RunError::fail(message!("limit.env_restricted", name)));
    }
    let (limits, cwd) = (limits.clone(), launch.cwd.clone());
    // The check accesses the file system.
    let checked = tokio::task::spawn_blocking(move || limits.check_command_folder(cwd.as_deref())).await;
    checked.map_err(|error| RunError::internal(&error))?.map_err(RunError::fail)
}

fn affects_loading(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    LOADER_VARIABLES.contains(&name.as_str()) || LOADER_VARIABLE_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::process::CommandLine;

    async fn refusal(limits: Limits, launch: Launch) -> Option<String> {
        check(&launch, &Arc::new(limits)).await.err().map(|error| error.message.to_string())
    }

    fn launch(program: &str) -> Launch {
        Launch::new(CommandLine::Program(program.to_owned(), Vec::new()))
    }

    #[tokio::test]
    async fn loader_variables_are_rejected_when_programs_are_restricted() {
        let limited = || Limits { programs: vec!["git".into()], ..Limits::within(".") };
        let with = |name: &str| Launch { env: [(name.to_owned(), "x".to_owned())].into(), ..launch("git") };
        assert_eq!(refusal(limited(), with("LANG")).await, None);
        for name in ["PATH", "Path", "LD_PRELOAD"] {
            assert!(refusal(limited(), with(name)).await.is_some_and(|text| text.contains("[commands] programs")), "{name}");
            assert_eq!(refusal(Limits::within("."), with(name)).await, None, "not restricted");
        }
        assert!(refusal(limited(), launch("sh")).await.is_some_and(|text| text.contains("'sh' is not allowed")));
    }
}
