//! The settings of `[oidc]`: the identity provider of single sign-on.

use super::setting::settings;
use super::value::Value;
use super::{Settings, SettingsError};
use crate::domain::single_sign_on::IdentityProvider;
use crate::domain::user::Role;
use crate::i18n::{Message, message};

const SECTION: &str = "oidc";
const DEFAULT_ROLES: [(&str, Option<Role>); 4] =
    [("none", None), ("viewer", Some(Role::Viewer)), ("operator", Some(Role::Operator)), ("editor", Some(Role::Editor))];

settings! {
    pub(super) SETTINGS |s, name, v|

    [SECTION]
    "issuer" Text ""
        "The issuer URL of the OpenID Connect provider, exactly as in its discovery document. Requires [server] public_url."
        => of(s).issuer = v.text()?;
    "client_id" Text "" "The client ID of Belfry at the provider." => of(s).client_id = v.text()?;
    secret "client_secret" Text "" "The client secret; omitted for a public client." => of(s).client_secret = Some(v.secret()?);
    "name" Text "\"OpenID Connect\"" "The provider's name on the sign-in page." => of(s).name = v.text()?;
    "scopes" TextList "[\"openid\", \"profile\", \"email\"]" "The requested scopes; openid is always included."
        => of(s).scopes = v.texts()?;
    "name_claim" Text "\"preferred_username\"" "The claim used as the account name." => of(s).name_claim = v.text()?;
    "role_claim" Text "" "The claim with the user's roles: its name, or a JSON Pointer such as /realm_access/roles."
        => of(s).role_claim = Some(v.text()?);
    "admins" TextList "[]" "Values of role_claim that grant the role administrator; with several roles the highest applies."
        => values(s, Role::Admin, v)?;
    "editors" TextList "[]" "Values of role_claim that grant the role editor." => values(s, Role::Editor, v)?;
    "operators" TextList "[]" "Values of role_claim that grant the role operator." => values(s, Role::Operator, v)?;
    "viewers" TextList "[]" "Values of role_claim that grant the role viewer." => values(s, Role::Viewer, v)?;
    "default_role" Choice "\"none\""
        "The role of users without a matching value: viewer, operator, editor, or none (sign-in is refused)."
        => of(s).default_role = v.choice(&DEFAULT_ROLES)?;
    "domains" TextList "[]" "The e-mail domains that may sign in; requires verified addresses. Empty: all."
        => of(s).domains = v.texts()?;
}

fn of(settings: &mut Settings) -> &mut IdentityProvider {
    &mut settings.oidc
}

fn values(settings: &mut Settings, role: Role, value: &Value) -> Result<(), Message> {
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
    let origin = settings.server.public_url.clone();
    provider.public_url = origin.map(|origin| format!("{origin}{}", settings.server.base_path)).unwrap_or_default();
    provider.check().map_err(|fault| SettingsError(message!("setting.oidc", fault)))
}
