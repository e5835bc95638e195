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
