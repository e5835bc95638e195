//! The settings of `[oidc]`: the identity provider of single sign-on.

use super::table::{Setting, setting};
use super::value::Value;
use super::{Settings, SettingsError};
use crate::domain::single_sign_on::IdentityProvider;
use crate::domain::user::Role;

const SECTION: &str = "oidc";

pub(super) const SETTINGS: &[Setting] = &[
    setting(
        SECTION,
        "issuer",
        "",
        "Single sign-on: the identity provider's issuer (OpenID Connect), exactly as it names itself. Needs [server] public_url.",
        |s, _, v| {
            of(s).issuer = v.text()?;
            Ok(())
        },
    ),
    setting(SECTION, "client_id", "", "What the provider calls Belfry.", |s, _, v| {
        of(s).client_id = v.text()?;
        Ok(())
    }),
    Setting {
        secret: true,
        ..setting(SECTION, "client_secret", "", "The client's secret; left out for a public client.", |s, _, v| {
            of(s).client_secret = Some(v.secret()?);
            Ok(())
        })
    },
    setting(SECTION, "name", "\"OpenID Connect\"", "What the button on the sign-in page calls the provider.", |s, _, v| {
        of(s).name = v.text()?;
        Ok(())
    }),
    setting(SECTION, "scopes", "[\"openid\", \"profile\", \"email\"]", "What is asked for; openid always is.", |s, _, v| {
        of(s).scopes = v.texts()?;
        Ok(())
    }),
    setting(SECTION, "name_claim", "\"preferred_username\"", "The claim that becomes the account's name.", |s, _, v| {
        of(s).name_claim = v.text()?;
        Ok(())
    }),
    setting(
        SECTION,
        "role_claim",
        "",
        "The claim that roles are read from: its name, or a JSON Pointer such as /realm_access/roles.",
        |s, _, v| {
            of(s).role_claim = Some(v.text()?);
            Ok(())
        },
    ),
    setting(
        SECTION,
        "admins",
        "[]",
        "Values of that claim that make administrators; of several roles the highest counts.",
        |s, _, v| values(s, Role::Admin, v),
    ),
    setting(SECTION, "editors", "[]", "Values of that claim that make editors.", |s, _, v| values(s, Role::Editor, v)),
    setting(SECTION, "operators", "[]", "Values of that claim that make operators.", |s, _, v| values(s, Role::Operator, v)),
    setting(SECTION, "viewers", "[]", "Values of that claim that make viewers.", |s, _, v| values(s, Role::Viewer, v)),
    setting(
        SECTION,
        "default_role",
        "\"none\"",
        "The role of those whom no value makes one: viewer, operator, editor, or none (they are refused).",
        |s, _, v| {
            let choices = [
                ("none", None),
                ("viewer", Some(Role::Viewer)),
                ("operator", Some(Role::Operator)),
                ("editor", Some(Role::Editor)),
            ];
            of(s).default_role = v.choice(&choices)?;
            Ok(())
        },
    ),
    setting(SECTION, "domains", "[]", "Domains whose confirmed e-mail addresses are let in. Empty: all.", |s, _, v| {
        of(s).domains = v.texts()?;
        Ok(())
    }),
];

fn of(settings: &mut Settings) -> &mut IdentityProvider {
    &mut settings.oidc
}

fn values(settings: &mut Settings, role: Role, value: &Value) -> Result<(), String> {
    let texts = value.texts()?;
    let roles = &mut of(settings).roles;
    roles.retain(|(own, _)| *own != role);
    if !texts.is_empty() {
        roles.push((role, texts));
    }
    Ok(())
}

/// Refuses a provider that cannot work, once all settings are read, and tells it where readers reach Belfry.
pub(super) fn finish(settings: &mut Settings) -> Result<(), SettingsError> {
    let provider = &mut settings.oidc;
    if !provider.is_set_up() && provider.client_id.is_empty() {
        return Ok(());
    }
    provider.public_url = settings.server.public_url.clone().unwrap_or_default();
    provider.check().map_err(|fault| SettingsError(format!("[oidc] {fault}")))
}
