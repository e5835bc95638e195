//! State of the service as the service manager of Windows shows it.

use std::sync::OnceLock;
use std::time::Duration;

use windows_service::service::{ServiceControlAccept, ServiceExitCode, ServiceState, ServiceStatus, ServiceType};
use windows_service::service_control_handler::ServiceStatusHandle;

/// A new version may have to migrate a large database.
const START_LIMIT: Duration = Duration::from_secs(600);

/// Set while this process is a service.
static HANDLE: OnceLock<ServiceStatusHandle> = OnceLock::new();

/// The reporter of this process's state; `None` if it is not a service.
pub fn reporter() -> Option<Reporter> {
    HANDLE.get().copied().map(Reporter)
}

/// Makes this process one that reports.
pub(super) fn register(handle: ServiceStatusHandle) -> Reporter {
    Reporter(*HANDLE.get_or_init(|| handle))
}

#[derive(Clone, Copy)]
pub struct Reporter(ServiceStatusHandle);

impl Reporter {
    pub(super) fn starting(self) {
        self.report(ServiceState::StartPending, START_LIMIT, ServiceExitCode::NO_ERROR);
    }

    pub fn running(self) {
        self.report(ServiceState::Running, Duration::ZERO, ServiceExitCode::NO_ERROR);
    }

    /// `limit` is how long the stop may take.
    pub fn stopping(self, limit: Duration) {
        self.report(ServiceState::StopPending, limit, ServiceExitCode::NO_ERROR);
    }

    /// `failure`: the exit status of a failed server.
    pub(super) fn stopped(self, failure: Option<u8>) {
        let code = failure.map_or(ServiceExitCode::NO_ERROR, |status| ServiceExitCode::ServiceSpecific(status.into()));
        self.report(ServiceState::Stopped, Duration::ZERO, code);
    }

    fn report(self, state: ServiceState, wait_hint: Duration, exit_code: ServiceExitCode) {
        let stoppable = ServiceControlAccept::STOP | ServiceControlAccept::PRESHUTDOWN;
        let status = ServiceStatus {
            service_type: ServiceType::OWN_PROCESS,
            current_state: state,
            controls_accepted: if state == ServiceState::Running { stoppable } else { ServiceControlAccept::empty() },
            exit_code,
            checkpoint: 0,
            wait_hint,
            process_id: None,
        };
        if let Err(error) = self.0.set_service_status(status) {
            tracing::warn!(%error, "failed to report the state of the service");
        }
    }
}
