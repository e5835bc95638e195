//! The settings of `[smtp.<name>]`.

use std::path::PathBuf;
use std::time::Duration;

use super::super::Settings;
use super::super::table::{Setting, setting};
use super::secret;
use crate::domain::profile::Smtp;
use crate::domain::profile::smtp::{PRESETS, Tls};

const SECTION: &str = "smtp.*";

pub(super) const SETTINGS: &[Setting] = &[
    setting(
        SECTION,
        "preset",
        "",
        "Host, port and TLS of a service: 163, 126, qq, exmail, aliyun, aliyun-qiye, feishu, gmail, office365 or outlook.",
        |s, name, v| {
            of(s, name).preset = Some(v.choice(&PRESETS.map(|preset| (preset.name, preset)))?);
            Ok(())
        },
    ),
    setting(SECTION, "host", "", "The mail server's name; with a preset only where it differs.", |s, name, v| {
        of(s, name).host = Some(v.text()?);
        Ok(())
    }),
    setting(SECTION, "port", "", "By default 465 with tls implicit, 587 with starttls, 25 with none.", |s, name, v| {
        of(s, name).port = Some(v.number(1..=65_535)?);
        Ok(())
    }),
    setting(
        SECTION,
        "tls",
        "",
        "implicit (TLS from the first byte), starttls (TLS after a greeting, without fail) or none; else the preset's, or implicit.",
        |s, name, v| {
            let known = [Tls::Implicit, Tls::Starttls, Tls::None].map(|tls| (tls.as_str(), tls));
            of(s, name).tls = Some(v.choice(&known)?);
            Ok(())
        },
    ),
    setting(SECTION, "user", "", "Who signs in; left out, nobody does.", |s, name, v| {
        of(s, name).user = Some(v.text()?);
        Ok(())
    }),
    Setting {
        secret: true,
        ..setting(SECTION, "password", "", "The password; 163, 126, QQ want an authorisation code here.", |s, name, v| {
            of(s, name).password = Some(secret(v)?);
            Ok(())
        })
    },
    Setting {
        secret: true,
        ..setting(SECTION, "oauth_token", "", "An access token (XOAUTH2) in the place of a password.", |s, name, v| {
            of(s, name).oauth_token = Some(secret(v)?);
            Ok(())
        })
    },
    setting(
        SECTION,
        "from",
        "",
        "The sender of mails that name none, such as Belfry <belfry@example.com>; by default the user.",
        |s, name, v| {
            of(s, name).from = Some(v.text()?);
            Ok(())
        },
    ),
    setting(SECTION, "timeout_seconds", "60", "The longest wait for each answer of the mail server, 1 to 600.", |s, name, v| {
        of(s, name).timeout = Duration::from_secs(v.number(1..=600)?);
        Ok(())
    }),
    setting(
        SECTION,
        "verify_tls",
        "true",
        "false: any certificate of the mail server is taken; better name its authority by ca_file.",
        |s, name, v| {
            of(s, name).verify_tls = v.boolean()?;
            Ok(())
        },
    ),
    setting(SECTION, "ca_file", "", "A file of certificates (PEM) to trust besides the machine's.", |s, name, v| {
        of(s, name).ca_file = Some(PathBuf::from(v.text()?));
        Ok(())
    }),
];

fn of<'s>(settings: &'s mut Settings, name: &str) -> &'s mut Smtp {
    settings.profiles.smtp.entry(name.to_owned()).or_default()
}
