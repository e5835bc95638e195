//! Cookies of a request.

use poem::http::{HeaderMap, header};

/// Returns the value of a cookie, without the quotes around it.
pub fn read<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let texts = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = texts.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(own, _)| *own == name).map(|(_, value)| value.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_finds_the_cookie_of_exactly_this_name() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, "a=1; xsession=2; session=\"se=cret\"".parse().unwrap());
        headers.append(header::COOKIE, "theme=dark".parse().unwrap());
        assert_eq!(read(&headers, "session"), Some("se=cret"));
        assert_eq!(read(&headers, "theme"), Some("dark"));
        assert_eq!(read(&headers, "sess"), None);
    }
}
