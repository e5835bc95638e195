//! The rows of an answer in a CSV file: UTF-8 with a byte order mark, by which spreadsheets know it. It is written beside its
//! place and moved there when the run has succeeded, so that nobody ever reads half of it.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::mpsc::Receiver;

use crate::tasks::sql::SqlError;
use crate::tasks::sql::session::Event;
use crate::tasks::{Limits, RunError};

/// A file that comes to be.
pub(super) struct CsvFile {
    place: PathBuf,
    part: Option<Part>,
}

/// What is written so far; removed when dropped.
struct Part {
    path: PathBuf,
    writer: Option<csv::Writer<BufWriter<File>>>,
    rows: u64,
}

impl CsvFile {
    /// Finds out whether the file may be written.
    pub async fn open(limits: &Arc<Limits>, file: &str) -> Result<CsvFile, RunError> {
        let (limits, file) = (Arc::clone(limits), PathBuf::from(file));
        let opened = blocking(move || {
            let place = limits.file(&file)?;
            if place.is_dir() {
                return Err(format!("{} is a folder", place.display()));
            }
            let part = Part::new(&place)?;
            Ok(CsvFile { place, part: Some(part) })
        });
        opened.await.map_err(|message| RunError::fail(format!("file: {message}")))
    }

    pub fn row_count(&self) -> u64 {
        self.part.as_ref().map_or(0, |part| part.rows)
    }

    /// Takes one statement's answer; answers how many rows it had. The last answer with columns is the one that stays.
    pub async fn take(&mut self, events: Receiver<Event>) -> Result<u64, SqlError> {
        let Some(part) = self.part.take() else { return Err(SqlError::fail("the file is gone")) };
        let place = self.place.clone();
        let (part, rows) = blocking(move || part.take(&place, events)).await.map_err(SqlError::fail)?;
        self.part = Some(part);
        Ok(rows)
    }

    /// Puts the file in its place; answers its path.
    pub async fn keep(self) -> Result<String, RunError> {
        let CsvFile { place, part } = self;
        let kept = blocking(move || match part {
            Some(part) => part.move_to(&place).map(|()| place.display().to_string()),
            None => Err("the file is gone".to_owned()),
        });
        kept.await.map_err(RunError::retry)
    }
}

impl Part {
    fn new(place: &Path) -> Result<Part, String> {
        let name = place.file_name().unwrap_or_default().to_string_lossy();
        let path = place.with_file_name(format!(".{name}.{}.part", ulid::Ulid::generate()));
        let written = File::create_new(&path).and_then(|mut file| {
            file.write_all("\u{feff}".as_bytes())?;
            Ok(BufWriter::new(file))
        });
        let writer = written.map_err(|error| failed(place, &error))?;
        Ok(Part { path, writer: Some(csv::Writer::from_writer(writer)), rows: 0 })
    }

    fn take(mut self, place: &Path, mut events: Receiver<Event>) -> Result<(Part, u64), String> {
        let mut rows = 0;
        while let Some(event) = events.blocking_recv() {
            match event {
                Event::Columns(columns) => {
                    self = Part::new(place)?;
                    rows = 0;
                    self.write(place, columns.iter().map(|column| column.name.clone()))?;
                }
                Event::Row(row) => {
                    rows += 1;
                    self.rows += 1;
                    self.write(place, row.iter().map(|cell| cell.text()))?;
                }
            }
        }
        Ok((self, rows))
    }

    fn write(&mut self, place: &Path, fields: impl Iterator<Item = String>) -> Result<(), String> {
        let Some(writer) = &mut self.writer else { return Ok(()) };
        writer.write_record(fields).map_err(|error| failed(place, &std::io::Error::from(error)))
    }

    fn move_to(mut self, place: &Path) -> Result<(), String> {
        if let Some(writer) = self.writer.take() {
            let whole = writer.into_inner().map_err(|error| failed(place, error.error()))?;
            whole.into_inner().map_err(|error| failed(place, error.error()))?;
        }
        std::fs::rename(&self.path, place).map_err(|error| failed(place, &error))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        drop(self.writer.take());
        // After the move there is nothing left of it.
        let _gone_already = std::fs::remove_file(&self.path);
    }
}

fn failed(place: &Path, error: &std::io::Error) -> String {
    format!("cannot write {}: {error}", place.display())
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, String> + Send + 'static) -> Result<T, String> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Err("the file could not be written".to_owned()))
}
