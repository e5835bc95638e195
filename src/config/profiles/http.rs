//! The settings of `[http.<name>]`.

use super::super::Settings;
use super::super::setting::settings;
use super::words;
use crate::domain::profile::Http;
use crate::domain::profile::http::TokenStyle;

const SECTION: &str = "http.*";

/// The words of `token_style`.
const STYLES: [(&str, TokenStyle); 2] = [("oauth2", TokenStyle::OAuth2), ("json", TokenStyle::Json)];

/// The words of a choice.
pub(super) fn choices(key: &str) -> Vec<&'static str> {
    if key == "token_style" { words(&STYLES) } else { Vec::new() }
}

settings! {
    pub(super) SETTINGS |s, name, v|

    [SECTION]
    "base_url" Text "" "The base URL for tasks with this profile; its credentials are sent only there."
        => of(s, name).base_url = Some(v.text()?);
    "verify_tls" Boolean "true" "false accepts any certificate of the server." => of(s, name).verify_tls = Some(v.boolean()?);
    secret "bearer" Text "" "A permanent token, sent as Authorization: Bearer." => of(s, name).bearer = Some(v.secret()?);
    "user" Text "" "The user name for HTTP Basic authentication." => of(s, name).user = Some(v.text()?);
    secret "password" Text "" "The password for HTTP Basic authentication." => of(s, name).password = Some(v.secret()?);
    secret "api_key" Text "" "An API key, sent in a header or a query parameter." => of(s, name).api_key = Some(v.secret()?);
    "api_key_header" Text "" "The header for the API key; by default X-API-Key." => of(s, name).api_key_header = Some(v.text()?);
    "api_key_query" Text "" "The query parameter for the API key, instead of a header."
        => of(s, name).api_key_query = Some(v.text()?);
    "token_url" Text "" "The URL that issues access tokens." => of(s, name).token.url = Some(v.text()?);
    "app_id" Text "" "The client ID for the token request." => of(s, name).token.app_id = Some(v.text()?);
    secret "app_secret" Text "" "The client secret for the token request." => of(s, name).token.app_secret = Some(v.secret()?);
    "token_style" Choice "\"oauth2\""
        "oauth2: client credentials in a form; json: a JSON body with app_id and app_secret, as Feishu requires."
        => of(s, name).token.style = v.choice(&STYLES)?;
    "token_scope" Text "" "The requested scope, with oauth2." => of(s, name).token.scope = Some(v.text()?);
    "token_pointer" Text "\"/access_token\"" "The JSON Pointer of the token in the response."
        => of(s, name).token.pointer = Some(v.text()?);
    "expires_pointer" Text "\"/expires_in\"" "The JSON Pointer of the token's lifetime in seconds in the response."
        => of(s, name).token.expires_pointer = Some(v.text()?);
    "token_header" Text "" "The header for the bare token; by default it is sent as Authorization: Bearer."
        => of(s, name).token.header = Some(v.text()?);
}

fn of<'s>(settings: &'s mut Settings, name: &str) -> &'s mut Http {
    settings.profiles.http.entry(name.to_owned()).or_default()
}
