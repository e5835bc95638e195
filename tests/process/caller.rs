//! Somebody at a command line: runs the program in a folder, or against a server, and looks at all that it says.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::server::{Server, TOKEN, belfry};

/// What a command came to.
#[derive(Debug)]
pub struct Said {
    pub status: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    /// The output stream, after the exit status was checked.
    pub fn ok(self) -> String {
        assert_eq!(self.status, 0, "{self:?}");
        self.out
    }

    /// The error stream, after the exit status was checked.
    pub fn refused(self, status: i32) -> String {
        assert_eq!(self.status, status, "{self:?}");
        self.err
    }

    pub fn json(self) -> Value {
        let out = self.ok();
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
    }
}

/// On the local database of a folder.
pub fn local(folder: &Path, arguments: &[&str]) -> Said {
    run(belfry(folder).args(arguments), "")
}

/// On a server, from a folder with nothing in it.
pub fn remote(server: &Server, arguments: &[&str]) -> Said {
    let folder = tempfile::tempdir().expect("a folder");
    let said = run(belfry(folder.path()).args(arguments).args(["--server", server.base()]).env("BELFRY_TOKEN", TOKEN), "");
    assert!(std::fs::read_dir(folder.path()).expect("lists").next().is_none(), "nothing is left on the caller's side");
    said
}

pub fn run(command: &mut Command, input: &str) -> Said {
    let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = spawned.expect("starts");
    // One that asks for nothing may have gone already.
    let _not_read = child.stdin.take().expect("is piped").write_all(input.as_bytes());
    let output = child.wait_with_output().expect("ends");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("is UTF-8");
    Said { status: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
}
