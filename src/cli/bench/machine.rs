//! The machine and the resources that a process uses.

use std::time::Duration;

use serde::Serialize;
use sysinfo::{CpuRefreshKind, Pid, ProcessRefreshKind, ProcessesToUpdate, System};

/// The machine that the benchmark runs on.
#[derive(Debug, Clone, Serialize)]
pub struct Machine {
    pub system: String,
    pub cpu: String,
    pub cores: usize,
    pub memory_mb: u64,
    /// Whether this is an optimised build; figures of others are not meaningful.
    pub optimised: bool,
}

impl Machine {
    pub fn current() -> Machine {
        let mut cpu = None;
        let mut memory = 0;
        if let Ok(mut system) = System::new() {
            system.refresh_cpu_list(CpuRefreshKind::nothing());
            system.refresh_memory();
            cpu = system.cpus().first().map(|cpu| cpu.brand().trim().to_owned());
            memory = system.total_memory();
        }
        Machine {
            system: System::long_os_version().unwrap_or_else(|_| std::env::consts::OS.to_owned()),
            cpu: cpu.filter(|name| !name.is_empty()).unwrap_or_else(System::cpu_arch),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_mb: memory >> 20,
            optimised: !cfg!(debug_assertions),
        }
    }
}

/// Resources used by a process so far.
#[derive(Debug, Clone, Copy, Default)]
pub struct Usage {
    pub cpu: Duration,
    pub memory_bytes: u64,
}

impl Usage {
    /// Those of a process by its id; `None` after it has exited.
    pub fn of(id: u32) -> Usage {
        let pid = Pid::from_u32(id);
        let Ok(mut system) = System::new() else { return Usage::default() };
        let kind = ProcessRefreshKind::nothing().with_cpu().with_memory();
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, kind);
        let read = |process: &sysinfo::Process| Usage {
            cpu: Duration::from_millis(process.accumulated_cpu_time()),
            memory_bytes: process.memory(),
        };
        system.process(pid).map(read).unwrap_or_default()
    }
}

/// A figure rounded to thousandths; more digits than that are not significant.
pub fn rounded(figure: f64) -> f64 {
    (figure * 1000.0).round() / 1000.0
}

/// A measurement of this process from its start on.
pub struct Meter {
    before: Usage,
}

impl Meter {
    pub fn start() -> Meter {
        reset_peak_memory();
        Meter { before: Usage::of(std::process::id()) }
    }

    /// CPU time in seconds, and peak memory in MiB.
    pub fn read(&self) -> (f64, u64) {
        let now = Usage::of(std::process::id());
        let cpu = rounded(now.cpu.saturating_sub(self.before.cpu).as_secs_f64());
        (cpu, peak_bytes().unwrap_or(now.memory_bytes) >> 20)
    }
}

/// Linux keeps the peak memory of a process; it is reset before each measurement.
#[cfg(target_os = "linux")]
fn reset_peak_memory() {
    let _ = std::fs::write("/proc/self/clear_refs", "5"); // if this fails, the peak is that of all measurements
}

#[cfg(not(target_os = "linux"))]
fn reset_peak_memory() {}

#[cfg(target_os = "linux")]
fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()? << 10)
}

/// On other systems the memory at the end is reported as the peak.
#[cfg(not(target_os = "linux"))]
fn peak_bytes() -> Option<u64> {
    None
}
