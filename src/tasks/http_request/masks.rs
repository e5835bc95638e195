//! Keeps the secrets of a request out of whatever is recorded of it: a server may well send back what it was sent.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::sign::Signature;
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
    /// Also covers this secret.
    pub fn add(&mut self, secret: &Secret) {
        self.add_text(secret.reveal().to_owned());
    }

    /// Also covers what this signature puts into a request.
    pub fn add_signature(&mut self, signature: &Signature) {
        match signature {
            Signature::None => {}
            Signature::Bearer(key) | Signature::Header(_, key) | Signature::Query(_, key) => self.add(key),
            Signature::Basic(user, password) => {
                self.add(password);
                self.add_text(STANDARD.encode(format!("{user}:{}", password.reveal())));
            }
        }
    }

    fn add_text(&mut self, text: String) {
        self.secrets.push(text);
        self.mask = Mask::of(self.secrets.iter().map(String::as_str));
    }

    /// A text without the secrets.
    pub fn text(&self, text: &str) -> String {
        self.mask.text(text).into_owned()
    }

    /// What came of a run, without the secrets.
    pub fn ended(&self, ended: Result<Value, RunError>) -> Result<Value, RunError> {
        ended.map(|value| self.mask.json(value)).map_err(|error| RunError {
            message: self.text(&error.message),
            result: error.result.map(|value| self.mask.json(value)),
            ..error
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_covered_wherever_they_stand() {
        let mut masks = Masks::default();
        masks.add_signature(&Signature::Basic("me".into(), Secret::new("hunter22")));
        masks.add(&Secret::new("hunter22 and more"));
        masks.add(&Secret::new("a"));
        let echoed = json!({"sent": ["hunter22 and more", "Basic bWU6aHVudGVyMjI="], "hunter22": 1, "a": "a"});
        assert_eq!(masks.mask.json(echoed), json!({"sent": ["***", "Basic ***"], "***": 1, "a": "a"}));
        let failed = masks.ended(Err(RunError::retry("no hunter22").with_result(json!("hunter22"))));
        assert_eq!(failed, Err(RunError::retry("no ***").with_result(json!("***"))));
    }
}
