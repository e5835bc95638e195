//! What a supervisor such as systemd is told, where one asks for it by `NOTIFY_SOCKET`: that the server is ready, that it stops and how long that
//! may take, and, at the distance that `WATCHDOG_USEC` asks for, that the scheduler still looks. Elsewhere nothing is said.

#[cfg(unix)]
mod systemd {
    use std::time::Duration;

    use sd_notify::NotifyState;
    use tokio_util::sync::CancellationToken;

    use crate::service::Service;

    /// What a stop may take beyond the time that running work is given: the end of open requests, and of the database.
    const BEYOND_WORK: Duration = Duration::from_secs(15);

    /// What is told from the start to the end.
    pub struct Supervisor {
        service: Service,
        shutdown: CancellationToken,
        stop_takes: Duration,
    }

    impl Supervisor {
        /// `work_to_end` is what running work is given when the server stops.
        pub fn new(service: &Service, work_to_end: Duration, shutdown: &CancellationToken) -> Self {
            Self { service: service.clone(), shutdown: shutdown.clone(), stop_takes: work_to_end + BEYOND_WORK }
        }

        /// The server answers: from now on the supervisor hears of it until the end.
        pub fn ready(self) {
            if std::env::var_os("NOTIFY_SOCKET").is_none() {
                return;
            }
            tell(&[NotifyState::Ready]);
            tokio::spawn(self.accompany());
        }

        async fn accompany(self) {
            tokio::select! {
                () = self.shutdown.cancelled() => {}
                () = self.ping() => {}
            }
            let microseconds = u32::try_from(self.stop_takes.as_micros()).unwrap_or(u32::MAX);
            tell(&[NotifyState::Stopping, NotifyState::ExtendTimeoutUsec(microseconds)]);
        }

        /// Pings for as long as the scheduler looks: a server that plans nothing any more had better be started anew.
        async fn ping(&self) {
            let Some(limit) = sd_notify::watchdog_enabled() else { return std::future::pending().await };
            let mut lived = true;
            loop {
                tokio::time::sleep(limit / 4).await;
                let lives = self.service.scheduler_looked_within(limit / 2);
                if lives {
                    tell(&[NotifyState::Watchdog]);
                } else if lived {
                    tracing::error!("the scheduler hangs: the supervisor's watchdog is told nothing");
                }
                lived = lives;
            }
        }
    }

    /// A supervisor that cannot be told is no reason to stop.
    fn tell(state: &[NotifyState]) {
        if let Err(error) = sd_notify::notify(state) {
            tracing::warn!(%error, "the supervisor cannot be told");
        }
    }
}

#[cfg(not(unix))]
mod systemd {
    use tokio_util::sync::CancellationToken;

    use crate::service::Service;

    /// There is none to be told.
    pub struct Supervisor;

    impl Supervisor {
        pub fn new(_: &Service, _: std::time::Duration, _: &CancellationToken) -> Self {
            Self
        }

        pub fn ready(self) {}
    }
}

pub(super) use systemd::Supervisor;
