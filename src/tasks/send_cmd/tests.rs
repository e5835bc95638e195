//! Tests of `send_cmd` that run real commands with /bin/sh.

use std::time::Instant;

use chrono::DateTime;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::clock::SystemClock;
use crate::domain::execution::Stream;
use crate::i18n::message;
use crate::tasks::output::{ExecutionChunk, OutputSink};

struct Ran {
    ended: Result<Value, RunError>,
    pieces: Vec<ExecutionChunk>,
}

impl Ran {
    fn text(&self, stream: Stream) -> String {
        let of_stream = self.pieces.iter().filter(|piece| piece.chunk.stream == stream);
        of_stream.map(|piece| piece.chunk.text.as_str()).collect()
    }

    fn error(&self) -> &RunError {
        self.ended.as_ref().unwrap_err()
    }
}

fn context() -> (RunContext, mpsc::UnboundedReceiver<ExecutionChunk>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let context = RunContext {
        execution_id: "execution-1".into(),
        task_id: "task-1".into(),
        attempt: 2,
        scheduled_at: DateTime::UNIX_EPOCH,
        cancel: CancellationToken::new(),
        output: OutputSink::new("execution-1", 2, 100_000, Arc::new(SystemClock), sender),
    };
    (context, receiver)
}

async fn run(params: Value) -> Ran {
    assert_eq!(SendCmd::default().check(&params), []);
    let (context, mut receiver) = context();
    let ended = SendCmd::default().run(params, &context).await;
    drop(context);
    let mut pieces = Vec::new();
    while let Some(piece) = receiver.recv().await {
        pieces.push(piece);
    }
    Ran { ended, pieces }
}

#[tokio::test]
async fn output_is_split_by_stream_and_the_result_has_both_tails() {
    let ran = run(json!({"command": "echo one; echo two >&2; cat", "stdin": "three\n"})).await;
    assert_eq!((ran.text(Stream::Stdout), ran.text(Stream::Stderr)), ("one\nthree\n".into(), "two\n".into()));
    let expected = json!({"exit_code": 0, "signal": null, "stdout_tail": "one\nthree\n", "stderr_tail": "two\n"});
    assert_eq!(ran.ended, Ok(expected));
}

#[tokio::test]
async fn command_list_is_run_without_a_shell() {
    let ran = run(json!({"command": ["printf", "%s", "$HOME; a 'b'"]})).await;
    assert_eq!(ran.text(Stream::Stdout), "$HOME; a 'b'");
}

#[tokio::test]
async fn failing_exit_code_is_reported_with_the_last_error_line() {
    let ran = run(json!({"command": "echo first >&2; echo broken pipe at line 7 >&2; echo >&2; exit 3"})).await;
    assert_eq!((ran.error().message.to_string().as_str(), ran.error().retryable), ("exit code 3: broken pipe at line 7", true));
    assert_eq!(ran.error().result.as_ref().unwrap()["exit_code"], 3);
    assert!(run(json!({"command": "exit 3", "success_codes": [0, 3]})).await.ended.is_ok());
    assert_eq!(run(json!({"command": "kill -9 $$"})).await.error().message.to_string(), "terminated by SIGKILL");
}

#[tokio::test]
async fn environment_has_the_run_variables_and_no_server_settings() {
    let ran = run(json!({"command": "env | grep -E '^(BELFRY_|NAME)' | grep -v ^BELFRY_RUN= | sort; pwd", "env": {"NAME": "钟楼"}, "cwd": "/"})).await;
    let expected = "BELFRY_ATTEMPT=2\nBELFRY_EXECUTION_ID=execution-1\nBELFRY_SCHEDULED_AT=1970-01-01T00:00:00.000Z\n\
        BELFRY_TASK_ID=task-1\nNAME=钟楼\n/\n";
    assert_eq!(ran.text(Stream::Stdout), expected);
}

