//! Stop signals: the first requests a graceful shutdown, the second exits at once. They are received on a thread of their own,
//! so that the second one ends the process whatever its other threads are doing.

use tokio_util::sync::CancellationToken;

/// The exit status of a program interrupted from the keyboard.
const INTERRUPTED: i32 = 130;

/// Cancels the token at the first Ctrl+C (SIGINT), SIGTERM or close of a Windows console, and exits at the second.
pub(super) fn on_signals(shutdown: CancellationToken) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let signals = {
        let _context = runtime.enter();
        Signals::listen()?
    };
    let receive = move || runtime.block_on(receive(signals, &shutdown));
    std::thread::Builder::new().name("signals".to_owned()).spawn(receive).map(drop)
}

async fn receive(mut signals: Signals, shutdown: &CancellationToken) {
    signals.next().await;
    shutdown.cancel();
    // A blocked log must not delay the second signal.
    tokio::task::spawn_blocking(|| {
        tracing::info!("shutting down; waiting for running tasks; a second signal exits at once");
    });
    signals.next().await;
    std::process::exit(INTERRUPTED);
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(windows)]
struct Signals {
    interrupt: tokio::signal::windows::CtrlC,
    pause: tokio::signal::windows::CtrlBreak,
    close: tokio::signal::windows::CtrlClose,
    machine_off: tokio::signal::windows::CtrlShutdown,
}

#[cfg(windows)]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown};
        Ok(Self { interrupt: ctrl_c()?, pause: ctrl_break()?, close: ctrl_close()?, machine_off: ctrl_shutdown()? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.pause.recv() => {}
            _ = self.close.recv() => {}
            _ = self.machine_off.recv() => {}
        }
    }
}
