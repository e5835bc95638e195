//! Mail addresses: parses `a@b.cn`, `王伟 <a@b.cn>`, and lists of them separated by commas, semicolons or line breaks. A piece that
//! is not one clear address is an error, so that no recipient is lost.

use lettre::Address;
use lettre::message::Mailbox;
use reqwest::Url;

use crate::domain::input::truncate;
use crate::i18n::{Message, message};

/// The longest name of a recipient, in bytes: it must fit on a line of a header.
const NAME_BYTES_MAX: usize = 500;
/// What separates addresses, as people type it.
const SEPARATORS: [char; 7] = [',', ';', '，', '；', '、', '\r', '\n'];

/// Parses the addresses in a text, at least one.
pub(super) fn mailboxes(text: &str) -> Result<Vec<Mailbox>, Message> {
    let pieces: Vec<&str> = split(text).into_iter().map(trim).filter(|piece| !piece.is_empty()).collect();
    if pieces.is_empty() {
        return Err(message!("mail.address_missing"));
    }
    pieces.into_iter().map(mailbox).collect()
}

/// Parses the only address in a text.
pub(super) fn only_mailbox(text: &str) -> Result<Mailbox, Message> {
    let mut all = mailboxes(text)?;
    match all.len() {
        1 => Ok(all.remove(0)),
        count => Err(message!("mail.one_sender", count)),
    }
}

/// Splits at separators outside of quotes. A backslash escapes a quote.
fn split(text: &str) -> Vec<&str> {
    let (mut quoted, mut escaped) = (false, false);
    let separates = |c: char| {
        let escapes = quoted && c == '\\' && !escaped;
        quoted ^= c == '"' && !escaped;
        escaped = escapes;
        SEPARATORS.contains(&c) && !quoted
    };
    text.split(separates).collect()
}

/// The piece without white space and invisible characters at its ends, which come with copied addresses.
fn trim(piece: &str) -> &str {
    piece.trim_matches(|c: char| c.is_whitespace() || is_invisible(c))
}

/// Characters without a shape of their own: soft hyphen, zero-width and direction marks.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn mailbox(piece: &str) -> Result<Mailbox, Message> {
    let fault = || message!("mail.address", address = truncate(&piece.replace(char::is_control, " "), 80));
    if piece.contains(char::is_control) {
        return Err(fault());
    }
    let (name, address) = match piece.strip_suffix('>').map(|rest| rest.rsplit_once('<')) {
        Some(Some((name, address))) => (name.trim(), address.trim()),
        Some(None) => return Err(fault()),
        None => ("", piece),
    };
    let name = display_name(name, address).ok_or_else(fault)?;
    if address.contains(is_invisible) || address.starts_with('\'') || address.ends_with('.') {
        return Err(fault());
    }
    let address: Address = to_ascii_domain(address).parse().map_err(|_| fault())?;
    Ok(Mailbox::new((!name.is_empty()).then_some(name), address))
}

/// The name before an address; `None` if it may contain another address: a quote is open, or it contains `<`, `>` or `@` outside of
/// quotes. An address may have itself as its name.
fn display_name(name: &str, address: &str) -> Option<String> {
    let shown = match name.strip_prefix('"') {
        Some(rest) => unquoted(rest.strip_suffix('"')?)?,
        None if name.eq_ignore_ascii_case(address) => name.to_owned(),
        None if name.contains(['"', '<', '>', '@', '＠']) => return None,
        None => name.to_owned(),
    };
    (shown.len() <= NAME_BYTES_MAX).then_some(shown)
}

/// The text between quotes, without backslashes; `None` if another quote is in it.
fn unquoted(text: &str) -> Option<String> {
    let mut characters = text.chars();
    let mut shown = String::with_capacity(text.len());
    while let Some(c) = characters.next() {
        match c {
            '"' => return None,
            '\\' => shown.push(characters.next()?),
            _ => shown.push(c),
        }
    }
    Some(shown)
}

