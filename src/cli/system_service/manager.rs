//! Control of the service through the service manager of Windows.

use std::ffi::OsString;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::json;
use windows_service::service::{
    Service, ServiceAccess, ServiceAction, ServiceActionType, ServiceErrorControl, ServiceFailureActions,
    ServiceFailureResetPeriod, ServiceInfo, ServiceStartType, ServiceState, ServiceType,
};
use windows_service::service_manager::{ServiceManager, ServiceManagerAccess};

use super::paths::Launch;
use super::{Install, Named, event_log};
use crate::cli::Failure;
use crate::cli::input::{read_value, unwritable};
use crate::cli::output_options::OutputOptions;
use crate::private_files;

/// The account of the system itself, for which no rights need to be granted.
const LOCAL_SYSTEM: &str = "LocalSystem";
const DESCRIPTION: &str = "Runs scheduled tasks and records every run; pages and API on the address of its settings.";
/// Waiting times before the restarts after a failure; the last one holds for all further failures.
const RESTART_AFTER: [Duration; 3] = [Duration::from_secs(2), Duration::from_secs(10), Duration::from_secs(60)];
/// After this long without a failure the next one is the first again.
const FAILURES_FORGOTTEN: Duration = Duration::from_secs(24 * 3600);
/// How long a start, which may migrate a database, and a stop, which waits for running tasks, are waited for.
const WAIT_LIMIT: Duration = Duration::from_secs(600);
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// Error codes of Windows.
const ACCESS_DENIED: i32 = 5;
const INVALID_LEVEL: i32 = 124;
const SERVICE_NOT_FOUND: i32 = 1060;
const SERVICE_EXISTS: i32 = 1073;
const MARKED_FOR_DELETE: i32 = 1072;

pub(super) fn install(install: &Install) -> Result<(), Failure> {
    let output = install.named.output.output()?;
    let (name, launch) = (&install.named.name, Launch::new(&install.serve)?);
    let account = install.account.clone().unwrap_or_else(|| format!(r"NT SERVICE\{name}"));
    let is_system = account.eq_ignore_ascii_case(LOCAL_SYSTEM);
    let password = install.password_file.clone().map(|file| read_value("password", Some(file))).transpose()?;
    private_files::create_folder(&launch.data_dir).map_err(|error| unwritable(&launch.data_dir, &error))?;
    let info = ServiceInfo {
        name: name.into(),
        display_name: format!("Belfry ({name})").into(),
        service_type: ServiceType::OWN_PROCESS,
        start_type: ServiceStartType::AutoStart,
        error_control: ServiceErrorControl::Normal,
        executable_path: std::env::current_exe().map_err(Failure::failed)?,
        launch_arguments: launch.arguments(install)?,
        dependencies: Vec::new(),
        account_name: (!is_system).then(|| OsString::from(&account)),
        account_password: password.map(OsString::from),
    };
    let failed = |error| failure(name, &error, &output);
    let manager = connect(ServiceManagerAccess::CONNECT | ServiceManagerAccess::CREATE_SERVICE, name, &output)?;
    let access = ServiceAccess::CHANGE_CONFIG | ServiceAccess::START | ServiceAccess::DELETE;
    let service = manager.create_service(&info, access).map_err(failed)?;
    let granted = if is_system { Ok(()) } else { private_files::share_with(&launch.data_dir, &account) };
    let prepared = granted
        .map_err(|error| unwritable(&launch.data_dir, &error))
        .and_then(|()| event_log::add_source(name).map_err(Failure::failed))
        .and_then(|()| set_up(&service).map_err(failed));
    let restarted = match prepared {
        Ok(restarted) => restarted,
        Err(failure) => {
            // Nothing is left of a failed installation.
            let _ = event_log::remove_source(name);
            let _ = service.delete();
            return Err(failure);
        }
    };
    if restarted == Restarted::AfterCrashes {
        output.note(&output.fill("service.restarted_after_crashes", &[("name", name)]));
    }
    let (folder, next) = (launch.data_dir.display().to_string(), format!("belfry service start --name {name}"));
    output.show(&json!({"name": name, "account": account, "data_dir": folder}), |_| {
        output.line("service.installed", &[("name", name), ("account", &account), ("folder", &folder), ("next", &next)])
    })
}

/// The failures after which the service manager restarts the service.
#[derive(PartialEq, Eq)]
enum Restarted {
    AfterCrashes,
    /// Also if it ends in order with an error.
    AfterFailures,
}

/// Sets what a new service has no arguments for.
fn set_up(service: &Service) -> windows_service::Result<Restarted> {
    service.set_description(DESCRIPTION)?;
    let restart = |delay| ServiceAction { action_type: ServiceActionType::Restart, delay };
    service.update_failure_actions(ServiceFailureActions {
        reset_period: ServiceFailureResetPeriod::After(FAILURES_FORGOTTEN),
        reboot_msg: None,
        command: None,
        actions: Some(RESTART_AFTER.map(restart).into()),
    })?;
    match service.set_failure_actions_on_non_crash_failures(true) {
        Ok(()) => Ok(Restarted::AfterFailures),
        // Not known to the service manager, such as that of Wine.
        Err(windows_service::Error::Winapi(cause)) if cause.raw_os_error() == Some(INVALID_LEVEL) => Ok(Restarted::AfterCrashes),
        Err(error) => Err(error),
    }
}

