//! Text files to import.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::Failure;
use crate::cli::output_options::OutputOptions;
use crate::config::reason;
use crate::migrate::decode;

/// Most bytes of a file.
const MAX_BYTES: u64 = 64 << 20;

/// A text file in any encoding.
#[derive(Debug, Args)]
pub(super) struct TextFile {
    /// The file; - reads standard input.
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
    /// The encoding of the file, such as gb18030; by default recognised.
    #[arg(long, value_name = "NAME")]
    encoding: Option<String>,
}

impl TextFile {
    /// The text, and the name of its encoding unless it is UTF-8.
    pub(super) fn read(&self, output: &OutputOptions) -> Result<(String, Option<&'static str>), Failure> {
        let path = &self.file;
        let cannot = |error: std::io::Error| Failure::Usage(format!("cannot read {}: {}", path.display(), reason(&error)));
        let mut bytes = Vec::new();
        let read = if path.as_os_str() == "-" {
            std::io::stdin().take(MAX_BYTES + 1).read_to_end(&mut bytes)
        } else {
            std::fs::File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
        };
        read.map_err(cannot)?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(Failure::Usage(format!("{}: must not be larger than {} MiB", path.display(), MAX_BYTES >> 20)));
        }
        let decoded = decode(&bytes, self.encoding.as_deref());
        decoded.map_err(|message| Failure::Usage(format!("{}: {}", path.display(), output.translate(&message))))
    }
}

/// What tells a file from others: its full path; standard input is one file.
pub(super) fn identity(file: &Path) -> String {
    std::fs::canonicalize(file).unwrap_or_else(|_| file.to_owned()).display().to_string()
}
