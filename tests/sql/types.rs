//! Types: values of each database are read and bound without loss.

use serde_json::json;

use crate::rig::{Kind, Rig, TempDatabase};

async fn rig(kind: Kind) -> Option<(TempDatabase, Rig)> {
    let database = TempDatabase::create(kind).await?;
    let rig = Rig::on(&database).await;
    Some((database, rig))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql_types() {
    let Some((database, rig)) = rig(Kind::Postgres).await else { return };
    rig.exec("create type mood as enum ('fine', 'bad')").await;
    let sql = "select true, 7::int2, 9007199254740993::int8, 1.10::numeric, 0.5::float8, 'NaN'::float8, 'a', null::int,
        '\\x00ff'::bytea, timestamptz '2026-11-21 08:00:00.5+08', timestamp '2026-11-21 08:00:00', date '2026-11-21',
        time '08:00', interval '1 day', '{\"a\": [1]}'::jsonb, 'c0ffee00-0000-4000-8000-000000000000'::uuid,
        array[1, 2], 'fine'::mood, '10.0.0.0/8'::cidr, 'infinity'::date";
    let expected = json!([[
        true, 7, "9007199254740993", "1.10", 0.5, "NaN", "a", null, "AP8=", "2026-11-21T08:00:00.500+08:00",
        "2026-11-21T08:00:00", "2026-11-21", "08:00:00", "1 day", {"a": [1]}, "c0ffee00-0000-4000-8000-000000000000",
        "{1,2}", "fine", "10.0.0.0/8", "infinity"
    ]]);
    let result = rig.run(json!({"sql": sql})).await.unwrap();
    assert_eq!(result["rows"], expected);
    assert_eq!(
        (&result["types"][1], &result["types"][3], &result["types"][9]),
        (&json!("int2"), &json!("numeric"), &json!("timestamptz"))
    );
    assert_eq!(rig.rows("select current_setting('timezone')").await, json!([["Asia/Shanghai"]]));

    rig.exec(
        "create table t (b bool, i int2, n numeric, f float8, s text, d date, ts timestamptz, j jsonb, u uuid, m mood, a int[])",
    )
    .await;
    let insert = "insert into t values (:b, :i, :n, :f, :s, :d, :ts, :j, :u, :m, :a) returning *";
    let params = json!({"b": true, "i": 7, "n": "1.10", "f": 0.5, "s": "s", "d": "2026-11-21", "ts": "2026-11-21T08:00:00Z",
        "j": {"a": 1}, "u": "c0ffee00-0000-4000-8000-000000000000", "m": "bad", "a": "{1,2}"});
    let bound = rig.run(json!({"sql": insert, "params": params})).await.unwrap();
    assert_eq!(
        bound["rows"],
        json!([[true, 7, "1.10", 0.5, "s", "2026-11-21", "2026-11-21T16:00:00+08:00", {"a": 1},
        "c0ffee00-0000-4000-8000-000000000000", "bad", "{1,2}"]])
    );
    assert_eq!(bound["rows_affected"], 1);
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mariadb_types() {
    let Some((database, rig)) = rig(Kind::MySql).await else { return };
    rig.exec("create table t (b bool, i int unsigned, big bigint, huge bigint unsigned, n decimal(30, 2), f double, g float, s text, bin blob,
        dt datetime(3), d date, tm time, y year, e enum('x', 'y'), bits bit(8))").await;
    rig.exec(
        "insert into t values (1, 7, -9007199254740993, 18446744073709551615, 12345678901234567890.10, 0.5, 1.5, '钟', x'00ff',
        '2026-11-21 08:00:00.050', '2026-11-21', '-30:00:01', 2026, 'y', 5)",
    )
    .await;
    rig.exec("insert into t (i) values (null)").await;
    let expected = json!([
        1,
        7,
        "-9007199254740993",
        "18446744073709551615",
        "12345678901234567890.10",
        0.5,
        1.5,
        "钟",
        "AP8=",
        "2026-11-21T08:00:00.050",
        "2026-11-21",
        "-30:00:01",
        2026,
        "y",
        5
    ]);
    let text = rig.rows("select * from t where i = 7").await;
    assert_eq!(text, json!([expected]), "in the text protocol");
    let binary = rig.run(json!({"sql": "select * from t where i = :i", "params": {"i": 7}})).await.unwrap();
    assert_eq!(binary["rows"], json!([expected]), "in the binary protocol");
    assert_eq!((&binary["types"][1], &binary["types"][4]), (&json!("int unsigned"), &json!("decimal")));
    assert_eq!(rig.rows("select b, n, dt from t where i is null").await, json!([[null, null, null]]));
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_types() {
    let Some((database, rig)) = rig(Kind::Sqlite).await else { return };
    rig.exec("create table t (b boolean, i integer, r real, s text, bin blob, dt datetime)").await;
    let params = json!({"b": true, "i": 9_007_199_254_740_993_i64, "r": 0.5, "s": "钟", "j": {"a": 1}});
    rig.run(json!({"sql": "insert into t values (:b, :i, :r, :s, x'00ff', :j)", "params": params})).await.unwrap();
    let expected = json!([[true, "9007199254740993", 0.5, "钟", "AP8=", "{\"a\":1}"]]);
    assert_eq!(rig.rows("select * from t").await, expected);
    assert_eq!(rig.rows("select 1 = 1, null, 'x'").await, json!([[1, null, "x"]]));
    database.remove().await;
}
