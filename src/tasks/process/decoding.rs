//! Decoding of output: in the encoding that the task names, or in one that is found out. Bytes that belong to no character are kept
//! as [`raw_output`] characters.

use encoding_rs::{Decoder, DecoderResult, Encoding};

use super::command::default_encoding;
use crate::domain::raw_output;

/// The bytes before a position that a malformed character may begin in.
const CHARACTER_MAX: usize = 8;

/// The decoder of one stream.
pub(super) enum StreamDecoder {
    /// The encoding is not named, and everything so far is UTF-8. Holds the beginning of a character.
    Unknown {
        pending: Vec<u8>,
        at_start: bool,
    },
    Known {
        decoder: Decoder,
        recent: Vec<u8>,
        keep_nul: bool,
    },
}

/// What was found out about the encoding of a stream whose encoding is not named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    Encoding(&'static Encoding),
    /// Neither UTF-8 nor another one that can be told.
    Nothing,
}

impl StreamDecoder {
    pub fn new(named: Option<&'static Encoding>) -> StreamDecoder {
        match named {
            Some(encoding) => {
                StreamDecoder::Known { decoder: encoding.new_decoder_with_bom_removal(), recent: Vec::new(), keep_nul: false }
            }
            None => StreamDecoder::Unknown { pending: Vec::new(), at_start: true },
        }
    }

    /// Decodes the next bytes; an incomplete character is held back until its rest is read. Also returns what was found out by them.
    pub fn decode(&mut self, bytes: &[u8], last: bool) -> (String, Option<Found>) {
        match self {
            StreamDecoder::Known { decoder, recent, keep_nul } => (decode_known(decoder, recent, *keep_nul, bytes, last), None),
            StreamDecoder::Unknown { pending, at_start } => {
                let mut all = std::mem::take(pending);
                all.extend_from_slice(bytes);
                if std::mem::replace(at_start, all.is_empty() && *at_start) && all.starts_with(b"\xef\xbb\xbf") {
                    all.drain(..3);
                }
                match std::str::from_utf8(&all) {
                    Ok(text) => (with_nul_kept(text), None),
                    Err(error) if error.error_len().is_none() && !last => {
                        *pending = all.split_off(error.valid_up_to());
                        (with_nul_kept(&String::from_utf8_lossy(&all)), None)
                    }
                    Err(_) => self.settle(&all, last),
                }
            }
        }
    }

    /// Decides on an encoding by bytes that are not UTF-8, and decodes them.
    fn settle(&mut self, bytes: &[u8], last: bool) -> (String, Option<Found>) {
        let found = detect(bytes);
        let encoding = match found {
            Found::Encoding(encoding) => encoding,
            Found::Nothing => encoding_rs::UTF_8,
        };
        let mut text: String = raw_output::from_encoding(encoding).into_iter().collect();
        *self = StreamDecoder::Known { decoder: encoding.new_decoder_without_bom_handling(), recent: Vec::new(), keep_nul: true };
        text.push_str(&self.decode(bytes, last).0);
        (text, Some(found))
    }
}

fn decode_known(decoder: &mut Decoder, recent: &mut Vec<u8>, keep_nul: bool, bytes: &[u8], last: bool) -> String {
    let mut text =
        String::with_capacity(decoder.max_utf8_buffer_length_without_replacement(bytes.len()).unwrap_or(bytes.len() * 4) + 16);
    let before = recent.len();
    recent.extend_from_slice(bytes);
    let mut read = 0;
    loop {
        let (result, count) = decoder.decode_to_string_without_replacement(&bytes[read..], &mut text, last);
        read += count;
        match result {
            DecoderResult::InputEmpty => break,
            DecoderResult::OutputFull => text.reserve(bytes.len() - read + 16),
            DecoderResult::Malformed(length, after) => {
                let end = (before + read).saturating_sub(usize::from(after));
                let malformed = &recent[end.saturating_sub(usize::from(length))..end];
                text.extend(malformed.iter().map(|byte| raw_output::from_byte(*byte)));
            }
        }
    }
    recent.drain(..recent.len().saturating_sub(CHARACTER_MAX));
    if keep_nul { with_nul_kept(&text) } else { text }
}

/// NUL cannot be stored.
fn with_nul_kept(text: &str) -> String {
    text.replace('\0', raw_output::from_byte(0).encode_utf8(&mut [0; 4]))
}

/// The encoding of bytes that are not UTF-8.
fn detect(bytes: &[u8]) -> Found {
    if bytes.starts_with(b"\xff\xfe") {
        return Found::Encoding(encoding_rs::UTF_16LE);
    }
    // On Windows that of the console.
    if default_encoding() != encoding_rs::UTF_8 {
        return Found::Encoding(default_encoding());
    }
    let is_chinese = is_common_chinese(bytes) || (has_chinese_locale() && is_gb18030(bytes));
    if is_chinese { Found::Encoding(encoding_rs::GB18030) } else { Found::Nothing }
}

