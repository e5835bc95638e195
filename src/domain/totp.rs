//! Time-based one-time passwords (RFC 6238): HMAC-SHA-1, six digits, steps of 30 seconds; and recovery codes.

use chrono::{DateTime, Utc};
use data_encoding::BASE32_NOPAD;
use totp_rs::{Builder, Totp};

use super::input::percent_encoded;

/// The length of a secret in bytes, as RFC 4226 recommends.
pub const SECRET_BYTES: usize = 20;
/// The length of a time step in seconds.
const STEP_SECONDS: u64 = 30;
/// The number of steps before and after the current one whose codes are accepted, for clock drift and typing time.
const LEEWAY: u16 = 1;
const DIGITS: u8 = 6;

/// The shared secret of an authenticator app and the server. `Debug` does not print it.
#[derive(Clone, PartialEq, Eq)]
pub struct TotpSecret([u8; SECRET_BYTES]);

impl TotpSecret {
    pub fn new(bytes: [u8; SECRET_BYTES]) -> Self {
        Self(bytes)
    }

    /// The secret in base32 without padding, for manual entry.
    pub fn text(&self) -> String {
        BASE32_NOPAD.encode(&self.0)
    }

    /// Parses the output of [`TotpSecret::text`].
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = BASE32_NOPAD.decode(text.as_bytes()).ok()?;
        bytes.try_into().ok().map(Self)
    }

    /// The six-digit code of a time step.
    pub fn code(&self, step: i64) -> String {
        self.generator().generate(step.unsigned_abs() * STEP_SECONDS).to_string()
    }

    /// The time step of a six-digit code, if it is accepted at `now`.
    pub fn matching_step(&self, code: &str, now: DateTime<Utc>) -> Option<i64> {
        let seconds = u64::try_from(now.timestamp()).ok()?;
        self.generator().check(code, seconds)?.try_into().ok()
    }

    /// The library's checks are for untrusted parameters; these are constants.
    fn generator(&self) -> Totp {
        let builder = Builder::new().with_digits(DIGITS).with_skew(LEEWAY).with_step_duration(STEP_SECONDS);
        builder.with_secret(self.0).build_noncompliant()
    }

    /// The `otpauth://` URI for the QR code.
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

/// A code entered as the second factor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CodeInput {
    /// Six digits.
    Code(String),
    /// A recovery code, normalized for hashing.
    Recovery(String),
}

impl CodeInput {
    /// Parses an entered code; spaces and dashes are ignored.
    pub fn parse(text: &str) -> CodeInput {
        let plain: String = text.chars().filter(|c| !c.is_whitespace() && *c != '-').take(64).collect();
        if plain.len() == usize::from(DIGITS) && plain.bytes().all(|byte| byte.is_ascii_digit()) {
            return CodeInput::Code(plain);
        }
        CodeInput::Recovery(plain.to_uppercase())
    }
}

/// The number of recovery codes per account.
pub const RECOVERY_CODES: usize = 10;
/// The length of a recovery code in bytes: enough entropy for an unsalted fast hash.
pub const RECOVERY_BYTES: usize = 10;

/// A recovery code for display: base32 in groups of four.
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
        TotpSecret::new(*b"12345678901234567890")
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn code_matches_the_rfc_6238_vectors() {
        // The RFC prints codes of eight digits; the last six are the code of six digits.
        for (seconds, code) in [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ] {
            assert_eq!(secret().code(seconds / 30), code[2..]);
        }
    }

    #[test]
    fn code_matches_the_rfc_4226_vectors() {
        let codes = ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];
        for (step, code) in (0_i64..).zip(codes) {
            assert_eq!(secret().code(step), code);
        }
    }

    #[test]
    fn matching_step_accepts_the_adjacent_steps_only() {
        let code = secret().code(100);
        for (seconds, taken) in [(2969, false), (2970, true), (3000, true), (3059, true), (3060, false)] {
            assert_eq!(
                secret().matching_step(&code, at(seconds)).is_some(),
                taken && (2970..3060).contains(&seconds),
                "{seconds}"
            );
        }
        assert_eq!(secret().matching_step(&code, at(3029)), Some(100), "returns the step, so that a code is accepted once");
        assert_eq!(secret().matching_step("", at(3000)), None);
    }

    #[test]
    fn secret_round_trips_and_is_part_of_the_uri() {
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
    fn code_input_is_a_code_or_a_recovery_code() {
        assert_eq!(CodeInput::parse(" 123 456 "), CodeInput::Code("123456".into()));
        assert_eq!(CodeInput::parse("１２３456"), CodeInput::Recovery("１２３456".into()));
        let shown = recovery_code(&[0xab; RECOVERY_BYTES]);
        assert_eq!(shown.len(), 19);
        assert_eq!(CodeInput::parse(&shown), CodeInput::parse(&shown.to_uppercase().replace('-', " ")));
    }
}
