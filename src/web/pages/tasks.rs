//! The list of tasks, and its rows drawn anew.

use std::sync::Arc;

use poem::http::StatusCode;

use super::saved_views;
use crate::domain::execution::Status;
use crate::domain::page::{Cursor, PageRequest, TaskFilter, TaskSort};
use crate::domain::saved_view::ListKind;
use crate::domain::task::Task;
use crate::service::Error;
use crate::web::urls::{Pairs, with_query};
use crate::web::view::tasks::{Filter, SortHead, TaskList, TaskRow, TaskRows, anchor};
use crate::web::view::{Choice, Pager, View, status_choices, type_choices};
use crate::web::visit::{Answer, Visit};

/// Rows drawn anew at once, at most.
const MAX_ROWS: usize = 100;
/// Runs that a row's small chart shows.
const SPARK: i64 = 40;

/// `GET /tasks`
pub async fn list(visit: Arc<Visit>) -> Answer {
    let typed = Filter::typed(&visit.query);
    let page = PageRequest { cursor: visit.query.get("cursor").and_then(Cursor::decode), ..PageRequest::default() };
    let found = visit.service().tasks(visit.actor()?, &typed.read(), &page).await?;
    let sorts = TaskSort::ALL.into_iter().flat_map(|sort| {
        [sort.as_str().to_owned(), format!("-{}", sort.as_str())].map(|name| {
            let key = format!("tasks.sort.{}", name.replace('-', "desc_"));
            Choice::new(name, visit.t(&key).to_owned())
        })
    });
    let ids: Vec<&str> = found.items.iter().map(|task| task.id.as_str()).collect();
    let runs = visit.service().recent_runs(visit.actor()?, &ids, SPARK).await?;
    let row = |task: &Task| TaskRow::new(&visit, task, runs.get(&task.id).map_or(&[], Vec::as_slice));
    let view = TaskList {
        types: type_choices(&visit),
        statuses: status_choices(&visit),
        tags: visit.service().tags(visit.actor()?).await?,
        sorts: sorts.collect(),
        rows: found.items.iter().map(row).collect(),
        heads: heads(&typed),
        menu: saved_views::menu(&visit, ListKind::Tasks, &typed.address(""), typed.active).await?,
        pager: Pager::new(&found, |cursor| typed.address(cursor)),
        filter: typed,
    };
    visit.page("tasks", &view)
}

/// `GET /tasks/-/rows?id=…`: those rows as they are now.
pub async fn rows(visit: Arc<Visit>) -> Answer {
    let mut view = TaskRows { rows: Vec::new(), gone: Vec::new() };
    let ids: Vec<&str> = visit.query.all("id").take(MAX_ROWS).collect();
    let runs = visit.service().recent_runs(visit.actor()?, &ids, SPARK).await?;
    for id in ids {
        match visit.service().task(visit.actor()?, id).await {
            Ok(task) => view.rows.push(TaskRow::new(&visit, &task, runs.get(id).map_or(&[], Vec::as_slice))),
            Err(Error::NotFound(_)) => view.gone.push(anchor(id)),
            Err(error) => return Err(error.into()),
        }
    }
    visit.fragment(StatusCode::OK, TaskRows::TEMPLATE, &view)
}

/// The links of the table's head: each turns the order round where it is that column's already.
fn heads(typed: &Filter) -> Vec<SortHead> {
    let (sort, descending) = TaskSort::parse(&typed.sort).unwrap_or_default();
    let link = |column: TaskSort, first_down: bool| {
        let here = sort == column;
        let down = if here { !descending } else { first_down };
        let name = format!("{}{}", if down { "-" } else { "" }, column.as_str());
        let direction = match (here, descending) {
            (false, _) => "none",
            (true, false) => "ascending",
            (true, true) => "descending",
        };
        SortHead { href: Filter { sort: name, ..typed.clone() }.address(""), direction }
    };
    vec![
        link(TaskSort::Id, false),
        link(TaskSort::RunCount, true),
        link(TaskSort::LastRunAt, true),
        link(TaskSort::NextRunAt, false),
    ]
}

impl Filter {
    pub(super) fn typed(query: &Pairs) -> Filter {
        let text = |name: &str| query.get(name).unwrap_or_default().to_owned();
        let mut filter = Filter {
            search: text("search"),
            r#type: text("type"),
            status: text("status"),
            enabled: text("enabled"),
            tag: text("tag"),
            sort: text("sort"),
            active: false,
        };
        filter.active = Filter { sort: String::new(), ..filter.clone() } != Filter::default();
        filter
    }

    /// What to look for; the services read the qualifiers within the search.
    pub(super) fn read(&self) -> TaskFilter {
        let (sort, descending) = TaskSort::parse(&self.sort).unwrap_or_default();
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        TaskFilter {
            search: given(&self.search),
            task_type: given(&self.r#type),
            status: Status::parse(&self.status),
            tag: given(&self.tag),
            enabled: self.enabled.parse().ok(),
            sort,
            descending,
            ..TaskFilter::default()
        }
    }

    pub(super) fn address(&self, cursor: &str) -> String {
        let pairs = [
            ("search", self.search.as_str()),
            ("type", &self.r#type),
            ("status", &self.status),
            ("enabled", &self.enabled),
            ("tag", &self.tag),
            ("sort", &self.sort),
            ("cursor", cursor),
        ];
        with_query("/tasks", &pairs)
    }
}
