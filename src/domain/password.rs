//! Estimation of passwords that are easy to guess: words of dictionaries and leaks, keyboard rows, dates, repetitions.

use zxcvbn::zxcvbn;

/// Passwords that need fewer guesses are refused.
const MIN_GUESSES: u64 = 2_000_000;

/// Parts of frequent passwords that the estimator's English dictionaries lack.
const WORDS: &str = "belfry scheduler zhonglou admin root @ @123 @1234 @123456 123 1234 520 1314 5201314 woaini aini nihao mima \
                     wangwei zhangwei caonima huawei xiaomi taobao";

/// Whether a password is easy to guess by somebody who knows the account's name.
pub fn is_easy_to_guess(password: &str, user_name: &str) -> bool {
    let known: Vec<&str> = std::iter::once(user_name).chain(WORDS.split(' ')).collect();
    zxcvbn(&spelled(password), &known).guesses() < MIN_GUESSES
}

/// Non-ASCII characters as their code points, because the estimator counts each of them as a digit.
fn spelled(password: &str) -> String {
    let spell = |c: char| if c.is_ascii() { c.to_string() } else { format!("{:04x}", u32::from(c)) };
    password.chars().map(spell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn easy_passwords_are_recognized_with_variations() {
        for guessed in [
            "password",
            "password123",
            "P@ssw0rd",
            "passw0rd!",
            "admin@123",
            "12345678",
            "87654321",
            "98765432",
            "qwertyui",
            "poiuytrewq",
            "aaaaaaaaaa",
            "abababab",
            "abcabcabc",
            "12341234",
            "1qaz2wsx",
            "woaini1314",
            "5201314520",
            "abcdefghij",
            "letmein123!",
            "Welcome@123",
            "huawei@123",
            "summer2026",
            "Belfry2026",
            "wangwei123",
            "annette.miller",
            "annette.miller1",
        ] {
            assert!(is_easy_to_guess(guessed, "annette.miller"), "{guessed}");
        }
    }

    #[test]
    fn phrases_are_not_easy_to_guess() {
        for free in [
            "correct horse",
            "battery staple",
            "long enough",
            "another horse",
            "another one",
            "staple of another kind",
            "something else",
            "密码密码不同的话",
            "vK8#mQ2x",
        ] {
            assert!(!is_easy_to_guess(free, "annette.miller"), "{free}");
        }
    }
}
