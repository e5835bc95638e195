//! Errors: rejected statements and parameters, messages, and whether an error is retryable.

use belfry::domain::profile::Datasource;
use belfry::domain::secret::Secret;
use belfry::tasks::TaskType;
use serde_json::{Value, json};

use crate::for_each_kind;
use crate::rig::{Kind, Rig, TempDatabase};

for_each_kind! {
    async fn database_errors_are_reported_with_position(database: &TempDatabase, rig: &Rig) {
        rig.exec("create table t (id int primary key, n int not null)").await;
        for sql in ["selec 1", "insert into t values (1, null)", "select * from no_such_table", "insert into t values (1, 1), (1, 2)"] {
            let error = rig.error(sql).await;
            assert!(!error.retryable, "{sql}: {error:?}");
        }
        let missing = rig.error("select 1,\n  id from no_such_table").await.message.to_string();
        assert!(missing.contains("no_such_table"), "{missing}");
        if database.kind == Kind::Postgres {
            assert_eq!(missing, "relation \"no_such_table\" does not exist (42P01) (line 2, column 11)");
            let params = json!({"sql": "select\n :a, nothing", "params": {"a": 1}});
            let prepared = rig.run(params).await.unwrap_err().message.to_string();
            assert_eq!(prepared, "column \"nothing\" does not exist (42703) (line 2, column 6)");
        }
    }

    async fn read_only_datasource_rejects_changes(database: &TempDatabase, rig: &Rig) {
        rig.exec("create table t (id int)").await;
        if database.kind == Kind::Postgres {
            rig.exec("create sequence s").await;
        }
        if database.kind == Kind::MySql {
            rig.exec("create function bump() returns int begin insert into t values (1); return 1; end").await;
        }
        let rig = Rig::new(&[("db", Datasource { read_only: true, ..database.profile() })]).await;
        assert_eq!(rig.rows("select count(*) from t").await, json!([[0]]));
        for sql in ["insert into t values (1)", "select 1; drop table t", "with x as (select 1) delete from t", "commit", "vacuum"] {
            let faults = rig.sql.check(&json!({"sql": sql}));
            assert!(faults[0].message.to_string().contains("is read only"), "{sql}: {faults:?}");
            let error = rig.run_unchecked(json!({"sql": sql})).await.unwrap_err();
            assert!(!error.retryable && error.message.to_string().contains("is read only"), "{sql}: {error:?}");
        }
        if database.kind == Kind::Postgres {
            // Changes inside functions are only detected by the server.
            let hidden = rig.error("select nextval('s')").await;
            assert!(!hidden.retryable && hidden.message.to_string().contains("read-only transaction"), "{hidden:?}");
            let sneaky = rig.error("select set_config('transaction_read_only', 'off', true)").await;
            assert!(sneaky.message.to_string().contains("read-write"), "{sneaky:?}");
        }
        if database.kind == Kind::MySql {
            let hidden = rig.error("select bump()").await;
            assert!(!hidden.retryable && hidden.message.to_string().contains("READ ONLY transaction"), "{hidden:?}");
        }
        assert_eq!(rig.rows("select count(*) from t").await, json!([[0]]));
    }

    async fn transaction_control_requires_transaction_false(database: &TempDatabase, rig: &Rig) {
        let faults = rig.sql.check(&json!({"sql": "select 1; commit"}));
        assert_eq!(faults[0].pointer, "/sql");
        assert!(faults[0].message.to_string().contains("transaction: false"), "{faults:?}");
        rig.run(json!({"sql": "begin; select 1; commit", "transaction": false})).await.unwrap();
    }

    async fn missing_and_unused_parameters_are_rejected(database: &TempDatabase, rig: &Rig) {
        let fault = |params: Value| rig.sql.check(&params).remove(0).message.to_string();
        assert_eq!(fault(json!({"sql": "select :a, :b", "params": {"a": 1}})), "params: no value for the parameter :b");
        assert_eq!(fault(json!({"sql": "select :a", "params": {"a": 1, "c": 1}})), "params: the SQL has no parameter :c");
        assert!(fault(json!({"sql": "select 1; select 2", "params": [1]})).starts_with("params: a list is only allowed with one statement"));
        if database.kind == Kind::Sqlite {
            assert_eq!(fault(json!({"sql": "select :a"})), "params: no value for the parameter :a");
        }
        for list in [json!([1]), json!([1, 2, 3])] {
            let sql = if database.kind == Kind::Postgres { "select $1::int, $2::int" } else { "select ?, ?" };
            let error = rig.run(json!({"sql": sql, "params": list})).await.unwrap_err();
            assert!(!error.retryable && error.message.to_string().contains("parameter"), "{list}: {error:?}");
        }
        assert_eq!(fault(json!({"sql": " -- nothing"})), "sql: contains no statement");
        assert_eq!(rig.sql.check(&json!({"sql": "select :a from {{ vars.table }}"})), [], "SQL with templates is not checked on saving");
    }
}

