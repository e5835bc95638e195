//! How a task type that is not about mail sends one all the same.

use std::pin::Pin;

use super::{RunContext, RunError};

/// Sends mail by the profiles `[smtp.<name>]`.
pub trait Mailer: Send + Sync + 'static {
    /// Sends a plain text.
    ///
    /// - `smtp`: the profile's name; `None` where there is exactly one.
    /// - `to`: the addresses.
    /// - `context`: of the run that sends it.
    ///
    /// The answer is an error where it could not be sent, with whether another attempt may help.
    fn send<'a>(
        &'a self,
        smtp: Option<&'a str>,
        to: &'a [String],
        title: &'a str,
        body: &'a str,
        context: &'a RunContext,
    ) -> Sending<'a>;
}

/// What sending gives.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<(), RunError>> + Send + 'a>>;
