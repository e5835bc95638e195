//! User-defined executables: discovery, description, runs, changes and removal.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use belfry::tasks::echo::Echo;
use belfry::tasks::executables::ExecutableWatcher;
use belfry::tasks::registry::{Entry, Registry};
use serde_json::{Value, json};

use crate::run_once::{RunResult, is_alive, run, wait_gone};
use crate::support::run::context_of_attempt;

/// A watched folder.
struct WatchedFolder {
    folder: tempfile::TempDir,
    registry: Arc<Registry>,
    watcher: ExecutableWatcher,
}

impl WatchedFolder {
    fn new() -> WatchedFolder {
        let folder = tempfile::tempdir().expect("a folder");
        let registry = Arc::new(Registry::from_types(vec![Arc::new(Echo)]));
        let watcher = ExecutableWatcher::new(registry.clone(), folder.path());
        WatchedFolder { folder, registry, watcher }
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        write(&self.folder.path().join(name), text, 0o755)
    }

    fn get(&self, name: &str) -> Arc<Entry> {
        self.registry.get(name).expect("is a task type")
    }

    fn names(&self) -> Vec<String> {
        self.registry.all().into_iter().map(|entry| entry.spec.name.to_string()).filter(|name| name != "echo").collect()
    }

    async fn run(&self, name: &str, params: Value) -> RunResult {
        run(&*self.get(name).task_type, params).await
    }
}

/// Writes an executable under a temporary name and renames it, so that no partial file is scanned. Another process writes it,
/// so that no child process of the tests inherits a descriptor open for writing (the file could not be executed then).
fn write(path: &Path, text: &str, mode: u32) -> PathBuf {
    let aside = path.with_file_name(".aside");
    let mut command = Command::new("sh");
    command
        .args(["-c", "cat > \"$0\" && chmod \"$1\" \"$0\" && mv \"$0\" \"$2\""])
        .arg(&aside)
        .arg(format!("{mode:o}"))
        .arg(path);
    let mut child = command.stdin(Stdio::piped()).spawn().expect("starts");
    child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("writes");
    assert!(child.wait().expect("ends").success());
    path.to_owned()
}

const GREET: &str = r#"#!/bin/sh
if [ "$1" = --describe ]; then
    echo '{"title": {"en": "Greet", "zh": "问候"}, "params_schema": {"type": "object", "required": ["name"],
        "properties": {"name": {"type": "string"}}}, "example": {"name": "x"}, "default_policy": {"timeout_seconds": 9}}'
    exit
fi
echo "$BELFRY_EXECUTION_ID $BELFRY_TASK_ID $BELFRY_TASK_TYPE $BELFRY_ATTEMPT $BELFRY_SCHEDULED_AT" >&2
echo "working"
cat
"#;

#[tokio::test]
async fn executable_is_described_and_receives_parameters() {
    let mut watched = WatchedFolder::new();
    watched.write("greet.sh", GREET);
    assert!(watched.watcher.run_once().await);
    assert!(!watched.watcher.run_once().await, "an unchanged file is not described again");
    let entry = watched.get("greet");
    assert_eq!((&*entry.spec.title.en, &*entry.spec.title.zh), ("Greet", "问候"));
    assert!(entry.spec.dangerous && entry.spec.default_policy.timeout == Some(std::time::Duration::from_secs(9)));
    assert_eq!(entry.check(&json!({}), "/params")[0].pointer, "/params/name");
    let ran = watched.run("greet", json!({"name": "钟楼"})).await;
    assert_eq!(ran.result(), &json!({"name": "钟楼"}));
    assert!(ran.text.contains("execution-1 task-1 greet 2 1970-01-01T00:00:00.000Z"), "{}", ran.text);
}

#[tokio::test]
async fn python_executable_works_with_unicode_names() {
    if Command::new("python3").arg("--version").output().is_err() {
        assert!(std::env::var_os("CI").is_none(), "python3 is required under CI");
        return eprintln!("skipped: python3 is not installed");
    }
    let mut watched = WatchedFolder::new();
    watched.write("计数.py", "#!/usr/bin/env python3\nimport json, sys\nparams = json.load(sys.stdin)\nprint('正在计数')\nprint(json.dumps({'总数': len(params['项'])}, ensure_ascii=False))\n");
    watched.watcher.run_once().await;
    let ran = watched.run("计数", json!({"项": [1, 2, 3]})).await;
    assert_eq!(ran.result(), &json!({"总数": 3}));
    assert!(ran.text.contains("正在计数"));
}

#[tokio::test]
async fn exit_status_75_is_retryable() {
    let mut watched = WatchedFolder::new();
    watched.write("later", "#!/bin/sh\necho 'the queue is full' >&2\nexit 75\n");
    watched.write("never", "#!/bin/sh\necho '{\"done\": 3}'\necho 'no such customer' >&2\nexit 3\n");
    watched.write("plain", "#!/bin/sh\necho fine\n");
    watched.watcher.run_once().await;
    let later = watched.run("later", json!({})).await;
    assert_eq!((later.error().message.to_string().as_str(), later.error().retryable), ("the queue is full", true));
    let never = watched.run("never", json!({})).await;
    assert_eq!((never.error().message.to_string().as_str(), never.error().retryable), ("exit code 3: no such customer", false));
    assert_eq!(never.failed_result(), &json!({"done": 3}));
    assert_eq!(
        watched.run("plain", json!({})).await.result()["stdout_tail"],
        "fine\n",
        "without JSON the result is the end of the output"
    );
}

