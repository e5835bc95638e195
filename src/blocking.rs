//! Work that may take long in the thread of asynchronous tasks.

use tokio::runtime::{Handle, RuntimeFlavor};

/// Does what may take long; the other tasks of this thread go on elsewhere meanwhile, if the runtime has several threads.
pub fn blocking<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}
