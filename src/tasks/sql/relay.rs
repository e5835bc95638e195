//! Relay for drivers that open their own connection: they connect to a private socket, which is forwarded to the server through
//! a meter. TLS runs between driver and server as without it.

use std::path::PathBuf;

use super::error::SqlError;
use super::meter::Meter;
use super::target::Target;

/// A relay that waits for the connection of a driver.
pub(super) struct Relay {
    /// The folder of the socket; removed on drop.
    #[cfg(unix)]
    folder: tempfile::TempDir,
    #[cfg(unix)]
    name: String,
}

#[cfg(unix)]
impl Relay {
    /// Connects to the server and waits for a driver at a socket of this name. `None` if the server is not reached over TCP.
    pub async fn open(target: &Target, name: &str, meter: &Meter) -> Result<Option<Relay>, SqlError> {
        use tokio::net::{TcpStream, UnixListener};

        use super::meter::MeteredStream;

        let address = &target.address;
        if address.host.is_empty() || address.host.starts_with('/') {
            return Ok(None);
        }
        let host = address.host.trim_start_matches('[').trim_end_matches(']');
        let stream = TcpStream::connect((host, address.port)).await.map_err(sqlx::Error::Io)?;
        let _ = stream.set_nodelay(true); // only an optimisation
        let folder = tempfile::tempdir().map_err(sqlx::Error::Io)?;
        let listener = UnixListener::bind(folder.path().join(name)).map_err(sqlx::Error::Io)?;
        let mut server = MeteredStream { stream, meter: meter.clone() };
        tokio::spawn(async move {
            if let Ok((mut driver, _)) = listener.accept().await {
                drop(listener);
                let _ = tokio::io::copy_bidirectional(&mut driver, &mut server).await; // the driver notices the end
            }
        });
        Ok(Some(Relay { folder, name: name.to_owned() }))
    }

    /// The folder of the socket.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// The socket.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join(&self.name)
    }
}

#[cfg(not(unix))]
impl Relay {
    /// Without Unix sockets the drivers connect directly, and rows are checked once they are in memory.
    #[expect(clippy::unused_async, reason = "as on Unix")]
    pub async fn open(_: &Target, _: &str, _: &Meter) -> Result<Option<Relay>, SqlError> {
        Ok(None)
    }

    pub fn folder(&self) -> PathBuf {
        PathBuf::new()
    }

    pub fn socket(&self) -> PathBuf {
        PathBuf::new()
    }
}
