//! Limits of cells and rows: a gigantic value ends its statement, not the process.

use serde_json::json;

use crate::for_each_kind;
use crate::rig::Kind;

for_each_kind! {
    async fn gigantic_cell_ends_its_statement(database: &TempDatabase, rig: &Rig) {
        let sql = match database.kind {
            Kind::Sqlite => "select replace(hex(zeroblob(250000000)), '00', 'xxxx')",
            Kind::Postgres => "select repeat('x', 250000000)",
            // The server itself limits a row to max_allowed_packet.
            Kind::MySql => "select repeat('x', 15000000), repeat('x', 15000000), repeat('x', 15000000)",
        };
        let error = rig.run(json!({"datasource": "db", "sql": sql})).await.unwrap_err();
        let message = error.message.to_string();
        let expected = match database.kind {
            Kind::Sqlite => message.contains("too big"),
            Kind::Postgres => message.contains("larger than 32 MiB"),
            Kind::MySql => !message.is_empty(),
        };
        assert!(expected && !error.retryable, "{message}");
        assert_eq!(rig.rows("select 1").await, json!([[1]]));
    }

    async fn cells_below_the_limit_are_read(database: &TempDatabase, rig: &Rig) {
        let sql = match database.kind {
            Kind::Sqlite => "select length(x) from (select replace(hex(zeroblob(2000000)), '00', 'x') as x)",
            _ => "select length(x) from (select repeat('x', 2000000) as x) as t",
        };
        assert_eq!(rig.rows(sql).await, json!([[2_000_000]]));
        let sql = match database.kind {
            Kind::Sqlite => "select replace(hex(zeroblob(2000000)), '00', 'x') as x",
            _ => "select repeat('x', 2000000) as x",
        };
        let result = rig.run(json!({"datasource": "db", "sql": sql})).await.unwrap();
        assert_eq!((&result["row_count"], &result["truncated"]), (&json!(1), &json!(true)), "a result keeps less than a megabyte");
    }
}

/// The most memory that the process has had, in bytes.
#[cfg(target_os = "linux")]
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_statement_with_many_large_values_ends() {
    let database = crate::rig::TempDatabase::create(Kind::Sqlite).await.unwrap();
    let rig = crate::rig::Rig::on(&database).await;
    let before = peak_memory();
    for cells in [20, 1_990] {
        let sql = format!("select {}", vec!["randomblob(15000000)"; cells].join(", "));
        let error = rig.run(json!({"datasource": "db", "sql": sql})).await.unwrap_err();
        assert!(error.message.to_string().contains("too big") && !error.retryable, "{}", error.message);
    }
    let wide = format!("select {}", vec!["randomblob(20000)"; 1_000].join(", "));
    assert_eq!(rig.run(json!({"datasource": "db", "sql": wide})).await.unwrap()["row_count"], 1);
    let grown = (peak_memory() - before) >> 20;
    assert!(grown < 256, "{grown} MiB");
    let values = vec!["randomblob(15000000)"; 120].join(", ");
    let error = rig.run(json!({"datasource": "db", "sql": format!("select length(max({values}))")})).await.unwrap_err();
    assert!(error.message.to_string().contains("out of memory") && !error.retryable, "{}", error.message);
    // The values take 1,800 MB together; other tests of this process take memory too.
    let grown = (peak_memory() - before) >> 20;
    assert!(grown < 900, "{grown} MiB");
    assert_eq!(rig.rows("select 1").await, json!([[1]]));
    database.remove().await;
}
