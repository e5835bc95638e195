//! Masks the secrets of a request in everything that is recorded of it, because a server may echo them in its response.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::credentials::Credentials;
use crate::domain::mask::Mask;
use crate::domain::secret::Secret;
use crate::tasks::RunError;

/// The secrets of one request.
#[derive(Default)]
pub(super) struct Masks {
    secrets: Vec<String>,
    mask: Mask,
}

impl Masks {
    /// Adds a secret.
    pub fn add(&mut self, secret: &Secret) {
        self.add_text(secret.reveal().to_owned());
    }

    /// Adds the secrets that these credentials put into a request.
    pub fn add_credentials(&mut self, credentials: &Credentials) {
        match credentials {
            Credentials::None => {}
            Credentials::Bearer(key) | Credentials::Header(_, key) | Credentials::Query(_, key) => self.add(key),
            Credentials::Basic(user, password) => {
                self.add(password);
                self.add_text(STANDARD.encode(format!("{user}:{}", password.reveal())));
            }
        }
    }

    fn add_text(&mut self, text: String) {
        self.secrets.push(text);
        self.mask = Mask::from_values(self.secrets.iter().map(String::as_str));
    }

    /// The text with the secrets masked.
    pub fn text(&self, text: &str) -> String {
        self.mask.text(text).into_owned()
    }

    /// The outcome of a run with the secrets masked.
    pub fn mask_outcome(&self, outcome: Result<Value, RunError>) -> Result<Value, RunError> {
        outcome.map(|value| self.mask.json(value)).map_err(|error| RunError {
            message: error.message.map_texts(&|text| self.text(text)),
            result: error.result.map(|value| self.mask.json(value)),
            ..error
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::i18n::Message;

    #[test]
    fn secrets_are_masked_in_values_keys_and_messages() {
        let mut masks = Masks::default();
        masks.add_credentials(&Credentials::Basic("me".into(), Secret::new("hunter22")));
        masks.add(&Secret::new("hunter22 and more"));
        masks.add(&Secret::new("a"));
        let echoed = json!({"sent": ["hunter22 and more", "Basic bWU6aHVudGVyMjI="], "hunter22": 1, "a": "a"});
        assert_eq!(masks.mask.json(echoed), json!({"sent": ["***", "Basic ***"], "***": 1, "a": "a"}));
        let failed = masks.mask_outcome(Err(RunError::retry(Message::verbatim("no hunter22")).with_result(json!("hunter22"))));
        assert_eq!(failed, Err(RunError::retry(Message::verbatim("no ***")).with_result(json!("***"))));
    }
}
