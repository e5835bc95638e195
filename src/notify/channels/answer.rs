//! The outcome of a message: the provider's answer.

use std::time::Duration;

use serde_json::Value;

use crate::domain::input::truncate;
use crate::domain::mask::Mask;
use crate::i18n::{Message, message};
use crate::tasks::outbound::Answer;

/// The most characters kept of a provider's text.
const TEXT_MAX: usize = 500;

/// What came of a message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    pub delivered: bool,
    /// The HTTP status; none without an answer, or for mail and text messages.
    pub status: Option<u16>,
    /// The provider's own code.
    pub code: Option<String>,
    /// The provider's own text, or why there is no answer.
    pub text: Option<String>,
    /// How long the provider wants no further message.
    pub retry_after: Option<Duration>,
    /// Whether a repetition would fail the same way until somebody changes the channel.
    pub permanent: bool,
    /// Why the text was Belfry's own although there are templates.
    pub template_error: Option<String>,
}

impl Outcome {
    /// There is no answer: the message may have arrived or not.
    pub fn unanswered(error: &Message) -> Self {
        let text = message!("channel.no_answer", error = error.clone()).to_string();
        Self { text: Some(truncate(&text, TEXT_MAX)), ..Self::default() }
    }

    /// The channel cannot be used as it is.
    pub fn unusable(reason: &Message) -> Self {
        Self { text: Some(reason.to_string()), permanent: true, ..Self::default() }
    }

    /// An answer whose status is the whole truth.
    pub fn by_status(answer: &Answer) -> Self {
        let delivered = (200..300).contains(&answer.status);
        Self {
            delivered,
            status: Some(answer.status),
            code: None,
            text: Some(truncate(answer.text.trim(), TEXT_MAX)).filter(|text| !text.is_empty()),
            retry_after: pause(answer),
            permanent: !delivered && is_permanent(answer.status),
            template_error: None,
        }
    }

    /// An answer with a code in its body: delivered only if the code says so, whatever the status.
    pub fn by_code(answer: &Answer, code: Option<String>, text: Option<&str>, is_success: bool) -> Self {
        let by_status = Self::by_status(answer);
        let delivered = by_status.delivered && is_success;
        let text = text.filter(|text| !text.is_empty()).map(|text| truncate(text, TEXT_MAX));
        Self { delivered, code, text: text.or(by_status.text), ..by_status }
    }

    /// An answer `{"<code>": number, "<text>": "…"}`: delivered if the number is `success`.
    pub fn by_number(answer: &Answer, (code, text): (&str, &str), success: i64) -> Self {
        let body = json(answer);
        let number = body.get(code).and_then(Value::as_i64);
        let said = body.get(text).and_then(Value::as_str);
        Self::by_code(answer, number.map(|number| number.to_string()), said, number == Some(success))
    }

    /// The provider's code as a number.
    pub fn number(&self) -> Option<i64> {
        self.code.as_deref()?.parse().ok()
    }

    /// A refusal that ends only when somebody changes the channel.
    #[must_use]
    pub fn permanently(self) -> Self {
        Self { permanent: !self.delivered, ..self }
    }

    /// A refusal because of the rate limit.
    #[must_use]
    pub fn pausing(self, pause: Duration) -> Self {
        Self { retry_after: Some(self.retry_after.unwrap_or(pause)), ..self }
    }

    /// The outcome with secrets masked.
    #[must_use]
    pub fn masked(self, mask: &Mask) -> Self {
        let hide = |text: Option<String>| text.map(|text| mask.text(&text).into_owned());
        Self { code: hide(self.code), text: hide(self.text), template_error: hide(self.template_error), ..self }
    }
}

/// The body as JSON; null if it is not.
pub fn json(answer: &Answer) -> Value {
    serde_json::from_str(&answer.text).unwrap_or_default()
}

/// The pause that a 429 or 503 asks for.
fn pause(answer: &Answer) -> Option<Duration> {
    const DEFAULT: Duration = Duration::from_secs(30);
    match answer.status {
        429 => Some(answer.retry_after.unwrap_or(DEFAULT)),
        503 => answer.retry_after,
        _ => None,
    }
}

/// Statuses that say that the request itself is wrong.
fn is_permanent(status: u16) -> bool {
    matches!(status, 300..=499) && !matches!(status, 408 | 425 | 429)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, text: &str) -> Answer {
        Answer { status, text: text.to_owned(), retry_after: None }
    }

    #[test]
    fn a_code_in_the_body_decides_against_the_status() {
        let names = ("errcode", "errmsg");
        let refused = Outcome::by_number(&answer(200, r#"{"errcode":310000,"errmsg":"sign not match"}"#), names, 0);
        assert!(!refused.delivered);
        assert_eq!(
            (refused.status, refused.number(), refused.text.as_deref()),
            (Some(200), Some(310_000), Some("sign not match"))
        );
        assert!(Outcome::by_number(&answer(200, r#"{"errcode":0,"errmsg":"ok"}"#), names, 0).delivered);
        for odd in ["", "ok", "[]", r#"{"errcode":"0"}"#, "<html>"] {
            assert!(!Outcome::by_number(&answer(200, odd), names, 0).delivered, "{odd}");
        }
        assert!(!Outcome::by_number(&answer(502, r#"{"errcode":0}"#), names, 0).delivered);
    }

    #[test]
    fn a_rate_limit_is_not_permanent() {
        let limited = Outcome::by_status(&Answer { retry_after: Some(Duration::from_secs(7)), ..answer(429, "slow down") });
        assert_eq!((limited.permanent, limited.retry_after), (false, Some(Duration::from_secs(7))));
        assert!(Outcome::by_status(&answer(401, "")).permanent && !Outcome::by_status(&answer(500, "")).permanent);
    }
}
