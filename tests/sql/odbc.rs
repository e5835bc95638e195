//! ODBC, with SQLite's driver if it is installed (Debian: libsqliteodbc).

use belfry::domain::profile::Datasource;
use belfry::domain::secret::Secret;
use serde_json::json;

use crate::rig::Rig;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_and_transactions_work_over_odbc() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("odbc:Driver=SQLite3;Database={}", folder.path().join("a.db").display());
    let rig = Rig::new(&[("db", Datasource { url: Some(Secret::new(url)), ..Datasource::default() })]).await;
    if let Err(error) = rig.run(json!({"sql": "select 1"})).await {
        assert!(error.message.to_string().contains("Driver") || error.message.to_string().contains("lib"), "{error:?}");
        eprintln!("skipped: no ODBC driver named SQLite3 ({})", error.message);
        return;
    }
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
