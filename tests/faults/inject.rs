//! Failing system calls: a small library, loaded before the program, fails or kills at the nth call on a database file.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The kinds of calls.
pub const WRITES: i64 = 1;
pub const SYNCS: i64 = 2;
pub const RENAMES: i64 = 4;
/// What happens instead of the call.
pub const KILL: i64 = -9;
pub const ENOSPC: i64 = 28;
pub const EIO: i64 = 5;
pub const EROFS: i64 = 30;

/// The library with its control file.
pub struct Injection {
    folder: tempfile::TempDir,
}

impl Injection {
    /// Compiles the library. `None` without a C compiler: the test prints a line and is skipped. In CI this panics instead.
    pub fn compile() -> Option<Injection> {
        let folder = tempfile::tempdir().expect("create a temporary folder");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults/inject.c");
        let compiled =
            Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(folder.path().join("inject.so")).arg(source).output();
        let reason = match compiled {
            Ok(output) if output.status.success() => {
                let injection = Injection { folder };
                injection.disarm();
                return Some(injection);
            }
            Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
            Err(error) => error.to_string(),
        };
        assert!(std::env::var_os("CI").is_none(), "a C compiler is required in CI: {reason}");
        eprintln!("skipped: cannot compile tests/faults/inject.c ({reason})");
        None
    }

    /// The environment variables of a program with the library.
    pub fn variables(&self) -> [(&'static str, String); 2] {
        let shown = |path: PathBuf| path.to_str().expect("a path in UTF-8").to_owned();
        [("LD_PRELOAD", shown(self.folder.path().join("inject.so"))), ("FAULT_CONTROL", shown(self.control()))]
    }

    /// The `nth` call (from 1) of these kinds, and all after it, end as `action` says.
    pub fn arm(&self, kinds: i64, nth: i64, action: i64) {
        self.write([kinds, nth, action]);
    }

    pub fn disarm(&self) {
        self.write([0, 0, 0]);
    }

    /// How many calls were still allowed to pass.
    pub fn left(&self) -> i64 {
        let bytes = std::fs::read(self.control()).expect("read the control file");
        i64::from_ne_bytes(bytes[8..16].try_into().expect("eight bytes"))
    }

    fn control(&self) -> PathBuf {
        self.folder.path().join("control")
    }

    fn write(&self, numbers: [i64; 3]) {
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_ne_bytes()).collect();
        let file = std::fs::OpenOptions::new().create(true).truncate(false).write(true).open(self.control());
        file.and_then(|mut file| file.write_all(&bytes)).expect("write the control file");
    }
}
