//! The settings of `[sms.<name>]`.

use super::super::table::Setting;

pub(super) const SETTINGS: &[Setting] = &[];
