//! Saved views: the menu of a list, and the page on which they are renamed and deleted.

use serde::Serialize;

use super::View;
use super::task_form::Fields;
use crate::domain::saved_view::{ListKind, SavedView};
use crate::web::urls::encode;

/// The menu within a list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ViewMenu {
    pub views: Vec<ViewLink>,
    /// Where the present filter is kept under a name.
    pub save_to: String,
    /// Anything is filtered, so that there is something to keep.
    pub filtered: bool,
    /// The name of the view that shows just this; empty where none does.
    pub current: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ViewLink {
    pub id: String,
    pub name: String,
    pub href: String,
    pub active: bool,
}

/// The address below which a list's filters stand.
pub fn path_of(list: ListKind) -> &'static str {
    match list {
        ListKind::Tasks => "/tasks",
        ListKind::Executions => "/executions",
    }
}

impl ViewMenu {
    /// The menu of a list that is at `address`, without the place of its page.
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
            "" => path_of(view.list).to_owned(),
            query => format!("{}?{query}", path_of(view.list)),
        };
        ViewLink { id: view.id.clone(), name: view.name.clone(), active: href == address, href }
    }
}

/// All of a person's views.
#[derive(Debug, Clone, Serialize)]
pub struct ViewsPage {
    pub lists: Vec<ListOfViews>,
    pub message: String,
    /// The form that was refused: its fields are named by the view's id.
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

/// The field that holds a view's new name.
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
