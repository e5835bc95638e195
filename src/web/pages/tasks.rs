//! The list of tasks, and its rows drawn anew.

use std::sync::Arc;

use poem::http::StatusCode;

use crate::domain::execution::Status;
use crate::domain::page::{Cursor, PageRequest, TaskFilter, TaskSort};
use crate::service::Error;
use crate::web::urls::{Pairs, with_query};
use crate::web::view::tasks::{Filter, TaskList, TaskRow, TaskRows, anchor};
use crate::web::view::{Choice, Pager, View, status_choices, type_choices};
use crate::web::visit::{Answer, Visit};

/// Rows drawn anew at once, at most.
const MAX_ROWS: usize = 100;

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
    let view = TaskList {
        types: type_choices(&visit),
        statuses: status_choices(&visit),
        tags: visit.service().tags(visit.actor()?).await?,
        sorts: sorts.collect(),
        rows: found.items.iter().map(|task| TaskRow::new(&visit, task)).collect(),
        pager: Pager::new(&found, |cursor| typed.address(cursor)),
        filter: typed,
    };
    visit.page("tasks", &view)
}

/// `GET /tasks/-/rows?id=…`: those rows as they are now.
pub async fn rows(visit: Arc<Visit>) -> Answer {
    let mut view = TaskRows { rows: Vec::new(), gone: Vec::new() };
    for id in visit.query.all("id").take(MAX_ROWS) {
        match visit.service().task(visit.actor()?, id).await {
            Ok(task) => view.rows.push(TaskRow::new(&visit, &task)),
            Err(Error::NotFound(_)) => view.gone.push(anchor(id)),
            Err(error) => return Err(error.into()),
        }
    }
    visit.fragment(StatusCode::OK, TaskRows::TEMPLATE, &view)
}

impl Filter {
    fn typed(query: &Pairs) -> Filter {
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

    /// What to look for. `type:`, `status:`, `tag:` and `is:` within the search stand for the drop-downs.
    fn read(&self) -> TaskFilter {
        let (sort, descending) = TaskSort::parse(&self.sort).unwrap_or_default();
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let mut filter = TaskFilter {
            search: None,
            task_type: given(&self.r#type),
            status: Status::parse(&self.status),
            tag: given(&self.tag),
            enabled: read_enabled(&self.enabled),
            sort,
            descending,
        };
        let mut words = Vec::new();
        for word in self.search.split_whitespace() {
            match word.split_once(':') {
                Some(("type", name)) if !name.is_empty() => filter.task_type = Some(name.to_owned()),
                Some(("tag", name)) if !name.is_empty() => filter.tag = Some(name.to_owned()),
                Some(("status", name)) if Status::parse(name).is_some() => filter.status = Status::parse(name),
                Some(("is", name)) if read_enabled(name).is_some() => filter.enabled = read_enabled(name),
                _ => words.push(word),
            }
        }
        filter.search = (!words.is_empty()).then(|| words.join(" "));
        filter
    }

    fn address(&self, cursor: &str) -> String {
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

fn read_enabled(text: &str) -> Option<bool> {
    match text {
        "true" | "enabled" => Some(true),
        "false" | "paused" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn qualifiers_stand_for_the_drop_downs() {
        let typed = Filter { search: "daily type:echo is:paused status:failed a:b tag:".into(), ..Filter::default() };
        let filter = typed.read();
        assert_eq!(filter.search.as_deref(), Some("daily a:b tag:"));
        assert_eq!(
            (filter.task_type.as_deref(), filter.enabled, filter.status),
            (Some("echo"), Some(false), Some(Status::Failed))
        );
    }
}
