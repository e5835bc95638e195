//! Lists the files that become part of the program, for `src/embedded.rs`. Unoptimized builds for this machine read them at run time
//! instead, so a changed page or text needs no new build.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

const FOLDERS: [&str; 4] = ["locales", "migrations", "static", "templates"];

fn main() -> io::Result<()> {
    println!("cargo::rustc-check-cfg=cfg(embedded)");
    println!("cargo::rerun-if-changed=build.rs");
    if variable("PROFILE") == "debug" && variable("HOST") == variable("TARGET") {
        return Ok(());
    }
    println!("cargo::rustc-cfg=embedded");
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in FOLDERS {
        println!("cargo::rerun-if-changed={folder}");
        list(&root, &root.join(folder), &mut files)?;
    }
    files.sort();
    let entry = |name: &String| format!("({name:?}, include_bytes!({:?}) as &[u8]),\n", root.join(name));
    let entries: String = files.iter().map(entry).collect();
    fs::write(Path::new(&variable("OUT_DIR")).join("embedded.rs"), format!("[\n{entries}]\n"))
}

/// Adds the names of all files below a folder, with `/` between folders.
fn list(root: &Path, folder: &Path, files: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            list(root, &path, files)?;
        } else if let Ok(name) = path.strip_prefix(root) {
            files.push(name.to_string_lossy().replace('\\', "/"));
        }
    }
    Ok(())
}

/// A variable that Cargo sets for build scripts.
fn variable(name: &str) -> String {
    env::var(name).unwrap_or_default()
}
