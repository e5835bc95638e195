//! Colour themes of the pages.

use crate::domain::text_enum::text_enum;

text_enum! {
    /// Color theme of the pages.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Theme {
        System = "system",
        Light = "light",
        Dark = "dark",
    }
}
