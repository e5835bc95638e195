//! Attachments: loads files, texts, and results of other tasks.

use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Value, json};

use super::table;
use crate::domain::fault::Fault;
use crate::domain::input::truncate;
use crate::i18n::{Message, message};
use crate::storage::{self, Session, execution, task};
use crate::tasks::{RunError, Stage, Toolbox};

/// The limit of all attachments of a mail together, in bytes; common mail services accept this much.
const MAX_TOTAL_BYTES: usize = 25 << 20;

/// An attachment whose content is not loaded yet.
#[derive(Debug)]
pub(super) struct Attachment {
    name: Option<String>,
    source: Source,
}

#[derive(Debug)]
enum Source {
    File(PathBuf),
    Text(String),
    /// The result of the newest succeeded execution of a task.
    Result {
        task_id: String,
        format: Format,
    },
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Format {
    #[default]
    Csv,
    Json,
}

/// The parameters of an attachment before they are checked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    name: Option<String>,
    path: Option<String>,
    text: Option<String>,
    from_task: Option<String>,
    format: Option<Format>,
}

/// An attachment with its content.
#[derive(Debug)]
pub(super) struct Content {
    pub name: String,
    pub bytes: Vec<u8>,
}

impl Attachment {
    /// Parses a list of attachments; their content is loaded when the mail is built.
    pub fn read_all(raw: Vec<Raw>, stage: Stage, faults: &mut Vec<Fault>) -> Vec<Attachment> {
        let mut read = Vec::with_capacity(raw.len());
        for (index, raw) in raw.into_iter().enumerate() {
            match Attachment::read(raw, stage) {
                Ok(attachment) => read.push(attachment),
                Err((member, message)) => faults.push(Fault::new(format!("/attachments/{index}{member}"), message)),
            }
        }
        read
    }

    fn read(raw: Raw, stage: Stage) -> Result<Attachment, (&'static str, Message)> {
        if let Some(name) = raw.name.as_deref().filter(|name| stage.is_resolved(name)) {
            check_name(name).map_err(|message| ("/name", message))?;
        }
        if raw.format.is_some() && raw.from_task.is_none() {
            return Err(("/format", message!("mail.attachment_format").of("format")));
        }
        let source = match (raw.path, raw.text, raw.from_task) {
            (Some(path), None, None) => Source::File(path.into()),
            (None, Some(_), None) if raw.name.is_none() => {
                return Err(("/name", message!("mail.attachment_name_required").of("name")));
            }
            (None, Some(text), None) => Source::Text(text),
            (None, None, Some(task_id)) => Source::Result { task_id, format: raw.format.unwrap_or_default() },
            _ => return Err(("", message!("mail.attachment_source").of("attachments"))),
        };
        Ok(Attachment { name: raw.name, source })
    }

    /// Loads the contents of all attachments.
    pub async fn load_all(all: Vec<Attachment>, toolbox: &Toolbox, task_id: &str) -> Result<Vec<Content>, RunError> {
        let mut loaded: Vec<Content> = Vec::with_capacity(all.len());
        let mut left = MAX_TOTAL_BYTES;
        for attachment in all {
            let content = attachment.load(toolbox, task_id, left).await?;
            left = left.checked_sub(content.bytes.len()).ok_or_else(|| too_large(&content.name))?;
            loaded.push(content);
        }
        Ok(loaded)
    }

    async fn load(self, toolbox: &Toolbox, task_id: &str, left: usize) -> Result<Content, RunError> {
        match self.source {
            Source::Text(text) => Ok(Content { name: self.name.unwrap_or_default(), bytes: text.into_bytes() }),
            Source::Result { task_id: from, format } => from_result(toolbox, self.name, &from, task_id, format).await,
            Source::File(path) => {
                let files = toolbox.files_of(task_id).await?;
                let read = tokio::task::spawn_blocking(move || {
                    let whole = files.resolve(&path).map_err(|message| message.of("attachments"))?;
                    file(&whole, self.name, left)
                });
                read.await.map_err(|error| RunError::internal(&error))?.map_err(RunError::fail)
            }
        }
    }

    pub fn schema() -> Value {
        let text = |max: usize, en: &str, zh: &str| {
            json!({
                "type": "string", "minLength": 1, "maxLength": max, "description": en, "x-description-zh": zh,
            })
        };
        json!({
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "path": text(4_096,
                    "The path of a file, relative to the folder files in the data folder.",
                    "文件路径，相对路径从数据目录的 files 目录算起。"),
                "text": text(5_000_000, "The content.", "附件内容。"),
                "from_task": text(64,
                    "The ID of a task; the result of its newest succeeded execution is attached.", "任务 ID：附上该任务最近一次成功执行的结果。"),
                "format": {
                    "enum": ["csv", "json"], "default": "csv",
                    "description": "With from_task: the rows as CSV for spreadsheets, or the whole result as JSON.",
                    "x-description-zh": "与 from_task 一起使用：csv 为结果行（可用 Excel 打开），json 为完整结果。",
                },
                "name": text(255,
                    "The name of the attachment; by default that of the file or the task.",
                    "附件名称，默认为文件名或任务 ID。"),
            },
        })
    }
}

/// Rejects paths as names, because some mail programs would save the attachment to that path.
fn check_name(name: &str) -> Result<(), Message> {
    let bad = |c: char| c.is_control() || matches!(c, '/' | '\\');
    if name.trim().is_empty() || name.contains(bad) {
        return Err(message!("mail.attachment_name", name = truncate(name, 40)).of("name"));
    }
    Ok(())
}

