//! Access control lists of Windows: full access for the account of this process, SYSTEM and named accounts; nobody else, whatever the
//! parent folder grants.

use std::ffi::OsStr;
use std::io;
use std::os::windows::ffi::OsStrExt;
use std::path::Path;
use std::ptr::{null, null_mut};

use windows_sys::Win32::Foundation::{CloseHandle, HANDLE, LocalFree};
use windows_sys::Win32::Security::Authorization::{
    ConvertSidToStringSidW, ConvertStringSecurityDescriptorToSecurityDescriptorW, GetNamedSecurityInfoW, SDDL_REVISION_1,
    SE_FILE_OBJECT, SetNamedSecurityInfoW,
};
use windows_sys::Win32::Security::{
    ACL, DACL_SECURITY_INFORMATION, GetSecurityDescriptorControl, GetSecurityDescriptorDacl, GetTokenInformation,
    LookupAccountNameW, PROTECTED_DACL_SECURITY_INFORMATION, PSECURITY_DESCRIPTOR, PSID, SE_DACL_PROTECTED, TOKEN_QUERY,
    TOKEN_USER, TokenUser,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

use crate::long_path::without_limit;

/// The account SYSTEM, which has the same identifier in every language of Windows.
const SYSTEM: &str = "S-1-5-18";

/// Gives a file, or a folder with all that will be in it, to this account, SYSTEM and the accounts of `others` alone.
///
/// # Errors
/// An account is unknown, or the list cannot be changed.
pub(super) fn restrict(path: &Path, others: &[&str]) -> io::Result<()> {
    let mut identifiers = vec![own_identifier()?, SYSTEM.to_owned()];
    for account in others {
        identifiers.push(account_identifier(account)?);
    }
    let inherited = if path.is_dir() { "OICI" } else { "" };
    let entries: String = identifiers.iter().map(|sid| format!("(A;{inherited};FA;;;{sid})")).collect();
    set(path, &format!("D:P{entries}"))
}

/// Whether the list of a file or folder takes nothing from its parent folder: somebody has set it on purpose.
pub(super) fn is_protected(path: &Path) -> io::Result<bool> {
    let name = wide(without_limit(path).as_os_str());
    let mut descriptor: PSECURITY_DESCRIPTOR = null_mut();
    #[expect(unsafe_code, reason = "the standard library shows no access control lists")]
    // SAFETY: the name ends with zero; the descriptor is used until it is freed, and all pointers are to living values.
    unsafe {
        let status = GetNamedSecurityInfoW(
            name.as_ptr(),
            SE_FILE_OBJECT,
            DACL_SECURITY_INFORMATION,
            null_mut(),
            null_mut(),
            null_mut(),
            null_mut(),
            &raw mut descriptor,
        );
        result(status)?;
        let (mut control, mut revision) = (0, 0);
        let read = GetSecurityDescriptorControl(descriptor, &raw mut control, &raw mut revision);
        let error = io::Error::last_os_error();
        LocalFree(descriptor);
        if read == 0 { Err(error) } else { Ok(control & SE_DACL_PROTECTED != 0) }
    }
}

/// Sets the list that a text in the security descriptor definition language describes.
fn set(path: &Path, sddl: &str) -> io::Result<()> {
    let (name, sddl) = (wide(without_limit(path).as_os_str()), wide(OsStr::new(sddl)));
    let mut descriptor: PSECURITY_DESCRIPTOR = null_mut();
    #[expect(unsafe_code, reason = "the standard library changes no access control lists")]
    // SAFETY: the texts end with zero; the list belongs to the descriptor, which lives until it is freed.
    unsafe {
        let made =
            ConvertStringSecurityDescriptorToSecurityDescriptorW(sddl.as_ptr(), SDDL_REVISION_1, &raw mut descriptor, null_mut());
        if made == 0 {
            return Err(io::Error::last_os_error());
        }
        let (mut present, mut defaulted) = (0, 0);
        let mut list: *mut ACL = null_mut();
        GetSecurityDescriptorDacl(descriptor, &raw mut present, &raw mut list, &raw mut defaulted);
        let what = DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION;
        let status = SetNamedSecurityInfoW(name.as_ptr(), SE_FILE_OBJECT, what, null_mut(), null_mut(), list, null());
        LocalFree(descriptor);
        result(status)
    }
}

/// The identifier of the account of this process.
fn own_identifier() -> io::Result<String> {
    let mut token: HANDLE = null_mut();
    // Room for the structure and the longest identifier, aligned as the structure needs it.
    let mut buffer = [0_u64; 32];
    let mut length = 0;
    #[expect(unsafe_code, reason = "the standard library does not know accounts")]
    // SAFETY: the buffer is large enough for the structure, and the identifier in it is used while the buffer lives.
    unsafe {
        if OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &raw mut token) == 0 {
            return Err(io::Error::last_os_error());
        }
        let size = u32::try_from(size_of_val(&buffer)).unwrap_or_default();
        let read = GetTokenInformation(token, TokenUser, buffer.as_mut_ptr().cast(), size, &raw mut length);
        let error = io::Error::last_os_error();
        CloseHandle(token);
        if read == 0 {
            return Err(error);
        }
        text((*buffer.as_ptr().cast::<TOKEN_USER>()).User.Sid)
    }
}

/// The identifier of an account by its name.
fn account_identifier(account: &str) -> io::Result<String> {
    let name = wide(OsStr::new(account));
    let (mut sid, mut domain) = ([0_u64; 16], [0_u16; 256]);
    let mut sid_length = u32::try_from(size_of_val(&sid)).unwrap_or_default();
    let mut domain_length = u32::try_from(domain.len()).unwrap_or_default();
    let mut kind = 0;
    #[expect(unsafe_code, reason = "the standard library does not know accounts")]
    // SAFETY: the lengths are those of the buffers, which live until the call has returned.
    unsafe {
        let sid_buffer: PSID = sid.as_mut_ptr().cast();
        let found = LookupAccountNameW(
            null(),
            name.as_ptr(),
            sid_buffer,
            &raw mut sid_length,
            domain.as_mut_ptr(),
            &raw mut domain_length,
            &raw mut kind,
        );
        if found == 0 { Err(io::Error::last_os_error()) } else { text(sid_buffer) }
    }
}

/// The text of an identifier.
#[expect(unsafe_code, reason = "no safe wrapper exists among the dependencies")]
unsafe fn text(sid: PSID) -> io::Result<String> {
    let mut found = null_mut();
    // SAFETY: the caller passes a valid identifier; the text ends with zero and is freed after it was copied.
    unsafe {
        if ConvertSidToStringSidW(sid, &raw mut found) == 0 {
            return Err(io::Error::last_os_error());
        }
        let length = (0..).take_while(|at| *found.add(*at) != 0).count();
        let text = String::from_utf16_lossy(std::slice::from_raw_parts(found, length));
        LocalFree(found.cast());
        Ok(text)
    }
}

fn wide(text: &OsStr) -> Vec<u16> {
    text.encode_wide().chain([0]).collect()
}

/// The result of a call that returns an error code.
fn result(status: u32) -> io::Result<()> {
    match i32::try_from(status) {
        Ok(0) => Ok(()),
        Ok(code) => Err(io::Error::from_raw_os_error(code)),
        Err(_) => Err(io::Error::other("unknown error")),
    }
}
