//! The condition of an alarm: a number that was counted, compared with another, such as `count > 0`.

use std::fmt;

use crate::domain::input::cut;

/// What was counted.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Counts {
    /// Executions or lines that fit.
    pub count: u64,
    /// Of those, executions that failed; `None` for lines.
    pub failed: Option<u64>,
}

/// When an alarm is raised.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Condition {
    pub what: What,
    comparison: Comparison,
    number: f64,
}

/// Which of the counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Count,
    Failed,
    /// The share that failed, in percent; zero where nothing was found.
    Rate,
}

const WHATS: [(&str, What); 3] = [("count", What::Count), ("failed", What::Failed), ("rate", What::Rate)];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    More,
    AtLeast,
    Less,
    AtMost,
    Equal,
}

/// Longer ones first: `>` begins `>=` too.
const COMPARISONS: [(&str, Comparison); 5] = [
    (">=", Comparison::AtLeast),
    ("<=", Comparison::AtMost),
    ("==", Comparison::Equal),
    (">", Comparison::More),
    ("<", Comparison::Less),
];

impl Counts {
    fn value(self, what: What) -> f64 {
        let failed = self.failed.unwrap_or_default() as f64;
        match what {
            What::Count => self.count as f64,
            What::Failed => failed,
            What::Rate if self.count == 0 => 0.0,
            What::Rate => failed * 100.0 / self.count as f64,
        }
    }

    /// The share that failed, in percent with two digits.
    pub fn rate(self) -> Option<f64> {
        self.failed.map(|_| (self.value(What::Rate) * 100.0).round() / 100.0)
    }

    pub fn in_words(self) -> String {
        match self.failed {
            None => format!("{} lines found", self.count),
            Some(failed) => format!("{} executions found, {failed} failed", self.count),
        }
    }
}

impl Condition {
    /// Reads `count`, `failed` or `rate`, then `>`, `>=`, `<`, `<=` or `==`, then a number (`5`, `2.5`, `10%`).
    ///
    /// # Errors
    /// A message with what is allowed.
    pub fn parse(text: &str) -> Result<Condition, String> {
        Self::read(text).ok_or_else(|| {
            let allowed = "count, failed or rate, then >, >=, <, <= or ==, then a number, as in 'count > 0' or 'rate >= 5'";
            format!("fail_if: cannot read '{}'; write {allowed}", cut(text, 60))
        })
    }

    fn read(text: &str) -> Option<Condition> {
        let begins = |(word, what): &(&str, What)| Some((*what, text.trim().strip_prefix(word)?.trim_start()));
        let (what, rest) = WHATS.iter().find_map(begins)?;
        let begins = |(sign, how): &(&str, Comparison)| Some((*how, rest.strip_prefix(sign)?.trim()));
        let (comparison, number) = COMPARISONS.iter().find_map(begins)?;
        let number = if what == What::Rate { number.trim_end_matches('%').trim_end() } else { number };
        let plain = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let number = number.parse().ok().filter(|_| plain)?;
        Some(Condition { what, comparison, number })
    }

    pub fn holds(&self, counts: &Counts) -> bool {
        let value = counts.value(self.what);
        match self.comparison {
            Comparison::More => value > self.number,
            Comparison::AtLeast => value >= self.number,
            Comparison::Less => value < self.number,
            Comparison::AtMost => value <= self.number,
            Comparison::Equal => (value - self.number).abs() < 1e-9,
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = WHATS.iter().find(|(_, what)| *what == self.what).map_or("", |(word, _)| word);
        let sign = COMPARISONS.iter().find(|(_, how)| *how == self.comparison).map_or("", |(sign, _)| sign);
        write!(f, "{what} {sign} {}", self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_compare_what_was_counted() {
        let counts = Counts { count: 8, failed: Some(2) };
        let holds = |text: &str| Condition::parse(text).unwrap().holds(&counts);
        for text in ["count > 7", "count>=8", " count == 8 ", "failed < 2.5", "rate <= 25%", "rate == 25"] {
            assert!(holds(text), "{text}");
        }
        for text in ["count > 8", "failed == 3", "rate > 25", "count < 8", "count <= 7"] {
            assert!(!holds(text), "{text}");
        }
        assert!(!Condition::parse("rate > 0").unwrap().holds(&Counts { count: 0, failed: Some(0) }), "nothing is no failure");
        assert_eq!(Condition::parse("rate>=5.5%").unwrap().to_string(), "rate >= 5.5");
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "count",
            "count 5",
            "counts > 5",
            "count > ",
            "count > x",
            "count => 1",
            "count > 5 5",
            "count > -1",
            "count > 5%",
            "count > inf",
            "5 > count",
        ] {
            let refused = Condition::parse(text).unwrap_err();
            assert!(refused.starts_with("fail_if: cannot read"), "{text}");
        }
    }
}
