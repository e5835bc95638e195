//! Errors of executions: the English words in the column `error`, code and arguments in `error_message`, from which pages put
//! them into the reader's language.

use crate::domain::input::truncate;
use crate::i18n::Message;

/// The longest error kept, in characters.
const WORDS_MAX: usize = 2_000;

/// The English words.
pub(in crate::storage) fn words(error: Option<&Message>) -> Option<String> {
    error.map(|error| truncate(&error.to_string(), WORDS_MAX))
}

/// Code and arguments as JSON; `None` for a text from outside, which is the same in every language.
pub(in crate::storage) fn coded(error: Option<&Message>) -> Option<String> {
    error.filter(|error| error.code() != "verbatim").and_then(|error| serde_json::to_string(error).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::message;

    #[test]
    fn coded_is_absent_for_texts_from_outside() {
        let error = message!("process.exit_code", code = 3);
        assert_eq!(words(Some(&error)).as_deref(), Some("exit code 3"));
        assert_eq!(coded(Some(&error)).as_deref(), Some(r#"{"code":"process.exit_code","args":{"code":3}}"#));
        assert_eq!((coded(Some(&Message::verbatim("ORA-1"))), coded(None)), (None, None));
        let long = Message::verbatim("长".repeat(WORDS_MAX + 1));
        assert_eq!(words(Some(&long)).map(|words| words.chars().count()), Some(WORDS_MAX + 1), "cut, with an ellipsis");
    }
}
