//! Editing a text in the user's editor, in a temporary file that only the user can read.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use super::Failure;
use super::connection_args::variable;
use super::input::confirm;
use super::output_options::OutputOptions;
use crate::config::reason;
use crate::ids::new_id;

/// One editing session; its file is removed when it is dropped.
pub(super) struct Session {
    path: PathBuf,
    keep: bool,
}

impl Session {
    /// Creates the file. `about` is part of its name.
    pub(super) fn begin(about: &str, text: &str) -> Result<Session, Failure> {
        let now = crate::clock::Clock::now(&crate::clock::SystemClock);
        let about: String = about.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.')).collect();
        let path = std::env::temp_dir().join(format!("belfry-{about}-{}.yaml", new_id(now)));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = options.open(&path).and_then(|mut file| file.write_all(text.as_bytes()));
        written.map_err(|error| Failure::Failed(format!("cannot write {}: {}", path.display(), reason(&error))))?;
        Ok(Session { path, keep: false })
    }

    pub(super) fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// Opens the editor, waits for it to exit and returns the file's content.
    pub(super) fn edit(&self, output: &OutputOptions) -> Result<String, Failure> {
        let editor = ["VISUAL", "EDITOR"].into_iter().find_map(variable).unwrap_or_else(|| DEFAULT.to_owned());
        let cannot = |why: String| Failure::Failed(output.fill("editor.failed", &[("editor", &editor), ("why", &why)]));
        // The variable may hold flags, such as "code --wait".
        let mut words = editor.split_whitespace();
        let program = words.next().unwrap_or(DEFAULT);
        let ended = Command::new(program).args(words).arg(&self.path).status();
        match ended {
            Ok(status) if status.success() => {}
            Ok(status) => return Err(cannot(status.to_string())),
            Err(error) => return Err(cannot(reason(&error))),
        }
        std::fs::read_to_string(&self.path).map_err(|error| cannot(reason(&error)))
    }

    /// Shows the faults and asks whether to edit again; on a no, keeps the file and returns the faults.
    pub(super) fn confirm_retry(&mut self, faults: &str, output: &OutputOptions) -> Result<(), Failure> {
        output.note(faults);
        confirm(&output.text("editor.again"), false, output).map_err(|_| {
            self.keep = true;
            Failure::Usage(output.fill("editor.kept", &[("file", &self.name())]))
        })
    }
}

#[cfg(windows)]
const DEFAULT: &str = "notepad";
#[cfg(not(windows))]
const DEFAULT: &str = "vi";

impl Drop for Session {
    fn drop(&mut self) {
        if !self.keep {
            let _ = std::fs::remove_file(&self.path); // a temporary file
        }
    }
}