#[tokio::test]
async fn gbk_output_is_decoded() {
    let ran = run(json!({"command": r"printf '\326\323\302\245\n'", "encoding": "gbk"})).await;
    assert_eq!(ran.text(Stream::Stdout), "钟楼\n");
}

#[tokio::test]
async fn missing_program_or_folder_is_named_in_the_error() {
    let missing = run(json!({"command": ["/no/such/program"]})).await;
    assert_eq!(*missing.error(), RunError::fail(message!("process.program_not_found", program = "/no/such/program")));
    let missing = run(json!({"command": "true", "cwd": "/no/such/folder"})).await;
    assert_eq!(*missing.error(), RunError::fail(message!("process.cwd_missing", folder = "/no/such/folder")));
}

#[tokio::test]
async fn undeclared_gb18030_output_is_found_out() {
    let ran =
        run(json!({"command": r"printf '\261\340\322\353\312\247\260\334\n'; printf '\326\323\302\245\n' >&2; exit 1"})).await;
    assert_eq!((shown(&ran.text(Stream::Stdout)), shown(&ran.text(Stream::Stderr))), ("编译失败\n".into(), "钟楼\n".into()));
    assert_eq!(ran.error().message.to_string(), "exit code 1: 钟楼");
    let result = ran.error().result.clone().unwrap();
    assert_eq!((&result["stdout_tail"], &result["encoding"]), (&json!("编译失败\n"), &json!("gb18030")));
}

#[tokio::test]
async fn output_in_an_unknown_encoding_names_the_parameter() {
    let ran = run(json!({"command": r"printf 'caf\351 d\351j\340\n'"})).await;
    assert!(shown(&ran.text(Stream::Stdout)).starts_with("caf\u{fffd} d\u{fffd}j\u{fffd}\n"));
    assert!(ran.text(Stream::Stdout).contains("name its encoding in the parameter encoding"));
    let chunks: Vec<_> = ran.pieces.into_iter().map(|piece| piece.chunk).collect();
    assert!(crate::domain::raw_output::bytes(&chunks, None).starts_with(b"caf\xe9 d\xe9j\xe0\n"));
    assert!(!run(json!({"command": "echo 钟楼"})).await.text(Stream::Stdout).contains("encoding"));
}

fn shown(text: &str) -> String {
    crate::domain::raw_output::shown(text).into_owned()
}

#[tokio::test]
async fn windows_line_ends_are_mended_or_named() {
    let ran = run(json!({"command": "#!/bin/sh\r\nif true; then\r\n  echo mended\r\nfi\r\n"})).await;
    assert_eq!((ran.text(Stream::Stdout).as_str(), ran.ended.is_ok()), ("mended\n", true));
    let folder = tempfile::tempdir().unwrap();
    let script = |name: &str, text: &str| {
        use std::os::unix::fs::PermissionsExt;
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path.display().to_string()
    };
    let scripts = [script("a", "#!/bin/sh\r\necho a\r\n"), script("b", "#!/usr/bin/env bash\r\necho b\r\n")];
    for script in &scripts {
        for (command, shell) in [(json!([script]), None), (json!(script), Some("sh")), (json!(script), Some("bash"))] {
            let error = run(json!({"command": command, "shell": shell})).await;
            assert!(error.error().message.to_string().contains("Windows line ends (CRLF)"), "{command}: {:?}", error.ended);
        }
    }
    let inside = script("c", "#!/bin/bash\nls\r\nnothing\r\n");
    let error = run(json!({"command": [inside]})).await;
    assert!(error.error().message.to_string().contains("Windows line ends (CRLF)"), "{:?}", error.ended);
}