#[tokio::test]
async fn added_changed_and_removed_executables_are_detected() {
    let mut watched = WatchedFolder::new();
    assert!(!watched.watcher.run_once().await, "an empty folder is not a change");
    let path = watched.write("one.sh", "#!/bin/sh\necho '{\"version\": 1}'\n");
    watched.watcher.run_once().await;
    assert_eq!(watched.run("one", json!({})).await.result()["version"], 1);
    watched.write("one.sh", "#!/bin/sh\n[ \"$1\" ] && exit 1\necho '{\"version\": 22}'\n");
    watched.write("two.sh", GREET);
    assert!(watched.watcher.run_once().await);
    assert_eq!(
        (watched.names(), watched.run("one", json!({})).await.result()["version"].clone()),
        (vec!["one".into(), "two".into()], json!(22))
    );
    std::fs::remove_file(&path).expect("removes");
    assert!(watched.watcher.run_once().await);
    assert_eq!(watched.names(), ["two"]);
    std::fs::remove_dir_all(watched.folder.path()).expect("removes");
    watched.watcher.run_once().await;
    assert_eq!(watched.names(), Vec::<String>::new());
}

#[tokio::test]
async fn invalid_executables_are_ignored() {
    let mut watched = WatchedFolder::new();
    let describes = |answer: &str| format!("#!/bin/sh\ncat <<'END'\n{answer}\nEND\n");
    watched.write("bad-schema", &describes(r#"{"params_schema": {"type": "no such type"}}"#));
    watched.write("bad-key", &describes(r#"{"title": "x", "descripton": "y"}"#));
    watched.write("bad-example", &describes(r#"{"params_schema": {"required": ["a"]}, "example": {"b": 1}}"#));
    watched.write("echo", "#!/bin/sh\n");
    watched.write("no way.sh", "#!/bin/sh\n");
    watched.write("good.sh", "#!/bin/sh\nexit 1\n");
    watched.write("good.zz", GREET);
    write(&watched.folder.path().join("readme.txt"), "not executable", 0o644);
    write(&watched.folder.path().join("anybody"), "#!/bin/sh\n", 0o777);
    std::fs::create_dir(watched.folder.path().join("folder")).expect("makes a folder");
    watched.watcher.run_once().await;
    assert_eq!(watched.names(), ["good"]);
    assert_eq!(watched.get("good").spec.title.en, "good", "of duplicates the first by name");
    assert_eq!(watched.get("echo").spec.title.en, "Echo", "built-in types are not replaced");
    std::fs::remove_file(watched.folder.path().join("good.sh")).expect("removes");
    watched.watcher.run_once().await;
    assert_eq!(watched.get("good").spec.title.en, "Greet", "the duplicate replaces the removed file");
}

#[tokio::test]
async fn cancellation_and_description_timeout_leave_no_process() {
    let mut watched = WatchedFolder::new();
    let pid_file = watched.folder.path().join("pid");
    let slow = format!("#!/bin/sh\nsleep 600 & echo $! > {}\nwait\n", pid_file.display());
    watched.write("slow", &slow);
    let started = std::time::Instant::now();
    watched.watcher.run_once().await;
    assert!((4..15).contains(&started.elapsed().as_secs()), "the time limit of --describe is five seconds");
    wait_gone(std::fs::read_to_string(&pid_file).expect("has begun").trim()).await;
    let entry = watched.get("slow");
    let (context, mut receiver) = context_of_attempt(2);
    let cancel = context.cancel.clone();
    std::fs::remove_file(&pid_file).expect("removes");
    let running = tokio::spawn(async move { entry.task_type.run(json!({}), &context).await });
    let pid = loop {
        match std::fs::read_to_string(&pid_file) {
            Ok(pid) if pid.ends_with('\n') => break pid.trim().to_owned(),
            _ => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
        }
    };
    assert!(is_alive(&pid));
    cancel.cancel();
    assert_eq!(running.await.expect("ends").expect_err("fails").message.to_string(), "the command was stopped");
    assert!(receiver.recv().await.is_none());
    wait_gone(&pid).await;
}

/// The examples in examples/tasks that this machine can run.
#[tokio::test]
async fn examples_work() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/tasks");
    let registry = Arc::new(Registry::from_types(vec![Arc::new(Echo)]));
    ExecutableWatcher::new(registry.clone(), &folder).run_once().await;
    let disk = registry.get("disk-space").expect("the example in sh");
    assert_eq!(disk.spec.title.zh, "磁盘空间检查");
    let ran = run(&*disk.task_type, json!({"path": "/", "max_percent": 100})).await;
    assert!(ran.result()["used_percent"].as_u64().is_some_and(|used| used <= 100), "{ran:?}");
    let full = run(&*disk.task_type, json!({"path": "/", "max_percent": 0})).await;
    assert!(!full.error().retryable && full.error().message.to_string().contains("more than 0 %"), "{full:?}");
    let gone = run(&*disk.task_type, json!({"path": "/no/such/folder"})).await;
    assert!(!gone.error().retryable && gone.error().message.to_string().contains("no such folder"), "{gone:?}");
    if Command::new("python3").arg("--version").output().is_ok() {
        let count = registry.get("csv-summary").expect("the example in Python");
        assert_eq!(count.check(&json!({}), "")[0].pointer, "/file");
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("订单.csv");
        std::fs::write(&file, "城市,金额\n上海,2.5\n北京,1\n上海,4\n").expect("writes");
        let params = json!({"file": file, "group_by": "城市", "sum": "金额"});
        let ran = run(&*count.task_type, params).await;
        assert_eq!(ran.result(), &json!({"rows": 3, "groups": {"上海": 6.5, "北京": 1.0}}));
    } else {
        assert!(std::env::var_os("CI").is_none(), "python3 is required under CI");
    }
}
