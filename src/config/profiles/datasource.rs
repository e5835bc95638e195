//! The settings of `[datasource.<name>]`.

use super::super::table::Setting;

pub(super) const SETTINGS: &[Setting] = &[];
