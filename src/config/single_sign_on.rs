//! The settings of `[oidc]`: the identity provider of single sign-on.

use super::table::{Setting, ValueType, setting};
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
        "The issuer URL of the OpenID Connect provider, exactly as in its discovery document. Requires [server] public_url.",
        ValueType::Text,
        |s, _, v| {
            of(s).issuer = v.text()?;
            Ok(())
        },
    ),
    setting(SECTION, "client_id", "", "The client ID of Belfry at the provider.", ValueType::Text, |s, _, v| {
        of(s).client_id = v.text()?;
        Ok(())
    }),
    Setting {
        secret: true,
        ..setting(SECTION, "client_secret", "", "The client secret; omitted for a public client.", ValueType::Text, |s, _, v| {
            of(s).client_secret = Some(v.secret()?);
            Ok(())
        })
    },
    setting(SECTION, "name", "\"OpenID Connect\"", "The provider's name on the sign-in page.", ValueType::Text, |s, _, v| {
        of(s).name = v.text()?;
        Ok(())
    }),
    setting(
        SECTION,
        "scopes",
        "[\"openid\", \"profile\", \"email\"]",
        "The requested scopes; openid is always included.",
        ValueType::TextList,
        |s, _, v| {
            of(s).scopes = v.texts()?;
            Ok(())
        },
    ),
    setting(
        SECTION,
        "name_claim",
        "\"preferred_username\"",
        "The claim used as the account name.",
        ValueType::Text,
        |s, _, v| {
            of(s).name_claim = v.text()?;
            Ok(())
        },
    ),
    setting(
        SECTION,
        "role_claim",
        "",
        "The claim with the user's roles: its name, or a JSON Pointer such as /realm_access/roles.",
        ValueType::Text,
        |s, _, v| {
            of(s).role_claim = Some(v.text()?);
            Ok(())
        },
    ),
    setting(
        SECTION,
        "admins",
        "[]",
        "Values of role_claim that grant the role administrator; with several roles the highest applies.",
        ValueType::TextList,
        |s, _, v| values(s, Role::Admin, v),
    ),
    setting(SECTION, "editors", "[]", "Values of role_claim that grant the role editor.", ValueType::TextList, |s, _, v| {
        values(s, Role::Editor, v)
    }),
    setting(SECTION, "operators", "[]", "Values of role_claim that grant the role operator.", ValueType::TextList, |s, _, v| {
        values(s, Role::Operator, v)
    }),
    setting(SECTION, "viewers", "[]", "Values of role_claim that grant the role viewer.", ValueType::TextList, |s, _, v| {
        values(s, Role::Viewer, v)
    }),
    setting(
        SECTION,
        "default_role",
        "\"none\"",
        "The role of users without a matching value: viewer, operator, editor, or none (sign-in is refused).",
        ValueType::Choice,
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
    setting(
        SECTION,
        "domains",
        "[]",
        "The e-mail domains that may sign in; requires verified addresses. Empty: all.",
        ValueType::TextList,
        |s, _, v| {
            of(s).domains = v.texts()?;
            Ok(())
        },
    ),
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

/// Validates the provider once all settings are read, and passes it the public URL.
pub(super) fn finish(settings: &mut Settings) -> Result<(), SettingsError> {
    let provider = &mut settings.oidc;
    if !provider.is_set_up() && provider.client_id.is_empty() {
        return Ok(());
    }
    provider.public_url = settings.server.public_url.clone().unwrap_or_default();
    provider.check().map_err(|fault| SettingsError(format!("[oidc] {fault}")))
}
