//! Single sign-on: maps verified claims of an identity provider to an account name and a role.

use serde_json::Value;

use super::input::truncate;
use super::secret::Secret;
use super::user::{Role, check_user_name};
use crate::i18n::{Message, message};

/// The settings of an identity provider (OpenID Connect) and the mapping of its claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityProvider {
    /// The issuer URL, exactly as the provider states it.
    pub issuer: String,
    pub client_id: String,
    /// `None`: a public client, protected by PKCE only.
    pub client_secret: Option<Secret>,
    /// The requested scopes; `openid` is always included.
    pub scopes: Vec<String>,
    /// The label of the button on the sign-in page.
    pub name: String,
    /// The claim with the account name.
    pub name_claim: String,
    /// The claim with the roles: its name, or a JSON Pointer into the claims. `None`: everyone gets the default role.
    pub role_claim: Option<String>,
    /// For each role, the claim values that map to it.
    pub roles: Vec<(Role, Vec<String>)>,
    /// The role of users without a matching value; `None`: they are refused.
    pub default_role: Option<Role>,
    /// The allowed e-mail domains; empty: all.
    pub domains: Vec<String>,
    /// The public address of Belfry: `https://host[:port]`, without a path.
    pub public_url: String,
}

/// Why claims do not lead to an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimsError {
    /// No value of the role claim maps to a role, and there is no default role.
    NoRole,
    /// The e-mail address is missing, not verified, or of another domain.
    Domain,
    /// The name claim is not a valid account name; the reason.
    Name(Message),
}

/// An identity asserted by the provider, with its role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedIdentity {
    pub subject: String,
    pub name: Result<String, ClaimsError>,
    pub role: Role,
}

impl IdentityProvider {
    /// Whether a provider is configured.
    pub fn is_set_up(&self) -> bool {
        !self.issuer.is_empty()
    }

    /// The redirect URI of the authorization code flow.
    pub fn redirect_uri(&self) -> String {
        format!("{}/login/oidc/callback", self.public_url.trim_end_matches('/'))
    }

    /// Whether the ID token's claims lack one that [`IdentityProvider::evaluate_claims`] needs.
    pub fn needs_userinfo(&self, claims: &Value) -> bool {
        let lacks = |name: &str| claims.get(name).is_none();
        let role = self.role_claim.as_deref().is_some_and(|claim| at(claims, claim).is_none());
        role || lacks(&self.name_claim) || (!self.domains.is_empty() && (lacks("email") || lacks("email_verified")))
    }

    /// Maps verified claims to an identity with a role.
    ///
    /// # Errors
    /// Why the claims are refused.
    pub fn evaluate_claims(&self, subject: &str, claims: &Value) -> Result<VerifiedIdentity, ClaimsError> {
        self.check_domain(claims)?;
        let role = self.role_of(claims).or(self.default_role).ok_or(ClaimsError::NoRole)?;
        Ok(VerifiedIdentity { subject: subject.to_owned(), name: self.name_of(claims), role })
    }

    fn check_domain(&self, claims: &Value) -> Result<(), ClaimsError> {
        if self.domains.is_empty() {
            return Ok(());
        }
        let confirmed = claims.get("email_verified").and_then(Value::as_bool) == Some(true);
        let domain =
            claims.get("email").and_then(Value::as_str).and_then(|email| email.rsplit_once('@')).map(|(_, domain)| domain);
        let allowed = domain.is_some_and(|domain| self.domains.iter().any(|own| own.eq_ignore_ascii_case(domain)));
        if confirmed && allowed { Ok(()) } else { Err(ClaimsError::Domain) }
    }

    /// The highest role that a value of the role claim maps to.
    fn role_of(&self, claims: &Value) -> Option<Role> {
        let given: Vec<&str> = match at(claims, self.role_claim.as_deref()?)? {
            Value::String(text) => vec![text],
            Value::Array(values) => values.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let made = self.roles.iter().filter(|(_, values)| values.iter().any(|value| given.contains(&value.as_str())));
        made.map(|(role, _)| *role).max()
    }

    fn name_of(&self, claims: &Value) -> Result<String, ClaimsError> {
        let Some(name) = claims.get(&self.name_claim).and_then(Value::as_str) else {
            return Err(ClaimsError::Name(message!("sign_in.no_claim", claim = truncate(&self.name_claim, 64))));
        };
        check_user_name(name).map_err(ClaimsError::Name)?;
        Ok(name.to_owned())
    }

    /// Validates the settings.
    ///
    /// # Errors
    /// A message that names the setting.
    pub fn check(&self) -> Result<(), Message> {
        if !is_safe(&self.issuer) {
            return Err(message!("oidc_profile.issuer", issuer = truncate(&self.issuer, 60)).of("issuer"));
        }
        if self.client_id.is_empty() {
            return Err(message!("oidc_profile.no_client_id").of("client_id"));
        }
        if self.public_url.is_empty() {
            return Err(message!("oidc_profile.no_public_url").of("[server] public_url"));
        }
        if self.role_claim.is_none() && self.default_role.is_none() {
            return Err(message!("oidc_profile.no_roles"));
        }
        if self.role_claim.is_none() && self.roles.iter().any(|(_, values)| !values.is_empty()) {
            return Err(message!("oidc_profile.no_role_claim").of("role_claim"));
        }
        Ok(())
    }
}

/// Whether a URL uses https, or http on localhost.
pub fn is_safe(address: &str) -> bool {
    let Some(rest) = address.strip_prefix("http://") else { return address.len() > 8 && address.starts_with("https://") };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return false;
    }
    let host = authority
        .rsplit_once(':')
        .filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()))
        .map_or(authority, |(host, _)| host);
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

