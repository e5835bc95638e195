//! A network of its own: each node lives in a network namespace behind a bridge, which drops its packets on demand.

use std::process::Command;

/// The namespaces and the bridge, removed on drop.
pub struct Network {
    name: String,
    nodes: usize,
    /// The first three numbers of its addresses.
    prefix: String,
}

impl Network {
    /// `None` if this account cannot make namespaces: the test prints a line and is skipped. In CI this panics instead.
    pub fn create(nodes: usize) -> Option<Network> {
        let process = std::process::id();
        let prefix = format!("10.213.{}", process % 250);
        let network = Network { name: format!("bf{}", process % 100_000), nodes, prefix };
        match network.set_up() {
            Ok(()) => Some(network),
            Err(reason) => {
                assert!(std::env::var_os("CI").is_none(), "network namespaces are required in CI: {reason}");
                eprintln!("skipped: cannot make network namespaces, which takes root ({reason})");
                None
            }
        }
    }

    fn set_up(&self) -> Result<(), String> {
        let bridge = &self.name;
        ip(&format!("link add {bridge} type bridge"))?;
        ip(&format!("addr add {}/24 dev {bridge}", self.address()))?;
        ip(&format!("link set {bridge} up"))?;
        for node in 0..self.nodes {
            let (namespace, port) = (self.namespace(node), self.port(node));
            ip(&format!("netns add {namespace}"))?;
            ip(&format!("link add {port} type veth peer name eth0 netns {namespace}"))?;
            ip(&format!("link set {port} master {bridge} up"))?;
            ip(&format!("-n {namespace} addr add {}/24 dev eth0", self.address_of(node)))?;
            ip(&format!("-n {namespace} link set eth0 up"))?;
            ip(&format!("-n {namespace} link set lo up"))?;
        }
        Ok(())
    }

    /// The address of this machine.
    pub fn address(&self) -> String {
        format!("{}.1", self.prefix)
    }

    pub fn subnet(&self) -> String {
        format!("{}.0/24", self.prefix)
    }

    pub fn address_of(&self, node: usize) -> String {
        format!("{}.{}", self.prefix, node + 2)
    }

    /// A command that starts a program in the namespace of a node.
    pub fn command(&self, node: usize, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.namespace(node), program]);
        command
    }

    /// Drops all packets from and to a node, silently.
    pub fn cut(&self, node: usize) {
        ip(&format!("link set {} nomaster", self.port(node))).expect("cuts");
    }

    pub fn heal(&self, node: usize) {
        ip(&format!("link set {} master {}", self.port(node), self.name)).expect("heals");
    }

    fn namespace(&self, node: usize) -> String {
        format!("{}-{node}", self.name)
    }

    fn port(&self, node: usize) -> String {
        format!("{}v{node}", self.name)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for node in 0..self.nodes {
            let _ = ip(&format!("netns del {}", self.namespace(node))); // may not exist
            let _ = ip(&format!("link del {}", self.port(node))); // goes with its namespace
        }
        let _ = ip(&format!("link del {}", self.name)); // may not exist
    }
}

fn ip(arguments: &str) -> Result<(), String> {
    let ended = Command::new("ip").args(arguments.split(' ')).output().map_err(|error| error.to_string())?;
    let stderr = String::from_utf8_lossy(&ended.stderr);
    if ended.status.success() { Ok(()) } else { Err(format!("ip {arguments}: {}", stderr.trim())) }
}
