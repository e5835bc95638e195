//! A PostgreSQL server of its own, which a scenario may stop and kill.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A running server in a temporary folder, stopped on drop.
pub struct Cluster {
    folder: tempfile::TempDir,
    programs: PathBuf,
    pub port: u16,
    /// Where it listens, as in its setting.
    addresses: String,
}

impl Cluster {
    /// `None` without PostgreSQL's programs: the test prints a line and is skipped. In CI this panics instead.
    pub fn create() -> Option<Cluster> {
        Cluster::create_on("127.0.0.1", None)
    }

    /// Listens on an address and trusts the clients of a network, both besides this machine.
    pub fn create_in(address: &str, network: &str) -> Option<Cluster> {
        Cluster::create_on(&format!("127.0.0.1,{address}"), Some(network))
    }

    fn create_on(addresses: &str, trusted: Option<&str>) -> Option<Cluster> {
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
        let cluster = Cluster { folder, programs, port, addresses: addresses.to_owned() };
        cluster.run("initdb", &["-A", "trust", "-U", "belfry", "-E", "UTF8", "--locale", "C.UTF-8"]);
        if let Some(network) = trusted {
            let file = cluster.data("data/pg_hba.conf");
            let known = std::fs::read_to_string(&file).expect("read the file");
            std::fs::write(&file, format!("{known}host all all {network} trust\n")).expect("write the file");
        }
        cluster.start();
        Some(cluster)
    }

    pub fn start(&self) {
        let folder = self.folder.path().display();
        let options = format!("-p {} -c listen_addresses={} -c unix_socket_directories={folder}", self.port, self.addresses);
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

    /// The first value of a statement's result.
    pub fn ask(&self, statement: &str) -> String {
        let port = self.port.to_string();
        let connection = ["-h", "127.0.0.1", "-p", &port, "-U", "belfry", "-d", "postgres", "-Atqc", statement];
        let answer = self.command("psql").args(connection).output().expect("run psql");
        assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
        String::from_utf8_lossy(&answer.stdout).trim().to_owned()
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
