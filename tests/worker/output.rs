//! Output.

#![cfg(unix)]

use belfry::domain::execution::{Status, Stream};
use belfry::tasks::output::CUT_MARK;
use belfry::worker::WorkerConfig;
use serde_json::json;

use crate::harness::Harness;
use crate::on_each;

on_each! {
    async fn streams_are_told_apart_and_in_order(db: &TestDatabase) {
        let harness = Harness::start(&db.database, WorkerConfig::default());
        let command = "for n in 1 2 3; do echo out $n; sleep 0.02; echo err $n >&2; sleep 0.02; done";
        let id = harness.queue("send_cmd", json!({"command": command})).await;
        harness.wait_for(&id, Status::Succeeded).await;
        let output = harness.output(&id).await;
        let of = |stream| output.iter().filter(|c| c.stream == stream).map(|c| c.text.as_str()).collect::<String>();
        assert_eq!(of(Stream::Stdout), "out 1\nout 2\nout 3\n");
        assert_eq!(of(Stream::Stderr), "err 1\nerr 2\nerr 3\n");
        let all: String = output.iter().map(|chunk| chunk.text.as_str()).collect();
        assert_eq!(all, "out 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3\n");
        assert!(output.is_sorted_by_key(|chunk| chunk.seq));
        harness.stop().await;
    }

    async fn it_can_be_read_while_the_run_goes_on(db: &TestDatabase) {
        let harness = Harness::start(&db.database, WorkerConfig::default());
        let id = harness.queue("send_cmd", json!({"command": "echo first; sleep 60"})).await;
        harness.wait_for_output(&id, "first\n").await;
        assert_eq!(harness.get(&id).await.status, Status::Running);
        harness.cancels.cancel(&id);
        harness.wait_for(&id, Status::Cancelled).await;
        harness.stop().await;
    }

    async fn it_is_bounded_with_a_mark(db: &TestDatabase) {
        let harness = Harness::start(&db.database, WorkerConfig { output_limit: 100_000, ..WorkerConfig::default() });
        let id = harness.queue("send_cmd", json!({"command": "yes 四个字的行 | head -n 200000; echo end >&2"})).await;
        harness.wait_for(&id, Status::Succeeded).await;
        let text: String = harness.output(&id).await.into_iter().map(|chunk| chunk.text).collect();
        assert!(text.len() <= 100_000 + CUT_MARK.len() && text.len() > 99_000);
        assert!(text.ends_with(CUT_MARK) && text.matches(CUT_MARK).count() == 1);
        assert_eq!(harness.result(&id).await.unwrap()["stderr_tail"], "end\n");
        harness.stop().await;
    }

    async fn gbk_reads_as_what_it_is(db: &TestDatabase) {
        let harness = Harness::start(&db.database, WorkerConfig::default());
        let id = harness.queue("send_cmd", json!({"command": r"printf '\326\323\302\245\0\n'", "encoding": "gbk"})).await;
        harness.wait_for(&id, Status::Succeeded).await;
        let text: String = harness.output(&id).await.into_iter().map(|chunk| chunk.text).collect();
        assert_eq!(text, "钟楼\u{fffd}\n");
        harness.stop().await;
    }
}
