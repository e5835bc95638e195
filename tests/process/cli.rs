//! Runs commands on a local database or against a server, and captures their output.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::server::{Server, TOKEN, belfry};

/// The result of a command.
#[derive(Debug)]
pub struct CommandResult {
    pub status: i32,
    pub out: String,
    pub err: String,
}

impl CommandResult {
    /// Standard output, after checking that the exit code is 0.
    pub fn ok(self) -> String {
        assert_eq!(self.status, 0, "{self:?}");
        self.out
    }

    /// Standard error, after checking the exit code.
    pub fn failed_with(self, status: i32) -> String {
        assert_eq!(self.status, status, "{self:?}");
        self.err
    }

    pub fn json(self) -> Value {
        let out = self.ok();
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
    }
}

/// Runs a command on the local database of a folder.
pub fn local(folder: &Path, arguments: &[&str]) -> CommandResult {
    run(belfry(folder).args(arguments), "")
}

/// Runs a command against a server, from an empty folder.
pub fn remote(server: &Server, arguments: &[&str]) -> CommandResult {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let result = run(belfry(folder.path()).args(arguments).args(["--server", server.base()]).env("BELFRY_TOKEN", TOKEN), "");
    assert!(std::fs::read_dir(folder.path()).expect("list the folder").next().is_none(), "no local files are created");
    result
}

pub fn run(command: &mut Command, input: &str) -> CommandResult {
    let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = spawned.expect("start the program");
    // A command that reads no input may have ended already.
    let _ = child.stdin.take().expect("piped").write_all(input.as_bytes());
    let output = child.wait_with_output().expect("wait for the program");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("valid UTF-8");
    CommandResult { status: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
}
