//! Programs that prepare or run other programs, with their options.

/// Commands that only prepare another one, and name the whole only where there is no other.
pub(super) const PREPARATIONS: &[&str] = &[
    "cd", "test", "[", "[[", ".", "source", "export", "unset", "set", "ulimit", "umask", "sleep", "true", "false", ":", "echo",
    "printf", "trap", "eval", "mkdir", "date", "which", "type", "hash", "command", "pushd", "popd", "shift", "local", "read",
    "wait", "exit", "logger",
];

/// Words of the shell's grammar before a command.
pub(super) const KEYWORDS: &[&str] =
    &["if", "then", "elif", "else", "fi", "while", "until", "do", "done", "!", "{", "}", "time", "exec", "esac"];

/// A program that runs the command after its own options. `valued` lists the options that take a word of their own, `operands` counts the
/// words before the command.
pub(super) struct Wrapper {
    pub name: &'static str,
    pub valued: &'static [&'static str],
    pub operands: usize,
}

const fn wrapper(name: &'static str, valued: &'static [&'static str], operands: usize) -> Wrapper {
    Wrapper { name, valued, operands }
}

pub(super) const WRAPPERS: &[Wrapper] = &[
    wrapper("flock", &["-w", "--timeout", "--wait", "-E", "--conflict-exit-code", "-c", "--command"], 1),
    wrapper("nice", &["-n", "--adjustment"], 0),
    wrapper("ionice", &["-c", "--class", "-n", "--classdata"], 0),
    wrapper("timeout", &["-k", "--kill-after", "-s", "--signal"], 1),
    wrapper("chronic", &[], 0),
    wrapper("cronic", &[], 0),
    wrapper("cronwrap", &[], 0),
    wrapper("nohup", &[], 0),
    wrapper("setsid", &[], 0),
    wrapper("time", &["-f", "-o"], 0),
    wrapper("env", &["-u", "--unset", "-C", "--chdir"], 0),
    wrapper("sudo", &["-u", "--user", "-g", "--group", "-h", "-p", "-C", "-D", "-R", "-T", "-r", "-t"], 0),
    wrapper("doas", &["-u", "-C"], 0),
    wrapper("runuser", &["-u", "--user", "-g", "--group", "-G", "-s", "-w", "-c", "--command"], 0),
    wrapper("su", &["-s", "--shell", "-g", "-G", "-w", "-c", "--command"], 0),
    wrapper("chroot", &[], 1),
    wrapper("chrt", &["-T", "-P", "-D"], 1),
    wrapper("taskset", &[], 1),
    wrapper("stdbuf", &["-i", "-o", "-e"], 0),
    wrapper("unbuffer", &[], 0),
    wrapper("systemd-cat", &["-t", "-p"], 0),
    wrapper("systemd-run", &["-p", "-u", "--unit", "-H", "-M"], 0),
    wrapper("systemd-inhibit", &[], 0),
    wrapper("setlock", &[], 1),
    wrapper("lockrun", &["--lockfile"], 0),
    wrapper("lockf", &["-t"], 1),
    wrapper("run-one", &[], 0),
    wrapper("xvfb-run", &["-n", "-s", "-e", "-f"], 0),
    wrapper("caffeinate", &["-t", "-w"], 0),
    wrapper("cpulimit", &["-l", "--limit"], 0),
    wrapper("proxychains", &["-f"], 0),
    wrapper("proxychains4", &["-f"], 0),
    wrapper("busybox", &[], 0),
    wrapper("xargs", &["-n", "-I", "-P", "-L", "-d", "-a", "-s", "-E"], 0),
    wrapper("sem", &["-j", "--id"], 0),
    wrapper("exec", &["-a"], 0),
    wrapper("builtin", &[], 0),
    wrapper("run-parts", &["-a", "--arg", "-u", "--umask", "--regex"], 0),
    wrapper("pipenv", &[], 0),
    wrapper("poetry", &[], 0),
    wrapper("uv", &[], 0),
    wrapper("npx", &["-p"], 0),
    wrapper("bundle", &[], 0),
    wrapper("conda", &["-n", "--name", "-p"], 0),
    wrapper("npm", &["--prefix"], 0),
    wrapper("yarn", &["--cwd"], 0),
];

pub(super) const SHELLS: &[&str] = &["sh", "bash", "dash", "ash", "zsh", "ksh", "fish"];
/// Interpreters, with the options that take a word of their own.
pub(super) const INTERPRETERS: &[(&str, &[&str])] = &[
    ("python", &["-W", "-X"]),
    ("pypy", &["-W", "-X"]),
    ("perl", &["-I"]),
    ("ruby", &["-I", "-r", "-C"]),
    ("node", &["-r", "--require", "--import"]),
    ("php", &["-c", "-d", "-z"]),
    ("lua", &["-l"]),
    ("Rscript", &[]),
    ("tclsh", &[]),
    ("java", &["-cp", "-classpath", "--class-path", "-p"]),
    ("dotnet", &[]),
    ("deno", &[]),
    ("bun", &[]),
    ("tsx", &[]),
    ("ts-node", &["-P"]),
    ("osascript", &["-l"]),
    ("pwsh", &["-ExecutionPolicy"]),
    ("powershell", &["-ExecutionPolicy"]),
];
/// Options of `docker exec` and its like that take a word of their own.
pub(super) const CONTAINER_OPTIONS: &[&str] = &[
    "-e",
    "--env",
    "-u",
    "--user",
    "-w",
    "--workdir",
    "-n",
    "--namespace",
    "-c",
    "--container",
    "-f",
    "--file",
    "-p",
    "--index",
    "--name",
    "-v",
    "--volume",
    "--network",
    "--entrypoint",
    "--env-file",
    "--context",
    "-H",
    "--host",
    "--profile",
    "--project-name",
    "--memory",
    "-m",
    "--cpus",
    "--mount",
    "--add-host",
    "-l",
    "--label",
    "--restart",
];
