//! Relay for drivers that open their own connection: they connect to a private endpoint, which is forwarded to the server through a
//! meter. TLS runs between driver and server as without it.

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::error::SqlError;
use super::meter::{Meter, MeteredStream};
use super::target::Target;
#[cfg(not(unix))]
use crate::domain::profile::datasource::Tls;
#[cfg(any(not(unix), test))]
use crate::inherited_handles::close_socket_to_children;

/// Where a driver connects to reach its server through a relay.
pub(super) enum Endpoint {
    /// A Unix socket; its folder is removed on drop.
    #[cfg(unix)]
    Socket { folder: tempfile::TempDir, name: String },
    /// A port on the loopback address, for one connection.
    #[cfg(any(not(unix), test))]
    Port(u16),
}

/// Connects to the server and waits for a driver. `name` is that of the server's Unix socket, or the one that the driver expects. `None` if
/// the driver is to connect by itself.
#[cfg(unix)]
pub(super) async fn open(target: &Target, name: &str, meter: &Meter) -> Result<Option<Endpoint>, SqlError> {
    use std::path::Path;

    use tokio::net::{UnixListener, UnixStream};

    let address = &target.address;
    let host = &address.host;
    if host.is_empty() {
        return Ok(None);
    }
    let folder = tempfile::tempdir().map_err(sqlx::Error::Io)?;
    let listener = UnixListener::bind(folder.path().join(name)).map_err(sqlx::Error::Io)?;
    let accept = async move { listener.accept().await.map(|(driver, _)| driver) };
    if host.starts_with('/') {
        let server = UnixStream::connect(Path::new(host).join(name)).await.map_err(sqlx::Error::Io)?;
        forward(accept, server, meter);
    } else {
        forward(accept, connect(host, address.port).await?, meter);
    }
    Ok(Some(Endpoint::Socket { folder, name: name.to_owned() }))
}

/// As on Unix, at a port. A driver that verifies the server's name connects by itself, because it takes the name from the address; its rows
/// are checked once they are in memory.
#[cfg(not(unix))]
pub(super) async fn open(target: &Target, _name: &str, meter: &Meter) -> Result<Option<Endpoint>, SqlError> {
    let address = &target.address;
    if address.host.is_empty() || target.tls == Tls::Verify {
        return Ok(None);
    }
    at_port(connect(&address.host, address.port).await?, meter).await.map(Some)
}

/// Waits for the connection of a driver at a free port. Others cannot use it: without the driver's credentials it leads to a server that
/// they reach anyway.
#[cfg(any(not(unix), test))]
async fn at_port(server: TcpStream, meter: &Meter) -> Result<Endpoint, SqlError> {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.map_err(sqlx::Error::Io)?;
    let port = listener.local_addr().map_err(sqlx::Error::Io)?.port();
    let accept = async move {
        let (driver, _) = listener.accept().await?;
        close_socket_to_children(&driver);
        Ok(driver)
    };
    forward(accept, server, meter);
    Ok(Endpoint::Port(port))
}

async fn connect(host: &str, port: u16) -> Result<TcpStream, SqlError> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((host, port)).await.map_err(sqlx::Error::Io)?;
    let _ = stream.set_nodelay(true); // only an optimisation
    Ok(stream)
}

/// Forwards the first driver that connects.
fn forward<D, S>(accept: impl Future<Output = std::io::Result<D>> + Send + 'static, server: S, meter: &Meter)
where
    D: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut server = MeteredStream { stream: server, meter: meter.clone() };
    tokio::spawn(async move {
        // Nobody else can connect from here on.
        let driver = accept.await;
        if let Ok(mut driver) = driver {
            let _ = tokio::io::copy_bidirectional(&mut driver, &mut server).await; // the driver notices the end
        }
    });
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::super::meter::ROW_MAX;
    use super::*;

    #[tokio::test]
    async fn relay_at_a_port_forwards_until_a_row_is_too_large() {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = server.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = server.accept().await.unwrap();
            let mut hello = [0; 5];
            stream.read_exact(&mut hello).await.unwrap();
            stream.write_all(&hello).await.unwrap();
            while stream.write_all(&[0; 1 << 20]).await.is_ok() {}
        });
        let meter = Meter::default();
        let Ok(Endpoint::Port(port)) = at_port(connect("127.0.0.1", address.port()).await.unwrap(), &meter).await else {
            panic!("no port")
        };
        let mut driver = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        driver.write_all(b"hello").await.unwrap();
        let mut read = Vec::new();
        let _ = driver.read_to_end(&mut read).await; // reset or closed
        assert!(read.starts_with(b"hello") && read.len() as u64 <= ROW_MAX + (1 << 20), "{}", read.len());
        let other = TcpStream::connect(("127.0.0.1", port)).await;
        assert!(other.is_err(), "the port is for one connection");
    }
}
