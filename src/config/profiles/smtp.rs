//! The settings of `[smtp.<name>]`.

use std::path::PathBuf;
use std::time::Duration;

use super::super::Settings;
use super::super::table::{Setting, ValueType, setting};
use super::secret;
use crate::domain::profile::Smtp;
use crate::domain::profile::smtp::{PRESETS, Tls};

const SECTION: &str = "smtp.*";

pub(super) const SETTINGS: &[Setting] = &[
    setting(
        SECTION,
        "preset",
        "",
        "Sets host, port and TLS for a provider: 163, 126, qq, exmail, aliyun, aliyun-qiye, feishu, gmail, office365 or outlook.",
        ValueType::Choice,
        |s, name, v| {
            of(s, name).preset = Some(v.choice(&PRESETS.map(|preset| (preset.name, preset)))?);
            Ok(())
        },
    ),
    setting(SECTION, "host", "", "The host name of the mail server; overrides the preset.", ValueType::Text, |s, name, v| {
        of(s, name).host = Some(v.text()?);
        Ok(())
    }),
    setting(
        SECTION,
        "port",
        "",
        "The port, 1 to 65535; by default 465 with implicit TLS, 587 with starttls, 25 with none.",
        ValueType::Integer,
        |s, name, v| {
            of(s, name).port = Some(v.number(1..=65_535)?);
            Ok(())
        },
    ),
    setting(
        SECTION,
        "tls",
        "",
        "implicit (TLS from the start), starttls (required) or none; by default the preset's, otherwise implicit.",
        ValueType::Choice,
        |s, name, v| {
            let known = [Tls::Implicit, Tls::Starttls, Tls::None].map(|tls| (tls.as_str(), tls));
            of(s, name).tls = Some(v.choice(&known)?);
            Ok(())
        },
    ),
    setting(SECTION, "user", "", "The user name; if omitted, Belfry does not authenticate.", ValueType::Text, |s, name, v| {
        of(s, name).user = Some(v.text()?);
        Ok(())
    }),
    Setting {
        secret: true,
        ..setting(
            SECTION,
            "password",
            "",
            "The password; 163, 126 and QQ require an authorization code instead.",
            ValueType::Text,
            |s, name, v| {
                of(s, name).password = Some(secret(v)?);
                Ok(())
            },
        )
    },
    Setting {
        secret: true,
        ..setting(
            SECTION,
            "oauth_token",
            "",
            "An access token (XOAUTH2) instead of a password.",
            ValueType::Text,
            |s, name, v| {
                of(s, name).oauth_token = Some(secret(v)?);
                Ok(())
            },
        )
    },
    setting(
        SECTION,
        "from",
        "",
        "The default sender, such as Belfry <belfry@example.com>; by default the user name.",
        ValueType::Text,
        |s, name, v| {
            of(s, name).from = Some(v.text()?);
            Ok(())
        },
    ),
    setting(
        SECTION,
        "timeout_seconds",
        "60",
        "The time limit for each response of the mail server, 1 to 600 seconds.",
        ValueType::Integer,
        |s, name, v| {
            of(s, name).timeout = Duration::from_secs(v.number(1..=600)?);
            Ok(())
        },
    ),
    setting(
        SECTION,
        "verify_tls",
        "true",
        "false accepts any certificate of the mail server; prefer setting ca_file.",
        ValueType::Boolean,
        |s, name, v| {
            of(s, name).verify_tls = v.boolean()?;
            Ok(())
        },
    ),
    setting(
        SECTION,
        "ca_file",
        "",
        "A PEM file with CA certificates to trust in addition to the system's.",
        ValueType::Path,
        |s, name, v| {
            of(s, name).ca_file = Some(PathBuf::from(v.text()?));
            Ok(())
        },
    ),
];

fn of<'s>(settings: &'s mut Settings, name: &str) -> &'s mut Smtp {
    settings.profiles.smtp.entry(name.to_owned()).or_default()
}
