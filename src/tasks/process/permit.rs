//! Whether a program may be started, by the settings `[commands]`.

use std::sync::Arc;

use super::Launch;
use crate::tasks::{Limits, RunError};

/// Variables that decide which program a name stands for, or put code into it: with them any program could be started
/// under the name of an allowed one.
const STEERING: [&str; 4] = ["PATH", "PATHEXT", "BASH_ENV", "ENV"];
const STEERING_PREFIXES: [&str; 2] = ["LD_", "DYLD_"];

/// Checks program and folder.
///
/// # Errors
/// The refusal, for people.
pub(super) async fn check(launch: &Launch, limits: &Arc<Limits>) -> Result<(), RunError> {
    limits.check_program(launch.command.program()).map_err(RunError::fail)?;
    if !limits.programs.is_empty()
        && let Some(name) = launch.env.keys().find(|name| is_steering(name))
    {
        let message = format!("env: {name} may not be set here: [commands] programs allows certain programs only");
        return Err(RunError::fail(message));
    }
    let (limits, cwd) = (limits.clone(), launch.cwd.clone());
    // It looks at the disk.
    let looked = tokio::task::spawn_blocking(move || limits.check_command_folder(cwd.as_deref())).await;
    looked.map_err(|error| RunError::retry(error.to_string()))?.map_err(RunError::fail)
}

fn is_steering(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    STEERING.contains(&name.as_str()) || STEERING_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::process::CommandLine;

    async fn refusal(limits: Limits, launch: Launch) -> Option<String> {
        check(&launch, &Arc::new(limits)).await.err().map(|error| error.message)
    }

    fn launch(program: &str) -> Launch {
        Launch::new(CommandLine::Program(program.to_owned(), Vec::new()))
    }

    #[tokio::test]
    async fn what_decides_about_programs_is_bounded_with_them() {
        let limited = || Limits { programs: vec!["git".into()], ..Limits::within(".") };
        let with = |name: &str| Launch { env: [(name.to_owned(), "x".to_owned())].into(), ..launch("git") };
        assert_eq!(refusal(limited(), with("LANG")).await, None);
        for name in ["PATH", "Path", "LD_PRELOAD"] {
            assert!(refusal(limited(), with(name)).await.is_some_and(|text| text.contains("[commands] programs")), "{name}");
            assert_eq!(refusal(Limits::within("."), with(name)).await, None, "without limits anything goes");
        }
        assert!(refusal(limited(), launch("sh")).await.is_some_and(|text| text.contains("'sh' is not allowed")));
    }
}
