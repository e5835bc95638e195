//! The settings of `[smtp.<name>]`.

use std::path::PathBuf;
use std::time::Duration;

use super::super::Settings;
use super::super::setting::settings;
use super::words;
use crate::domain::profile::Smtp;
use crate::domain::profile::smtp::{PRESETS, Tls};

const SECTION: &str = "smtp.*";

/// The words of `tls`.
const TLS: [(&str, Tls); 3] = [("implicit", Tls::Implicit), ("starttls", Tls::Starttls), ("none", Tls::None)];

/// The words of a choice.
pub(super) fn choices(key: &str) -> Vec<&'static str> {
    match key {
        "preset" => PRESETS.iter().map(|preset| preset.name).collect(),
        "tls" => words(&TLS),
        _ => Vec::new(),
    }
}

settings! {
    pub(super) SETTINGS |s, name, v|

    [SECTION]
    "preset" Choice ""
        "Sets host, port and TLS for a provider: 163, 126, qq, exmail, aliyun, aliyun-qiye, feishu, gmail, office365 or outlook."
        => of(s, name).preset = Some(v.choice(&PRESETS.map(|preset| (preset.name, preset)))?);
    "host" Text "" "The host name of the mail server; overrides the preset." => of(s, name).host = Some(v.text()?);
    "port" Integer "" "The port, 1 to 65535; by default 465 with implicit TLS, 587 with starttls, 25 with none."
        => of(s, name).port = Some(v.number(1..=65_535)?);
    "tls" Choice "" "implicit (TLS from the start), starttls (required) or none; by default the preset's, otherwise implicit."
        => of(s, name).tls = Some(v.choice(&TLS)?);
    "user" Text "" "The user name; if omitted, Belfry does not authenticate." => of(s, name).user = Some(v.text()?);
    secret "password" Text "" "The password; 163, 126 and QQ require an authorization code instead."
        => of(s, name).password = Some(v.secret()?);
    secret "oauth_token" Text "" "An access token (XOAUTH2) instead of a password." => of(s, name).oauth_token = Some(v.secret()?);
    "from" Text "" "The default sender, such as Belfry <belfry@example.com>; by default the user name."
        => of(s, name).from = Some(v.text()?);
    "timeout_seconds" Integer "60" "The time limit for each response of the mail server, 1 to 600 seconds."
        => of(s, name).timeout = Duration::from_secs(v.number(1..=600)?);
    "verify_tls" Boolean "true" "false accepts any certificate of the mail server; prefer setting ca_file."
        => of(s, name).verify_tls = v.boolean()?;
    "ca_file" Path "" "A PEM file with CA certificates to trust in addition to the system's."
        => of(s, name).ca_file = Some(PathBuf::from(v.text()?));
}

fn of<'s>(settings: &'s mut Settings, name: &str) -> &'s mut Smtp {
    settings.profiles.smtp.entry(name.to_owned()).or_default()
}
