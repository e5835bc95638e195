//! The settings of `[http.<name>]`.

use super::super::Settings;
use super::super::table::{Setting, ValueType, setting};
use crate::domain::profile::Http;
use crate::domain::profile::http::TokenStyle;

const SECTION: &str = "http.*";

pub(super) const SETTINGS: &[Setting] = &[
    setting(
        SECTION,
        "base_url",
        "",
        "The base URL for tasks with this profile; its credentials are sent only there.",
        ValueType::Text,
        |s, n, v| {
            of(s, n).base_url = Some(v.text()?);
            Ok(())
        },
    ),
    setting(SECTION, "verify_tls", "true", "false accepts any certificate of the server.", ValueType::Boolean, |s, n, v| {
        of(s, n).verify_tls = Some(v.boolean()?);
        Ok(())
    }),
    Setting {
        secret: true,
        ..setting(SECTION, "bearer", "", "A permanent token, sent as Authorization: Bearer.", ValueType::Text, |s, n, v| {
            of(s, n).bearer = Some(v.secret()?);
            Ok(())
        })
    },
    setting(SECTION, "user", "", "The user name for HTTP Basic authentication.", ValueType::Text, |s, n, v| {
        of(s, n).user = Some(v.text()?);
        Ok(())
    }),
    Setting {
        secret: true,
        ..setting(SECTION, "password", "", "The password for HTTP Basic authentication.", ValueType::Text, |s, n, v| {
            of(s, n).password = Some(v.secret()?);
            Ok(())
        })
    },
    Setting {
        secret: true,
        ..setting(SECTION, "api_key", "", "An API key, sent in a header or a query parameter.", ValueType::Text, |s, n, v| {
            of(s, n).api_key = Some(v.secret()?);
            Ok(())
        })
    },
    setting(SECTION, "api_key_header", "", "The header for the API key; by default X-API-Key.", ValueType::Text, |s, n, v| {
        of(s, n).api_key_header = Some(v.text()?);
        Ok(())
    }),
    setting(
        SECTION,
        "api_key_query",
        "",
        "The query parameter for the API key, instead of a header.",
        ValueType::Text,
        |s, n, v| {
            of(s, n).api_key_query = Some(v.text()?);
            Ok(())
        },
    ),
    setting(SECTION, "token_url", "", "The URL that issues access tokens.", ValueType::Text, |s, n, v| {
        of(s, n).token.url = Some(v.text()?);
        Ok(())
    }),
    setting(SECTION, "app_id", "", "The client ID for the token request.", ValueType::Text, |s, n, v| {
        of(s, n).token.app_id = Some(v.text()?);
        Ok(())
    }),
    Setting {
        secret: true,
        ..setting(SECTION, "app_secret", "", "The client secret for the token request.", ValueType::Text, |s, n, v| {
            of(s, n).token.app_secret = Some(v.secret()?);
            Ok(())
        })
    },
    setting(
        SECTION,
        "token_style",
        "\"oauth2\"",
        "oauth2: client credentials in a form; json: a JSON body with app_id and app_secret, as Feishu requires.",
        ValueType::Choice,
        |s, n, v| {
            of(s, n).token.style = v.choice(&[("oauth2", TokenStyle::OAuth2), ("json", TokenStyle::Json)])?;
            Ok(())
        },
    ),
    setting(SECTION, "token_scope", "", "The requested scope, with oauth2.", ValueType::Text, |s, n, v| {
        of(s, n).token.scope = Some(v.text()?);
        Ok(())
    }),
    setting(
        SECTION,
        "token_pointer",
        "\"/access_token\"",
        "The JSON Pointer of the token in the response.",
        ValueType::Text,
        |s, n, v| {
            of(s, n).token.pointer = Some(v.text()?);
            Ok(())
        },
    ),
    setting(
        SECTION,
        "expires_pointer",
        "\"/expires_in\"",
        "The JSON Pointer of the token's lifetime in seconds in the response.",
        ValueType::Text,
        |s, n, v| {
            of(s, n).token.expires_pointer = Some(v.text()?);
            Ok(())
        },
    ),
    setting(
        SECTION,
        "token_header",
        "",
        "The header for the bare token; by default it is sent as Authorization: Bearer.",
        ValueType::Text,
        |s, n, v| {
            of(s, n).token.header = Some(v.text()?);
            Ok(())
        },
    ),
];

fn of<'s>(settings: &'s mut Settings, name: &str) -> &'s mut Http {
    settings.profiles.http.entry(name.to_owned()).or_default()
}
