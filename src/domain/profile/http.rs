//! HTTP profiles: a base URL and its authentication (`[http.<name>]`).

use crate::domain::secret::Secret;
use crate::i18n::{Message, message};

/// An HTTP service and its authentication. The credentials are sent to `base_url` only.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Http {
    /// The prefix of its tasks' URLs.
    pub base_url: Option<String>,
    /// `None`: the server's certificate is verified.
    pub verify_tls: Option<bool>,
    pub bearer: Option<Secret>,
    pub user: Option<String>,
    pub password: Option<Secret>,
    pub api_key: Option<Secret>,
    /// The header for the API key.
    pub api_key_header: Option<String>,
    /// The query parameter for the API key, instead of a header.
    pub api_key_query: Option<String>,
    pub token: TokenCall,
}

/// The request for an expiring access token.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TokenCall {
    pub url: Option<String>,
    pub app_id: Option<String>,
    pub app_secret: Option<Secret>,
    pub style: TokenStyle,
    pub scope: Option<String>,
    /// The JSON Pointer of the token in the response.
    pub pointer: Option<String>,
    /// The JSON Pointer of the token's lifetime in seconds in the response.
    pub expires_pointer: Option<String>,
    /// The header for the bare token; `None`: `Authorization: Bearer`.
    pub header: Option<String>,
}

/// The supported kinds of token requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TokenStyle {
    /// The client credentials grant with HTTP Basic authentication (RFC 6749).
    #[default]
    OAuth2,
    /// A JSON body with `app_id` and `app_secret`.
    Json,
}

/// The authentication of requests.
#[derive(Debug, Clone, PartialEq)]
pub enum SignIn {
    None,
    Bearer(Secret),
    Basic {
        user: String,
        password: Secret,
    },
    KeyInHeader {
        header: String,
        key: Secret,
    },
    KeyInQuery {
        name: String,
        key: Secret,
    },
    /// An access token, requested with [`TokenCall`].
    Token,
}

impl SignIn {
    /// The name in API responses.
    pub fn as_str(&self) -> &'static str {
        match self {
            SignIn::None => "none",
            SignIn::Bearer(_) => "bearer",
            SignIn::Basic { .. } => "basic",
            SignIn::KeyInHeader { .. } | SignIn::KeyInQuery { .. } => "api_key",
            SignIn::Token => "token",
        }
    }
}

/// The default header for an API key.
pub const API_KEY_HEADER: &str = "X-API-Key";

impl Http {
    /// Validates the profile.
    ///
    /// # Errors
    /// A message with the setting and the allowed values, without secrets.
    pub fn check(&self) -> Result<(), Message> {
        check_url("base_url", self.base_url.as_deref().ok_or_else(|| message!("http_profile.no_base_url"))?)?;
        let ways = [
            ("bearer", self.bearer.is_some()),
            ("user", self.user.is_some() || self.password.is_some()),
            ("api_key", self.api_key.is_some()),
            ("token_url", self.token.url.is_some()),
        ];
        let given: Vec<&str> = ways.into_iter().filter_map(|(name, given)| given.then_some(name)).collect();
        if given.len() > 1 {
            return Err(message!("http_profile.several", given = given.join(", ")));
        }
        if self.user.is_some() != self.password.is_some() {
            return Err(message!("http_profile.user_and_password"));
        }
        if self.api_key.is_none() && (self.api_key_header.is_some() || self.api_key_query.is_some()) {
            return Err(message!("http_profile.no_api_key"));
        }
        if self.api_key_header.is_some() && self.api_key_query.is_some() {
            return Err(message!("http_profile.several", given = "api_key_header, api_key_query"));
        }
        self.token.check()
    }

    /// The authentication of its requests.
    pub fn sign_in(&self) -> SignIn {
        if let Some(bearer) = &self.bearer {
            return SignIn::Bearer(bearer.clone());
        }
        if let (Some(user), Some(password)) = (&self.user, &self.password) {
            return SignIn::Basic { user: user.clone(), password: password.clone() };
        }
        match (&self.api_key, &self.api_key_query) {
            (Some(key), Some(name)) => SignIn::KeyInQuery { name: name.clone(), key: key.clone() },
            (Some(key), None) => {
                let header = self.api_key_header.clone().unwrap_or_else(|| API_KEY_HEADER.to_owned());
                SignIn::KeyInHeader { header, key: key.clone() }
            }
            (None, _) if self.token.url.is_some() => SignIn::Token,
            (None, _) => SignIn::None,
        }
    }
}

impl TokenCall {
    fn check(&self) -> Result<(), Message> {
        let Some(url) = &self.url else {
            let lost = self.app_id.is_some() || self.app_secret.is_some() || self.header.is_some();
            return if lost { Err(message!("http_profile.no_token_url")) } else { Ok(()) };
        };
        check_url("token_url", url)?;
        if self.app_id.is_none() || self.app_secret.is_none() {
            return Err(message!("http_profile.no_client"));
        }
        let wrong = |pointer: &Option<String>| pointer.as_ref().is_some_and(|pointer| !pointer.starts_with('/'));
        for (name, pointer) in [("token_pointer", &self.pointer), ("expires_pointer", &self.expires_pointer)] {
            if wrong(pointer) {
                return Err(message!("http_profile.pointer", name));
            }
        }
        Ok(())
    }
}

fn check_url(name: &str, url: &str) -> Result<(), Message> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    match host {
        "" => Err(message!("http_profile.url", name)),
        host if host.contains('@') => Err(message!("http_profile.url_credentials", name)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn based() -> Http {
        Http { base_url: Some("https://api.example.com/v1".into()), ..Http::default() }
    }

    fn fault(profile: &Http) -> String {
        profile.check().expect_err("is refused").to_string()
    }

    #[test]
    fn check_rejects_conflicting_settings() {
        assert_eq!(based().check(), Ok(()));
        assert!(fault(&Http::default()).starts_with("base_url is missing"));
        assert!(
            fault(&Http { base_url: Some("https://me:secret@h/".into()), ..Http::default() })
                .contains("must not contain credentials")
        );
        let secret = || Some(Secret::new("s3cret"));
        let two = Http { bearer: secret(), api_key: secret(), ..based() };
        assert_eq!(fault(&two), "give only one of bearer, api_key");
        assert_eq!(fault(&Http { user: Some("u".into()), ..based() }), "user and password go together");
        assert!(fault(&Http { api_key_query: Some("k".into()), ..based() }).starts_with("api_key is missing"));
        let token = TokenCall { url: Some("https://h/token".into()), app_id: Some("a".into()), ..TokenCall::default() };
        assert_eq!(fault(&Http { token: token.clone(), ..based() }), "token_url needs app_id and app_secret");
        let token = TokenCall { app_secret: secret(), pointer: Some("token".into()), ..token };
        assert!(fault(&Http { token, ..based() }).starts_with("token_pointer is a JSON Pointer"));
    }

    #[test]
    fn sign_in_follows_the_given_settings() {
        let key = || Some(Secret::new("k"));
        let header = SignIn::KeyInHeader { header: "X-API-Key".into(), key: Secret::new("k") };
        assert_eq!(Http { api_key: key(), ..based() }.sign_in(), header);
        let query = SignIn::KeyInQuery { name: "key".into(), key: Secret::new("k") };
        assert_eq!(Http { api_key: key(), api_key_query: Some("key".into()), ..based() }.sign_in(), query);
        assert_eq!(based().sign_in(), SignIn::None);
    }
}
