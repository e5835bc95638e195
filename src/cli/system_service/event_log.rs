//! Event log of Windows, in which administrators look for the starts, ends and failures of services.

use std::ffi::OsStr;
use std::io;
use std::os::windows::ffi::OsStrExt;
use std::ptr::{null, null_mut};

use windows_sys::Win32::Foundation::ERROR_FILE_NOT_FOUND;
use windows_sys::Win32::System::EventLog::{
    DeregisterEventSource, EVENTLOG_ERROR_TYPE, EVENTLOG_INFORMATION_TYPE, RegisterEventSourceW, ReportEventW,
};
use windows_sys::Win32::System::Registry::{
    HKEY, HKEY_LOCAL_MACHINE, KEY_WRITE, REG_DWORD, REG_EXPAND_SZ, REG_OPTION_NON_VOLATILE, RegCloseKey, RegCreateKeyExW,
    RegDeleteTreeW, RegSetValueExW,
};

const SOURCES: &str = r"SYSTEM\CurrentControlSet\Services\EventLog\Application";
/// A program of Windows whose messages 1 to 1000 are "%1", the text that is written.
const MESSAGES: &str = r"%SystemRoot%\System32\EventCreate.exe";
const EVENT_ID: u32 = 1;
/// Errors, warnings and information.
const TYPES: u32 = 7;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Information,
    Error,
}

/// Writes an event. The event log is one of three records, with the log file and the state of the service: a failure is not reported.
pub(super) fn write(source: &str, level: Level, text: &str) {
    let (source, text) = (wide(source), wide(text));
    let kind = match level {
        Level::Information => EVENTLOG_INFORMATION_TYPE,
        Level::Error => EVENTLOG_ERROR_TYPE,
    };
    #[expect(unsafe_code, reason = "no safe wrapper exists among the dependencies")]
    // SAFETY: the texts end with zero and live until the calls have returned.
    unsafe {
        let handle = RegisterEventSourceW(null(), source.as_ptr());
        if handle.is_null() {
            return;
        }
        let texts = [text.as_ptr()];
        ReportEventW(handle, kind, 0, EVENT_ID, null_mut(), 1, 0, texts.as_ptr(), null());
        DeregisterEventSource(handle);
    }
}

/// Makes the texts of a source readable in the event viewer.
pub(super) fn add_source(source: &str) -> io::Result<()> {
    let path = wide(&format!(r"{SOURCES}\{source}"));
    let messages: Vec<u8> = wide(MESSAGES).iter().flat_map(|unit| unit.to_le_bytes()).collect();
    let mut key: HKEY = null_mut();
    #[expect(unsafe_code, reason = "no safe wrapper exists among the dependencies")]
    // SAFETY: the texts end with zero and live, as the key does, until the calls have returned.
    unsafe {
        let created = RegCreateKeyExW(
            HKEY_LOCAL_MACHINE,
            path.as_ptr(),
            0,
            null(),
            REG_OPTION_NON_VOLATILE,
            KEY_WRITE,
            null(),
            &raw mut key,
            null_mut(),
        );
        result(created)?;
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or_default();
        let file = RegSetValueExW(key, wide("EventMessageFile").as_ptr(), 0, REG_EXPAND_SZ, messages.as_ptr(), length(&messages));
        let types = TYPES.to_le_bytes();
        let kinds = RegSetValueExW(key, wide("TypesSupported").as_ptr(), 0, REG_DWORD, types.as_ptr(), length(&types));
        RegCloseKey(key);
        result(file).and_then(|()| result(kinds))
    }
}

/// Removes the source.
pub(super) fn remove_source(source: &str) -> io::Result<()> {
    let path = wide(&format!(r"{SOURCES}\{source}"));
    #[expect(unsafe_code, reason = "no safe wrapper exists among the dependencies")]
    // SAFETY: the text ends with zero and lives until the call has returned.
    let removed = unsafe { RegDeleteTreeW(HKEY_LOCAL_MACHINE, path.as_ptr()) };
    if removed == ERROR_FILE_NOT_FOUND { Ok(()) } else { result(removed) }
}

fn wide(text: &str) -> Vec<u16> {
    OsStr::new(text).encode_wide().chain([0]).collect()
}

fn result(code: u32) -> io::Result<()> {
    match i32::try_from(code) {
        Ok(0) => Ok(()),
        Ok(code) => Err(io::Error::from_raw_os_error(code)),
        Err(_) => Err(io::Error::other("unknown error")),
    }
}