/// The address with its domain in ASCII: `例子.cn` becomes `xn--fsqu00a.cn`.
fn to_ascii_domain(address: &str) -> String {
    let Some((user, domain)) = address.rsplit_once('@').filter(|(_, domain)| !domain.is_ascii()) else {
        return address.to_owned();
    };
    let url = Url::parse(&format!("http://{domain}/"));
    let ascii = url.ok().and_then(|url| url.host_str().map(str::to_owned));
    format!("{user}@{}", ascii.as_deref().unwrap_or(domain))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, String)> {
        let named = |mailbox: Mailbox| (mailbox.name.unwrap_or_default(), mailbox.email.to_string());
        mailboxes(text).unwrap().into_iter().map(named).collect()
    }

    fn pair(name: &str, address: &str) -> (String, String) {
        (name.to_owned(), address.to_owned())
    }

    #[test]
    fn mailboxes_parses_names_lists_and_international_domains() {
        assert_eq!(read(" a@b.cn "), [pair("", "a@b.cn")]);
        assert_eq!(read("王伟 <a@b.cn>"), [pair("王伟", "a@b.cn")]);
        let several = read("a@b.cn, 王伟<c@d.cn>; \"Wang, Wei\" <e@f.cn>,");
        assert_eq!(several, [pair("", "a@b.cn"), pair("王伟", "c@d.cn"), pair("Wang, Wei", "e@f.cn")]);
        assert_eq!(read("a@例子.cn"), [pair("", "a@xn--fsqu00a.cn")]);
        assert_eq!(read("\"A \\\"B\\\", C\" <a@b.cn>, d@e.cn"), [pair("A \"B\", C", "a@b.cn"), pair("", "d@e.cn")]);
        assert_eq!(read("a@b.cn <a@b.cn>; \"x@y.cn\" <a@b.cn>"), [pair("a@b.cn", "a@b.cn"), pair("x@y.cn", "a@b.cn")]);
        assert_eq!(read("\u{feff}a@b.cn\u{200b}\u{3000}"), [pair("", "a@b.cn")], "as copied from a page");
    }

    #[test]
    fn every_separator_separates_every_form_of_address() {
        let forms = [
            ("a@b.cn", ""),
            ("<a@b.cn>", ""),
            ("王伟 <a@b.cn>", "王伟"),
            ("王伟<a@b.cn>", "王伟"),
            ("\"W, W\" <a@b.cn>", "W, W"),
        ];
        for separator in [",", ";", "，", "；", "、", "\n", "\r\n", " , ", ",\n", "; ;", "；\r\n"] {
            for (one, first) in forms {
                for (two, second) in forms {
                    let text = format!("{one}{separator}{two}{separator}");
                    assert_eq!(read(&text), [pair(first, "a@b.cn"), pair(second, "a@b.cn")], "{text:?}");
                }
            }
        }
    }

    #[test]
    fn mailboxes_rejects_invalid_addresses() {
        for text in [
            "",
            " , ",
            "a",
            "a@",
            "@b",
            "a b@c.cn",
            "Name a@b.cn>",
            "a@b.cn\r\nBcc: x@y.cn",
            "X\n<a@b.cn>",
            "<a@b.cn> x",
            "a@b.cn\tc@d.cn",
        ] {
            assert!(mailboxes(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn pieces_with_more_than_one_address_are_rejected_by_name() {
        for (text, piece) in [
            ("x@y.cn, a@b.cn c@d.cn", "a@b.cn c@d.cn"),
            ("a@b.cn <c@d.cn>", "a@b.cn <c@d.cn>"),
            ("A <a@b.cn> C <c@d.cn>", "A <a@b.cn> C <c@d.cn>"),
            ("\"A <a@b.cn>, C <c@d.cn>", "\"A <a@b.cn>, C <c@d.cn>"),
            ("\"A\" <a@b.cn> \"C\" <c@d.cn>", "\"A\" <a@b.cn> \"C\" <c@d.cn>"),
            ("A <a@b.cn; C <c@d.cn>", "A <a@b.cn"),
            ("<a@b.cn, c@d.cn>", "<a@b.cn"),
            ("Wang, Wei <a@b.cn>", "Wang"),
            ("Team: a@b.cn, c@d.cn;", "Team: a@b.cn"),
            ("mailto:a@b.cn", "mailto:a@b.cn"),
            ("a@b.cn/c@d.cn", "a@b.cn/c@d.cn"),
            ("a@b.cn|c@d.cn", "a@b.cn|c@d.cn"),
            ("a@b.cn.", "a@b.cn."),
            ("a\u{200b}@b.cn", "a\u{200b}@b.cn"),
        ] {
            let message = mailboxes(text).unwrap_err().to_string();
            assert!(message.starts_with(&format!("'{piece}' is not a mail address")), "{text:?}: {message}");
        }
    }
}
