//! Sets of years.

/// A set of years from 1970 to 9999; the default is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Years(Vec<u64>);

pub(crate) const FIRST_YEAR: u32 = 1970;
pub(crate) const LAST_YEAR: u32 = 9999;

impl Years {
    /// Returns the set of all years.
    pub(crate) fn full() -> Self {
        let (last_word, last_bit) = place(LAST_YEAR);
        let mut words = vec![u64::MAX; last_word + 1];
        words[last_word] = u64::MAX >> (63 - last_bit);
        Self(words)
    }

    pub(crate) fn insert(&mut self, year: u32) {
        let (word, bit) = place(year);
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << bit;
    }

    pub(crate) fn contains(&self, year: u32) -> bool {
        let (word, bit) = place(year);
        year >= FIRST_YEAR && self.0.get(word).is_some_and(|bits| bits >> bit & 1 == 1)
    }

    pub(crate) fn is_full(&self) -> bool {
        self.0.iter().map(|word| word.count_ones()).sum::<u32>() == LAST_YEAR - FIRST_YEAR + 1
    }

    /// The years, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        (FIRST_YEAR..=LAST_YEAR).filter(|year| self.contains(*year))
    }
}

fn place(year: u32) -> (usize, u32) {
    let index = year.saturating_sub(FIRST_YEAR);
    ((index / 64) as usize, index % 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_set_contains_every_year_in_range() {
        let mut years = Years::default();
        (FIRST_YEAR..=LAST_YEAR).for_each(|year| years.insert(year));
        assert_eq!(years, Years::full());
        assert!(Years::full().is_full());
        assert!(!Years::full().contains(FIRST_YEAR - 1) && !Years::full().contains(LAST_YEAR + 1));
    }
}
