//! Texts of other schedulers: their encodings, and the escaping of what would be a template here.

use encoding_rs::{Encoding, GB18030, UTF_8, UTF_16BE, UTF_16LE};

use crate::i18n::{Message, message};

const OPENERS: [&str; 3] = ["{{", "{%", "{#"];

/// Escapes text that would otherwise be rendered as a template.
pub fn escape_templates(text: &str) -> String {
    if !OPENERS.iter().any(|opener| text.contains(opener)) {
        return text.to_owned();
    }
    if !text.contains("endraw") {
        return format!("{{% raw %}}{text}{{% endraw %}}");
    }
    // The text itself may end a raw block: write each opening mark as a value.
    let (mut escaped, mut rest) = (String::new(), text);
    while let Some(at) = OPENERS.iter().filter_map(|opener| rest.find(opener)).min() {
        escaped.push_str(&rest[..at]);
        escaped.push_str(&format!("{{{{ \"{}\" }}}}", &rest[at..at + 2]));
        rest = &rest[at + 2..];
    }
    escaped + rest
}

/// Decodes a file, and returns the name of its encoding unless it is UTF-8: the given encoding, else by its byte order mark, as UTF-16
/// by its zero bytes, as UTF-8, or as GB18030.
///
/// # Errors
/// The encoding is unknown, or the text is in none of these.
pub fn decode(bytes: &[u8], label: Option<&str>) -> Result<(String, Option<&'static str>), Message> {
    if let Some(label) = label {
        let encoding = Encoding::for_label_no_replacement(label.as_bytes());
        let encoding = encoding.ok_or_else(|| message!("migrate.unknown_encoding", encoding = label))?;
        return decode_as(bytes, encoding).ok_or_else(|| message!("migrate.not_in_encoding", encoding = encoding.name()));
    }
    let marked = Encoding::for_bom(bytes).map(|(encoding, _)| encoding);
    let guessed = marked.or_else(|| utf_16_without_mark(bytes)).into_iter().chain([UTF_8, GB18030]);
    let mut read = guessed.filter_map(|encoding| decode_as(bytes, encoding));
    let found = read.next();
    found.filter(|(text, _)| !text.contains('\0')).ok_or_else(|| message!("migrate.encoding_needed"))
}

fn decode_as(bytes: &[u8], encoding: &'static Encoding) -> Option<(String, Option<&'static str>)> {
    let (text, used, has_errors) = encoding.decode(bytes);
    (!has_errors).then(|| (text.into_owned(), (used != UTF_8).then(|| used.name())))
}

/// UTF-16 text in a Latin script has a zero in every second byte.
fn utf_16_without_mark(bytes: &[u8]) -> Option<&'static Encoding> {
    let start = bytes.get(..bytes.len().min(64))?;
    let zeros = |offset: usize| start.iter().skip(offset).step_by(2).filter(|byte| **byte == 0).count();
    let most = start.len() / 4;
    match (zeros(0), zeros(1)) {
        (first, second) if second > most && first == 0 => Some(UTF_16LE),
        (first, second) if first > most && second == 0 => Some(UTF_16BE),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_detected() {
        let text = "# 日报\n0 8 * * * /opt/日报.sh\n";
        let utf_16 = |mark: &[u8], little: bool| {
            let units = text.encode_utf16().flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() });
            mark.iter().copied().chain(units).collect::<Vec<u8>>()
        };
        let (gbk, ..) = GB18030.encode(text);
        for (bytes, name) in [
            (text.as_bytes().to_vec(), None),
            ([b"\xef\xbb\xbf", text.as_bytes()].concat(), None),
            (gbk.into_owned(), Some("gb18030")),
            (utf_16(b"\xff\xfe", true), Some("UTF-16LE")),
            (utf_16(b"\xfe\xff", false), Some("UTF-16BE")),
            (utf_16(b"", true), Some("UTF-16LE")),
        ] {
            assert_eq!(decode(&bytes, None), Ok((text.to_owned(), name)));
        }
        assert!(decode(b"caf\xe9 \xff", None).is_err());
        assert_eq!(decode(b"caf\xe9", Some("latin1")).unwrap().0, "café");
        assert!(decode(b"x", Some("nope")).is_err());
    }

    #[test]
    fn templates_are_escaped() {
        assert_eq!(escape_templates("a {b}"), "a {b}");
        assert_eq!(escape_templates("{{.ID}}"), "{% raw %}{{.ID}}{% endraw %}");
        assert_eq!(escape_templates("{% endraw %}{{"), "{{ \"{%\" }} endraw %}{{ \"{{\" }}");
    }
}