/// A claim by name, or by JSON Pointer.
fn at<'a>(claims: &'a Value, claim: &str) -> Option<&'a Value> {
    if claim.starts_with('/') { claims.pointer(claim) } else { claims.get(claim) }
}

impl Default for IdentityProvider {
    fn default() -> Self {
        Self {
            issuer: String::new(),
            client_id: String::new(),
            client_secret: None,
            scopes: ["openid", "profile", "email"].map(str::to_owned).to_vec(),
            name: "OpenID Connect".to_owned(),
            name_claim: "preferred_username".to_owned(),
            role_claim: None,
            roles: Vec::new(),
            default_role: None,
            domains: Vec::new(),
            public_url: String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn provider() -> IdentityProvider {
        let values = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
        IdentityProvider {
            role_claim: Some("groups".into()),
            roles: vec![(Role::Admin, values(&["ops"])), (Role::Viewer, values(&["staff", "guests"]))],
            ..IdentityProvider::default()
        }
    }

    #[test]
    fn evaluate_claims_picks_the_highest_role() {
        let role =
            |provider: &IdentityProvider, claims: Value| provider.evaluate_claims("1", &claims).map(|identity| identity.role);
        assert_eq!(role(&provider(), json!({"groups": ["staff", "ops"]})), Ok(Role::Admin));
        assert_eq!(role(&provider(), json!({"groups": "guests"})), Ok(Role::Viewer));
        for none in [
            json!({}),
            json!({"groups": []}),
            json!({"groups": ["OPS", 7]}),
            json!({"groups": {"ops": true}}),
            json!({"groups": "ops staff"}),
        ] {
            assert_eq!(role(&provider(), none), Err(ClaimsError::NoRole));
        }
        let lenient = IdentityProvider { default_role: Some(Role::Operator), ..provider() };
        assert_eq!(role(&lenient, json!({})), Ok(Role::Operator));
        let nested = IdentityProvider { role_claim: Some("/realm_access/roles".into()), ..provider() };
        assert_eq!(role(&nested, json!({"realm_access": {"roles": ["ops"]}})), Ok(Role::Admin));
        let url = IdentityProvider { role_claim: Some("https://example.com/roles".into()), ..provider() };
        assert_eq!(role(&url, json!({"https://example.com/roles": ["ops"]})), Ok(Role::Admin));
    }

    #[test]
    fn email_domain_must_be_verified_and_match_exactly() {
        let provider = IdentityProvider { domains: vec!["example.com".into()], default_role: Some(Role::Viewer), ..provider() };
        let let_in = |claims: Value| provider.evaluate_claims("1", &claims).is_ok();
        assert!(let_in(json!({"email": "a@Example.com", "email_verified": true})));
        for refused in [
            json!({"email": "a@example.com"}),
            json!({"email": "a@example.com", "email_verified": false}),
            json!({"email": "a@evil-example.com", "email_verified": true}),
            json!({"email": "a@example.com.evil", "email_verified": true}),
            json!({"email": "example.com", "email_verified": true}),
            json!({"email_verified": true}),
        ] {
            assert!(!let_in(refused.clone()), "{refused}");
        }
    }

    #[test]
    fn name_claim_must_be_a_valid_account_name() {
        let name = |claims: Value| provider().name_of(&claims);
        assert_eq!(name(json!({"preferred_username": "alice"})), Ok("alice".into()));
        for refused in
            [json!({}), json!({"preferred_username": 7}), json!({"preferred_username": ""}), json!({"preferred_username": "a b"})]
        {
            assert!(matches!(name(refused), Err(ClaimsError::Name(_))));
        }
    }

    #[test]
    fn plain_http_is_safe_on_localhost_only() {
        for good in ["https://id.example.com/realms/x", "http://127.0.0.1:3000", "http://localhost/x", "http://[::1]:1"] {
            assert!(is_safe(good), "{good}");
        }
        for bad in [
            "",
            "https://",
            "http://id.example.com",
            "http://localhost.evil",
            "http://localhost@evil/",
            "http://127.0.0.1:1@evil",
            "ftp://localhost",
        ] {
            assert!(!is_safe(bad), "{bad}");
        }
    }

    #[test]
    fn check_names_the_invalid_setting() {
        let whole = IdentityProvider {
            issuer: "https://id.example.com".into(),
            client_id: "belfry".into(),
            public_url: "https://belfry.example.com".into(),
            ..provider()
        };
        assert_eq!(whole.check(), Ok(()));
        assert_eq!(whole.redirect_uri(), "https://belfry.example.com/login/oidc/callback");
        let faults = [
            IdentityProvider { issuer: "http://id.example.com".into(), ..whole.clone() },
            IdentityProvider { client_id: String::new(), ..whole.clone() },
            IdentityProvider { public_url: String::new(), ..whole.clone() },
            IdentityProvider { role_claim: None, ..whole.clone() },
            IdentityProvider { role_claim: None, default_role: Some(Role::Viewer), ..whole.clone() },
        ];
        for (fault, word) in faults.iter().zip(["issuer", "client_id", "public_url", "default_role", "role_claim"]) {
            assert!(fault.check().unwrap_err().to_string().contains(word));
        }
    }
}
