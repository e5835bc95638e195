//! The text of a log file: unpacked and decoded while it is read.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};

use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE};
use flate2::read::MultiGzDecoder;

const BUFFER: usize = 64 * 1024;

/// The compression of a file, by its first bytes: its name may lack an extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    Plain,
    Gzip,
    Zstandard,
    /// A format that is not read, by its name.
    Other(&'static str),
}

const SIGNATURES: [(&[u8], Packing); 8] = [
    (b"\x1f\x8b", Packing::Gzip),
    (b"\x28\xb5\x2f\xfd", Packing::Zstandard),
    (b"\xfd7zXZ\0", Packing::Other("xz")),
    (b"BZh", Packing::Other("bzip2")),
    (b"\x04\x22\x4d\x18", Packing::Other("lz4")),
    (b"PK\x03\x04", Packing::Other("zip")),
    (b"7z\xbc\xaf", Packing::Other("7z")),
    (b"\x1f\x9d", Packing::Other("compress")),
];

/// Tells the compression of a file.
pub(super) fn packing(file: &mut File) -> io::Result<Packing> {
    let mut start = Vec::with_capacity(8);
    file.by_ref().take(8).read_to_end(&mut start)?;
    file.rewind()?;
    Ok(SIGNATURES.iter().find(|(signature, _)| start.starts_with(signature)).map_or(Packing::Plain, |(_, packing)| *packing))
}

/// Opens the text of a file of `length` bytes: what is written later is left out. Without an encoding, a byte order mark decides, else
/// the text is UTF-8 as it is.
pub(super) fn open(
    file: File,
    length: u64,
    packing: Packing,
    encoding: Option<&'static Encoding>,
) -> io::Result<Box<dyn BufRead>> {
    let bytes: Box<dyn Read> = match packing {
        Packing::Gzip => Box::new(MultiGzDecoder::new(BufReader::new(file))),
        Packing::Zstandard => Box::new(zstd::stream::read::Decoder::new(file)?),
        Packing::Plain | Packing::Other(_) => Box::new(file.take(length)),
    };
    let mut bytes = BufReader::with_capacity(BUFFER, bytes);
    let start = bytes.fill_buf()?;
    let (encoding, mark) = match Encoding::for_bom(start) {
        Some((marked, length)) => (marked, length),
        None => (encoding.unwrap_or_else(|| unmarked(start)), 0),
    };
    bytes.consume(mark);
    if encoding == UTF_8 {
        return Ok(Box::new(bytes));
    }
    let decoded = Decoded { bytes, decoder: encoding.new_decoder_without_bom_handling(), text: Vec::new(), at: 0, ended: false };
    Ok(Box::new(decoded))
}

/// The encoding of a text without a byte order mark: UTF-16 has zeros in every other byte of ASCII characters.
fn unmarked(start: &[u8]) -> &'static Encoding {
    match start {
        [first, 0, second, 0, ..] if *first != 0 && *second != 0 => UTF_16LE,
        [0, first, 0, second, ..] if *first != 0 && *second != 0 => UTF_16BE,
        _ => UTF_8,
    }
}

/// Decodes to UTF-8 while reading.
struct Decoded<R> {
    bytes: R,
    decoder: Decoder,
    text: Vec<u8>,
    at: usize,
    ended: bool,
}

impl<R: BufRead> BufRead for Decoded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.at == self.text.len() && !self.ended {
            let input = self.bytes.fill_buf()?;
            let last = input.is_empty();
            self.text.resize(BUFFER, 0);
            let (result, read, written, _) = self.decoder.decode_to_utf8(input, &mut self.text, last);
            self.bytes.consume(read);
            self.text.truncate(written);
            (self.at, self.ended) = (0, last && result == CoderResult::InputEmpty);
        }
        Ok(&self.text[self.at..])
    }

    fn consume(&mut self, amount: usize) {
        self.at += amount;
    }
}

impl<R: BufRead> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use encoding_rs::{GB18030, WINDOWS_1252};

    use super::*;

    fn text_of(bytes: &[u8], encoding: Option<&'static Encoding>) -> String {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file.rewind().unwrap();
        let packing = packing(&mut file).unwrap();
        let mut text = String::new();
        open(file, bytes.len() as u64, packing, encoding).unwrap().read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn encodings_are_decoded() {
        let text = "2026-11-21 08:00:00 磁盘已满\n".repeat(5_000);
        let utf_16 = |units: &[u16], bytes: fn(u16) -> [u8; 2]| units.iter().flat_map(|unit| bytes(*unit)).collect::<Vec<u8>>();
        let units: Vec<u16> = text.encode_utf16().collect();
        let marked: Vec<u16> = std::iter::once(0xfeff).chain(units.clone()).collect();
        assert_eq!(text_of(text.as_bytes(), None), text);
        assert_eq!(
            text_of(&[b"\xef\xbb\xbf", text.as_bytes()].concat(), Some(GB18030)),
            text,
            "the mark outweighs the parameter"
        );
        assert_eq!(text_of(&GB18030.encode(&text).0, Some(GB18030)), text);
        assert_eq!(text_of(&utf_16(&marked, u16::to_le_bytes), None), text);
        assert_eq!(text_of(&utf_16(&marked, u16::to_be_bytes), None), text);
        assert_eq!(text_of(&utf_16(&units, u16::to_le_bytes), None), text);
        assert_eq!(text_of(&utf_16(&units, u16::to_be_bytes), Some(UTF_16BE)), text);
        assert_eq!(text_of(b"\xfcber\n", Some(WINDOWS_1252)), "über\n");
        assert_eq!(text_of(b"", None), "");
    }

    #[test]
    fn compressed_files_are_known_by_their_first_bytes() {
        let packed = zstd::stream::encode_all(&b"one\ntwo\n"[..], 1).unwrap();
        assert_eq!(text_of(&[packed.clone(), packed].concat(), None), "one\ntwo\none\ntwo\n");
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"\xfd7zXZ\0 and more").unwrap();
        file.rewind().unwrap();
        assert_eq!(packing(&mut file).unwrap(), Packing::Other("xz"));
    }
}
