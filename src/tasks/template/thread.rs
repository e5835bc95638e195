//! Threads of templates: parsing recurses and rendering may take long, so both run on threads with a known stack, apart from
//! those of the runtime.

use std::io;
use std::sync::Arc;
use std::thread::Builder;

use tokio::sync::{Semaphore, oneshot};

use super::budget::Budget;

/// The stack of a thread, in bytes. The deepest template within the bounds of `source` needs a fraction of it.
const STACK: usize = 8 << 20;
/// How many runs may render templates at the same time in this process.
static RENDERINGS: Semaphore = Semaphore::const_new(4);

/// Does `work` on a thread of its own and waits for it.
///
/// # Errors
/// The system has no thread left, or `work` panicked.
pub(super) fn blocking<T: Send>(work: impl FnOnce() -> T + Send) -> io::Result<T> {
    std::thread::scope(|scope| {
        let thread = Builder::new().name("template".to_owned()).stack_size(STACK).spawn_scoped(scope, work)?;
        thread.join().map_err(|_| io::Error::other("the thread panicked"))
    })
}

/// As [`blocking`], without blocking the caller. A caller that no longer waits stops the work at its next step.
pub(super) async fn spawn<T: Send + 'static>(work: impl FnOnce(&Arc<Budget>) -> T + Send + 'static) -> io::Result<T> {
    let permit = RENDERINGS.acquire().await.map_err(io::Error::other)?;
    let budget = StopOnDrop(Arc::new(Budget::new()));
    let (sender, receiver) = oneshot::channel();
    let spent = budget.0.clone();
    Builder::new().name("template".to_owned()).stack_size(STACK).spawn(move || {
        let _ = sender.send(work(&spent)); // fails if nobody waits any longer
        drop(permit);
    })?;
    receiver.await.map_err(|_| io::Error::other("the thread panicked"))
}

struct StopOnDrop(Arc<Budget>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop();
    }
}
