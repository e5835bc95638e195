//! Network checks: Belfry's listen address and the configured mail servers.

use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::Finding;
use crate::app;
use crate::cli::output_options::OutputOptions;
use crate::config::{Settings, reason};

/// Timeout for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Whether the listen address is available, or already used by Belfry.
pub(super) async fn listening(settings: &Settings, output: &OutputOptions) -> Vec<Finding> {
    let address = &settings.server.listen;
    let found = match TcpListener::bind(address).await {
        Ok(_listener) => Finding::ok("listen", output.fill("doctor.port_free", &[("address", address)])),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse && app::is_server_running(&settings.data_dir) => {
            Finding::ok("listen", output.fill("doctor.port_ours", &[("address", address)]))
        }
        Err(error) => Finding::broken(
            "listen",
            output.fill("doctor.port_unavailable", &[("address", address), ("why", &reason(&error))]),
            output.text("doctor.fix_port"),
        ),
    };
    vec![found]
}

/// Whether each mail server of the settings accepts connections.
pub(super) async fn mail(settings: &Settings, output: &OutputOptions) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, smtp) in &settings.profiles.smtp {
        findings.push(mail_server(name, smtp.host(), smtp.port(), output).await);
    }
    findings
}

/// Whether a mail server accepts connections.
pub(super) async fn mail_server(name: &str, host: &str, port: u16, output: &OutputOptions) -> Finding {
    let address = format!("{host}:{port}");
    let why = match timeout(CONNECT_TIMEOUT, TcpStream::connect((host, port))).await {
        Ok(Ok(_connected)) => None,
        Ok(Err(error)) => Some(reason(&error)),
        Err(_elapsed) => Some(output.text("doctor.no_answer")),
    };
    let values = [("name", name), ("address", &address), ("why", why.as_deref().unwrap_or_default())];
    match why {
        None => Finding::ok("mail", output.fill("doctor.mail_connected", &values)),
        Some(_) => Finding::broken("mail", output.fill("doctor.mail_failed", &values), output.fill("doctor.fix_mail", &values)),
    }
}
