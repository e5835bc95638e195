//! The pages in a real browser against the real program; the tests themselves stand in `suite.mjs` and `tests/`.

use std::path::Path;
use std::process::Command;

/// Where a browser is looked for when `CHROMIUM` does not say.
const BROWSERS: [&str; 3] = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/// Why the suite cannot run here; `None` where it can.
fn missing() -> Option<&'static str> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    let browser = std::env::var_os("CHROMIUM").is_some() || BROWSERS.iter().any(|path| Path::new(path).exists());
    let node = Command::new("node").arg("--version").output().is_ok_and(|output| output.status.success());
    match (node, browser, folder.join("node_modules/playwright-core").exists()) {
        (false, ..) => Some("node is not installed"),
        (_, false, _) => Some("no Chromium is installed; set CHROMIUM to the path of one"),
        (.., false) => Some("run npm ci in tests/browser first"),
        _ => None,
    }
}

#[test]
fn the_pages_work_in_a_browser() {
    if let Some(reason) = missing() {
        assert!(std::env::var_os("CI").is_none(), "under CI the browser tests must run: {reason}");
        eprintln!("skipped: {reason}");
        return;
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    let suite = Command::new("node").arg("suite.mjs").current_dir(folder).env("BELFRY", env!("CARGO_BIN_EXE_belfry")).output();
    let output = suite.expect("node starts");
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{text}");
    print!("{text}");
}
