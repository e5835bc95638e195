//! `data_sync`: copies between databases and to an HTTP API.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use belfry::storage::task_state;
use belfry::tasks::data_sync::DataSync;
use belfry::tasks::http_request::HttpRequest;
use belfry::tasks::{RunError, TaskType};
use poem::http::StatusCode;
use poem::listener::{Acceptor, Listener, TcpListener};
use poem::{EndpointExt, Route, Server, handler};
use serde_json::{Value, json};

use crate::rig::{Kind, Rig, TempDatabase};
use crate::support::insert_task;
use crate::support::run::context;

/// Runs of one task.
struct Runs<'r> {
    rig: &'r Rig,
    sync: DataSync,
}

impl<'r> Runs<'r> {
    async fn on(rig: &'r Rig) -> Runs<'r> {
        insert_task(&rig.toolbox.database, "task-1", "data_sync").await;
        Runs { rig, sync: DataSync::new(&rig.toolbox, Arc::new(HttpRequest::new(&rig.toolbox))) }
    }

    async fn run(&self, params: &Value) -> Result<Value, RunError> {
        assert_eq!(self.sync.check(params), [], "{params}");
        let (context, _output) = context();
        tokio::time::timeout(Duration::from_secs(120), self.sync.run(params.clone(), &context)).await.expect("ends")
    }

    /// The watermark of the task's state.
    async fn watermark(&self) -> Value {
        let mut reader = self.rig.toolbox.database.read().await.unwrap();
        let found = task_state::get(&mut reader, "task-1").await.unwrap();
        found.and_then(|found| found.state).unwrap_or_default()["watermark"].clone()
    }
}

/// Two databases, named `a` and `b`; `None` if one of the servers is missing.
async fn two(a: Kind, b: Kind) -> Option<(TempDatabase, TempDatabase, Rig)> {
    let (a, b) = (TempDatabase::create(a).await?, TempDatabase::create(b).await?);
    let rig = Rig::new(&[("a", a.profile()), ("b", b.profile())]).await;
    Some((a, b, rig))
}

async fn on(rig: &Rig, datasource: &str, sql: &str) -> Value {
    let result = rig.run(json!({"datasource": datasource, "sql": sql})).await;
    result.unwrap_or_else(|error| panic!("{sql}: {error:?}"))["rows"].clone()
}

/// An API that records what it receives, and responds to the requests with these numbers (from 1) with 503.
#[derive(Clone, Default)]
struct Api {
    bodies: Arc<Mutex<Vec<Value>>>,
    keys: Arc<Mutex<Vec<String>>>,
    failing_requests: Vec<usize>,
}

#[handler]
async fn take(api: poem::web::Data<&Api>, request: &poem::Request, body: poem::web::Json<Value>) -> StatusCode {
    let key = request.header("idempotency-key").unwrap_or_default().to_owned();
    let mut keys = api.keys.lock().unwrap();
    keys.push(key);
    if api.failing_requests.contains(&keys.len()) {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    api.bodies.lock().unwrap().push(body.0);
    StatusCode::OK
}

impl Api {
    async fn serve(&self) -> String {
        let acceptor = TcpListener::bind("127.0.0.1:0").into_acceptor().await.unwrap();
        let address = acceptor.local_addr()[0].as_socket_addr().unwrap().to_string();
        let site = Route::new().at("/rows", poem::post(take).put(take)).data(self.clone());
        tokio::spawn(Server::new_with_acceptor(acceptor).run(site));
        format!("http://{address}/rows")
    }

    fn bodies(&self) -> Vec<Value> {
        self.bodies.lock().unwrap().clone()
    }

    /// The ids of all rows, in the order received.
    fn ids(&self) -> Vec<i64> {
        let rows = self.bodies().into_iter().flat_map(|body| body.as_array().unwrap().clone());
        rows.map(|row| row["id"].as_i64().unwrap()).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_are_preserved_from_sqlite_to_postgresql() {
    let Some((a, b, rig)) = two(Kind::Sqlite, Kind::Postgres).await else { return };
    on(
        &rig,
        "a",
        "create table t (id integer, ok boolean, price real, note text, bin blob, day text);
        insert into t values (1, 1, 0.5, 'it''s \\ 钟', x'00ff', '2026-11-21'), (2, 0, null, null, null, null)",
    )
    .await;
    on(&rig, "b", "create table \"T 2\" (id int, ok boolean, price numeric, note text, bin bytea, day date)").await;
    let params = json!({"from": {"datasource": "a", "sql": "select * from t"}, "to": {"datasource": "b", "table": "public.T 2"}});
    let result = Runs::on(&rig).await.run(&params).await.unwrap();
    assert_eq!((&result["rows"], &result["batches"], result.get("watermark")), (&json!(2), &json!(1), None));
    let expected = json!([[1, true, "0.5", "it's \\ 钟", "AP8=", "2026-11-21"], [2, false, null, null, null, null]]);
    assert_eq!(on(&rig, "b", "select * from \"T 2\" order by id").await, expected);
    a.remove().await;
    b.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn repeated_upsert_from_postgresql_to_mariadb_creates_no_duplicates() {
    let Some((a, b, rig)) = two(Kind::Postgres, Kind::MySql).await else { return };
    on(&rig, "a", "create table orders (id int, total numeric(10, 2), at timestamptz, doc jsonb)").await;
    on(
        &rig,
        "a",
        "insert into orders select n, n * 1.5, timestamptz '2026-11-21 08:00:00+08' + n * interval '1 minute', '{\"a\": 1}'
        from generate_series(1, 1201) n",
    )
    .await;
    on(&rig, "b", "create table orders (id int primary key, total decimal(10, 2), at datetime(6), doc json)").await;
    let sql = "select id, total, at, doc from orders where at > :watermark and id > :least order by at";
    let params = json!({"from": {"datasource": "a", "sql": sql, "params": {"least": 0}},
        "to": {"datasource": "b", "table": "orders", "mode": "upsert", "key": ["id"]},
        "watermark": {"column": "at", "start": "2026-01-01"}});
    let runs = Runs::on(&rig).await;
    let first = runs.run(&params).await.unwrap();
    assert_eq!((&first["rows"], &first["batches"]), (&json!(1201), &json!(3)));
    assert_eq!(first["watermark"], "2026-11-22T04:01:00+08:00");
    let count = "select count(*), cast(sum(total) as char) from orders";
    assert_eq!(on(&rig, "b", count).await, json!([[1201, "1082701.50"]]));
    assert_eq!(
        on(&rig, "b", "select at from orders where id = 1").await,
        json!([["2026-11-21T00:01:00"]]),
        "the same time in UTC"
    );

    let again = runs.run(&params).await.unwrap();
    assert_eq!((&again["rows"], &again["watermark"]), (&json!(0), &first["watermark"]));
    on(&rig, "a", "update orders set total = 0, at = '2026-11-23 00:00:00+00' where id = 7").await;
    let changed = runs.run(&params).await.unwrap();
    assert_eq!((&changed["rows"], &changed["watermark"]), (&json!(1), &json!("2026-11-23T08:00:00+08:00")));
    let mut restarted = params.clone();
    restarted["watermark"]["restart"] = json!(true);
    assert_eq!(runs.run(&restarted).await.unwrap()["rows"], 1201);
    assert_eq!(on(&rig, "b", count).await, json!([[1201, "1082691.00"]]), "no duplicates, the change was copied");
    a.remove().await;
    b.remove().await;
}

/// As floating-point numbers the watermarks are equal.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn watermark_of_a_long_number_is_exact() {
    let Some((a, b, rig)) = two(Kind::MySql, Kind::Sqlite).await else { return };
    on(&rig, "a", "create table t (id bigint unsigned); insert into t values (18446744073709551613), (18446744073709551614)")
        .await;
    on(&rig, "b", "create table t (id text)").await;
    let sql = "select id from t where id > coalesce(:watermark, 0) order by id";
    let params = json!({"from": {"datasource": "a", "sql": sql}, "to": {"datasource": "b", "table": "t"},
        "watermark": {"column": "id"}, "batch_size": 1});
    let runs = Runs::on(&rig).await;
    let first = runs.run(&params).await.unwrap();
    assert_eq!((&first["rows"], &first["watermark"]), (&json!(2), &json!("18446744073709551614")));
    on(&rig, "a", "insert into t values (18446744073709551615)").await;
    assert_eq!(runs.run(&params).await.unwrap()["rows"], 1);
    assert_eq!(runs.run(&params).await.unwrap()["rows"], 0);
    assert_eq!(on(&rig, "b", "select count(*), count(distinct id) from t").await, json!([[3, 3]]));
    a.remove().await;
    b.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_are_sent_to_an_api() {
    let database = TempDatabase::create(Kind::Sqlite).await.unwrap();
    let rig = Rig::on(&database).await;
    rig.exec("create table t (id integer, note text); insert into t values (1, '钟'), (2, null), (3, 'c')").await;
    let api = Api::default();
    let url = api.serve().await;
    let params = json!({"from": {"sql": "select * from t order by id"}, "to": {"http": {"url": url, "method": "PUT", "batch_key": "rows"}}, "batch_size": 2});
    let result = Runs::on(&rig).await.run(&params).await.unwrap();
    assert_eq!((&result["rows"], &result["batches"]), (&json!(3), &json!(2)));
    let expected =
        [json!({"rows": [{"id": 1, "note": "钟"}, {"id": 2, "note": null}]}), json!({"rows": [{"id": 3, "note": "c"}]})];
    assert_eq!(api.bodies(), expected);
    let keys = api.keys.lock().unwrap().clone();
    assert!(keys.len() == 2 && keys[0] != keys[1] && !keys[0].is_empty(), "each batch has its own idempotency key: {keys:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retry_continues_after_the_rows_sent() {
    let database = TempDatabase::create(Kind::Sqlite).await.unwrap();
    let rig = Rig::on(&database).await;
    rig.exec("create table t (id integer)").await;
    rig.exec("insert into t with recursive n(i) as (select 1 union all select i + 1 from n where i < 100) select i from n").await;
    let api = Api { failing_requests: vec![4], ..Api::default() };
    let url = api.serve().await;
    let params = json!({"from": {"sql": "select id from t where id > :watermark order by id"}, "to": {"http": {"url": url}},
        "batch_size": 10, "watermark": {"column": "id", "start": 0}});
    let runs = Runs::on(&rig).await;
    let failed = runs.run(&params).await.expect_err("the fourth batch is refused");
    assert_eq!(runs.watermark().await, 30);
    let then = runs.run(&params).await;
    assert!(failed.retryable && failed.message.to_string().contains("503"), "{failed:?}");
    let result = failed.result.unwrap();
    assert_eq!((&result["rows"], &result["watermark"]), (&json!(30), &json!(30)));
    let then = then.unwrap();
    assert_eq!((&then["rows"], &then["watermark"]), (&json!(70), &json!(100)));
    assert_eq!(api.ids(), (1..=100).collect::<Vec<_>>(), "each row was received once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_are_atomic() {
    let Some((a, b, rig)) = two(Kind::Sqlite, Kind::Postgres).await else { return };
    on(&rig, "a", "create table t (id integer); insert into t values (1), (2), (3), (4), (null), (6)").await;
    on(&rig, "b", "create table t (id int not null)").await;
    let params =
        json!({"from": {"datasource": "a", "sql": "select id from t"}, "to": {"datasource": "b", "table": "t"}, "batch_size": 2});
    let error = Runs::on(&rig).await.run(&params).await.unwrap_err();
    assert!(!error.retryable && error.message.to_string().starts_with("b: null value in column \"id\""), "{error:?}");
    assert_eq!(error.result.unwrap()["rows"], 4);
    assert_eq!(on(&rig, "b", "select id from t order by id").await, json!([[1], [2], [3], [4]]));
    a.remove().await;
    b.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_rows_are_sent_in_batches() {
    let Some((a, b, rig)) = two(Kind::Postgres, Kind::Sqlite).await else { return };
    on(&rig, "b", "create table t (id integer primary key, note text)").await;
    let sql = "select n as id, 'note ' || n as note from generate_series(1, 100000) n order by n";
    let to_table = json!({"from": {"datasource": "a", "sql": sql}, "to": {"datasource": "b", "table": "t", "key": ["id"]}});
    let runs = Runs::on(&rig).await;
    let result = runs.run(&to_table).await.unwrap();
    assert_eq!((&result["rows"], &result["batches"]), (&json!(100_000), &json!(200)));
    assert_eq!(
        on(&rig, "b", "select count(*), max(id), count(distinct note) from t").await,
        json!([[100_000, 100_000, 100_000]])
    );
    let api = Api::default();
    let url = api.serve().await;
    let to_api = json!({"from": {"datasource": "b", "sql": "select id from t order by id"}, "to": {"http": {"url": url}}, "batch_size": 1000});
    runs.run(&to_api).await.unwrap();
    assert!(api.bodies().iter().all(|body| body.as_array().unwrap().len() == 1000));
    assert_eq!(api.ids(), (1..=100_000).collect::<Vec<_>>());
    a.remove().await;
    b.remove().await;
}

/// Without backpressure all rows would be held in memory. Here the receiver never responds, and the rows read meanwhile are
/// counted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_receiver_slows_down_the_reader() {
    let Some(database) = TempDatabase::create(Kind::Postgres).await else { return };
    let rig = Rig::on(&database).await;
    rig.exec("create sequence taken").await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    // Wide rows, so that few fit into the network buffers.
    let sql = "select nextval('taken') as id, repeat('x', 10000) as wide from generate_series(1, 100000)";
    let params = json!({"from": {"sql": sql}, "to": {"http": {"url": url, "timeout_seconds": 2}}, "batch_size": 10});
    let error = Runs::on(&rig).await.run(&params).await.unwrap_err();
    assert!(error.retryable && error.message.to_string().contains("no response within 2 s"), "{error:?}");
    let taken = rig.rows("select last_value from taken").await[0][0].as_i64().unwrap();
    assert!(taken < 20_000, "{taken} rows of 100000 were read for the first batch of 10");
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancellation_keeps_the_watermark_and_leaves_no_connection() {
    let Some(database) = TempDatabase::create(Kind::Postgres).await else { return };
    let rig = Rig::on(&database).await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let sql = "select n as id from generate_series(1, 1000000) n where n > :watermark order by n";
    let params = json!({"from": {"sql": sql}, "to": {"http": {"url": url}}, "watermark": {"column": "id", "start": 5}});
    let sync = DataSync::new(&rig.toolbox, Arc::new(HttpRequest::new(&rig.toolbox)));
    let (context, _output) = context();
    let stop = async {
        let _connection = silent.accept().await.unwrap(); // the first batch is being sent
        context.cancel.cancel();
    };
    let (ended, ()) = tokio::join!(sync.run(params, &context), stop);
    let error = ended.unwrap_err();
    assert!(!error.retryable, "{error:?}");
    let result = error.result.unwrap();
    assert_eq!((&result["rows"], &result["watermark"], &result["watermark_column"]), (&json!(0), &json!(5), &json!("id")));
    let others = "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";
    for _ in 0..200 {
        if rig.rows(others).await == json!([[0]]) {
            return database.remove().await;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("a connection is left");
}

#[tokio::test]
async fn faults_of_parameters_have_pointers() {
    let database = TempDatabase::create(Kind::Sqlite).await.unwrap();
    let rig = Rig::on(&database).await;
    let sync = DataSync::new(&rig.toolbox, Arc::new(HttpRequest::new(&rig.toolbox)));
    let pointers = |to: Value, watermark: Value, sql: &str| {
        let mut params = json!({"from": {"sql": sql}, "to": to});
        if !watermark.is_null() {
            params["watermark"] = watermark;
        }
        sync.check(&params).into_iter().map(|fault| fault.pointer).collect::<Vec<_>>().join(" ")
    };
    let table = json!({"table": "t"});
    assert_eq!(pointers(table.clone(), Value::Null, "select 1"), "");
    assert_eq!(pointers(json!({}), Value::Null, "select 1"), "/to/table");
    assert_eq!(pointers(json!({"table": "t", "http": {"url": "http://h/"}}), Value::Null, "select 1"), "/to/table");
    assert_eq!(pointers(json!({"http": {"url": "ftp://h/"}}), Value::Null, "select 1"), "/to/http/url");
    assert_eq!(pointers(json!({"table": "t", "mode": "upsert"}), Value::Null, "select 1"), "/to/key");
    assert_eq!(pointers(json!({"table": "t", "mode": "insert", "key": ["id"]}), Value::Null, "select 1"), "/to/key");
    assert_eq!(pointers(json!({"table": "t", "datasource": "x"}), Value::Null, "select 1"), "/to/datasource");
    assert_eq!(pointers(table.clone(), json!({"column": "id"}), "select 1"), "/from/sql");
    let fault =
        Runs::on(&rig).await.sync.run(json!({"from": {"sql": "delete from t"}, "to": table}), &context().0).await.unwrap_err();
    assert_eq!(fault.message.to_string(), "from.sql: must be exactly one statement, which reads rows");
}
