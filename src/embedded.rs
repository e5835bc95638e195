//! The files of `locales`, `migrations`, `static` and `templates`, embedded in the program by the build script. Unoptimized builds read
//! them from the source folder.

use std::borrow::Cow;

/// The sorted names of the files below a folder, relative to it, with `/` between folders.
pub fn names(folder: &str) -> Vec<String> {
    let mut names = files::names(folder);
    names.sort();
    names
}

/// The content of a file: `folder/name`.
pub fn read(folder: &str, name: &str) -> Option<Cow<'static, [u8]>> {
    files::read(&format!("{folder}/{name}"))
}

/// The content of a text file: `folder/name`. `None` if it does not exist or is not UTF-8.
pub fn read_text(folder: &str, name: &str) -> Option<String> {
    String::from_utf8(read(folder, name)?.into_owned()).ok()
}

#[cfg(embedded)]
mod files {
    use std::borrow::Cow;

    /// All files by path, sorted.
    static FILES: &[(&str, &[u8])] = &include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

    pub(super) fn names(folder: &str) -> Vec<String> {
        let inside = |path: &str| Some(path.strip_prefix(folder)?.strip_prefix('/')?.to_owned());
        FILES.iter().filter_map(|(path, _)| inside(path)).collect()
    }

    pub(super) fn read(path: &str) -> Option<Cow<'static, [u8]>> {
        let found = FILES.binary_search_by_key(&path, |(path, _)| path).ok()?;
        Some(Cow::Borrowed(FILES[found].1))
    }
}

#[cfg(not(embedded))]
mod files {
    use std::borrow::Cow;
    use std::path::{Path, PathBuf};

    const ROOT: &str = env!("CARGO_MANIFEST_DIR");

    pub(super) fn names(folder: &str) -> Vec<String> {
        let top = Path::new(ROOT).join(folder);
        let (mut names, mut folders) = (Vec::new(), vec![top.clone()]);
        while let Some(folder) = folders.pop() {
            for path in entries(&folder) {
                if path.is_dir() {
                    folders.push(path);
                } else if let Ok(name) = path.strip_prefix(&top) {
                    names.push(name.to_string_lossy().replace('\\', "/"));
                }
            }
        }
        names
    }

    fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> {
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
    }

    pub(super) fn read(path: &str) -> Option<Cow<'static, [u8]>> {
        std::fs::read(Path::new(ROOT).join(path)).ok().map(Cow::Owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_by_their_names() {
        let names = names("templates");
        assert!(names.contains(&"base.html".to_owned()) && names.iter().any(|name| name.starts_with("pages/")));
        for name in &names {
            assert!(read_text("templates", name).is_some(), "{name}");
        }
        assert_eq!(read("templates", "missing.html"), None);
        assert_eq!(super::names("missing"), Vec::<String>::new());
    }
}
