//! Editing a text in the user's editor, in a temporary file that only the user can read.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use tempfile::TempPath;

use super::Failure;
use super::environment::variable;
use super::input::confirm;
use super::output_options::OutputOptions;
use crate::cli::input::unwritable;
use crate::cli::words;
use crate::config::reason;
use crate::i18n::message;

/// One editing session; its file is removed when it is dropped.
pub(super) struct Session(TempPath);

impl Session {
    /// Creates the file. `about` is part of its name.
    pub(super) fn begin(about: &str, text: &str) -> Result<Session, Failure> {
        let about: String = about.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.')).collect();
        let created = tempfile::Builder::new().prefix(&format!("belfry-{about}-")).suffix(".yaml").tempfile();
        let written = created.and_then(|mut file| file.write_all(text.as_bytes()).map(|()| file.into_temp_path()));
        written.map(Session).map_err(|error| unwritable(&std::env::temp_dir(), &error))
    }

    pub(super) fn name(&self) -> String {
        self.0.display().to_string()
    }

    /// Opens the editor, waits for it to exit and returns the file's content.
    pub(super) fn edit(&self, output: &OutputOptions) -> Result<String, Failure> {
        let editor = ["VISUAL", "EDITOR"].into_iter().find_map(variable).unwrap_or_else(|| DEFAULT.to_owned());
        let cannot = |why: String| Failure::Failed(output.fill("editor.failed", &[("editor", &editor), ("why", &why)]));
        let parts = command_words(&editor, cfg!(windows)).map_err(cannot)?;
        let Some((program, arguments)) = parts.split_first() else { return Err(cannot(words(&message!("cli.no_editor")))) };
        let ended = Command::new(program).args(arguments).arg(&*self.0).status();
        match ended {
            Ok(status) if status.success() => {}
            Ok(status) => return Err(cannot(status.to_string())),
            Err(error) => return Err(cannot(reason(&error))),
        }
        std::fs::read_to_string(&self.0).map_err(|error| cannot(reason(&error)))
    }

    /// Shows the faults and asks whether to edit again; on a no, keeps the file and returns the faults.
    pub(super) fn confirm_retry(&mut self, faults: &str, output: &OutputOptions) -> Result<(), Failure> {
        output.note(faults);
        confirm(&output.text("editor.again"), false, output).map_err(|_| {
            self.0.disable_cleanup(true);
            Failure::Usage(output.fill("editor.kept", &[("file", &self.name())]))
        })
    }
}

#[cfg(windows)]
const DEFAULT: &str = "notepad";
#[cfg(not(windows))]
const DEFAULT: &str = "vi";

/// The program and its arguments, as in `code --wait`; quotes hold words with blanks together. A path of an existing file is one
/// word, such as `C:\Program Files\Notepad++\notepad++.exe`; on Windows a backslash is an ordinary character.
fn command_words(editor: &str, windows: bool) -> Result<Vec<String>, String> {
    if Path::new(editor).is_file() {
        return Ok(vec![editor.to_owned()]);
    }
    let editor = if windows { editor.replace('\\', r"\\") } else { editor.to_owned() };
    shell_words::split(&editor).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_words_may_hold_blanks() {
        let words = |editor: &str, windows: bool| command_words(editor, windows).unwrap();
        assert_eq!(words("code --wait", false), ["code", "--wait"]);
        assert_eq!(words(r#""/opt/my editor/run" -f 'a b'"#, false), ["/opt/my editor/run", "-f", "a b"]);
        assert_eq!(words(r"/opt/my\ editor/run", false), ["/opt/my editor/run"]);
        assert_eq!(words(r#""C:\Program Files\Vim\vim.exe" -f"#, true), [r"C:\Program Files\Vim\vim.exe", "-f"]);
        assert_eq!(words(r"C:\vim\vim.exe", true), [r"C:\vim\vim.exe"]);
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("my editor");
        std::fs::write(&program, "").unwrap();
        assert_eq!(words(&program.display().to_string(), true).len(), 1);
        assert!(command_words("vim 'x", false).unwrap_err().contains("quote"));
    }
}
