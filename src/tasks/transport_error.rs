//! Errors of connections in words: what the operating system and TLS say, coded so that each reader gets the own language.

use std::error::Error;
use std::io;

use rustls::CertificateError;

use crate::domain::input::truncate;
use crate::i18n::{Message, message};

/// The longest text kept of an error that has no words of its own, in characters.
const TEXT_MAX: usize = 300;

/// The first error of type `E` in the chain of sources.
pub(in crate::tasks) fn find<'e, E: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e E> {
    chain(error).find_map(|error| error.downcast_ref::<E>())
}

/// What went wrong with a connection; `None` if neither the operating system nor TLS says it in a way that has words.
pub(in crate::tasks) fn words(error: &(dyn Error + 'static)) -> Option<Message> {
    let of_system = || chain(error).find_map(|error| of_system(error.downcast_ref()?));
    find(error).map(of_tls).or_else(of_system)
}

/// The reason of a TLS failure.
pub(in crate::tasks) fn of_tls(error: &rustls::Error) -> Message {
    use CertificateError as Fault;
    match error {
        rustls::Error::InvalidCertificate(Fault::Expired | Fault::ExpiredContext { .. }) => message!("transport.expired"),
        rustls::Error::InvalidCertificate(Fault::NotValidYet | Fault::NotValidYetContext { .. }) => {
            message!("transport.not_valid_yet")
        }
        rustls::Error::InvalidCertificate(Fault::UnknownIssuer) => message!("transport.unknown_issuer"),
        rustls::Error::InvalidCertificate(Fault::NotValidForName | Fault::NotValidForNameContext { .. }) => {
            message!("transport.other_name")
        }
        rustls::Error::InvalidCertificate(Fault::Revoked) => message!("transport.revoked"),
        rustls::Error::InvalidMessage(_) => message!("transport.no_tls"),
        other => Message::verbatim(truncate(&other.to_string(), TEXT_MAX)),
    }
}

fn of_system(error: &io::Error) -> Option<Message> {
    use io::ErrorKind as Kind;
    match error.kind() {
        Kind::ConnectionRefused => Some(message!("transport.refused")),
        Kind::ConnectionReset | Kind::ConnectionAborted => Some(message!("transport.reset")),
        Kind::BrokenPipe | Kind::UnexpectedEof => Some(message!("transport.closed")),
        Kind::TimedOut => Some(message!("transport.timed_out")),
        Kind::HostUnreachable => Some(message!("transport.host_unreachable")),
        Kind::NetworkUnreachable | Kind::NetworkDown => Some(message!("transport.network_unreachable")),
        // Failed look-ups have no kind of their own.
        _ if error.to_string().starts_with("failed to lookup address information") => Some(message!("transport.no_address")),
        _ => None,
    }
}

/// An error with its sources; an error of the operating system may wrap another one.
fn chain<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        wrapped.map(|inner| inner as &(dyn Error + 'static)).or_else(|| error.source())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Language;

    fn told(error: &(dyn Error + 'static)) -> Option<(String, String)> {
        words(error).map(|message| (message.text(Language::English), message.text(Language::Chinese)))
    }

    fn pair(english: &str, chinese: &str) -> Option<(String, String)> {
        Some((english.to_owned(), chinese.to_owned()))
    }

    #[test]
    fn errors_of_the_system_have_words_in_both_languages() {
        let refused = io::Error::from_raw_os_error(if cfg!(windows) { 10061 } else { 111 });
        assert_eq!(told(&refused), pair("connection refused", "连接被拒绝"));
        let wrapped = io::Error::other(io::Error::from(io::ErrorKind::TimedOut));
        assert_eq!(told(&wrapped), pair("timed out", "超时"));
        let lookup = io::Error::other("failed to lookup address information: Name or service not known");
        assert_eq!(told(&lookup), pair("the host name has no address", "主机名没有对应的地址"));
        assert_eq!(told(&io::Error::other("something else")), None);
    }

    #[test]
    fn tls_faults_have_words_and_others_stay_as_they_are() {
        let of = |fault| io::Error::other(rustls::Error::InvalidCertificate(fault));
        assert_eq!(told(&of(CertificateError::Expired)), pair("it has expired", "证书已过期"));
        assert_eq!(told(&of(CertificateError::UnknownIssuer)), pair("its issuer is not trusted", "颁发者不受信任"));
        let other = told(&of(CertificateError::BadSignature)).expect("words");
        assert_eq!(other.0, other.1);
    }
}
