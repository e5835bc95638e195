//! Output of runs.

#![cfg(unix)]

use belfry::domain::execution::{Status, Stream};
use belfry::tasks::output::omission_mark;
use belfry::worker::WorkerConfig;
use serde_json::json;

use crate::for_each_database;
use crate::harness::Harness;

for_each_database! {
    async fn output_keeps_streams_and_order(db: &TestDatabase) {
        let harness = Harness::start(&db.database, WorkerConfig::default());
        let command = "for n in 1 2 3; do echo out $n; sleep 0.02; echo err $n >&2; sleep 0.02; done";
        let id = harness.queue("send_cmd", json!({"command": command})).await;
        harness.wait_for(&id, Status::Succeeded).await;
        let output = harness.output(&id).await;
        let text = |stream| output.iter().filter(|c| c.stream == stream).map(|c| c.text.as_str()).collect::<String>();
        assert_eq!(text(Stream::Stdout), "out 1\nout 2\nout 3\n");
        assert_eq!(text(Stream::Stderr), "err 1\nerr 2\nerr 3\n");
        let all: String = output.iter().map(|chunk| chunk.text.as_str()).collect();
        assert_eq!(all, "out 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3\n");
        assert!(output.is_sorted_by_key(|chunk| chunk.seq));
        harness.stop().await;
    }

    async fn output_is_readable_during_the_run(db: &TestDatabase) {
        let harness = Harness::start(&db.database, WorkerConfig::default());
        let id = harness.queue("send_cmd", json!({"command": "echo first; sleep 60"})).await;
        harness.wait_for_output(&id, "first\n").await;
        assert_eq!(harness.get(&id).await.status, Status::Running);
        harness.cancels.cancel(&id);
        harness.wait_for(&id, Status::Cancelled).await;
        harness.stop().await;
    }

    async fn beginning_and_end_of_long_output_are_kept(db: &TestDatabase) {
        let harness = Harness::start(&db.database, WorkerConfig { output_limit: 100_000, ..WorkerConfig::default() });
        let id = harness.queue("send_cmd", json!({"command": "yes 四个字的行 | head -n 200000; echo end >&2"})).await;
        harness.wait_for(&id, Status::Succeeded).await;
        let text: String = harness.output(&id).await.into_iter().map(|chunk| chunk.text).collect();
        let written = "四个字的行\n".len() * 200_000 + "end\n".len();
        let marks = text.matches("bytes of output left out").count();
        assert!(text.len() <= 100_000 + omission_mark(written as u64).len() && text.len() > 99_000 && marks == 1, "{}", text.len());
        // The two streams are read side by side: the last line of one may stand within the other's.
        let lines = text.replacen("end\n", "", 1);
        assert!(lines.starts_with("四个字的行\n四") && lines.ends_with("四个字的行\n") && lines.len() < text.len(), "the end is kept");
        let left_out = text.split_once("[… ").and_then(|(_, rest)| rest.split(' ').next()?.parse::<usize>().ok());
        assert_eq!(text.len() - omission_mark(left_out.unwrap() as u64).len() + left_out.unwrap(), written);
        assert_eq!(harness.result(&id).await.unwrap()["stderr_tail"], "end\n");
        harness.stop().await;
    }

    async fn gbk_output_is_decoded(db: &TestDatabase) {
        let harness = Harness::start(&db.database, WorkerConfig::default());
        let id = harness.queue("send_cmd", json!({"command": r"printf '\326\323\302\245\0\n'", "encoding": "gbk"})).await;
        harness.wait_for(&id, Status::Succeeded).await;
        let text: String = harness.output(&id).await.into_iter().map(|chunk| chunk.text).collect();
        assert_eq!(text, "钟楼\u{fffd}\n");
        harness.stop().await;
    }
}
