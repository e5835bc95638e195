//! `send_sql`: parameters, several statements, transactions, CSV files, expectations.

use serde_json::json;

use crate::for_each_kind;
use crate::rig::{Kind, Rig};

const ORDERS: &str = "create table orders (id int primary key, day varchar(10), total decimal(20, 4));
    insert into orders values (1, '2026-11-20', 1.5), (2, '2026-11-21', 2.25), (3, '2026-11-21', 4)";

for_each_kind! {
    async fn query_with_named_parameters_returns_rows(database: &TempDatabase, rig: &Rig) {
        rig.exec(ORDERS).await;
        let sql = "select id, day as 日期 from orders where day = :day and id > :id order by id -- :not_this";
        let result = rig.run(json!({"datasource": "db", "sql": sql, "params": {"day": "2026-11-21", "id": 1}})).await.unwrap();
        assert_eq!(result["columns"], json!(["id", "日期"]));
        assert_eq!(result["rows"], json!([[2, "2026-11-21"], [3, "2026-11-21"]]));
        assert_eq!((&result["row_count"], &result["truncated"], &result["rows_affected"]), (&json!(2), &json!(false), &json!(0)));
        assert_eq!(result["types"].as_array().map(Vec::len), Some(2));
        assert!(result["elapsed_ms"].is_u64());
    }

    async fn parameter_values_are_not_interpreted_as_sql(database: &TempDatabase, rig: &Rig) {
        rig.exec("create table notes (text varchar(200))").await;
        let evil = "'); drop table notes; -- \\' \" `; 钟楼 :x $1 ?";
        rig.run(json!({"sql": "insert into notes values (:text)", "params": {"text": evil}})).await.unwrap();
        assert_eq!(rig.rows("select text from notes").await, json!([[evil]]));
        let found = rig.run(json!({"sql": "select count(*) from notes where text = :text", "params": {"text": evil}, "output": "value"})).await;
        assert_eq!(found.unwrap()["value"], 1);
    }

    async fn parameter_list_binds_native_placeholders(database: &TempDatabase, rig: &Rig) {
        rig.exec(ORDERS).await;
        let sql = match database.kind {
            Kind::Postgres => "select id from orders where day = $1 and id < $2",
            _ => "select id from orders where day = ? and id < ?",
        };
        let result = rig.run(json!({"sql": sql, "params": ["2026-11-21", 3]})).await.unwrap();
        assert_eq!(result["rows"], json!([[2]]));
    }

    async fn several_statements_are_atomic(database: &TempDatabase, rig: &Rig) {
        rig.exec(ORDERS).await;
        let sql = "update orders set total = 0 where day = :day; delete from orders where id = 1; select count(*) from orders";
        let result = rig.run(json!({"sql": sql, "params": {"day": "2026-11-21"}})).await.unwrap();
        assert_eq!((&result["rows"], &result["rows_affected"]), (&json!([[2]]), &json!(3)));
        let each = json!([
            {"statement": "update", "rows_affected": 2, "row_count": 0},
            {"statement": "delete", "rows_affected": 1, "row_count": 0},
            {"statement": "select", "rows_affected": 0, "row_count": 1},
        ]);
        assert_eq!(result["statements"], each);

        let failing = "delete from orders;\ninsert into nowhere values (1)";
        let error = rig.error(failing).await;
        assert!(error.message.to_string().starts_with("statement 2 of 2: ") && error.message.to_string().contains("nowhere"), "{}", error.message);
        assert!(!error.retryable);
        assert_eq!(rig.rows("select count(*) from orders").await, json!([[2]]), "the first statement was rolled back");
        let alone = rig.run(json!({"sql": failing, "transaction": false})).await.unwrap_err();
        assert!(alone.message.to_string().contains("nowhere"));
        assert_eq!(rig.rows("select count(*) from orders").await, json!([[0]]), "each statement was committed separately");
    }

    async fn rows_over_max_rows_are_only_counted(database: &TempDatabase, rig: &Rig) {
        rig.exec(ORDERS).await;
        let result = rig.run(json!({"sql": "select id from orders order by id", "max_rows": 2})).await.unwrap();
        assert_eq!((&result["rows"], &result["row_count"], &result["truncated"]), (&json!([[1], [2]]), &json!(3), &json!(true)));
    }

    async fn empty_result_has_columns(database: &TempDatabase, rig: &Rig) {
        rig.exec(ORDERS).await;
        let result = rig.run(json!({"sql": "select id, day from orders where id > 9"})).await.unwrap();
        assert_eq!((&result["columns"], &result["rows"]), (&json!(["id", "day"]), &json!([])));
    }

    async fn csv_file_is_written_atomically(database: &TempDatabase, rig: &Rig) {
        rig.exec(ORDERS).await;
        rig.exec("insert into orders values (4, null, 0); insert into orders values (5, 'a\"b,c', 1)").await;
        rig.exec("insert into orders values (6, '=1+1', 1); insert into orders values (7, '-5.20', 1)").await;
        let sql = "select id, day as 日期 from orders order by id";
        let result = rig.run(json!({"sql": sql, "file": "orders.csv", "max_rows": 1})).await.unwrap();
        assert_eq!(result["rows"], 7);
        let path = rig.file("orders.csv").canonicalize().unwrap();
        assert_eq!(result["file"], path.to_str().unwrap());
        let text = std::fs::read_to_string(path).unwrap();
        assert_eq!(text, "\u{feff}id,日期\r\n1,2026-11-20\r\n2,2026-11-21\r\n3,2026-11-21\r\n4,\r\n5,\"a\"\"b,c\"\r\n6,'=1+1\r\n7,-5.20\r\n");
        let failed = rig.run(json!({"sql": "select 1; select nothing", "file": "orders.csv"})).await;
        assert!(failed.is_err() && std::fs::read_to_string(rig.file("orders.csv")).unwrap() == text);
        assert_eq!(rig.files(), ["orders.csv"], "no partial file is left");
        let outside = rig.run(json!({"sql": "select 1", "file": "/etc/orders.csv"})).await.unwrap_err();
        assert!(outside.message.to_string().contains("[files] folders"), "{}", outside.message);
    }

    async fn unmet_expectations_fail_and_roll_back(database: &TempDatabase, rig: &Rig) {
        rig.exec(ORDERS).await;
        let run = async |sql: &str, expect| rig.run(json!({"sql": sql, "expect": expect})).await;
        let count = "select count(*) from orders";
        assert!(run(count, json!({"value": {"min": 3, "max": 3}, "rows": 1})).await.is_ok());
        assert!(run("select sum(total) from orders", json!({"value": {"equals": 7.75}})).await.is_ok());
        let unmet = run(count, json!({"value": {"max": 2}})).await.unwrap_err();
        assert_eq!((unmet.message.to_string().as_str(), unmet.retryable), ("expected a value of at most 2, found 3", false));
        let rows = run("select id from orders", json!({"rows": {"max": 0}})).await.unwrap_err();
        assert_eq!(rows.message.to_string(), "expected at most 0 rows, found 3");
        let undone = run("delete from orders", json!({"rows_affected": {"max": 1}})).await.unwrap_err();
        assert_eq!(undone.message.to_string(), "expected at most 1 rows affected, found 3");
        assert_eq!(rig.rows(count).await, json!([[3]]), "the unexpected change was rolled back");
    }

    async fn temporary_tables_do_not_survive_a_run(database: &TempDatabase, rig: &Rig) {
        rig.exec("create temporary table mine (id int)").await;
        assert!(rig.error("select * from mine").await.message.to_string().contains("mine"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql_call_takes_named_parameters() {
    let Some(database) = crate::rig::TempDatabase::create(Kind::Postgres).await else { return };
    let rig = Rig::on(&database).await;
    rig.exec("create table log (at date, note text)").await;
    rig.exec("create procedure note(at date, note text) language sql as $$ insert into log values (at, note); select 1; $$")
        .await;
    let call = json!({"sql": "call note(:at, :note)", "params": {"at": "2026-11-21", "note": "it's; \\ :at"}});
    rig.run(call).await.unwrap();
    assert_eq!(rig.rows("select * from log").await, json!([["2026-11-21", "it's; \\ :at"]]));
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mariadb_procedures_are_created_and_called() {
    let Some(database) = crate::rig::TempDatabase::create(Kind::MySql).await else { return };
    let rig = Rig::on(&database).await;
    rig.exec("create procedure twice(n int) begin if n > 0 then select n * 2 as doubled; end if; end; select 1").await;
    let result = rig.run(json!({"sql": "call twice(:n)", "params": {"n": 21}})).await.unwrap();
    assert_eq!((&result["columns"], &result["rows"]), (&json!(["doubled"]), &json!([[42]])));
    database.remove().await;
}