/// Commands that start a process outside of their own process group, which prints its id and sleeps. The names are those of the
/// programs they need.
const ESCAPES: [(&str, &str); 9] = [
    ("setsid", "setsid sh -c 'echo $$; exec sleep 60 >/dev/null 2>&1' &"),
    ("setsid", "setsid -f sh -c 'echo $$; exec sleep 60 >/dev/null 2>&1 </dev/null'"),
    // Without a mark in its environment, and without a parent among the processes of the run.
    ("setsid", "env -i setsid -f sh -c 'echo $$; exec sleep 60 >/dev/null 2>&1 </dev/null'"),
    ("setsid", "(env -i sh -c 'setsid sh -c \"echo \\$\\$; exec sleep 60 >/dev/null 2>&1\" &' &)"),
    ("nohup", "nohup sh -c 'echo $$; exec sleep 60 >/dev/null 2>&1' &"),
    ("timeout", "timeout 100 sh -c 'echo $$; exec sleep 60 >/dev/null 2>&1' &"),
    ("bash", "bash -c 'set -m; sh -c \"echo \\$\\$; exec sleep 60 >/dev/null 2>&1\" &'"),
    (
        "python3",
        "python3 -c 'import os, sys, time\nif os.fork(): sys.exit()\nos.setsid()\nif os.fork(): os._exit(0)\nos.write(1, b\"%d\\n\" % os.getpid())\nos.closerange(0, 3)\ntime.sleep(60)'",
    ),
    (
        "perl",
        "perl -MPOSIX -e 'exit if fork; POSIX::setsid(); exit if fork; $| = 1; print \"$$\\n\"; close STDOUT; close STDERR; sleep 60'",
    ),
];

fn escapes() -> impl Iterator<Item = &'static str> {
    let installed = |program: &str| {
        let path = std::env::var_os("PATH").unwrap();
        let found = std::env::split_paths(&path).any(|folder| folder.join(program).exists());
        if !found {
            eprintln!("skipped: {program} is not installed");
        }
        found
    };
    ESCAPES.iter().filter(move |(program, _)| installed(program)).map(|(_, command)| *command)
}

/// Starts a command and returns its task with the process id that it prints first.
async fn start(params: Value) -> (tokio::task::JoinHandle<Result<Value, RunError>>, CancellationToken, String) {
    let (context, mut receiver) = context();
    let cancel = context.cancel.clone();
    let running = tokio::spawn(async move { SendCmd::default().run(params, &context).await });
    let pid = receiver.recv().await.unwrap().chunk.text.trim().to_owned();
    assert!(is_alive(&pid), "{pid}");
    tokio::spawn(async move { while receiver.recv().await.is_some() {} });
    (running, cancel, pid)
}

#[tokio::test]
async fn every_process_ends_when_the_run_is_cancelled() {
    for command in escapes() {
        let (running, cancel, pid) = start(json!({"command": format!("{command}\nsleep 60")})).await;
        cancel.cancel();
        assert!(running.await.unwrap().is_err());
        wait_gone(&pid).await;
    }
}

#[tokio::test]
async fn every_process_ends_when_the_run_is_dropped() {
    for command in escapes() {
        let (running, _, pid) = start(json!({"command": format!("{command}\nsleep 60")})).await;
        running.abort();
        assert!(running.await.unwrap_err().is_cancelled());
        wait_gone(&pid).await;
    }
}

#[tokio::test]
async fn every_process_ends_with_its_command() {
    for command in escapes() {
        let ran = run(json!({"command": format!("{command}\nsleep 0.5")})).await;
        let text = ran.text(Stream::Stdout);
        assert!(ran.ended.is_ok() && text.contains("the parameter leave keeps them"), "{command}: {text}");
        assert!(!is_alive(text.lines().next().unwrap()), "{command}");
    }
}

#[tokio::test]
async fn members_have_time_to_end_after_sigterm() {
    let folder = tempfile::tempdir().unwrap();
    let trap = "setsid sh -c 'trap \"sleep 0.3; touch cleaned; exit\" TERM; echo $$; while :; do sleep 0.05; done' & wait";
    let (running, cancel, pid) = start(json!({"command": trap, "cwd": folder.path()})).await;
    cancel.cancel();
    assert!(running.await.unwrap().is_err() && folder.path().join("cleaned").exists());
    wait_gone(&pid).await;
}

