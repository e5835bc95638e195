//! How a reader wants lists to look: rows per page, height of a row and hidden columns. Kept in a cookie of the browser.

use poem::http::HeaderMap;

use crate::domain::page::DEFAULT_PAGE_SIZE;
use crate::domain::saved_view::ListKind;
use crate::domain::text_enum::text_enum;
use crate::net::cookie;

/// Name of the cookie.
pub const COOKIE: &str = "belfry_lists";
/// The page sizes to choose from.
pub const SIZES: [u32; 3] = [20, DEFAULT_PAGE_SIZE, 100];

text_enum! {
    /// Height of the rows: 36 or 40 pixels.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Density {
        Compact = "compact",
        Comfortable = "comfortable",
    }
}

/// The columns of a list that can be hidden, with the keys of their texts.
pub fn columns(list: ListKind) -> &'static [(&'static str, &'static str)] {
    match list {
        ListKind::Tasks => &[
            ("type", "tasks.type"),
            ("rule", "tasks.rule"),
            ("params", "tasks.params"),
            ("enabled", "tasks.enabled"),
            ("count", "tasks.count"),
            ("last", "tasks.last"),
            ("next", "tasks.next"),
            ("spark", "tasks.history"),
        ],
        ListKind::Executions => &[
            ("rule", "tasks.rule"),
            ("params", "tasks.params"),
            ("started", "executions.started"),
            ("duration", "executions.duration"),
            ("lateness", "executions.lateness"),
            ("cause", "executions.cause"),
            ("node", "executions.node"),
        ],
    }
}

/// The display of all lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListDisplay {
    /// Rows per page, one of [`SIZES`].
    pub size: u32,
    pub density: Density,
    /// The hidden columns of the tasks and of the executions.
    hidden: [Vec<&'static str>; 2],
}

impl Default for ListDisplay {
    fn default() -> Self {
        Self { size: DEFAULT_PAGE_SIZE, density: Density::Compact, hidden: Default::default() }
    }
}

impl ListDisplay {
    /// The display of a request; what its cookie does not say validly is as by default.
    pub fn from_headers(headers: &HeaderMap) -> ListDisplay {
        ListDisplay::parse(cookie::read(headers, COOKIE).unwrap_or_default())
    }

    fn parse(text: &str) -> ListDisplay {
        let mut display = ListDisplay::default();
        let mut parts = text.split('.');
        display.set_size(parts.next().unwrap_or_default());
        display.set_density(parts.next().unwrap_or_default());
        for list in ListKind::ALL {
            let hidden: Vec<&str> = parts.next().unwrap_or_default().split('-').collect();
            display.hidden[list as usize] = known(list, |name| hidden.contains(&name));
        }
        display
    }

    /// The value of the cookie.
    pub fn to_cookie(&self) -> String {
        let [tasks, executions] = &self.hidden;
        format!("{}.{}.{}.{}", self.size, self.density.as_str(), tasks.join("-"), executions.join("-"))
    }

    /// Sets the page size if it is one of [`SIZES`].
    pub fn set_size(&mut self, text: &str) {
        self.size = SIZES.into_iter().find(|size| size.to_string() == text).unwrap_or(self.size);
    }

    /// Sets the density if there is one of this name.
    pub fn set_density(&mut self, text: &str) {
        self.density = Density::parse(text).unwrap_or(self.density);
    }

    /// Hides all columns of a list but these.
    pub fn show_only(&mut self, list: ListKind, shown: &[&str]) {
        self.hidden[list as usize] = known(list, |name| !shown.contains(&name));
    }

    pub fn is_hidden(&self, list: ListKind, column: &str) -> bool {
        self.hidden[list as usize].contains(&column)
    }

    /// The classes of the list's table.
    pub fn classes(&self, list: ListKind) -> String {
        let hidden = self.hidden[list as usize].iter().map(|name| format!(" no-{name}"));
        format!("is-{}{}", self.density.as_str(), hidden.collect::<String>())
    }
}

fn known(list: ListKind, wanted: impl Fn(&str) -> bool) -> Vec<&'static str> {
    columns(list).iter().map(|(name, _)| *name).filter(|name| wanted(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookie_round_trips_and_unknown_parts_are_as_by_default() {
        let mut display = ListDisplay::default();
        assert_eq!(ListDisplay::parse(&display.to_cookie()), display);
        display.set_size("100");
        display.set_density("comfortable");
        display.show_only(ListKind::Executions, &["started", "duration", "lateness", "cause", "node"]);
        assert_eq!(display.to_cookie(), "100.comfortable..rule-params");
        assert_eq!(ListDisplay::parse(&display.to_cookie()), display);
        assert_eq!(display.classes(ListKind::Executions), "is-comfortable no-rule no-params");
        assert_eq!(display.classes(ListKind::Tasks), "is-comfortable");
        assert_eq!(ListDisplay::parse("7.tiny.id-nothing.\"><b>"), ListDisplay::default());
    }
}
