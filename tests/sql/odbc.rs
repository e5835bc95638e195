//! ODBC, with SQLite's driver if it is installed (Debian: libsqliteodbc).

use std::path::Path;

use belfry::domain::profile::Datasource;
use belfry::domain::secret::Secret;
use serde_json::json;

use crate::rig::Rig;

/// A database in a folder; `None` without the driver: the test prints a line and is skipped.
async fn connect(folder: &Path) -> Option<Rig> {
    let url = format!("odbc:Driver=SQLite3;Database={}", folder.join("a.db").display());
    let rig = Rig::new(&[("db", Datasource { url: Some(Secret::new(url)), ..Datasource::default() })]).await;
    let Err(error) = rig.run(json!({"sql": "select 1"})).await else { return Some(rig) };
    assert!(error.message.to_string().contains("Driver") || error.message.to_string().contains("lib"), "{error:?}");
    assert!(std::env::var_os("CI").is_none(), "an ODBC driver named SQLite3 is required in CI: {}", error.message);
    eprintln!("skipped: no ODBC driver named SQLite3 ({})", error.message);
    None
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gigantic_value_over_odbc_ends_its_statement() {
    let folder = tempfile::tempdir().unwrap();
    let Some(rig) = connect(folder.path()).await else { return };
    let text = |bytes: u32| format!("select replace(hex(zeroblob({})), '00', 'xxxx') as x", bytes / 4);
    let error = rig.run(json!({"sql": text(20 << 20)})).await.unwrap_err();
    assert!(error.message.to_string().contains("larger than 16 MiB") && !error.retryable, "{}", error.message);
    assert_eq!(rig.run(json!({"sql": text(6 << 20)})).await.unwrap()["row_count"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_and_transactions_work_over_odbc() {
    let folder = tempfile::tempdir().unwrap();
    let Some(rig) = connect(folder.path()).await else { return };
    rig.exec("create table t (id integer, note varchar(40), price double, bin blob)").await;
    let insert = json!({"sql": "insert into t values (:id, :note, :price, null); insert into t (id) values (:id)",
        "params": {"id": 7, "note": "it's 钟", "price": 0.5}});
    assert_eq!(rig.run(insert).await.unwrap()["rows_affected"], 2);
    let result = rig.run(json!({"sql": "select id, note, price, bin from t where id = :id", "params": {"id": 7}})).await.unwrap();
    assert_eq!(result["rows"], json!([[7, "it's 钟", 0.5, null], [7, null, null, null]]));
    let undone = rig.run(json!({"sql": "delete from t; select * from nowhere"})).await.unwrap_err();
    assert!(undone.message.to_string().contains("nowhere"), "{undone:?}");
    assert_eq!(rig.rows("select count(*) from t").await, json!([[2]]));
}
