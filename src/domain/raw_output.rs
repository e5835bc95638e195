//! Raw bytes of output that is stored as text. A byte that belongs to no character is stored as a private character, and the encoding
//! of a stream that was found out as another one, so that the bytes can be given out as they were.

use std::borrow::Cow;
use std::collections::HashMap;

use encoding_rs::Encoding;

use super::execution::{OutputChunk, Stream};

/// The private character of byte 0.
const FIRST_BYTE: u32 = 0x0010_FF00;
/// The private character of the first encoding.
const FIRST_ENCODING: u32 = 0x0010_FE00;
/// The encodings that are found out; the order is stored.
const ENCODINGS: [&Encoding; 2] = [encoding_rs::GB18030, encoding_rs::UTF_16LE];

/// The character for a byte that could not be decoded.
#[must_use]
pub fn from_byte(byte: u8) -> char {
    char::from_u32(FIRST_BYTE + u32::from(byte)).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// The character before text that was decoded from another encoding than UTF-8; `None` for an encoding that is not found out.
#[must_use]
pub fn from_encoding(encoding: &'static Encoding) -> Option<char> {
    let index = ENCODINGS.iter().position(|known| *known == encoding)?;
    char::from_u32(FIRST_ENCODING + u32::try_from(index).ok()?)
}

fn byte_of(character: char) -> Option<u8> {
    u32::from(character).checked_sub(FIRST_BYTE).and_then(|byte| u8::try_from(byte).ok())
}

fn encoding_of(character: char) -> Option<&'static Encoding> {
    ENCODINGS.get(u32::from(character).checked_sub(FIRST_ENCODING)? as usize).copied()
}

fn is_private(character: char) -> bool {
    byte_of(character).is_some() || encoding_of(character).is_some()
}

/// The text for people: U+FFFD for each byte that belongs to no character.
#[must_use]
pub fn shown(text: &str) -> Cow<'_, str> {
    if !text.contains(is_private) {
        return Cow::Borrowed(text);
    }
    let shown = |character: char| match (byte_of(character), encoding_of(character)) {
        (Some(_), _) => Some(char::REPLACEMENT_CHARACTER),
        (None, Some(_)) => None,
        (None, None) => Some(character),
    };
    Cow::Owned(text.chars().filter_map(shown).collect())
}

/// The bytes of output, of which `declared` is the encoding that the task names.
#[must_use]
pub fn bytes(chunks: &[OutputChunk], declared: Option<&'static Encoding>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut found: HashMap<(i64, bool), &'static Encoding> = HashMap::new();
    for chunk in chunks {
        let stream = (chunk.attempt, chunk.stream == Stream::Stderr);
        let mut rest = chunk.text.as_str();
        while !rest.is_empty() {
            let (plain, after) = rest.split_at(rest.find(is_private).unwrap_or(rest.len()));
            encode(plain, found.get(&stream).copied().or(declared), &mut bytes);
            let mut characters = after.chars();
            if let Some(private) = characters.next() {
                bytes.extend(byte_of(private));
                found.extend(encoding_of(private).map(|encoding| (stream, encoding)));
            }
            rest = characters.as_str();
        }
    }
    bytes
}

fn encode(text: &str, encoding: Option<&'static Encoding>, bytes: &mut Vec<u8>) {
    match encoding {
        None => bytes.extend(text.as_bytes()),
        Some(encoding) if encoding == encoding_rs::UTF_16LE => bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes)),
        Some(encoding) if encoding == encoding_rs::UTF_16BE => bytes.extend(text.encode_utf16().flat_map(u16::to_be_bytes)),
        Some(encoding) => bytes.extend(encoding.encode(text).0.iter()),
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn chunk(stream: Stream, text: &str) -> OutputChunk {
        OutputChunk { attempt: 1, seq: 0, stream, at: DateTime::UNIX_EPOCH, text: text.into() }
    }

    #[test]
    fn shown_replaces_private_characters() {
        let gb18030 = from_encoding(encoding_rs::GB18030).unwrap();
        assert_eq!(shown(&format!("a{gb18030}钟{}b", from_byte(0xff))), "a钟\u{fffd}b");
        assert!(matches!(shown("钟楼 \u{f8ff} 😀"), Cow::Borrowed(_)));
        assert_eq!(from_encoding(encoding_rs::BIG5), None);
    }

    #[test]
    fn bytes_are_those_that_were_read() {
        let gb18030 = from_encoding(encoding_rs::GB18030).unwrap();
        let chunks = [
            chunk(Stream::Stdout, "ok 钟\n"),
            chunk(Stream::Stdout, &format!("{gb18030}钟{}", from_byte(0x80))),
            chunk(Stream::Stderr, "楼"),
            chunk(Stream::Stdout, "楼"),
        ];
        let expected = [b"ok \xe9\x92\x9f\n".as_slice(), b"\xd6\xd3\x80", "楼".as_bytes(), b"\xc2\xa5"].concat();
        assert_eq!(bytes(&chunks, None), expected);
        assert_eq!(bytes(&[chunk(Stream::Stdout, "钟")], Some(encoding_rs::GBK)), b"\xd6\xd3");
        assert_eq!(bytes(&[chunk(Stream::Stdout, "钟")], Some(encoding_rs::UTF_16LE)), b"\x9f\x94");
    }
}
