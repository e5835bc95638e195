//! `backup`: copies Belfry's own database while it is in use, checks the copy, and removes copies that are too old.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Run, RunContext, RunError, Spec, TaskType, Text, Toolbox};
use crate::domain::policy::Policy;
use crate::storage::copy;

mod files;
mod postgres;

use files::{Ending, Part};

/// Copies the database.
pub struct Backup {
    toolbox: Toolbox,
}

#[derive(Debug, Deserialize)]
struct Params {
    to: String,
    keep: Option<usize>,
}

impl Backup {
    pub fn new(toolbox: &Toolbox) -> Self {
        Self { toolbox: toolbox.clone() }
    }
}

impl TaskType for Backup {
    fn spec(&self) -> Spec {
        Spec {
            name: "backup".into(),
            title: Text::of("Back up Belfry", "备份 Belfry"),
            description: Text::of(
                "Copies Belfry's own database while it is in use, checks the copy, and removes old ones.",
                "在运行中备份 Belfry 自身的数据库，校验备份，并清理过旧的备份。",
            ),
            params_schema: schema(),
            example: json!({"to": "backups", "keep": 14}),
            default_policy: Policy { timeout: Some(Duration::from_secs(3600)), ..Policy::default() },
            // A copy holds the accounts and all that tasks were given.
            dangerous: true,
        }
    }

    fn run<'a>(&'a self, params: Value, context: &'a RunContext) -> Run<'a> {
        Box::pin(async move {
            let params: Params = serde_json::from_value(params).map_err(|error| RunError::fail(error.to_string()))?;
            tokio::select! {
                ended = self.back_up(params, context) => ended,
                () = context.cancel.cancelled() => Err(RunError::fail("the backup was given up")),
            }
        })
    }
}

impl Backup {
    async fn back_up(&self, params: Params, context: &RunContext) -> Result<Value, RunError> {
        let (started, now) = (Instant::now(), self.toolbox.clock.now());
        let folder = self.folder(params.to).await?;
        let kind = self.toolbox.database.kind();
        let file = match kind {
            "sqlite" => self.sqlite(&folder, now).await?,
            _ => postgres::dump(&self.toolbox, &folder, now, context).await?,
        };
        let keep = params.keep;
        let (made, looked) = (file.clone(), folder.clone());
        let (bytes, removed) = blocking(move || {
            let bytes = std::fs::metadata(&made).map(|metadata| metadata.len());
            Ok((bytes.unwrap_or_default(), files::tidy(&looked, keep, now)))
        })
        .await?;
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        context.output.line(&format!("{name}: {bytes} bytes, checked; {} older ones removed", removed.len()));
        Ok(json!({
            "file": name, "folder": folder.display().to_string(), "database": kind, "bytes": bytes, "removed": removed,
            "elapsed_ms": u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        }))
    }

    /// The folder of the copies, made where it is missing.
    async fn folder(&self, to: String) -> Result<PathBuf, RunError> {
        let limits = self.toolbox.limits.clone();
        blocking(move || {
            let folder = limits.file(Path::new(&to)).map_err(|message| RunError::fail(format!("to: {message}")))?;
            match std::fs::create_dir_all(&folder) {
                Ok(()) => Ok(folder),
                Err(error) => Err(RunError::fail(format!("to: {} cannot be made: {error}", folder.display()))),
            }
        })
        .await
    }

    /// Copies a SQLite database. The work goes on as a task of its own until it has cleaned up, whatever becomes of this one.
    async fn sqlite(&self, folder: &Path, now: DateTime<Utc>) -> Result<PathBuf, RunError> {
        let stop = tokio_util::sync::CancellationToken::new();
        let _stopped_at_the_end = stop.clone().drop_guard();
        let (database, folder) = (self.toolbox.database.clone(), folder.to_owned());
        let work = tokio::spawn(async move {
            let part = blocking(move || Part::begin(&folder, Ending::Sqlite, now)).await?;
            let part = Arc::new(part);
            copy::sqlite_into(&database, part.path(), stop).await.map_err(|error| RunError::retry(error.to_string()))?;
            let unsound = |error: crate::storage::Error| RunError::retry(format!("the copy is not sound: {error}"));
            copy::check_sqlite(part.path()).await.map_err(unsound)?;
            blocking(move || part.finish()).await
        });
        work.await.map_err(|error| RunError::retry(error.to_string()))?
    }
}

/// Work that looks at the disk.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, RunError> + Send + 'static) -> Result<T, RunError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| RunError::retry(error.to_string()))?
}

fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": false,
        "required": ["to"],
        "properties": {
            "to": {
                "type": "string", "minLength": 1, "maxLength": 4096,
                "description": "The folder of the copies: below the data folder's files, or a whole path in one of [files] folders.",
                "x-description-zh": "备份存放的文件夹：相对于数据文件夹下的 files，或位于 [files] folders 之内的完整路径。",
            },
            "keep": {
                "type": "integer", "minimum": 1, "maximum": 10_000,
                "description": "So many copies stay, the newest; by default all.",
                "x-description-zh": "保留最新的备份份数，默认全部保留。",
            },
        },
    })
}
