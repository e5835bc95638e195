//! The settings of `[http.<name>]`.

use super::super::Settings;
use super::super::table::{Setting, setting};
use crate::domain::profile::Http;
use crate::domain::profile::http::TokenStyle;

const SECTION: &str = "http.*";

pub(super) const SETTINGS: &[Setting] = &[
    setting(
        SECTION,
        "base_url",
        "",
        "What the URLs of the tasks that name this profile begin with; its credentials go there and nowhere else.",
        |s, n, v| {
            of(s, n).base_url = Some(v.text()?);
            Ok(())
        },
    ),
    setting(SECTION, "verify_tls", "true", "false: takes any certificate of the server.", |s, n, v| {
        of(s, n).verify_tls = Some(v.boolean()?);
        Ok(())
    }),
    Setting {
        secret: true,
        ..setting(SECTION, "bearer", "", "A token that does not expire, sent as Authorization: Bearer.", |s, n, v| {
            of(s, n).bearer = Some(v.secret()?);
            Ok(())
        })
    },
    setting(SECTION, "user", "", "The user of HTTP Basic.", |s, n, v| {
        of(s, n).user = Some(v.text()?);
        Ok(())
    }),
    Setting {
        secret: true,
        ..setting(SECTION, "password", "", "The password of HTTP Basic.", |s, n, v| {
            of(s, n).password = Some(v.secret()?);
            Ok(())
        })
    },
    Setting {
        secret: true,
        ..setting(SECTION, "api_key", "", "An API key.", |s, n, v| {
            of(s, n).api_key = Some(v.secret()?);
            Ok(())
        })
    },
    setting(SECTION, "api_key_header", "", "The header that the API key is sent in; by default X-API-Key.", |s, n, v| {
        of(s, n).api_key_header = Some(v.text()?);
        Ok(())
    }),
    setting(SECTION, "api_key_query", "", "The query parameter that the API key is sent in, instead of a header.", |s, n, v| {
        of(s, n).api_key_query = Some(v.text()?);
        Ok(())
    }),
    setting(SECTION, "token_url", "", "Where a token that expires is asked for.", |s, n, v| {
        of(s, n).token.url = Some(v.text()?);
        Ok(())
    }),
    setting(SECTION, "app_id", "", "Who asks for the token (client id).", |s, n, v| {
        of(s, n).token.app_id = Some(v.text()?);
        Ok(())
    }),
    Setting {
        secret: true,
        ..setting(SECTION, "app_secret", "", "The secret of who asks for the token (client secret).", |s, n, v| {
            of(s, n).token.app_secret = Some(v.secret()?);
            Ok(())
        })
    },
    setting(
        SECTION,
        "token_style",
        "\"oauth2\"",
        "oauth2: client credentials in a form; json: a body with app_id and app_secret, as Feishu wants it.",
        |s, n, v| {
            of(s, n).token.style = v.choice(&[("oauth2", TokenStyle::OAuth2), ("json", TokenStyle::Json)])?;
            Ok(())
        },
    ),
    setting(SECTION, "token_scope", "", "The scope that is asked for, with oauth2.", |s, n, v| {
        of(s, n).token.scope = Some(v.text()?);
        Ok(())
    }),
    setting(SECTION, "token_pointer", "\"/access_token\"", "Where the answer holds the token (JSON Pointer).", |s, n, v| {
        of(s, n).token.pointer = Some(v.text()?);
        Ok(())
    }),
    setting(
        SECTION,
        "expires_pointer",
        "\"/expires_in\"",
        "Where the answer holds the token's lifetime in seconds (JSON Pointer).",
        |s, n, v| {
            of(s, n).token.expires_pointer = Some(v.text()?);
            Ok(())
        },
    ),
    setting(
        SECTION,
        "token_header",
        "",
        "The header that the bare token is sent in; by default it goes as Authorization: Bearer.",
        |s, n, v| {
            of(s, n).token.header = Some(v.text()?);
            Ok(())
        },
    ),
];

fn of<'s>(settings: &'s mut Settings, name: &str) -> &'s mut Http {
    settings.profiles.http.entry(name.to_owned()).or_default()
}
