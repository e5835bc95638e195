//! File descriptors of Linux that the runtime waits for as for its sockets.

use std::io;
use std::os::fd::OwnedFd;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Lets the runtime wait until there is something to read. Must be called within a Tokio runtime.
///
/// # Errors
/// The descriptor cannot be waited for.
pub fn awaited(descriptor: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    #[expect(unsafe_code, reason = "an owned descriptor stays open and the same until it is dropped")]
    let awaited = unsafe { AsyncFd::register_with_interest(descriptor, Interest::READABLE) };
    Ok(awaited?)
}
