//! Secrets of the server's process: commands of tasks run under the same account, so they must find none in its memory or environment.

/// Clears the secrets among the environment variables, and keeps other processes of the account from reading this one's memory. Call
/// it once the settings are read, before any thread starts.
pub(super) fn protect() {
    #[cfg(unix)]
    clear_environment();
    #[cfg(target_os = "linux")]
    forbid_dumps();
}

/// Overwrites the values in place: Linux shows the memory in which a process got its environment as `/proc/<pid>/environ`.
#[cfg(unix)]
fn clear_environment() {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    for name in names.filter(|name| crate::config::is_secret_variable(name)) {
        let Ok(name) = std::ffi::CString::new(name) else { continue };
        #[expect(unsafe_code, reason = "the standard library removes variables but does not overwrite their values")]
        // SAFETY: the process has one thread, and `getenv` returns null or a terminated string that the process may write to.
        unsafe {
            let value = libc::getenv(name.as_ptr());
            if !value.is_null() {
                value.write_bytes(0, libc::strlen(value));
            }
        }
    }
}

/// Without dumps, `/proc/<pid>/mem` and `environ` belong to root, and no other process of the account can trace this one.
#[cfg(target_os = "linux")]
fn forbid_dumps() {
    #[expect(unsafe_code, reason = "no safe wrapper exists among the dependencies")]
    // SAFETY: the call takes numbers only.
    let done = unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0) };
    if done != 0 {
        let error = std::io::Error::last_os_error().to_string();
        eprintln!("{}", super::words(&crate::i18n::message!("cli.readable_memory", error)));
    }
}