/// Whether the bytes are GB18030 but for an incomplete character at the end.
fn is_gb18030(bytes: &[u8]) -> bool {
    let mut decoder = encoding_rs::GB18030.new_decoder_without_bom_handling();
    let mut text = String::with_capacity(decoder.max_utf8_buffer_length(bytes.len()).unwrap_or(bytes.len() * 4 + 16));
    let (_, _all_read, had_errors) = decoder.decode_to_string(bytes, &mut text, false);
    !had_errors
}

/// Whether the bytes are GB18030 and nearly all its characters are those of GB 2312. Western texts also pass as GB18030, but with
/// letters as second bytes.
fn is_common_chinese(bytes: &[u8]) -> bool {
    if !is_gb18030(bytes) {
        return false;
    }
    let (mut common, mut other) = (0, 0);
    let mut rest = bytes.iter();
    while let Some(first) = rest.next() {
        if *first >= 0x80 {
            let is_common = (0xA1..=0xF7).contains(first) && rest.next().is_none_or(|second| *second >= 0xA1);
            *(if is_common { &mut common } else { &mut other }) += 1;
        }
    }
    common > other * 8
}

fn has_chinese_locale() -> bool {
    let set =
        ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    set.is_some_and(|locale| locale.starts_with("zh_CN") || locale.to_ascii_lowercase().contains("gb"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(named: Option<&'static Encoding>, pieces: &[&[u8]]) -> (String, Option<Found>) {
        let (mut decoder, mut text, mut found) = (StreamDecoder::new(named), String::new(), None);
        for (index, piece) in pieces.iter().enumerate() {
            let (more, new) = decoder.decode(piece, index + 1 == pieces.len());
            text.push_str(&raw_output::shown(&more));
            found = new.or(found);
        }
        (text, found)
    }

    #[test]
    fn characters_split_between_two_reads_are_joined() {
        for (encoding, named) in
            [(encoding_rs::GBK, Some(encoding_rs::GBK)), (encoding_rs::UTF_8, None), (encoding_rs::BIG5, Some(encoding_rs::BIG5))]
        {
            let (bytes, ..) = encoding.encode("鐘樓 bell");
            let pieces: Vec<&[u8]> = bytes.chunks(1).collect();
            assert_eq!(decoded(named, &pieces), ("鐘樓 bell".into(), None), "{}", encoding.name());
        }
        assert_eq!(decoded(Some(encoding_rs::UTF_8), &[b"a\xffb\xe9"]).0, "a\u{fffd}b\u{fffd}");
    }

    #[test]
    fn chinese_output_is_found_out() {
        let (bytes, ..) = encoding_rs::GB18030.encode("编译失败：文件 main.c 不存在\n联通 ok\n");
        let gb18030 = Some(Found::Encoding(encoding_rs::GB18030));
        assert_eq!(decoded(None, &[b"start\n", &bytes]), ("start\n编译失败：文件 main.c 不存在\n联通 ok\n".into(), gb18030));
        assert_eq!(decoded(None, &[&bytes[..3], &bytes[3..]]).1, gb18030);
        assert_eq!(decoded(None, &["钟楼 \u{feff}".as_bytes()]), ("钟楼 \u{feff}".into(), None));
        assert_eq!(decoded(None, &[b"\xef\xbb\xbfok"]), ("ok".into(), None));
    }

    #[test]
    fn other_encodings_are_not_guessed() {
        for (bytes, shown) in [
            (b"caf\xe9 d\xe9j\xe0 vu".as_slice(), "caf\u{fffd} d\u{fffd}j\u{fffd} vu"),
            (b"\x80\x81\xff\n", "\u{fffd}\u{fffd}\u{fffd}\n"),
        ] {
            assert_eq!(decoded(None, &[bytes]), (shown.into(), Some(Found::Nothing)));
        }
    }

    #[test]
    fn no_byte_is_lost() {
        use crate::domain::execution::{OutputChunk, Stream};

        let gbk = encoding_rs::GBK.encode("钟楼\n").0.into_owned();
        let every: Vec<u8> = (0..=255).chain(*b"\xe9\x92\x9f\n").collect();
        for bytes in [every.as_slice(), b"ok\n\xff\xfe\0\n", &gbk, b"caf\xe9\n\0"] {
            for size in [1, 2, 3, 7, bytes.len()] {
                let mut decoder = StreamDecoder::new(None);
                let pieces = bytes.chunks(size).chain([b"".as_slice()]);
                let text: String = pieces.map(|piece| decoder.decode(piece, piece.is_empty()).0).collect();
                let chunk = OutputChunk { attempt: 1, seq: 0, stream: Stream::Stdout, at: chrono::DateTime::UNIX_EPOCH, text };
                assert!(!chunk.text.contains('\0'));
                assert_eq!(raw_output::bytes(&[chunk], None), bytes, "in pieces of {size}");
            }
        }
    }
}
