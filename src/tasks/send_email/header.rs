//! Headers that the mail library does not write, or not as every mail program reads them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lettre::message::Mailbox;
use lettre::message::header::{Header, HeaderName, HeaderValue};

/// The bytes of text in an encoded word, so that the word has at most 75 characters.
const WORD_BYTES: usize = 42;
/// The longest word of a header that is written as it is.
const PLAIN_WORD_MAX: usize = 70;

type ParseError = Box<dyn std::error::Error + Send + Sync>;

/// The header `Subject`. A text that cannot be folded at its spaces is written as encoded words, so that no line exceeds 998 octets.
#[derive(Debug, Clone)]
pub(super) struct Subject(pub String);

impl Header for Subject {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Subject")
    }

    fn parse(text: &str) -> Result<Self, ParseError> {
        Ok(Subject(text.to_owned()))
    }

    fn display(&self) -> HeaderValue {
        match self.0.split(' ').any(|word| word.len() > PLAIN_WORD_MAX) {
            true => HeaderValue::dangerous_new_pre_encoded(Self::name(), self.0.clone(), encoded_words(&self.0)),
            false => HeaderValue::new(Self::name(), self.0.clone()),
        }
    }
}

/// The header `Content-Type` with the file's name in `name`, for mail programs that do not read `Content-Disposition`.
#[derive(Debug, Clone)]
pub(super) struct NamedContentType {
    pub media_type: &'static str,
    pub name: String,
}

impl Header for NamedContentType {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Content-Type")
    }

    fn parse(_: &str) -> Result<Self, ParseError> {
        Err("only written".into())
    }

    fn display(&self) -> HeaderValue {
        let plain = |c: char| c.is_ascii_alphanumeric() || " ._-+()".contains(c);
        let name = match self.name.len() <= PLAIN_WORD_MAX && self.name.chars().all(plain) {
            true => self.name.clone(),
            false => encoded_words(&self.name),
        };
        let value = format!("{};\r\n name=\"{name}\"", self.media_type);
        HeaderValue::dangerous_new_pre_encoded(Self::name(), value.clone(), value)
    }
}

/// A header of addresses, one a line, so that no number of them makes a line too long.
pub(super) fn address_list(name: &'static str, mailboxes: &[Mailbox]) -> HeaderValue {
    let list = mailboxes.iter().map(address).collect::<Vec<_>>().join(",\r\n ");
    HeaderValue::dangerous_new_pre_encoded(HeaderName::new_from_ascii_str(name), list.clone(), list)
}

fn address(mailbox: &Mailbox) -> String {
    let plain = |c: char| c == ' ' || (c.is_ascii_graphic() && c != '"' && c != '\\');
    match &mailbox.name {
        None => mailbox.email.to_string(),
        Some(name) if name.len() <= PLAIN_WORD_MAX && name.chars().all(plain) => format!("\"{name}\" <{}>", mailbox.email),
        Some(name) => format!("{}\r\n <{}>", encoded_words(name), mailbox.email),
    }
}

/// The text as encoded words (RFC 2047), one a line.
fn encoded_words(text: &str) -> String {
    let mut words = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (word, after) = rest.split_at(rest.floor_char_boundary(WORD_BYTES));
        words.push(format!("=?utf-8?B?{}?=", STANDARD.encode(word)));
        rest = after;
    }
    words.join("\r\n ")
}

/// The header `Auto-Submitted` (RFC 3834), which prevents automatic replies.
#[derive(Debug, Clone)]
pub(super) struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, ParseError> {
        Ok(AutoSubmitted)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_list_has_one_address_a_line() {
        let mailbox = |name: &str| Mailbox::new((!name.is_empty()).then(|| name.to_owned()), "a@b.cn".parse().unwrap());
        let texts: Vec<String> = ["", "Li, Na", "王", "\"Q\""].map(|name| address(&mailbox(name))).into();
        assert_eq!(texts, ["a@b.cn", "\"Li, Na\" <a@b.cn>", "=?utf-8?B?546L?=\r\n <a@b.cn>", "=?utf-8?B?IlEi?=\r\n <a@b.cn>"]);
    }

    #[test]
    fn encoded_words_are_short_and_keep_characters_whole() {
        let encoded = encoded_words(&"长a😀".repeat(100));
        let word = |word: &str| {
            assert!(word.len() <= 75, "{word}");
            let bytes = STANDARD.decode(word.strip_prefix("=?utf-8?B?").unwrap().strip_suffix("?=").unwrap()).unwrap();
            String::from_utf8(bytes).unwrap()
        };
        assert_eq!(encoded.split("\r\n ").map(word).collect::<String>(), "长a😀".repeat(100));
    }
}
