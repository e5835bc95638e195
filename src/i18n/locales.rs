//! The embedded files of `locales/`.

use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "locales/"]
struct Files;

/// Returns a file's text.
///
/// # Errors
/// The name of a file that is missing or not UTF-8.
pub fn read(name: &str) -> Result<String, String> {
    let file = Files::get(name).ok_or_else(|| format!("locales/{name} is missing"))?;
    String::from_utf8(file.data.into_owned()).map_err(|error| format!("locales/{name}: {error}"))
}

/// Returns the sorted names of the files in a folder of `locales/` that end with `ending`.
pub fn names(folder: &str, ending: &str) -> Vec<String> {
    let mut names: Vec<String> = Files::iter()
        .map(|name| name.replace('\\', "/"))
        .filter(|name| name.starts_with(folder) && name.ends_with(ending))
        .collect();
    names.sort();
    names
}
