//! The settings of `[smtp.<name>]`.

use super::super::table::Setting;

pub(super) const SETTINGS: &[Setting] = &[];
