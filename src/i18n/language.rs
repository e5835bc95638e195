//! The supported languages, and their negotiation.

/// A language of the pages, the API's texts and the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    English,
    Chinese,
}

impl Language {
    pub const ALL: [Language; 2] = [Language::English, Language::Chinese];

    /// Its BCP 47 tag, which is also part of the names of its files in `locales/`.
    pub fn tag(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Chinese => "zh-CN",
        }
    }

    pub fn parse(tag: &str) -> Option<Language> {
        Language::ALL.into_iter().find(|language| language.tag() == tag)
    }

    /// Returns the language of a tag or locale name such as `zh`, `en-GB` or `zh_CN.UTF-8`.
    pub fn from_locale(locale: &str) -> Option<Language> {
        match locale.trim().split(['-', '_', '.']).next()?.to_ascii_lowercase().as_str() {
            "en" => Some(Language::English),
            "zh" => Some(Language::Chinese),
            _ => None,
        }
    }

    /// Returns the language preferred by `Accept-Language` (RFC 9110): the one with the highest weight, then the first;
    /// English if it names neither.
    pub fn negotiate(accept: &str) -> Language {
        let ranked = accept.split(',').filter_map(|part| {
            let mut params = part.split(';').map(str::trim);
            let language = Language::from_locale(params.next()?)?;
            let quality = params.find_map(|param| param.strip_prefix("q=")).map_or(1.0, |q| q.parse().unwrap_or(0.0));
            (quality > 0.0).then_some((language, quality))
        });
        let first = ranked.fold(None, |best: Option<(Language, f64)>, next| match best {
            Some(best) if best.1 >= next.1 => Some(best),
            _ => Some(next),
        });
        first.map_or(Language::English, |(language, _)| language)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn language_is_negotiated_from_accept_language() {
        for (accept, language) in [
            ("zh-CN,zh;q=0.9,en;q=0.8", Language::Chinese),
            ("en-US,en;q=0.9,zh;q=0.8", Language::English),
            ("fr, en; q=0.5, zh; q=0.7", Language::Chinese),
            ("fr,zh;q=0.1", Language::Chinese),
            ("en, zh", Language::English),
            ("zh;q=0,en;q=0.1", Language::English),
            ("zh;q=0", Language::English),
            ("zh;q=x", Language::English),
            ("de", Language::English),
            ("", Language::English),
        ] {
            assert_eq!(Language::negotiate(accept), language, "{accept}");
        }
    }

    #[test]
    fn language_follows_the_locale() {
        for (locale, language) in [
            ("zh_CN.UTF-8", Some(Language::Chinese)),
            ("ZH", Some(Language::Chinese)),
            ("en-GB", Some(Language::English)),
            ("C", None),
        ] {
            assert_eq!(Language::from_locale(locale), language, "{locale}");
        }
    }
}
