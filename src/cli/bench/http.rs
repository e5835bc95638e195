//! A minimal HTTP/1.1 client for measurements: one keep-alive connection, one request at a time. Its own cost is negligible.

use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream};
use tokio::net::TcpStream;

use super::Fault;

/// A connection to the server.
pub struct Client(BufStream<TcpStream>);

/// A response, read to its end.
pub struct Reply {
    pub status: u16,
    /// As received, so compressed if requested.
    pub body: Vec<u8>,
}

/// How the end of a body is found.
enum Length {
    Known(usize),
    Chunked,
}

impl Client {
    pub async fn connect(address: SocketAddr) -> Result<Client, Fault> {
        let socket = TcpStream::connect(address).await?;
        socket.set_nodelay(true)?;
        Ok(Client(BufStream::new(socket)))
    }

    /// Sends a GET request; `head` holds further header lines, each with its line break.
    pub async fn get(&mut self, path: &str, head: &str) -> Result<Reply, Fault> {
        self.0.write_all(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{head}\r\n").as_bytes()).await?;
        self.0.flush().await?;
        let (status, length) = self.head().await?;
        let body = match length {
            Length::Known(length) => self.exactly(length).await?,
            Length::Chunked => self.chunks().await?,
        };
        Ok(Reply { status, body })
    }

    async fn head(&mut self) -> Result<(u16, Length), Fault> {
        let first = self.line().await?;
        let status = first.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or("the response is not HTTP/1.1")?;
        let mut length = Length::Known(0);
        loop {
            let line = self.line().await?.to_ascii_lowercase();
            match line.split_once(':').map(|(name, value)| (name, value.trim())) {
                None => return Ok((status, length)),
                Some(("content-length", value)) => length = Length::Known(value.parse()?),
                Some(("transfer-encoding", "chunked")) => length = Length::Chunked,
                Some(_) => {}
            }
        }
    }

    /// A line without its line break; empty at the end of the head.
    async fn line(&mut self) -> Result<String, Fault> {
        let mut line = String::new();
        if self.0.read_line(&mut line).await? == 0 {
            return Err("the server closed the connection".into());
        }
        line.truncate(line.trim_end().len());
        Ok(line)
    }

    async fn exactly(&mut self, length: usize) -> Result<Vec<u8>, Fault> {
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await?;
        Ok(body)
    }

    async fn chunks(&mut self) -> Result<Vec<u8>, Fault> {
        let mut body = Vec::new();
        loop {
            let length = usize::from_str_radix(&self.line().await?, 16)?;
            body.extend(self.exactly(length).await?);
            self.line().await?;
            if length == 0 {
                return Ok(body);
            }
        }
    }
}
