//! A PostgreSQL server of its own, which a scenario may stop and kill.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A running server in a temporary folder, stopped on drop.
pub struct Cluster {
    folder: tempfile::TempDir,
    programs: PathBuf,
    pub port: u16,
}

impl Cluster {
    /// `None` without PostgreSQL's programs: the test prints a line and is skipped. In CI this panics instead.
    pub fn create() -> Option<Cluster> {
        let Some(programs) = programs() else {
            assert!(std::env::var_os("CI").is_none(), "PostgreSQL's programs are required in CI");
            eprintln!("skipped: PostgreSQL's program initdb was not found");
            return None;
        };
        let folder = tempfile::tempdir().expect("create a temporary folder");
        let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port();
        if is_root() {
            let owned = Command::new("chown").arg("postgres").arg(folder.path()).status();
            assert!(owned.expect("run chown").success());
        }
        let cluster = Cluster { folder, programs, port };
        cluster.run("initdb", &["-A", "trust", "-U", "belfry", "-E", "UTF8", "--locale", "C.UTF-8"]);
        cluster.start();
        Some(cluster)
    }

    pub fn start(&self) {
        let options =
            format!("-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories={}", self.port, self.folder.path().display());
        self.run("pg_ctl", &["-w", "-l", &self.data("log"), "-o", &options, "start"]);
    }

    /// Stops the server: `fast`, `immediate`, or `kill` for kill -9.
    pub fn stop(&self, mode: &str) {
        if mode != "kill" {
            self.run("pg_ctl", &["-w", "-m", mode, "stop"]);
            return;
        }
        let file = std::fs::read_to_string(self.data("data/postmaster.pid")).expect("read the process id");
        let pid = file.lines().next().expect("a process id").to_owned();
        let children = Command::new("pgrep").args(["-P", &pid]).output().expect("run pgrep");
        let pids = format!("{pid} {}", String::from_utf8_lossy(&children.stdout));
        for pid in pids.split_whitespace() {
            let _ = Command::new("kill").args(["-9", pid]).status(); // a child may have ended
        }
        while Path::new(&format!("/proc/{pid}")).exists() {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        std::fs::remove_file(self.data("data/postmaster.pid")).expect("remove the file of the dead server");
    }

    fn data(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let Output { status, stdout, stderr } =
            self.command(program).args(["-D", &self.data("data")]).args(arguments).output().expect("run");
        let shown = [stdout, stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
        assert!(status.success(), "{program} {arguments:?}: {shown}");
    }

    /// PostgreSQL refuses to run as root.
    fn command(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        let mut command = match is_root() {
            true => {
                let mut command = Command::new("runuser");
                command.args(["-u", "postgres", "--"]).arg(program);
                command
            }
            false => Command::new(program),
        };
        command.current_dir("/");
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = self.command("pg_ctl").args(["-D", &self.data("data"), "-m", "immediate", "stop"]).output(); // may be down
    }
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|process| std::os::unix::fs::MetadataExt::uid(&process) == 0)
}

/// The folder of the newest version's programs.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?.filter_map(Result::ok);
    let mut folders: Vec<PathBuf> =
        versions.map(|version| version.path().join("bin")).filter(|bin| bin.join("initdb").exists()).collect();
    folders.sort();
    folders.pop()
}