#[tokio::test]
async fn processes_that_a_command_leaves_go_on() {
    let started = Instant::now();
    let ran = run(json!({"command": "sleep 20 & echo $!", "leave": true})).await;
    assert!(ran.ended.is_ok() && started.elapsed() < Duration::from_secs(10));
    let text = ran.text(Stream::Stdout);
    let pid = text.lines().next().unwrap().to_owned();
    assert!(is_alive(&pid), "the background process goes on");
    assert!(text.contains("the rest of the output is not read"));
    let daemon = "setsid sh -c 'echo $$; exec sleep 60 >/dev/null 2>&1' & sleep 60 & wait";
    let (running, cancel, daemon) = start(json!({"command": daemon, "leave": true})).await;
    cancel.cancel();
    assert!(running.await.unwrap().is_err() && is_alive(&daemon), "a daemon in a session of its own goes on");
    assert!(run(json!({"command": ["kill", pid, daemon]})).await.ended.is_ok());
}

#[tokio::test]
async fn cancellation_kills_the_process_tree() {
    for command in ["sleep 60 & echo $!; wait", "trap '' TERM; (trap '' TERM; while :; do sleep 1; done) & echo $!; wait"] {
        let (running, cancel, pid) = start(json!({"command": command})).await;
        cancel.cancel();
        assert!(running.await.unwrap().is_err());
        wait_gone(&pid).await;
    }
}

#[tokio::test]
async fn command_limits_of_the_settings_apply() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { programs: vec!["echo".into()], command_folders: vec![folder.path().into()], ..Limits::within("") };
    let limited = SendCmd { limits: Arc::new(limits) };
    let inside = folder.path().to_str().unwrap();
    let refused = async |params: Value| {
        let (context, _output) = context();
        let error = limited.run(params, &context).await.unwrap_err();
        assert!(!error.retryable, "{error:?}");
        error.message.to_string()
    };
    assert!(
        refused(json!({"command": "echo", "cwd": inside})).await.contains("'sh' is not allowed"),
        "a command given as text is run by a shell"
    );
    assert!(refused(json!({"command": ["/bin/echo"], "cwd": inside})).await.contains("[commands] programs"));
    assert!(refused(json!({"command": ["echo"]})).await.contains("[commands] folders"));
    assert!(refused(json!({"command": ["echo"], "cwd": "/"})).await.contains("[commands] folders"));
    assert!(refused(json!({"command": ["echo"], "cwd": inside, "env": {"PATH": inside}})).await.contains("env: PATH"));
    let (context, _output) = context();
    assert!(limited.run(json!({"command": ["echo"], "cwd": inside}), &context).await.is_ok());
}

#[test]
fn check_finds_faults_beyond_the_schema() {
    let fault = |params: Value| {
        SendCmd::default().check(&params).into_iter().map(|fault| (fault.pointer, fault.message.to_string())).collect::<Vec<_>>()
    };
    assert_eq!(fault(json!({"command": "  "})), [("/command".into(), "command: must not be empty".into())]);
    assert_eq!(fault(json!({"command": ["ls"], "shell": "sh"}))[0].0, "/shell");
    let unknown = fault(json!({"command": "ls", "encoding": "klingon", "env": {"A=B": ""}}));
    assert_eq!(
        fault(json!({"command": "{{ params.line }}", "encoding": "{{ encoding }}"})),
        [],
        "templates are rendered before the run"
    );
    assert_eq!(unknown.iter().map(|(pointer, _)| pointer.as_str()).collect::<Vec<_>>(), ["/encoding", "/env/A=B"]);
    assert!(unknown[0].1.starts_with("encoding: unknown encoding 'klingon'"));
}

/// Whether the process is running; a zombie is not.
fn is_alive(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| !rest.trim().is_empty() && !rest.trim().starts_with('Z'))
}

async fn wait_gone(pid: &str) {
    for _ in 0..500 {
        if !is_alive(pid) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("process {pid} is still running");
}
