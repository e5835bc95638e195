//! Views built and rendered from plain values, without a request, a service or a database.

use std::sync::Arc;

use belfry::domain::node::{Node, NodeIdentity, QueueDepth, Running};
use belfry::domain::user::{Actor, Role, Via};
use belfry::i18n::Language;
use belfry::service::Nodes;
use belfry::tasks::echo::Echo;
use belfry::tasks::registry::Registry;
use belfry::web::templates::Templates;
use belfry::web::view::context::ViewContext;
use belfry::web::view::nodes::NodesPage;
use belfry::web::view::{LayoutRequest, PageLayout, type_choices};
use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;

fn now() -> DateTime<Utc> {
    "2026-11-21T08:00:00Z".parse().unwrap()
}

fn node(name: &str, silent: Duration) -> Node {
    Node {
        identity: NodeIdentity { id: format!("01{name}"), name: name.into() },
        version: "0.1.0".into(),
        started_at: now() - Duration::days(1),
        last_seen_at: now() - silent,
        workers: 4,
        clock_offset_ms: None,
    }
}

#[test]
fn nodes_page_is_built_and_rendered_from_plain_values() {
    let templates = Templates::load("").unwrap();
    let registry = Registry::from_types(vec![Arc::new(Echo)]);
    let actor = Actor::new("alice", Role::Viewer, Via::Page);
    let ctx = ViewContext {
        language: Language::Chinese,
        texts: templates.texts(Language::Chinese),
        actor: Some(&actor),
        zone: Tz::Asia__Shanghai,
        now: now(),
        registry: &registry,
    };
    let running = Running {
        node_id: "01berlin".into(),
        execution_id: "01RUN".into(),
        task_id: "日报".into(),
        started_at: now() - Duration::minutes(1),
    };
    let found = Nodes {
        nodes: vec![node("berlin", Duration::seconds(30)), node("tokyo", Duration::seconds(31))],
        now: now(),
        running: vec![running],
        queues: vec![QueueDepth { name: "slow".into(), waiting: 1234 }],
    };
    let view = NodesPage::new(&ctx, &found);
    assert_eq!(view.nodes.iter().map(|node| (node.alive, node.busy)).collect::<Vec<_>>(), [(true, 1), (false, 0)]);

    let layout = PageLayout::new(&ctx, LayoutRequest { theme: "dark", section: "settings", ..LayoutRequest::default() });
    let html = templates.page(ctx.language, &layout, &view).unwrap();
    for text in ["alice", "berlin", "2026-11-21 15:59:00", "日报", "1\u{202f}234"] {
        assert!(html.contains(text), "{text} is missing");
    }
    assert_eq!(html.matches("心跳丢失").count(), 1, "only the silent node is marked");
    assert_eq!(type_choices(&ctx).len(), 1);
}
