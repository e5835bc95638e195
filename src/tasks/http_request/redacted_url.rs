//! URLs for messages.

use reqwest::Url;

use crate::domain::input::truncate;

/// A URL for messages: without user, password, query and fragment.
pub(super) fn redacted_url(url: &Url) -> String {
    let mut shown = url.clone();
    // Both fail only for a URL that cannot have a user.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.set_fragment(None);
    let has_query = shown.query().is_some();
    shown.set_query(None);
    truncate(&format!("{shown}{}", if has_query { "?…" } else { "" }), 300)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redacted_url_hides_user_password_query_and_fragment() {
        let url = Url::parse("https://me:secret@example.com/a?token=secret#secret").unwrap();
        assert_eq!(redacted_url(&url), "https://example.com/a?…");
    }
}
