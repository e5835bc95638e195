//! Interface for sending mail from other task types.

use std::pin::Pin;

use super::{RunContext, RunError};

/// Sends mail through the profiles `[smtp.<name>]`.
pub trait Mailer: Send + Sync + 'static {
    /// Sends a plain-text mail.
    ///
    /// - `smtp`: the profile's name; `None` if there is exactly one.
    /// - `to`: the recipients' addresses.
    /// - `context`: the context of the sending run.
    fn send<'a>(
        &'a self,
        smtp: Option<&'a str>,
        to: &'a [String],
        title: &'a str,
        body: &'a str,
        context: &'a RunContext,
    ) -> SendFuture<'a>;
}

/// The future of [`Mailer::send`].
pub type SendFuture<'a> = Pin<Box<dyn Future<Output = Result<(), RunError>> + Send + 'a>>;
