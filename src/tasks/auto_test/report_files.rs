//! The report files of a run. Only files written by this run are read, so that an old report is not taken for a new one when the
//! suite fails to start.

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use encoding_rs::Encoding;

use super::junit;
use super::params::{Format, Params};
use super::report::Report;
use crate::domain::input::truncate;
use crate::i18n::{Message, message};
use crate::tasks::RunError;

/// Maximum number of report files.
const FILES_MAX: usize = 1_000;
/// Maximum size of a report file, in bytes.
const SIZE_MAX: u64 = 64 << 20;

/// The files that match the pattern, with their versions before the run.
pub(super) struct Reports {
    /// The absolute path of the report files, with wildcards.
    pattern: String,
    before: HashMap<PathBuf, FileVersion>,
    /// The encoding of reports that do not name theirs and are not UTF-8.
    encoding: Option<&'static Encoding>,
}

/// Modification time and size, which change when a file is rewritten.
type FileVersion = (Option<SystemTime>, u64);

impl Reports {
    /// Records the files that exist before the run.
    pub async fn snapshot(params: &Params) -> Result<Reports, RunError> {
        let folder = params.cwd.clone().unwrap_or_default();
        let (report, encoding) = (params.report.clone().filter(|_| params.format == Format::Junit), params.encoding);
        blocking(move || {
            let Some(report) = report else { return Ok(Reports { pattern: String::new(), before: HashMap::new(), encoding }) };
            let folder = std::path::absolute(if folder.as_os_str().is_empty() { Path::new(".") } else { &folder });
            let folder = folder.map_err(|error| RunError::fail(message!("tests.cwd", error = error.to_string())))?;
            let pattern = format!("{}/{report}", glob::Pattern::escape(&folder.display().to_string()));
            let before = find(&pattern)?.into_iter().collect();
            Ok(Reports { pattern, before, encoding })
        })
        .await
    }

    /// Reads the files that are new or changed since the snapshot. A file that cannot be parsed is a fault of the report.
    pub async fn read(self) -> Result<Report, RunError> {
        blocking(move || {
            let mut report = Report::default();
            for (path, version) in find(&self.pattern)? {
                if self.before.get(&path) != Some(&version) {
                    read_file(&path, version.1, self.encoding, &mut report);
                }
            }
            Ok(report)
        })
        .await
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, RunError> + Send + 'static) -> Result<T, RunError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| RunError::internal(&error))?
}

fn find(pattern: &str) -> Result<Vec<(PathBuf, FileVersion)>, RunError> {
    let paths = glob::glob(pattern).map_err(|error| RunError::fail(Message::verbatim(error.to_string()).of("report")))?;
    let with_version = |path: PathBuf| {
        let metadata = std::fs::metadata(&path).ok().filter(std::fs::Metadata::is_file)?;
        Some((path, (metadata.modified().ok(), metadata.len())))
    };
    Ok(paths.filter_map(Result::ok).filter_map(with_version).take(FILES_MAX).collect())
}

fn read_file(path: &Path, size: u64, encoding: Option<&'static Encoding>, report: &mut Report) {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let file = name.as_str();
    let fault = match read_bounded(path) {
        Ok(bytes) if size > SIZE_MAX || bytes.len() as u64 > SIZE_MAX => {
            Some(message!("tests.report_too_large", file, max = SIZE_MAX >> 20))
        }
        Ok(bytes) => junit::read(&bytes, file, encoding, report).err(),
        Err(error) => Some(message!("tests.report_unparsable", file, error = truncate(&error.to_string(), 200))),
    };
    report.faults.extend(fault);
    report.files.push(path.display().to_string());
}

/// The bytes of a file, at most one more than allowed.
fn read_bounded(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(SIZE_MAX + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
