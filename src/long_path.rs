//! Long paths: Windows limits paths to 260 characters, except those that begin with `\\?\`. The standard library adds that itself;
//! SQLite and other interfaces of the system need it from their callers. The working folder of a process is limited in any form.

use std::borrow::Cow;
use std::path::Path;

/// Characters of a path that leave room for what SQLite appends to it.
#[cfg(any(windows, test))]
const MAX_PLAIN: usize = 240;

/// Characters of the longest working folder of a process on Windows.
pub const MAX_WORKING_FOLDER: usize = 258;

/// Whether a path has more characters than the working folder of a process may have.
#[cfg(not(windows))]
pub const fn exceeds_working_folder(_: &Path) -> bool {
    false
}

/// Whether a path has more characters than the working folder of a process may have.
#[cfg(windows)]
pub fn exceeds_working_folder(path: &Path) -> bool {
    use std::os::windows::ffi::OsStrExt;
    let full = std::path::absolute(path).unwrap_or_default();
    let prefix = if full.as_os_str().as_encoded_bytes().starts_with(br"\\?\") { r"\\?\".len() } else { 0 };
    full.as_os_str().encode_wide().count() > MAX_WORKING_FOLDER + prefix
}

/// The path in the form that no system limits.
#[cfg(not(windows))]
pub fn without_limit(path: &Path) -> Cow<'_, Path> {
    Cow::Borrowed(path)
}

/// The path in the form that no system limits.
#[cfg(windows)]
pub fn without_limit(path: &Path) -> Cow<'_, Path> {
    let full = std::path::absolute(path).ok();
    full.and_then(|full| prefixed(full.to_str()?)).map_or(Cow::Borrowed(path), |long| Cow::Owned(long.into()))
}

/// The form of a long absolute path that Windows does not limit; `None` for every other path.
#[cfg(any(windows, test))]
fn prefixed(path: &str) -> Option<String> {
    if path.encode_utf16().count() < MAX_PLAIN {
        return None;
    }
    match path.strip_prefix(r"\\") {
        Some(special) if special.starts_with(['?', '.']) => None,
        Some(share) => Some(format!(r"\\?\UNC\{share}")),
        None => Some(format!(r"\\?\{path}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_paths_get_a_prefix() {
        let long = "钟".repeat(MAX_PLAIN);
        for (path, expected) in [
            (r"D:\belfry\task.db".to_owned(), None),
            (format!(r"D:\{long}\task.db"), Some(format!(r"\\?\D:\{long}\task.db"))),
            (format!(r"\\server\share\{long}"), Some(format!(r"\\?\UNC\server\share\{long}"))),
            (format!(r"\\?\D:\{long}"), None),
        ] {
            assert_eq!(prefixed(&path), expected, "{path}");
        }
    }
}
