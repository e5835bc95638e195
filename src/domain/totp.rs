//! One-time codes of the second factor, by RFC 6238: HMAC-SHA-1, six digits, steps of 30 seconds.

use chrono::{DateTime, Utc};
use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use super::input::percent_encoded;

/// Bytes of a secret, as RFC 4226 recommends.
pub const SECRET_BYTES: usize = 20;
/// Seconds that a code is for.
const STEP_SECONDS: i64 = 30;
/// Steps before and after the present one whose codes are taken: clocks differ and people type slowly.
const LEEWAY: i64 = 1;
const DIGITS: usize = 6;

/// What a phone and the server share. Not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct TotpSecret(Vec<u8>);

impl TotpSecret {
    pub fn new(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    /// As people type it: base32 without padding.
    pub fn text(&self) -> String {
        BASE32_NOPAD.encode(&self.0)
    }

    /// Reads what [`TotpSecret::text`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        BASE32_NOPAD.decode(text.as_bytes()).ok().map(Self)
    }

    /// The code of a step.
    pub fn code(&self, step: i64) -> String {
        let code = self.truncated(step) % 10_u32.pow(DIGITS as u32);
        format!("{code:0width$}", width = DIGITS)
    }

    fn truncated(&self, step: i64) -> u32 {
        let mut mac = Hmac::<Sha1>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(&step.to_be_bytes());
        let digest = mac.finalize().into_bytes();
        let offset = usize::from(digest[19] & 0xf);
        let bytes = [digest[offset] & 0x7f, digest[offset + 1], digest[offset + 2], digest[offset + 3]];
        u32::from_be_bytes(bytes)
    }

    /// The step whose code this is, if it is one of those taken at `now`. `code` is six digits.
    pub fn step_of(&self, code: &str, now: DateTime<Utc>) -> Option<i64> {
        let present = now.timestamp().div_euclid(STEP_SECONDS);
        (present - LEEWAY..=present + LEEWAY).find(|step| self.code(*step) == code)
    }

    /// The address that a phone reads from the picture.
    pub fn uri(&self, issuer: &str, account: &str) -> String {
        let (issuer, account) = (percent_encoded(issuer), percent_encoded(account));
        format!("otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}", self.text())
    }
}

impl std::fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TotpSecret(***)")
    }
}

/// What somebody typed as the second step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typed {
    /// Six digits.
    Code(String),
    /// A recovery code in the form in which it is hashed.
    Recovery(String),
}

impl Typed {
    /// Reads what was typed; blanks and dashes do not count.
    pub fn read(text: &str) -> Typed {
        let plain: String = text.chars().filter(|c| !c.is_whitespace() && *c != '-').take(64).collect();
        if plain.len() == DIGITS && plain.bytes().all(|byte| byte.is_ascii_digit()) {
            return Typed::Code(plain);
        }
        Typed::Recovery(plain.to_uppercase())
    }
}

/// Recovery codes that are made at once.
pub const RECOVERY_CODES: usize = 10;
/// Bytes of a recovery code: enough that a plain hash keeps it.
pub const RECOVERY_BYTES: usize = 10;

/// A recovery code as it is shown: base32 in groups of four.
pub fn recovery_code(bytes: &[u8; RECOVERY_BYTES]) -> String {
    let text = BASE32_NOPAD.encode(bytes);
    let groups: Vec<&str> = (0..text.len()).step_by(4).map(|at| &text[at..at + 4]).collect();
    groups.join("-").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret of RFC 6238, appendix B.
    fn secret() -> TotpSecret {
        TotpSecret::new(b"12345678901234567890")
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn the_vectors_of_rfc_6238_hold() {
        // The RFC prints eight digits; the last six are the code of six digits.
        for (seconds, code) in [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ] {
            let whole = secret().truncated(seconds / STEP_SECONDS) % 100_000_000;
            assert_eq!(format!("{whole:08}"), code);
            assert_eq!(secret().code(seconds / STEP_SECONDS), code[2..]);
        }
    }

    #[test]
    fn the_vectors_of_rfc_4226_hold() {
        let codes = ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];
        for (step, code) in (0_i64..).zip(codes) {
            assert_eq!(secret().code(step), code);
        }
    }

    #[test]
    fn codes_of_the_steps_around_now_are_taken_and_no_others() {
        let code = secret().code(100);
        for (seconds, taken) in [(2969, false), (2970, true), (3000, true), (3059, true), (3060, false)] {
            assert_eq!(secret().step_of(&code, at(seconds)).is_some(), taken && (2970..3060).contains(&seconds), "{seconds}");
        }
        assert_eq!(secret().step_of(&code, at(3029)), Some(100), "the step is told, so that it is taken once");
        assert_eq!(secret().step_of("", at(3000)), None);
    }

    #[test]
    fn secrets_read_back_and_stand_in_the_address() {
        assert_eq!(TotpSecret::parse(&secret().text()), Some(secret()));
        assert_eq!(TotpSecret::parse("not base32!"), None);
        let uri = secret().uri("Belfry", "a b@例");
        assert!(
            uri.starts_with("otpauth://totp/Belfry:a%20b%40%E4%BE%8B?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer="),
            "{uri}"
        );
        assert_eq!(format!("{:?}", secret()), "TotpSecret(***)");
    }

    #[test]
    fn what_is_typed_is_a_code_or_a_recovery_code() {
        assert_eq!(Typed::read(" 123 456 "), Typed::Code("123456".into()));
        assert_eq!(Typed::read("１２３456"), Typed::Recovery("１２３456".into()));
        let shown = recovery_code(&[0xab; RECOVERY_BYTES]);
        assert_eq!(shown.len(), 19);
        assert_eq!(Typed::read(&shown), Typed::read(&shown.to_uppercase().replace('-', " ")));
    }
}
