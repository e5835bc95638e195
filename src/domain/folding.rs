//! Folding of texts for searches and sorting: texts that differ only in case, width or composition have the same key.

use unicode_normalization::UnicodeNormalization;

/// Folds a text: compatibility composition (NFKC), without case. Each character goes through both cases, so that `ß` and `ẞ`
/// equal `ss`, and every form of sigma is the same.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let folded =
        text.nfkc().flat_map(char::to_lowercase).flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect::<String>();
    // The lower case of `İ` has a combining dot above.
    folded.replace("i\u{307}", "i").nfkc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fold_ignores_case_width_and_composition() {
        for same in [
            &["Überwachung", "ÜBERWACHUNG", "u\u{308}berwachung"][..],
            &["Отчёт", "ОТЧЁТ", "отче\u{308}т"],
            &["İstanbul", "istanbul", "ISTANBUL", "i\u{307}stanbul"],
            &["Straße", "STRASSE", "STRAẞE"],
            &["ＡＢＣ１２３", "abc123"],
            &["ΟΔΟΣ", "οδος", "οδοσ"],
            &["ﬁle", "FILE"],
            &["ｶﾞ", "ガ"],
        ] {
            let keys: Vec<String> = same.iter().map(|text| fold(text)).collect();
            assert!(keys.iter().all(|key| *key == keys[0]), "{same:?}: {keys:?}");
        }
        assert_ne!(fold("日报"), fold("日报2"));
    }

    #[test]
    fn fold_of_a_key_is_the_key() {
        for text in ["Überwachung", "İstanbul", "ß", "ǅ", "ﬃ", "ͅΑ"] {
            assert_eq!(fold(&fold(text)), fold(text), "{text}");
        }
    }
}
