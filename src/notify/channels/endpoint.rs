//! The URL of a request: the provider's own, or the channel's.

use reqwest::Url;

use crate::domain::notify::channel::Channel;
use crate::domain::secret::Secret;
use crate::i18n::{Message, message};

/// The channel's URL, or `default`. A URL without a path gets `path`, so that a channel may name a host alone.
pub fn endpoint(channel: &Channel, default: &str, path: &str) -> Result<Url, Message> {
    let own = channel.credentials.url.as_ref().map(Secret::reveal);
    let mut url = Url::parse(own.unwrap_or(default)).map_err(|_| message!("channel.url_unusable"))?;
    if url.path().trim_matches('/').is_empty() {
        url.set_path(path);
    }
    Ok(url)
}

/// The channel's URL, or `default`, with a path below its own.
pub fn below(channel: &Channel, default: &str, path: &str) -> Result<Url, Message> {
    let mut url = endpoint(channel, default, "")?;
    let base = url.path().trim_end_matches('/').to_owned();
    url.set_path(&format!("{base}{path}"));
    Ok(url)
}

/// Adds a query parameter that the URL does not have.
pub fn add_query(url: &mut Url, name: &str, value: &str) {
    if !value.is_empty() && !url.query_pairs().any(|(key, _)| key == name) {
        url.query_pairs_mut().append_pair(name, value);
    }
}
