//! Python packages for tests that need a real program written in it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A virtual environment with these packages (as pip names them), made once and kept below `target`; answers its folder.
/// `None` where there is no Python or the packages cannot be had, which is said, and not accepted under CI.
pub fn venv(packages: &[&str]) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target").join(format!("test-venv-{:016x}", hash(packages)));
    match made(&folder, packages) {
        Ok(()) => Some(folder),
        Err(error) => {
            assert!(std::env::var_os("CI").is_none(), "under CI Python must be there with {}: {error}", packages.join(" "));
            eprintln!("skipped: no Python with {} ({error})", packages.join(" "));
            None
        }
    }
}

/// The program of a name in a virtual environment.
pub fn program(venv: &Path, name: &str) -> PathBuf {
    if cfg!(windows) { venv.join("Scripts").join(format!("{name}.exe")) } else { venv.join("bin").join(name) }
}

fn made(folder: &Path, packages: &[&str]) -> Result<(), String> {
    let told = |error: std::io::Error| error.to_string();
    std::fs::create_dir_all(folder).map_err(told)?;
    // Several tests, in several processes, may want it at once.
    let lock = File::create(folder.join(".lock")).map_err(told)?;
    lock.lock().map_err(told)?;
    let done = folder.join(".done");
    if done.exists() {
        return Ok(());
    }
    let python = if cfg!(windows) { "python" } else { "python3" };
    succeed(Command::new(python).args(["-m", "venv"]).arg(folder))?;
    succeed(Command::new(program(folder, "python")).args(["-m", "pip", "install", "--quiet"]).args(packages))?;
    std::fs::write(done, b"").map_err(told)
}

fn succeed(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| error.to_string())?;
    let error = || String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default().to_owned();
    if output.status.success() { Ok(()) } else { Err(error()) }
}

/// FNV-1a: the same in every build.
fn hash(packages: &[&str]) -> u64 {
    let bytes = packages.iter().flat_map(|name| name.bytes().chain([b' ']));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}
