//! Mail addresses: parses `a@b.cn`, `王伟 <a@b.cn>`, and lists separated by commas.

use lettre::Address;
use lettre::message::Mailbox;
use reqwest::Url;

use crate::domain::input::truncate;
use crate::i18n::{Message, message};

/// Parses the addresses in a text, at least one.
pub(super) fn mailboxes(text: &str) -> Result<Vec<Mailbox>, Message> {
    let parts: Vec<&str> = split(text).into_iter().map(str::trim).filter(|part| !part.is_empty()).collect();
    if parts.is_empty() {
        return Err(message!("mail.address_missing"));
    }
    parts.into_iter().map(mailbox).collect()
}

/// Splits at commas and semicolons outside of quotes and angle brackets.
fn split(text: &str) -> Vec<&str> {
    let (mut quoted, mut bracketed) = (false, false);
    let separates = |c: char| {
        match c {
            '"' => quoted = !quoted,
            '<' if !quoted => bracketed = true,
            '>' if !quoted => bracketed = false,
            _ => {}
        }
        matches!(c, ',' | ';') && !quoted && !bracketed
    };
    text.split(separates).collect()
}

fn mailbox(text: &str) -> Result<Mailbox, Message> {
    let fault = || message!("mail.address", address = truncate(text, 80));
    if text.contains(char::is_control) {
        return Err(message!("mail.address_control"));
    }
    let (name, address) = match text.strip_suffix('>').map(|rest| rest.rsplit_once('<')) {
        Some(Some((name, address))) => (name.trim(), address.trim()),
        Some(None) => return Err(fault()),
        None => ("", text),
    };
    let name = name.strip_prefix('"').and_then(|name| name.strip_suffix('"')).unwrap_or(name).replace("\\\"", "\"");
    let address: Address = to_ascii_domain(address).parse().map_err(|_| fault())?;
    Ok(Mailbox::new((!name.is_empty()).then_some(name), address))
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
    }

    #[test]
    fn mailboxes_rejects_invalid_addresses() {
        for text in ["", " , ", "a", "a@", "@b", "a b@c.cn", "Name a@b.cn>", "a@b.cn\r\nBcc: x@y.cn", "X\n<a@b.cn>", "<a@b.cn> x"]
        {
            assert!(mailboxes(text).is_err(), "{text:?}");
        }
    }
}
