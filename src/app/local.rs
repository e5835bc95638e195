//! The services without a server: for commands that work on the database themselves, also while a server runs on it.

use super::error::StartError;
use super::shared::Shared;
use super::{DataDir, wiring};
use crate::config::Settings;
use crate::service::Service;

/// Opens the database of the settings for one command. A running server sees what is changed within a moment.
///
/// # Errors
/// One line that says what is wrong; nothing stays of what was made.
pub async fn open(settings: &Settings) -> Result<Service, StartError> {
    let mut data = DataDir::prepare(&settings.data_dir)?;
    let database = wiring::open_database(settings, &data).await?;
    data.keep();
    Ok(Shared::new(settings, database).service(settings))
}