#[tokio::test]
async fn faults_of_parameters_have_pointers() {
    let rig = Rig::new(&[("one", url("sqlite://a.db")), ("two", url("sqlite://b.db"))]).await;
    let pointers = |params: Value| rig.sql.check(&params).into_iter().map(|fault| fault.pointer).collect::<Vec<_>>().join(" ");
    assert_eq!(pointers(json!({"sql": "select 1"})), "/datasource");
    assert_eq!(pointers(json!({"datasource": "three", "sql": " "})), "/sql /datasource");
    assert_eq!(pointers(json!({"datasource": "one", "sql": "select 1", "output": "csv"})), "/file");
    assert_eq!(pointers(json!({"datasource": "one", "sql": "select 1", "output": "value", "file": "a.csv"})), "/file");
    let error = rig.run_unchecked(json!({"datasource": "three", "sql": "select 1"})).await.unwrap_err();
    assert_eq!(error.message.to_string(), "datasource: 'three' is not configured; configured are one, two");
}

fn url(url: &str) -> Datasource {
    Datasource { url: Some(Secret::new(url)), ..Datasource::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connection_failures_are_retryable() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = free.local_addr().unwrap();
    drop(free);
    let oracle = cfg!(feature = "oracle").then_some("oracle");
    for scheme in ["postgres", "mysql", "mssql"].into_iter().chain(oracle) {
        let rig = Rig::new(&[("db", url(&format!("{scheme}://me:hush@{closed}/x")))]).await;
        let error = rig.error("select 1").await;
        assert!(error.retryable, "{scheme}: {error:?}");
        assert!(!error.message.to_string().contains("hush"), "{scheme}: {error:?}");
    }
    let missing = Rig::new(&[("db", url("sqlite:///no/such/folder/a.db"))]).await.error("select 1").await;
    assert!(missing.message.to_string().contains("unable to open database file"), "{missing:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_password_is_a_permanent_error() {
    for kind in [Kind::Postgres, Kind::MySql] {
        let Some(database) = TempDatabase::create(kind).await else { return };
        let profile =
            Datasource { user: Some("belfry_nobody".into()), password: Some(Secret::new("hush")), ..database.profile() };
        let error = Rig::new(&[("db", profile)]).await.error("select 1").await;
        assert!(!error.retryable && !error.message.to_string().contains("hush"), "{kind:?}: {error:?}");
        assert!(error.message.to_string().contains("belfry_nobody"), "{kind:?}: {error:?}");
        database.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_opens_no_file_but_the_one_of_the_datasource() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let address = format!("sqlite://{}?mode=rwc", folder.path().join("own.db").display());
    let rig = Rig::new(&[("db", url(&address))]).await;
    let own = rig.file("task.db").display().to_string();
    for sql in [
        format!("attach '{own}' as belfry"),
        format!("select 1; /* x */ ATTACH DATABASE '{own}' AS belfry; select * from belfry.users"),
        format!("-- x\n  attach '{own}' as belfry"),
        format!("vacuum into '{}'", folder.path().join("copy.db").display()),
    ] {
        let params = json!({"datasource": "db", "sql": sql, "transaction": false});
        let error = rig.run_unchecked(params).await.unwrap_err();
        assert!(
            error.message.to_string().contains("is not allowed: tasks use only the file of the datasource"),
            "{sql}: {error:?}"
        );
    }
    assert!(!folder.path().join("copy.db").exists());
}
