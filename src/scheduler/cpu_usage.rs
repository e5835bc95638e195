//! CPU usage of the machine between two samples.

/// Measures from one sample to the next.
pub(super) struct CpuUsage(Counters);

impl CpuUsage {
    /// Begins a measurement.
    ///
    /// # Errors
    /// The system shows no usage.
    pub fn begin() -> Result<CpuUsage, String> {
        Counters::begin().map(CpuUsage)
    }

    /// The average use of all cores since the last sample or the beginning, 0 to 100; `None` if the system shows none.
    pub fn sample(&mut self) -> Option<f64> {
        self.0.sample()
    }
}

#[cfg(not(windows))]
struct Counters(sysinfo::System);

#[cfg(not(windows))]
impl Counters {
    fn begin() -> Result<Counters, String> {
        let mut system = sysinfo::System::new().map_err(|error| error.to_string())?;
        system.refresh_cpu_usage();
        Ok(Counters(system))
    }

    fn sample(&mut self) -> Option<f64> {
        self.0.refresh_cpu_usage();
        Some(f64::from(self.0.global_cpu_usage()))
    }
}

/// The times of all cores so far, in units of 100 ns. The performance counters that sysinfo asks for have other names in every
/// language of Windows, and are missing where an administrator has switched them off.
#[cfg(windows)]
struct Counters {
    idle: u64,
    /// With the idle time.
    total: u64,
}

#[cfg(windows)]
impl Counters {
    fn begin() -> Result<Counters, String> {
        use windows_sys::Win32::Foundation::FILETIME;
        use windows_sys::Win32::System::Threading::GetSystemTimes;

        let (mut idle, mut kernel, mut user) = (FILETIME::default(), FILETIME::default(), FILETIME::default());
        #[expect(unsafe_code, reason = "no safe wrapper exists among the dependencies")]
        // SAFETY: the three structures live until the call has returned.
        let done = unsafe { GetSystemTimes(&raw mut idle, &raw mut kernel, &raw mut user) };
        if done == 0 {
            return Err(std::io::Error::last_os_error().to_string());
        }
        let units = |time: FILETIME| u64::from(time.dwHighDateTime) << 32 | u64::from(time.dwLowDateTime);
        // The time of the kernel contains the idle time.
        Ok(Counters { idle: units(idle), total: units(kernel) + units(user) })
    }

    fn sample(&mut self) -> Option<f64> {
        let before = std::mem::replace(self, Counters::begin().ok()?);
        let total = self.total.saturating_sub(before.total);
        let idle = self.idle.saturating_sub(before.idle).min(total);
        #[expect(clippy::cast_precision_loss, reason = "a second has few units")]
        let percent = |busy: u64| busy as f64 * 100.0 / total as f64;
        (total > 0).then(|| percent(total - idle))
    }
}
