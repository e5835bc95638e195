//! Names of days.

use std::sync::Arc;

use crate::domain::text_enum::text_enum;
use crate::i18n::{Message, message};

text_enum! {
    /// A public holiday of China; its words depend on the language.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum Holiday {
        NewYear = "new_year",
        SpringFestival = "spring_festival",
        Qingming = "qingming",
        LabourDay = "labour_day",
        DragonBoat = "dragon_boat",
        MidAutumn = "mid_autumn",
        NationalDay = "national_day",
        VictoryDay = "victory_day",
    }
}

impl Holiday {
    /// The holiday in the reader's language.
    pub fn message(self) -> Message {
        match self {
            Holiday::NewYear => message!("holiday.new_year"),
            Holiday::SpringFestival => message!("holiday.spring_festival"),
            Holiday::Qingming => message!("holiday.qingming"),
            Holiday::LabourDay => message!("holiday.labour_day"),
            Holiday::DragonBoat => message!("holiday.dragon_boat"),
            Holiday::MidAutumn => message!("holiday.mid_autumn"),
            Holiday::NationalDay => message!("holiday.national_day"),
            Holiday::VictoryDay => message!("holiday.victory_day"),
        }
    }
}

/// The name of a day or of a closure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DayName {
    Holiday(Holiday),
    /// As its maker wrote it.
    Given(Arc<str>),
}

impl DayName {
    /// The name of this text: the id of a [`Holiday`] is that holiday. `None` for an empty text.
    pub fn from_text(text: &str) -> Option<DayName> {
        match Holiday::parse(text) {
            Some(holiday) => Some(DayName::Holiday(holiday)),
            None => (!text.is_empty()).then(|| DayName::Given(text.into())),
        }
    }

    /// The text that [`DayName::from_text`] reads.
    pub fn as_text(&self) -> &str {
        match self {
            DayName::Holiday(holiday) => holiday.as_str(),
            DayName::Given(text) => text,
        }
    }

    pub fn message(&self) -> Message {
        match self {
            DayName::Holiday(holiday) => holiday.message(),
            DayName::Given(text) => Message::verbatim(&**text),
        }
    }
}
