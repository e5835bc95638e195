//! Where a profile is managed, and the links to its form.

use serde::Serialize;

use super::incidents::PageLink;
use crate::domain::profile::ProfileKind;
use crate::web::urls::with_query;

/// What marks a profile of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Managed {
    /// Whether the settings define it.
    pub from_file: bool,
    pub edit: String,
    pub delete: String,
}

/// The path of the page with the profiles of a kind.
pub const fn list_path(kind: ProfileKind) -> &'static str {
    match kind {
        ProfileKind::Smtp => "/settings/mail",
        ProfileKind::Sms => "/settings/sms",
        ProfileKind::Datasource => "/settings/datasources",
        ProfileKind::Http => "/settings/http",
    }
}

/// The URL of an action on a profile; without a name, of a new one.
pub fn href(action: &str, kind: ProfileKind, name: &str) -> String {
    with_query(&format!("/settings/profiles/{action}"), &[("kind", kind.as_str()), ("name", name)])
}

/// Links to the profiles that cannot be decrypted.
pub fn unreadable(kind: ProfileKind, names: &[String]) -> Vec<PageLink> {
    names.iter().map(|name| PageLink { href: href("edit", kind, name), name: name.clone() }).collect()
}

impl Managed {
    pub fn new(kind: ProfileKind, name: &str, from_file: bool) -> Managed {
        Managed { from_file, edit: href("edit", kind, name), delete: href("delete", kind, name) }
    }
}

/// A mark for samples.
pub fn sample_managed(from_file: bool) -> Managed {
    Managed::new(ProfileKind::Smtp, "x", from_file)
}