/// The result of another task (`from`), for the task `task_id`.
async fn from_result(
    toolbox: &Toolbox,
    name: Option<String>,
    from: &str,
    task_id: &str,
    format: Format,
) -> Result<Content, RunError> {
    let shown = truncate(from, 64);
    let task = shown.as_str();
    let unreadable = |error: storage::Error| RunError::retry(message!("mail.result_unreadable", task, error = error.to_string()));
    let mut session = toolbox.database.read().await.map_err(unreadable)?;
    if !reaches(&mut session, task_id, from).await.map_err(unreadable)? {
        return Err(RunError::fail(message!("mail.reference_dead", task)));
    }
    let found = execution::newest_result(&mut session, from).await.map_err(unreadable)?;
    let result = found.ok_or_else(|| RunError::fail(message!("mail.result_missing", task)))?;
    let (extension, bytes) = match format {
        Format::Json => ("json", serde_json::to_vec_pretty(&result).unwrap_or_default()),
        Format::Csv => {
            let failed = |problem: Message| RunError::fail(message!("mail.result_not_csv", task, problem));
            ("csv", table::csv(&result).map_err(failed)?)
        }
    };
    Ok(Content { name: name.unwrap_or_else(|| format!("{shown}.{extension}")), bytes })
}

/// Whether a task still reaches the task that it names: not another one that got the same id later, nor one that left the scope of
/// the account that named it.
async fn reaches(s: &mut dyn Session, task_id: &str, from: &str) -> storage::Result<bool> {
    let tasks = task::many(s, &[task_id.to_owned(), from.to_owned()]).await?;
    let find = |id: &str| tasks.iter().find(|task| task.id == id);
    let both = find(task_id).zip(find(from));
    Ok(both.is_none_or(|(own, target)| own.references.allow(target.target())))
}

fn file(path: &Path, name: Option<String>, left: usize) -> Result<Content, Message> {
    let shown = path.display().to_string();
    let fault = |error: std::io::Error| message!("mail.attachment_unreadable", file = &shown, error = error.to_string());
    let own_name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = name.or(own_name).unwrap_or_default();
    let opened = std::fs::File::open(path).map_err(fault)?;
    if !opened.metadata().map_err(fault)?.is_file() {
        return Err(message!("mail.attachment_not_a_file", file = &shown));
    }
    // Reads one byte more than allowed, so that a file that grows meanwhile is detected too.
    let mut bytes = Vec::new();
    opened.take(left as u64 + 1).read_to_end(&mut bytes).map_err(fault)?;
    if bytes.len() > left { Err(too_large(&name).message) } else { Ok(Content { name, bytes }) }
}

fn too_large(name: &str) -> RunError {
    RunError::fail(message!("mail.attachments_too_large", max = MAX_TOTAL_BYTES >> 20, name = truncate(name, 80)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::SystemClock;
    use crate::storage::{Database, Synchronous};

    async fn load(folder: &Path, all: Value) -> Result<Vec<(String, usize)>, String> {
        let database = Database::open_sqlite(&folder.join("task.db"), Synchronous::Normal).await.unwrap();
        let toolbox = Toolbox::plain(database, Arc::new(SystemClock), folder);
        let mut faults = Vec::new();
        let all = Attachment::read_all(serde_json::from_value(all).unwrap(), Stage::Run, &mut faults);
        assert_eq!(faults, []);
        let loaded = Attachment::load_all(all, &toolbox, "task-1").await;
        let sizes = |all: Vec<Content>| all.into_iter().map(|content| (content.name, content.bytes.len())).collect();
        loaded.map(sizes).map_err(|error| error.message.to_string())
    }

    #[tokio::test]
    async fn load_all_limits_files_by_folder_and_size() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("big.bin"), vec![0; MAX_TOTAL_BYTES]).unwrap();
        std::fs::create_dir(folder.path().join("sub")).unwrap();
        let load = async |all| load(folder.path(), all).await;
        assert_eq!(load(json!([{"path": "big.bin"}])).await, Ok(vec![("big.bin".into(), MAX_TOTAL_BYTES)]));
        let refused = [
            (json!([{"path": "big.bin"}, {"name": "n", "text": "x"}]), "attachments: more than 25 MiB in total with n"),
            (json!([{"name": "n", "text": "x"}, {"path": "big.bin"}]), "attachments: more than 25 MiB in total with big.bin"),
            (json!([{"path": "none.txt"}]), "failed to read"),
            (json!([{"path": "sub"}]), "is not a file"),
            (json!([{"path": "/etc/passwd"}]), "[files] folders"),
            (json!([{"from_task": "nobody"}]), "from_task: there is no succeeded execution of the task nobody"),
        ];
        for (all, part) in refused {
            let message = load(all).await.unwrap_err();
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn read_all_reports_faults_with_their_pointer() {
        let fault = |raw: Value| {
            let mut faults = Vec::new();
            Attachment::read_all(vec![serde_json::from_value(raw).unwrap()], Stage::Saved, &mut faults);
            faults.into_iter().map(|fault| fault.pointer).collect::<String>()
        };
        assert_eq!(fault(json!({"path": "a", "text": "b", "name": "c"})), "/attachments/0");
        assert_eq!(fault(json!({"text": "b"})), "/attachments/0/name");
        assert_eq!(fault(json!({"text": "b", "name": "../x"})), "/attachments/0/name");
        assert_eq!(fault(json!({"text": "b", "name": "x\r\ny"})), "/attachments/0/name");
        assert_eq!(fault(json!({"text": "b", "name": "{{ a / b }}.txt"})), "", "the template is rendered later");
        assert_eq!(fault(json!({"path": "a", "format": "csv"})), "/attachments/0/format");
    }
}
