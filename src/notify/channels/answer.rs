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
    /// The provider's own text, verbatim, or why there is no answer.
    pub text: Option<Message>,
    /// How long the provider wants no further message.
    pub retry_after: Option<Duration>,
    /// Whether a repetition would fail the same way until somebody changes the channel.
    pub permanent: bool,
    /// Why the text was Belfry's own although there are templates.
    pub template_error: Option<Message>,
}

impl Outcome {
    /// There is no answer: the message may have arrived or not.
    pub fn unanswered(error: &Message) -> Self {
        Self { text: Some(bounded(message!("channel.no_answer", error = error.clone()))), ..Self::default() }
    }

    /// The channel cannot be used as it is.
    pub fn unusable(reason: &Message) -> Self {
        Self { text: Some(bounded(reason.clone())), permanent: true, ..Self::default() }
    }

    /// An answer whose status is the whole truth.
    pub fn by_status(answer: &Answer) -> Self {
        let delivered = (200..300).contains(&answer.status);
        Self {
            delivered,
            status: Some(answer.status),
            code: None,
            text: verbatim(answer.text.trim()),
            retry_after: pause(answer),
            permanent: !delivered && is_permanent(answer.status),
            template_error: None,
        }
    }

    /// An answer with a code in its body: delivered only if the code says so, whatever the status.
    pub fn by_code(answer: &Answer, code: Option<String>, text: Option<&str>, is_success: bool) -> Self {
        let by_status = Self::by_status(answer);
        let delivered = by_status.delivered && is_success;
        Self { delivered, code, text: text.and_then(verbatim).or(by_status.text), ..by_status }
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
        let hide = |text: &str| mask.text(text).into_owned();
        let hide_in = |message: Option<Message>| message.map(|message| message.map_texts(&hide));
        Self {
            code: self.code.as_deref().map(hide),
            text: hide_in(self.text),
            template_error: hide_in(self.template_error),
            ..self
        }
    }
}

/// A provider's text, as it is in every language; none without one.
pub(super) fn verbatim(text: &str) -> Option<Message> {
    Some(text).filter(|text| !text.is_empty()).map(|text| bounded(Message::verbatim(text)))
}

/// The message with its texts from outside cut.
pub(super) fn bounded(message: Message) -> Message {
    message.map_texts(&|text| truncate(text, TEXT_MAX))
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
            (refused.status, refused.number(), refused.text),
            (Some(200), Some(310_000), Some(Message::verbatim("sign not match")))
        );
        assert!(Outcome::by_number(&answer(200, r#"{"errcode":0,"errmsg":"ok"}"#), names, 0).delivered);
        for odd in ["", "ok", "[]", r#"{"errcode":"0"}"#, "<html>"] {
            assert!(!Outcome::by_number(&answer(200, odd), names, 0).delivered, "{odd}");
        }
        assert!(!Outcome::by_number(&answer(502, r#"{"errcode":0}"#), names, 0).delivered);
    }

    #[test]
    fn an_outcome_without_an_answer_has_words_in_each_language() {
        use crate::i18n::Language;
        let text = Outcome::unanswered(&message!("http.no_response", seconds = 15)).text.expect("a text");
        assert!(text.text(Language::English).starts_with("no answer: "), "{text}");
        assert!(text.text(Language::Chinese).starts_with("没有应答："), "{}", text.text(Language::Chinese));
        let long = Outcome::by_status(&answer(500, &"x".repeat(TEXT_MAX + 9))).text.expect("a text");
        assert_eq!(long.to_string().chars().count(), TEXT_MAX + 1, "cut, with an ellipsis");
    }

    #[test]
    fn secrets_in_the_texts_of_an_outcome_are_masked() {
        let mask = Mask::default().with_values(["hush-hush-hush"]);
        let told = Outcome::unanswered(&Message::verbatim("https://example.com/hush-hush-hush")).masked(&mask);
        assert_eq!(told.text.expect("a text").to_string(), "no answer: https://example.com/***");
    }

    #[test]
    fn a_rate_limit_is_not_permanent() {
        let limited = Outcome::by_status(&Answer { retry_after: Some(Duration::from_secs(7)), ..answer(429, "slow down") });
        assert_eq!((limited.permanent, limited.retry_after), (false, Some(Duration::from_secs(7))));
        assert!(Outcome::by_status(&answer(401, "")).permanent && !Outcome::by_status(&answer(500, "")).permanent);
    }
}
