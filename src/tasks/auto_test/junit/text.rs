//! Characters of a report: its encoding, its attributes and references.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use quick_xml::events::BytesStart;

/// Bytes in which the declaration is looked for.
const DECLARATION_WITHIN: usize = 400;

/// Decodes a report: by its byte order mark, its declaration, as UTF-8 if it is, else with `fallback`.
pub(super) fn decode<'b>(bytes: &'b [u8], fallback: Option<&'static Encoding>) -> Cow<'b, str> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return encoding.decode_without_bom_handling(&bytes[mark..]).0;
    }
    let encoding = match bytes {
        [b'<', 0, ..] => UTF_16LE,
        [0, b'<', ..] => UTF_16BE,
        _ => match declared(bytes) {
            // Declarations survive a conversion to UTF-8, and UTF-16 would not be readable here.
            Some(encoding) if !encoding.is_ascii_compatible() => UTF_8,
            Some(encoding) if encoding != UTF_8 => encoding,
            _ if std::str::from_utf8(bytes).is_ok() => UTF_8,
            _ => fallback.filter(|encoding| *encoding != UTF_8).unwrap_or(WINDOWS_1252),
        },
    };
    encoding.decode_without_bom_handling(bytes).0
}

/// The encoding that the XML declaration names.
fn declared(bytes: &[u8]) -> Option<&'static Encoding> {
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(DECLARATION_WITHIN)]).into_owned();
    let declaration = start.trim_start().strip_prefix("<?xml")?.split("?>").next()?;
    let rest = declaration.split_once("encoding")?.1.trim_start().strip_prefix('=')?.trim_start();
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    Encoding::for_label(rest[1..].split(quote).next()?.trim().as_bytes())
}

/// The value of the first of these attributes that an element has. Faulty attributes are skipped.
pub(super) fn attribute(element: &BytesStart<'_>, names: &[&str]) -> Option<String> {
    let value = |name: &&str| {
        let mut attributes = element.html_attributes();
        let found =
            attributes.with_checks(false).filter_map(Result::ok).find(|attribute| attribute.key.local_name().as_ref() == *name);
        found.map(|attribute| unescape(&attribute.value).into_owned())
    };
    names.iter().find_map(value)
}

/// Replaces the five predefined entities and character references. Other entities stay as they are: none is ever expanded.
pub(super) fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut parts = text.split('&');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once(';').and_then(|(name, rest)| Some((character(name)?, rest))) {
            Some((character, rest)) => {
                plain.push(character);
                plain.push_str(rest);
            }
            None => {
                plain.push('&');
                plain.push_str(part);
            }
        }
    }
    Cow::Owned(plain)
}

fn character(name: &str) -> Option<char> {
    Some(match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        "apos" => '\'',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)?
        }
    })
}