pub(super) fn start(named: &Named) -> Result<(), Failure> {
    let output = named.output.output()?;
    let service = open(named, ServiceAccess::START | ServiceAccess::QUERY_STATUS, &output)?;
    if state(&service, named, &output)? != ServiceState::Running {
        service.start::<OsString>(&[]).map_err(|error| failure(&named.name, &error, &output))?;
    }
    match wait_while(ServiceState::StartPending, &service, named, &output)? {
        ServiceState::Running => output.print_text("service.started", &[("name", &named.name)]),
        _ => Err(Failure::Failed(output.fill("service.start_failed", &[("name", &named.name)]))),
    }
}

pub(super) fn stop(named: &Named) -> Result<(), Failure> {
    let output = named.output.output()?;
    let service = open(named, ServiceAccess::STOP | ServiceAccess::QUERY_STATUS, &output)?;
    stop_and_wait(&service, named, &output)?;
    output.print_text("service.stopped", &[("name", &named.name)])
}

fn stop_and_wait(service: &Service, named: &Named, output: &OutputOptions) -> Result<(), Failure> {
    if state(service, named, output)? == ServiceState::Stopped {
        return Ok(());
    }
    service.stop().map_err(|error| failure(&named.name, &error, output))?;
    let deadline = Instant::now() + WAIT_LIMIT;
    while state(service, named, output)? != ServiceState::Stopped {
        if Instant::now() > deadline {
            return Err(Failure::Failed(output.fill("service.stop_failed", &[("name", &named.name)])));
        }
        sleep(POLL_INTERVAL);
    }
    Ok(())
}

pub(super) fn show_status(named: &Named) -> Result<(), Failure> {
    let output = named.output.output()?;
    let service = open(named, ServiceAccess::QUERY_STATUS | ServiceAccess::QUERY_CONFIG, &output)?;
    let failed = |error| failure(&named.name, &error, &output);
    let (status, config) = (service.query_status().map_err(failed)?, service.query_config().map_err(failed)?);
    let word = match status.current_state {
        ServiceState::Stopped => "stopped",
        ServiceState::StartPending => "starting",
        ServiceState::StopPending => "stopping",
        _ => "running",
    };
    let account = config.account_name.unwrap_or_default().to_string_lossy().into_owned();
    let program = config.executable_path.display().to_string();
    let value =
        json!({"name": named.name, "state": word, "process_id": status.process_id, "account": account, "program": program});
    output.show(&value, |_| {
        let state = output.text(&format!("service.state.{word}"));
        output.line("service.status", &[("name", &named.name), ("state", &state), ("account", &account), ("program", &program)])
    })
}

pub(super) fn uninstall(named: &Named) -> Result<(), Failure> {
    let output = named.output.output()?;
    let service = open(named, ServiceAccess::STOP | ServiceAccess::QUERY_STATUS | ServiceAccess::DELETE, &output)?;
    stop_and_wait(&service, named, &output)?;
    service.delete().map_err(|error| failure(&named.name, &error, &output))?;
    event_log::remove_source(&named.name).map_err(Failure::failed)?;
    output.print_text("service.uninstalled", &[("name", &named.name)])
}

fn connect(access: ServiceManagerAccess, name: &str, output: &OutputOptions) -> Result<ServiceManager, Failure> {
    ServiceManager::local_computer(None::<&str>, access).map_err(|error| failure(name, &error, output))
}

fn open(named: &Named, access: ServiceAccess, output: &OutputOptions) -> Result<Service, Failure> {
    let manager = connect(ServiceManagerAccess::CONNECT, &named.name, output)?;
    manager.open_service(&named.name, access).map_err(|error| failure(&named.name, &error, output))
}

fn state(service: &Service, named: &Named, output: &OutputOptions) -> Result<ServiceState, Failure> {
    Ok(service.query_status().map_err(|error| failure(&named.name, &error, output))?.current_state)
}

/// Waits until the service has left a state; returns the next one.
fn wait_while(left: ServiceState, service: &Service, named: &Named, output: &OutputOptions) -> Result<ServiceState, Failure> {
    let deadline = Instant::now() + WAIT_LIMIT;
    loop {
        let now = state(service, named, output)?;
        if now != left || Instant::now() > deadline {
            return Ok(now);
        }
        sleep(POLL_INTERVAL);
    }
}

fn failure(name: &str, error: &windows_service::Error, output: &OutputOptions) -> Failure {
    let windows_service::Error::Winapi(cause) = error else { return Failure::failed(error) };
    let text = |key: &str| output.fill(key, &[("name", name), ("why", &crate::config::reason(cause))]);
    match cause.raw_os_error() {
        Some(ACCESS_DENIED) => Failure::Refused(text("service.denied")),
        Some(SERVICE_NOT_FOUND) => Failure::NotFound(text("service.not_installed")),
        Some(SERVICE_EXISTS) => Failure::Conflict(text("service.exists")),
        Some(MARKED_FOR_DELETE) => Failure::Conflict(text("service.being_removed")),
        _ => Failure::Failed(text("service.failed")),
    }
}
