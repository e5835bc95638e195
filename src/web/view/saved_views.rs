//! Views of saved views: the menu of a list, and the page to rename and delete them.

use serde::Serialize;

use super::View;
use super::task_form::Fields;
use crate::domain::saved_view::{ListKind, SavedView};
use crate::web::urls::encode;

/// The menu of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ViewMenu {
    pub views: Vec<ViewLink>,
    /// URL that saves the current filter.
    pub save_to: String,
    /// Whether a filter is set that can be saved.
    pub filtered: bool,
    /// Name of the view with this filter; empty if there is none.
    pub current: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ViewLink {
    pub id: String,
    pub name: String,
    pub href: String,
    pub active: bool,
}

/// Returns the path of a list.
pub fn list_path(list: ListKind) -> &'static str {
    match list {
        ListKind::Tasks => "/tasks",
        ListKind::Executions => "/executions",
    }
}

impl ViewMenu {
    /// Builds the menu of the list at `address`, which has no cursor.
    pub fn new(list: ListKind, address: &str, filtered: bool, saved: &[SavedView]) -> ViewMenu {
        let views: Vec<_> = saved.iter().filter(|view| view.list == list).map(|view| ViewLink::new(view, address)).collect();
        let current = views.iter().find(|view| view.active).map(|view| view.name.clone()).unwrap_or_default();
        ViewMenu { save_to: format!("/views{address}"), filtered, current, views }
    }

    pub fn sample() -> ViewMenu {
        let link = |active| ViewLink { id: "01J".into(), name: "<b>".into(), href: "/tasks?search=x".into(), active };
        let views = vec![link(true), link(false)];
        ViewMenu { views, save_to: "/views/tasks?search=x".into(), filtered: true, current: "<b>".into() }
    }
}

impl ViewLink {
    fn new(view: &SavedView, address: &str) -> ViewLink {
        let href = match view.query.as_str() {
            "" => list_path(view.list).to_owned(),
            query => format!("{}?{query}", list_path(view.list)),
        };
        ViewLink { id: view.id.clone(), name: view.name.clone(), active: href == address, href }
    }
}

/// All saved views of the user.
#[derive(Debug, Clone, Serialize)]
pub struct ViewsPage {
    pub lists: Vec<ListOfViews>,
    pub message: String,
    /// The rejected rename form; its fields are named by the id of the view.
    pub form: Fields,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListOfViews {
    /// `tasks` or `executions`.
    pub list: &'static str,
    pub views: Vec<ViewLink>,
}

impl ViewsPage {
    pub fn new(saved: &[SavedView], message: String, form: Fields) -> ViewsPage {
        let of = |list: ListKind| ListOfViews {
            list: list.as_str(),
            views: saved.iter().filter(|view| view.list == list).map(|view| ViewLink::new(view, "")).collect(),
        };
        ViewsPage { lists: ListKind::ALL.map(of).into(), message, form }
    }
}

/// Returns the form field of a view's new name.
pub fn field_of(id: &str) -> String {
    format!("/{}", encode(id))
}

impl View for ViewsPage {
    const TEMPLATE: &'static str = "pages/views.html";

    fn samples() -> Vec<Self> {
        let view = |list| SavedView {
            id: "01J".into(),
            list,
            name: "<b>".into(),
            query: "search=x".into(),
            created_at: chrono::DateTime::UNIX_EPOCH,
        };
        let full = ViewsPage::new(&[view(ListKind::Tasks)], "…".into(), Fields::default());
        vec![full, ViewsPage::new(&[], String::new(), Fields::default())]
    }
}
