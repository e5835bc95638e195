//! Tasks list and its row updates.

use std::sync::Arc;

use poem::http::StatusCode;

use super::{rows, saved_views};
use crate::domain::execution::Status;
use crate::domain::page::{Cursor, PageRequest, TaskFilter, TaskSort};
use crate::domain::saved_view::ListKind;
use crate::web::display::ListDisplay;
use crate::web::error::Failure;
use crate::web::request_context::{HandlerResult, RequestContext, html_response};
use crate::web::urls::{Pairs, with_query};
use crate::web::view::display::DisplayMenu;
use crate::web::view::tasks::{Filter, GoneRows, SortHead, TaskList};
use crate::web::view::{Choice, Pager, View, filter_type_choices, status_choices};

/// Maximum number of rows per update.
const MAX_ROWS: usize = 100;

/// `GET /tasks`
pub async fn list(ctx: Arc<RequestContext>) -> HandlerResult {
    let submitted = Filter::from_query(&ctx.query)?;
    let display = ListDisplay::from_headers(&ctx.headers);
    let page = PageRequest { size: display.size, cursor: ctx.query.get("cursor").and_then(Cursor::decode) };
    let found = ctx.services().tasks.list(ctx.actor()?, &submitted.read(), &page).await?;
    let sorts = TaskSort::orders().into_iter().map(|name| {
        let key = format!("tasks.sort.{}", name.replace('-', "desc_"));
        Choice::new(name, ctx.t(&key).to_owned())
    });
    let view = TaskList {
        types: filter_type_choices(&ctx.view(), &submitted.r#type),
        statuses: status_choices(&ctx.view()),
        tags: ctx.services().tasks.tags(ctx.actor()?).await?,
        sorts: sorts.collect(),
        rows: rows::tasks(&ctx, &found.items)?,
        heads: heads(&submitted),
        menu: saved_views::menu(&ctx, ListKind::Tasks, &submitted.address(""), submitted.active).await?,
        display: DisplayMenu::new(&ctx.view(), ListKind::Tasks, &display),
        pager: Pager::new(&found, |cursor| submitted.address(cursor)),
        filter: submitted,
    };
    ctx.page("tasks", &view)
}

/// `GET /tasks/-/rows?id=…`: the current state of these rows; a row without cells stands for a task that no longer exists.
pub async fn updates(ctx: Arc<RequestContext>) -> HandlerResult {
    let ids: Vec<String> = ctx.query.all("id").take(MAX_ROWS).map(str::to_owned).collect();
    let found = ctx.services().tasks.many(ctx.actor()?, &ids).await?;
    let mut html = rows::tasks(&ctx, &found)?;
    let gone = ids.into_iter().filter(|id| found.iter().all(|task| task.id != *id)).collect();
    html.push_str(&ctx.web.templates.fragment(ctx.language, GoneRows::TEMPLATE, &GoneRows { ids: gone })?);
    Ok(html_response(StatusCode::OK, html))
}

/// Returns the sort links of the columns; the active column's link reverses the order.
fn heads(submitted: &Filter) -> Vec<SortHead> {
    let (sort, descending) = TaskSort::parse_order(&submitted.sort).unwrap_or_default();
    let link = |column: TaskSort, first_down: bool| {
        let here = sort == column;
        let down = if here { !descending } else { first_down };
        let name = format!("{}{}", if down { "-" } else { "" }, column.as_str());
        let direction = match (here, descending) {
            (false, _) => "none",
            (true, false) => "ascending",
            (true, true) => "descending",
        };
        SortHead { href: Filter { sort: name, ..submitted.clone() }.address(""), direction }
    };
    vec![
        link(TaskSort::Id, false),
        link(TaskSort::RunCount, true),
        link(TaskSort::LastRunAt, true),
        link(TaskSort::NextRunAt, false),
    ]
}

impl Filter {
    /// Reads the filter of a query.
    ///
    /// # Errors
    /// A parameter has none of its values.
    pub(super) fn from_query(query: &Pairs) -> Result<Filter, Failure> {
        query.one_of("status", &Status::ALL.map(Status::as_str))?;
        query.one_of("enabled", &["true", "false"])?;
        let orders = TaskSort::orders();
        query.one_of("sort", &orders.iter().map(String::as_str).collect::<Vec<_>>())?;
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
        Ok(filter)
    }

    /// Returns the filter; the services parse the qualifiers in the search text.
    pub(super) fn read(&self) -> TaskFilter {
        let (sort, descending) = TaskSort::parse_order(&self.sort).unwrap_or_default();
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
