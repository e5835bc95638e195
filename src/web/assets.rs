//! Static assets: style sheets, scripts and images, embedded in the binary. Each URL has a content hash, so that browsers can
//! cache the file forever and still see every change. What every page loads is bundled into one style sheet and one script.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use poem::Response;
use poem::http::HeaderMap;

use crate::embedded;
use crate::net::static_file::StaticFile;

const FOLDER: &str = "static";

/// Served by the page `/docs`.
const SWAGGER_UI: &str = "vendor/swagger-ui/";

/// The bundles, with their files in order.
const BUNDLES: [(&str, &[&str]); 2] = [
    ("app.css", &["vendor/tabler-core-1.6.1/tabler.min.css", "css/belfry.css", "css/lists.css", "css/run.css", "css/task.css"]),
    (
        "app.js",
        &[
            "vendor/htmx-4.0.1/htmx.min.js",
            "js/live.js",
            "js/belfry.js",
            "js/rows.js",
            "js/lists.js",
            "js/loading.js",
            "js/output.js",
            "js/forms.js",
            "js/palette.js",
        ],
    ),
];

/// All files by path, unpacked once.
static ALL: LazyLock<BTreeMap<String, StaticFile>> = LazyLock::new(|| {
    let names = embedded::names(FOLDER).into_iter().filter(|name| !name.starts_with(SWAGGER_UI));
    let single = names.filter_map(|name| Some((name.clone(), StaticFile::new(&name, embedded::read(FOLDER, &name)?))));
    single.chain(BUNDLES.iter().map(|(name, parts)| ((*name).to_owned(), StaticFile::new(name, bundle(parts).into())))).collect()
});

fn bundle(parts: &[&str]) -> Vec<u8> {
    let contents = parts.iter().filter_map(|part| embedded::read(FOLDER, part));
    contents.collect::<Vec<_>>().join(&b'\n')
}

/// Returns the URL of a file in `static/` or of a bundle; `None` if it does not exist.
pub fn address(path: &str) -> Option<String> {
    Some(format!("/static/{path}?v={}", ALL.get(path)?.version()))
}

/// Responds to `GET` and `HEAD` of a file; `None` if it does not exist.
pub fn respond(path: &str, query_version: Option<&str>, headers: &HeaderMap) -> Option<Response> {
    Some(ALL.get(path)?.respond(query_version, headers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_a_bundle_exists() {
        for part in BUNDLES.iter().flat_map(|(_, parts)| *parts) {
            assert!(embedded::read(FOLDER, part).is_some(), "{part}");
        }
    }
}
