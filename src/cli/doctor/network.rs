//! What is reached over the network: Belfry's own port, and the mail servers of the settings.

use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::Finding;
use crate::app;
use crate::cli::look::Look;
use crate::config::{Settings, reason};

/// A server that does not take a connection within this time is not there.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether the port of the settings can be had, or is Belfry's already.
pub(super) async fn listening(settings: &Settings, look: &Look) -> Vec<Finding> {
    let address = &settings.server.listen;
    let found = match TcpListener::bind(address).await {
        Ok(_free_again) => Finding::well("listen", look.fill("doctor.port_free", &[("address", address)])),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse && app::is_served(&settings.data_dir) => {
            Finding::well("listen", look.fill("doctor.port_ours", &[("address", address)]))
        }
        Err(error) => Finding::broken(
            "listen",
            look.fill("doctor.port_refused", &[("address", address), ("why", &reason(&error))]),
            look.text("doctor.mend_port"),
        ),
    };
    vec![found]
}

/// Whether each mail server takes a connection.
pub(super) async fn mail(settings: &Settings, look: &Look) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, smtp) in &settings.profiles.smtp {
        let address = format!("{}:{}", smtp.host(), smtp.port());
        let tried = timeout(PATIENCE, TcpStream::connect((smtp.host(), smtp.port()))).await;
        let why = match tried {
            Ok(Ok(_connected)) => None,
            Ok(Err(error)) => Some(reason(&error)),
            Err(_late) => Some(look.text("doctor.no_answer")),
        };
        let values = [("name", name.as_str()), ("address", &address), ("why", why.as_deref().unwrap_or_default())];
        findings.push(match why {
            None => Finding::well("mail", look.fill("doctor.mail_answers", &values)),
            Some(_) => Finding::broken("mail", look.fill("doctor.mail_silent", &values), look.fill("doctor.mend_mail", &values)),
        });
    }
    findings
}
