//! The settings of `[http.<name>]`.

use super::super::table::Setting;

pub(super) const SETTINGS: &[Setting] = &[];
