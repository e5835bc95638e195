//! CSV output to a file, which is written under a temporary name and renamed when the run has succeeded, so that no partial
//! file is visible.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use tokio::sync::mpsc::Receiver;

use crate::domain::csv;
use crate::i18n::{Message, message};
use crate::tasks::RunError;
use crate::tasks::sql::SqlError;
use crate::tasks::sql::session::Event;
use crate::tasks::task_files::TaskFiles;

/// The largest file, in bytes.
const FILE_MAX: u64 = 1 << 30;

/// A CSV file in progress.
pub(super) struct CsvFile {
    target: PathBuf,
    partial: Option<PartialFile>,
}

/// The temporary file; removed on drop.
struct PartialFile {
    path: PathBuf,
    writer: Option<BufWriter<File>>,
    rows: u64,
    bytes_left: u64,
}

impl CsvFile {
    /// Creates the temporary file, if the limits allow the target.
    pub async fn open(files: TaskFiles, file: &str) -> Result<CsvFile, RunError> {
        let file = PathBuf::from(file);
        let opened = blocking(move || {
            let target = files.resolve(&file)?;
            if target.is_dir() {
                return Err(message!("sql.file_is_folder", file = target.display().to_string()));
            }
            let partial = PartialFile::new(&target)?;
            Ok(CsvFile { target, partial: Some(partial) })
        });
        opened.await.map_err(|message| RunError::fail(message.of("file")))
    }

    pub fn row_count(&self) -> u64 {
        self.partial.as_ref().map_or(0, |partial| partial.rows)
    }

    /// Receives the rows of one statement; returns their number. The file keeps the last result set.
    pub async fn take(&mut self, events: Receiver<Event>) -> Result<u64, SqlError> {
        let Some(partial) = self.partial.take() else { return Err(SqlError::fail(message!("sql.file_closed"))) };
        let target = self.target.clone();
        let (partial, rows) = blocking(move || partial.write_rows(&target, events)).await.map_err(SqlError::fail)?;
        self.partial = Some(partial);
        Ok(rows)
    }

    /// Renames the file to its target; returns the target's path.
    pub async fn publish(self) -> Result<String, RunError> {
        let CsvFile { target, partial } = self;
        let published = blocking(move || match partial {
            Some(partial) => partial.publish_to(&target).map(|()| target.display().to_string()),
            None => Err(message!("sql.file_closed")),
        });
        published.await.map_err(RunError::retry)
    }
}

impl PartialFile {
    fn new(target: &Path) -> Result<PartialFile, Message> {
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let path = target.with_file_name(format!(".{name}.{}.part", ulid::Ulid::generate()));
        let writer = File::create_new(&path).map_err(|error| write_error(target, &error))?;
        Ok(PartialFile { path, writer: Some(BufWriter::new(writer)), rows: 0, bytes_left: FILE_MAX })
    }

    fn write_rows(mut self, target: &Path, mut events: Receiver<Event>) -> Result<(PartialFile, u64), Message> {
        let mut rows = 0;
        while let Some(event) = events.blocking_recv() {
            match event {
                Event::Columns(columns) => {
                    self = PartialFile::new(target)?;
                    rows = 0;
                    self.write(target, &csv::header(columns.iter().map(|column| &column.name)))?;
                }
                Event::Row(row) => {
                    rows += 1;
                    self.rows += 1;
                    self.write(target, &csv::row(row.iter().map(|cell| cell.text())))?;
                }
            }
        }
        Ok((self, rows))
    }

    fn write(&mut self, target: &Path, line: &str) -> Result<(), Message> {
        let Some(writer) = &mut self.writer else { return Ok(()) };
        let too_large = || message!("sql.file_too_large", max = FILE_MAX >> 30);
        self.bytes_left = self.bytes_left.checked_sub(line.len() as u64).ok_or_else(too_large)?;
        writer.write_all(line.as_bytes()).map_err(|error| write_error(target, &error))
    }

    fn publish_to(mut self, target: &Path) -> Result<(), Message> {
        if let Some(writer) = self.writer.take() {
            writer.into_inner().map_err(|error| write_error(target, error.error()))?;
        }
        std::fs::rename(&self.path, target).map_err(|error| write_error(target, &error))
    }
}

impl Drop for PartialFile {
    fn drop(&mut self) {
        drop(self.writer.take());
        let _ = std::fs::remove_file(&self.path); // fails after a successful rename
    }
}

fn write_error(target: &Path, error: &std::io::Error) -> Message {
    message!("sql.file_unwritable", file = target.display().to_string(), error = error.to_string())
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Message> + Send + 'static) -> Result<T, Message> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(message!("run.internal", error = error.to_string())))
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;
    use crate::tasks::sql::Cell;

    #[test]
    fn a_file_ends_at_its_largest_size() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("out.csv");
        let row = || Event::Row(vec![Cell::Text("x".repeat(97))]);
        let write = |bytes_left: u64| {
            let (sender, events) = mpsc::channel(10);
            (0..3).for_each(|_| sender.try_send(row()).unwrap());
            drop(sender);
            let mut file = PartialFile::new(&target).unwrap();
            file.bytes_left = bytes_left;
            file.write_rows(&target, events).map(|(_, rows)| rows)
        };
        assert_eq!(write(297), Ok(3));
        assert_eq!(write(296).unwrap_err().to_string(), "the CSV file would be larger than 1 GiB");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left");
    }
}
