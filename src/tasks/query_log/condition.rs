//! Alarm condition: a comparison of a counted number, such as `count > 0`.

use std::fmt;

use crate::domain::input::truncate;
use crate::i18n::{Message, message};

/// The counts of a search.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Counts {
    /// Matching executions or lines.
    pub count: u64,
    /// Failed executions among them; `None` for lines.
    pub failed: Option<u64>,
}

/// The condition under which an alarm is raised.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Condition {
    pub metric: Metric,
    comparison: Comparison,
    number: f64,
}

/// The number that is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Metric {
    Count,
    Failed,
    /// The percentage of failed executions; 0 if nothing was found.
    Rate,
}

const METRICS: [(&str, Metric); 3] = [("count", Metric::Count), ("failed", Metric::Failed), ("rate", Metric::Rate)];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    More,
    AtLeast,
    Less,
    AtMost,
    Equal,
}

/// Longer operators first, because `>` is a prefix of `>=`.
const COMPARISONS: [(&str, Comparison); 5] = [
    (">=", Comparison::AtLeast),
    ("<=", Comparison::AtMost),
    ("==", Comparison::Equal),
    (">", Comparison::More),
    ("<", Comparison::Less),
];

impl Counts {
    fn value(self, metric: Metric) -> f64 {
        let failed = self.failed.unwrap_or_default() as f64;
        match metric {
            Metric::Count => self.count as f64,
            Metric::Failed => failed,
            Metric::Rate if self.count == 0 => 0.0,
            Metric::Rate => failed * 100.0 / self.count as f64,
        }
    }

    /// The percentage of failed executions, with two digits.
    pub fn rate(self) -> Option<f64> {
        self.failed.map(|_| (self.value(Metric::Rate) * 100.0).round() / 100.0)
    }

    pub fn summary(self) -> Message {
        match self.failed {
            None => message!("log.lines", count = self.count),
            Some(failed) => message!("log.executions", count = self.count, failed),
        }
    }
}

impl Condition {
    /// Parses `count`, `failed` or `rate`, then `>`, `>=`, `<`, `<=` or `==`, then a number (`5`, `2.5`, `10%`).
    pub fn parse(text: &str) -> Result<Condition, Message> {
        Self::read(text).ok_or_else(|| message!("log.condition", text = truncate(text, 60)).of("fail_if"))
    }

    fn read(text: &str) -> Option<Condition> {
        let begins = |(word, metric): &(&str, Metric)| Some((*metric, text.trim().strip_prefix(word)?.trim_start()));
        let (metric, rest) = METRICS.iter().find_map(begins)?;
        let begins = |(sign, how): &(&str, Comparison)| Some((*how, rest.strip_prefix(sign)?.trim()));
        let (comparison, number) = COMPARISONS.iter().find_map(begins)?;
        let number = if metric == Metric::Rate { number.trim_end_matches('%').trim_end() } else { number };
        let plain = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let number = number.parse().ok().filter(|_| plain)?;
        Some(Condition { metric, comparison, number })
    }

    pub fn holds(&self, counts: &Counts) -> bool {
        let value = counts.value(self.metric);
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
        let metric = METRICS.iter().find(|(_, metric)| *metric == self.metric).map_or("", |(word, _)| word);
        let sign = COMPARISONS.iter().find(|(_, how)| *how == self.comparison).map_or("", |(sign, _)| sign);
        write!(f, "{metric} {sign} {}", self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn condition_compares_counts() {
        let counts = Counts { count: 8, failed: Some(2) };
        let holds = |text: &str| Condition::parse(text).unwrap().holds(&counts);
        for text in ["count > 7", "count>=8", " count == 8 ", "failed < 2.5", "rate <= 25%", "rate == 25"] {
            assert!(holds(text), "{text}");
        }
        for text in ["count > 8", "failed == 3", "rate > 25", "count < 8", "count <= 7"] {
            assert!(!holds(text), "{text}");
        }
        assert!(
            !Condition::parse("rate > 0").unwrap().holds(&Counts { count: 0, failed: Some(0) }),
            "no matches mean a rate of 0"
        );
        assert_eq!(Condition::parse("rate>=5.5%").unwrap().to_string(), "rate >= 5.5");
    }

    #[test]
    fn invalid_conditions_are_rejected() {
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
            let refused = Condition::parse(text).unwrap_err().to_string();
            assert!(refused.starts_with("fail_if: cannot read"), "{text}");
        }
    }
}
