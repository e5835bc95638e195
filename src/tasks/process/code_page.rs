//! OEM code page of Windows, in which console programs write.

use encoding_rs::Encoding;
use windows_sys::Win32::Globalization::GetOEMCP;

/// Whether the code page has all characters of a text. Of the pages of DOS, which the library lacks, only ASCII counts.
pub(super) fn can_hold(text: &str) -> bool {
    text.is_ascii() || (encoding() != encoding_rs::WINDOWS_1252 && !encoding().encode(text).2)
}

/// The encoding of the code page.
pub(super) fn encoding() -> &'static Encoding {
    #[expect(unsafe_code, reason = "reads a number; no safe wrapper exists")]
    // SAFETY: the call takes nothing and cannot fail.
    let code_page = unsafe { GetOEMCP() };
    match code_page {
        874 => encoding_rs::WINDOWS_874,
        866 => encoding_rs::IBM866,
        932 => encoding_rs::SHIFT_JIS,
        936 => encoding_rs::GBK,
        949 => encoding_rs::EUC_KR,
        950 => encoding_rs::BIG5,
        54936 => encoding_rs::GB18030,
        437 | 850 | 858 | 1252 => encoding_rs::WINDOWS_1252,
        _ => encoding_rs::UTF_8,
    }
}
