//! The person's own editor, on a file that is theirs alone and goes when it is no longer needed.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use super::Failure;
use super::input::confirm;
use super::look::Look;
use super::reach::variable;
use crate::config::reason;
use crate::ids::new_id;

/// One sitting at the editor. Dropped, its file is removed.
pub(super) struct Session {
    path: PathBuf,
    keep: bool,
}

impl Session {
    /// Makes the file. `about` stands in its name.
    ///
    /// # Errors
    /// [`Failure::Failed`] where it cannot be written.
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

    /// Opens the editor, waits for its end and answers what stands in the file.
    ///
    /// # Errors
    /// [`Failure::Failed`] where the editor does not start or ends with a failure.
    pub(super) fn edit(&self, look: &Look) -> Result<String, Failure> {
        let editor = ["VISUAL", "EDITOR"].into_iter().find_map(variable).unwrap_or_else(|| DEFAULT.to_owned());
        let cannot = |why: String| Failure::Failed(look.fill("editor.cannot", &[("editor", &editor), ("why", &why)]));
        // As a shell would: the variable may hold flags, such as "code --wait".
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

    /// Shows what was wrong and asks whether to go on; what was written is kept for whoever gives up.
    ///
    /// # Errors
    /// The faults, where the person gives up.
    pub(super) fn again(&mut self, faults: &str, look: &Look) -> Result<(), Failure> {
        look.note(faults);
        confirm(&look.text("editor.again"), false, look).map_err(|_| {
            self.keep = true;
            Failure::Usage(look.fill("editor.kept", &[("file", &self.name())]))
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
            let _is_a_scratch_file = std::fs::remove_file(&self.path);
        }
    }
}
