//! Receive meter: bounds the bytes that a server may send for one row, before the driver has them in memory. The drivers read a
//! row to its end, whatever its size; the meter ends the connection instead.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::error::SqlError;
use crate::i18n::message;

/// The largest value of a cell, in bytes.
pub(super) const CELL_MAX: usize = 16 << 20;
/// The largest row, and the most bytes that a server may send before the next row is complete.
pub(super) const ROW_MAX: u64 = 32 << 20;

/// Counts the bytes received since the last row; clones share the count.
#[derive(Debug, Clone, Default)]
pub(super) struct Meter(Arc<AtomicU64>);

impl Meter {
    /// Starts counting again: a row is complete, or a statement begins.
    pub fn reset(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// The error of a statement: the connection that the meter ended was not lost.
    pub fn explain(&self, error: SqlError) -> SqlError {
        if self.0.load(Ordering::Relaxed) > ROW_MAX { too_large(ROW_MAX) } else { error }
    }

    fn add(&self, bytes: usize) -> std::io::Result<()> {
        match self.0.fetch_add(bytes as u64, Ordering::Relaxed) + bytes as u64 > ROW_MAX {
            true => Err(std::io::Error::other("the row is too large")),
            false => Ok(()),
        }
    }
}

/// The error of a cell or row over its limit in bytes.
pub(super) fn too_large(max: u64) -> SqlError {
    SqlError::fail(message!("sql.row_too_large", max = (max >> 20).to_string()))
}

/// A stream whose received bytes are counted.
pub(super) struct MeteredStream<S> {
    pub stream: S,
    pub meter: Meter,
}

impl<S: AsyncRead + Unpin> AsyncRead for MeteredStream<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        Poll::Ready(self.meter.add(buffer.filled().len() - before))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for MeteredStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
