//! Profiles: what task types sign in to, set up once under a name of the user's own and named by tasks.

use std::collections::BTreeMap;

pub mod datasource;
pub mod http;
pub mod sms;
pub mod smtp;

pub use datasource::Datasource;
pub use http::Http;
pub use sms::Sms;
pub use smtp::Smtp;

/// All profiles of the settings, by kind and name.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Profiles {
    pub smtp: BTreeMap<String, Smtp>,
    pub sms: BTreeMap<String, Sms>,
    pub datasource: BTreeMap<String, Datasource>,
    pub http: BTreeMap<String, Http>,
}
