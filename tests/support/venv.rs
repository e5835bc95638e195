//! Python virtual environments with packages from PyPI, for tests against real servers and tools. Created once, under `target/`.

use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Returns the Python of a virtual environment with these packages (pip requirements such as `aiosmtpd==1.4.6`). `None` if
/// `python3` or PyPI is unavailable: the test prints a line and is skipped. In CI this panics instead.
pub fn venv(packages: &[&str]) -> Option<PathBuf> {
    match create(packages) {
        Ok(python) => Some(python),
        Err(reason) if std::env::var_os("CI").is_none() => {
            eprintln!("skipped: Python with {} is unavailable ({reason})", packages.join(", "));
            None
        }
        Err(reason) => panic!("Python with {} is required in CI: {reason}", packages.join(", ")),
    }
}

fn create(packages: &[&str]) -> Result<PathBuf, String> {
    let mut hasher = DefaultHasher::new();
    packages.hash(&mut hasher);
    let folder = target().join(format!("test-venv-{:016x}", hasher.finish()));
    let python = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let ready = folder.join("ready");
    // Test processes run in parallel; the first one creates the environment.
    let lock = File::create(folder.with_extension("lock")).map_err(|error| error.to_string())?;
    lock.lock().map_err(|error| error.to_string())?;
    if !ready.exists() {
        run(Command::new(if cfg!(windows) { "python" } else { "python3" }).args(["-m", "venv", "--clear"]).arg(&folder))?;
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(packages))?;
        std::fs::write(&ready, packages.join("\n")).map_err(|error| error.to_string())?;
    }
    Ok(python)
}

/// The `target/` folder, the parent of the tests' temporary folder.
fn target() -> &'static Path {
    let tmp = Path::new(env!("CARGO_TARGET_TMPDIR"));
    tmp.parent().unwrap_or(tmp)
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{}: {error}", command.get_program().to_string_lossy()))?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("{command:?}: {}", stderr.trim().lines().last().unwrap_or_default())),
    }
}
