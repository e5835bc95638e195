//! The embedded files of `locales/`.

use crate::embedded;

const FOLDER: &str = "locales";

/// Returns a file's text.
///
/// # Errors
/// The name of a file that is missing or not UTF-8.
pub fn read(name: &str) -> Result<String, String> {
    embedded::read_text(FOLDER, name).ok_or_else(|| format!("locales/{name} is missing or not UTF-8"))
}

/// Returns the sorted names of the files in a folder of `locales/` that end with `ending`.
pub fn names(folder: &str, ending: &str) -> Vec<String> {
    embedded::names(FOLDER).into_iter().filter(|name| name.starts_with(folder) && name.ends_with(ending)).collect()
}
