//! `belfry openapi`

use clap::Args;

use super::{Failure, answer};

/// Print the JSON API's OpenAPI document.
#[derive(Debug, Args)]
pub(super) struct Openapi {
    /// As YAML instead of JSON.
    #[arg(long)]
    yaml: bool,
}

impl Openapi {
    pub(super) fn run(self) -> Result<(), Failure> {
        answer(&if self.yaml { crate::api::openapi_yaml() } else { crate::api::openapi_json() })
    }
}
