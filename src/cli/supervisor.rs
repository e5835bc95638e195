//! Notifications to a supervisor such as systemd over `NOTIFY_SOCKET`: readiness, stopping with its expected duration, and watchdog
//! pings (`WATCHDOG_USEC`) while the scheduler works; to the service manager on Windows. Without a supervisor nothing is sent.

use std::time::Duration;

/// Extra time for a stop beyond that of running work: closing open requests and the database.
const STOP_MARGIN: Duration = Duration::from_secs(15);

#[cfg(unix)]
mod systemd {
    use std::time::Duration;

    use sd_notify::NotifyState;
    use tokio_util::sync::CancellationToken;

    use super::STOP_MARGIN;
    use crate::scheduler::MAX_SLEEP;
    use crate::service::HealthService;

    /// A scheduler that is silent for longer hangs, however short the limit of the supervisor is.
    const SCHEDULER_SILENCE: Duration = MAX_SLEEP.saturating_mul(2);

    /// The state of the notifications.
    pub struct Supervisor {
        health: HealthService,
        shutdown: CancellationToken,
        stop_timeout: Duration,
    }

    impl Supervisor {
        /// `shutdown_grace` is the time that running work is given when the server stops.
        pub fn new(health: &HealthService, shutdown_grace: Duration, shutdown: &CancellationToken) -> Self {
            Self { health: health.clone(), shutdown: shutdown.clone(), stop_timeout: shutdown_grace + STOP_MARGIN }
        }

        /// Reports readiness, then sends watchdog pings until the server stops.
        pub fn ready(self) {
            if std::env::var_os("NOTIFY_SOCKET").is_none() {
                return;
            }
            notify(&[NotifyState::Ready]);
            tokio::spawn(self.notify_until_stopped());
        }

        async fn notify_until_stopped(self) {
            tokio::select! {
                () = self.shutdown.cancelled() => {}
                () = self.ping() => {}
            }
            let microseconds = u32::try_from(self.stop_timeout.as_micros()).unwrap_or(u32::MAX);
            notify(&[NotifyState::Stopping, NotifyState::ExtendTimeoutUsec(microseconds)]);
        }

        /// Sends pings while the scheduler works; a server that no longer schedules should be restarted.
        async fn ping(&self) {
            let Some(limit) = sd_notify::watchdog_enabled() else { return std::future::pending().await };
            let mut was_active = true;
            loop {
                tokio::time::sleep(limit / 4).await;
                let active = self.health.scheduler_active_within(SCHEDULER_SILENCE.max(limit / 2));
                if active {
                    notify(&[NotifyState::Watchdog]);
                } else if was_active {
                    tracing::error!("the scheduler hangs; withholding the watchdog notification");
                }
                was_active = active;
            }
        }
    }

    /// A failed notification does not stop the server.
    fn notify(state: &[NotifyState]) {
        if let Err(error) = sd_notify::notify(state) {
            tracing::warn!(%error, "failed to notify the supervisor");
        }
    }
}

#[cfg(windows)]
mod service_manager {
    use std::time::Duration;

    use tokio_util::sync::CancellationToken;

    use super::STOP_MARGIN;
    use crate::cli::system_service::status;
    use crate::service::HealthService;

    /// The state that the service manager of Windows shows.
    pub struct Supervisor {
        shutdown: CancellationToken,
        stop_timeout: Duration,
    }

    impl Supervisor {
        /// `shutdown_grace` is the time that running work is given when the server stops.
        pub fn new(_: &HealthService, shutdown_grace: Duration, shutdown: &CancellationToken) -> Self {
            Self { shutdown: shutdown.clone(), stop_timeout: shutdown_grace + STOP_MARGIN }
        }

        /// Reports readiness, and the stop when it begins.
        pub fn ready(self) {
            let Some(reporter) = status::reporter() else { return };
            reporter.running();
            tokio::spawn(async move {
                self.shutdown.cancelled().await;
                reporter.stopping(self.stop_timeout);
            });
        }
    }
}

#[cfg(windows)]
pub(super) use service_manager::Supervisor;
#[cfg(unix)]
pub(super) use systemd::Supervisor;
