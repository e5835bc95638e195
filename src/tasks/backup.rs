//! `backup`: backs up Belfry's own database while it is in use, checks the backup, and removes old ones.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Run, RunContext, RunError, Spec, TaskType, Text, Toolbox, first_fault, unreadable};
use crate::domain::policy::Policy;
use crate::i18n::message;
use crate::storage::copy;

mod files;
mod postgres;

use files::{BackupFormat, PartialBackup};

/// The task type `backup`.
pub struct Backup {
    toolbox: Toolbox,
}

#[derive(Debug, Deserialize)]
struct Params {
    #[serde(default = "top_folder")]
    to: String,
    keep: Option<usize>,
}

/// The default of `to`: the first of the folders for backups itself.
fn top_folder() -> String {
    ".".to_owned()
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
            title: Text::new("Back up Belfry", "备份 Belfry"),
            description: Text::new(
                "Backs up Belfry's own database while it is in use, checks the backup, and removes old ones.",
                "在运行中备份 Belfry 自身的数据库，校验备份，并清理过旧的备份。",
            ),
            params_schema: schema(),
            example: json!({"keep": 14}),
            default_policy: Policy { timeout: Some(Duration::from_secs(3600)), ..Policy::default() },
            // A backup contains the accounts and the parameters of all tasks.
            dangerous: true,
        }
    }

    fn run<'a>(&'a self, params: Value, context: &'a RunContext) -> Run<'a> {
        Box::pin(async move {
            let params: Params = serde_json::from_value(params).map_err(|error| first_fault(unreadable(&error)))?;
            tokio::select! {
                ended = self.create_backup(params, context) => ended,
                () = context.cancel.cancelled() => Err(RunError::fail(message!("backup.cancelled"))),
            }
        })
    }
}

impl Backup {
    async fn create_backup(&self, params: Params, context: &RunContext) -> Result<Value, RunError> {
        let (started, now) = (Instant::now(), self.toolbox.clock.now());
        let folder = self.folder(params.to).await?;
        let kind = self.toolbox.database.kind();
        let file = match kind {
            "sqlite" => self.sqlite(&folder, now).await?,
            _ => postgres::dump(&self.toolbox, &folder, now, context).await?,
        };
        let keep = params.keep;
        let (created, pruned_folder) = (file.clone(), folder.clone());
        let (bytes, removed) = run_blocking(move || {
            let bytes = std::fs::metadata(&created).map(|metadata| metadata.len());
            Ok((bytes.unwrap_or_default(), files::prune(&pruned_folder, keep, now)))
        })
        .await?;
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        context.output.line(&format!("{name}: {bytes} bytes, checked; removed {} old backups", removed.len()));
        Ok(json!({
            "file": name, "folder": folder.display().to_string(), "database": kind, "bytes": bytes, "removed": removed,
            "elapsed_ms": u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        }))
    }

    /// The folder of the backups; created if it is missing.
    async fn folder(&self, to: String) -> Result<PathBuf, RunError> {
        let limits = self.toolbox.limits.clone();
        run_blocking(move || {
            let own = limits.backup_folders.first().cloned().unwrap_or_default();
            files::create_folder(&own)?;
            let folder = limits.resolve_backup_folder(Path::new(&to)).map_err(|problem| RunError::fail(problem.of("to")))?;
            files::create_folder(&folder)?;
            Ok(folder)
        })
        .await
    }

    /// Backs up a SQLite database in a task of its own, so that it cleans up even if this future is dropped.
    async fn sqlite(&self, folder: &Path, now: DateTime<Utc>) -> Result<PathBuf, RunError> {
        let stop = tokio_util::sync::CancellationToken::new();
        let _guard = stop.clone().drop_guard(); // stops the copy when this future is dropped
        let (database, folder) = (self.toolbox.database.clone(), folder.to_owned());
        let task = tokio::spawn(async move {
            let part = run_blocking(move || PartialBackup::create(&folder, BackupFormat::Sqlite, now)).await?;
            let part = Arc::new(part);
            copy::copy_sqlite(&database, part.path(), stop).await.map_err(|error| RunError::database(&error))?;
            let corrupt = |error: crate::storage::Error| message!("backup.corrupt", error = error.to_string());
            copy::check_sqlite(part.path()).await.map_err(|error| RunError::retry(corrupt(error)))?;
            run_blocking(move || part.finish()).await
        });
        task.await.map_err(|error| RunError::internal(&error))?
    }
}

/// Runs blocking file operations off the async threads.
async fn run_blocking<T: Send + 'static>(task: impl FnOnce() -> Result<T, RunError> + Send + 'static) -> Result<T, RunError> {
    tokio::task::spawn_blocking(task).await.map_err(|error| RunError::internal(&error))?
}

fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "to": {
                "type": "string", "minLength": 1, "maxLength": 4096, "default": ".",
                "description": "The folder of the backups: relative to backups in the data folder, or an absolute path in one of [backup] folders. Tasks cannot read it.",
                "x-description-zh": "备份存放的文件夹：相对于数据文件夹下的 backups，或位于 [backup] folders 之内的完整路径。任务无法读取其中的文件。",
            },
            "keep": {
                "type": "integer", "minimum": 1, "maximum": 10_000,
                "description": "How many backups to keep, the newest; by default all.",
                "x-description-zh": "保留最新的备份份数，默认全部保留。",
            },
        },
    })
}
