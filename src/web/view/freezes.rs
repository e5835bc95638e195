//! Views of freezes: the list, and the banner on every page.

use serde::Serialize;

use super::context::ViewContext;
use super::task_form::Fields;
use super::{Moment, View};
use crate::domain::calendar::Freeze;
use crate::domain::user::Action;

#[derive(Debug, Clone, Serialize)]
pub struct FreezeList {
    pub rows: Vec<FreezeRow>,
    /// The tags to choose from.
    pub tags: Vec<String>,
    pub message: String,
    pub form: Fields,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FreezeRow {
    /// Empty: all tasks.
    pub tag: String,
    pub from: Moment,
    pub until: Moment,
    pub reason: String,
    pub created_by: String,
    /// `active`, `planned` or `over`.
    pub state: &'static str,
    /// The URL that ends it; empty if the user may not, or it is over.
    pub end: String,
}

/// What every page tells: freezes in force, and a year that China's calendar lacks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Banners {
    pub freezes: Vec<FreezeRow>,
    /// 0: none is missing.
    pub missing_year: i32,
}

/// Returns the URL that ends a freeze.
pub fn end_href(id: &str) -> String {
    format!("/freezes/{id}/end")
}

impl FreezeRow {
    pub fn new(ctx: &ViewContext, freeze: &Freeze) -> FreezeRow {
        let state = match ctx.now {
            now if freeze.until <= now => "over",
            now if freeze.from <= now => "active",
            _ => "planned",
        };
        let may_end = ctx.actor.is_some_and(|actor| {
            actor.role.allows(Action::Run)
                && freeze.tag.as_ref().map_or(actor.scope.is_all(), |tag| actor.scope.allows(std::slice::from_ref(tag)))
        });
        FreezeRow {
            tag: freeze.tag.clone().unwrap_or_default(),
            from: Moment::new(freeze.from, ctx.zone),
            until: Moment::new(freeze.until, ctx.zone),
            reason: freeze.reason.clone(),
            created_by: freeze.created_by.clone(),
            state,
            end: if may_end && state != "over" { end_href(&freeze.id) } else { String::new() },
        }
    }

    /// A row for samples.
    pub fn sample(tag: &str, state: &'static str) -> FreezeRow {
        FreezeRow {
            tag: tag.into(),
            from: Moment::sample(),
            until: Moment::sample(),
            reason: "<b>".into(),
            created_by: "<b>".into(),
            state,
            end: if state == "over" { String::new() } else { end_href("x") },
        }
    }
}

impl View for FreezeList {
    const TEMPLATE: &'static str = "pages/freezes.html";

    fn samples() -> Vec<Self> {
        let rows = vec![FreezeRow::sample("<b>", "active"), FreezeRow::sample("", "planned"), FreezeRow::sample("", "over")];
        let list =
            |rows, message: &str| FreezeList { rows, tags: vec!["<b>".into()], message: message.into(), form: Fields::default() };
        vec![list(rows, "…"), list(vec![], "")]
    }
}
