//! Python with packages from PyPI, for tests against real servers and tools. Made once, under `target/`.

use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The Python of a virtual environment that holds these packages (as pip names them, such as `aiosmtpd==1.4.6`). `None`
/// where there is no `python3` or no way to the packages, which is said, and not accepted under CI.
pub fn venv(packages: &[&str]) -> Option<PathBuf> {
    match make(packages) {
        Ok(python) => Some(python),
        Err(reason) if std::env::var_os("CI").is_none() => {
            eprintln!("skipped: no Python with {} ({reason})", packages.join(", "));
            None
        }
        Err(reason) => panic!("under CI there must be a Python with {}: {reason}", packages.join(", ")),
    }
}

fn make(packages: &[&str]) -> Result<PathBuf, String> {
    let mut hasher = DefaultHasher::new();
    packages.hash(&mut hasher);
    let folder = target().join(format!("test-venv-{:016x}", hasher.finish()));
    let python = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let ready = folder.join("ready");
    // Several test processes may come at once; the first one makes it.
    let lock = File::create(folder.with_extension("lock")).map_err(|error| error.to_string())?;
    lock.lock().map_err(|error| error.to_string())?;
    if !ready.exists() {
        run(Command::new(if cfg!(windows) { "python" } else { "python3" }).args(["-m", "venv", "--clear"]).arg(&folder))?;
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(packages))?;
        std::fs::write(&ready, packages.join("\n")).map_err(|error| error.to_string())?;
    }
    Ok(python)
}

/// `target/`, wherever it is: the tests' own scratch folder stands in it.
fn target() -> &'static Path {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    scratch.parent().unwrap_or(scratch)
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{}: {error}", command.get_program().to_string_lossy()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("{command:?}: {}", said.trim().lines().last().unwrap_or_default())),
    }
}
