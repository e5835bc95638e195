//! Handles that commands must not inherit. On Windows a child process gets every inheritable handle of its parent. The standard library
//! makes inheritable what a child is meant to have; everything else is closed to children here. On Unix it never is open to them.

use tokio::net::TcpStream;

/// The highest value of a handle that is looked at: the first ones are given to a process before it opens anything.
#[cfg(windows)]
const LAST: usize = 0x4000;

/// Closes to children what this process has inherited: its standard streams, and what its parent has left open by accident. A command that
/// goes on after the server would otherwise hold them.
#[cfg(windows)]
pub fn close_to_children() {
    for handle in (4..=LAST).step_by(4) {
        set_not_inheritable(handle);
    }
}

/// Closes a connection that was accepted to children.
#[cfg(windows)]
pub fn close_socket_to_children(socket: &TcpStream) {
    use std::os::windows::io::AsRawSocket;
    if let Ok(socket) = usize::try_from(socket.as_raw_socket()) {
        set_not_inheritable(socket);
    }
}

/// Closes a connection that was accepted to children.
#[cfg(not(windows))]
pub const fn close_socket_to_children(_socket: &TcpStream) {}

#[cfg(windows)]
fn set_not_inheritable(handle: usize) {
    use windows_sys::Win32::Foundation::{HANDLE_FLAG_INHERIT, SetHandleInformation};
    #[expect(unsafe_code, reason = "no safe wrapper exists among the dependencies")]
    // SAFETY: the call changes a flag of the handle; it fails if there is none of this value.
    unsafe {
        SetHandleInformation(handle as _, HANDLE_FLAG_INHERIT, 0);
    }
}
