//! Types of MySQL and MariaDB: every kind of column, empty, NULL and extreme, in the text and in the binary protocol, in rows, CSV,
//! one value, expectations, and copies to the other databases.

use std::sync::Arc;

use belfry::tasks::TaskType;
use belfry::tasks::data_sync::DataSync;
use belfry::tasks::http_request::HttpRequest;
use serde_json::{Value, json};

use crate::rig::{Kind, Rig, TempDatabase};
use crate::support::run::context;

const TEXT_COLLATIONS: [&str; 6] =
    ["utf8mb4_general_ci", "utf8mb4_bin", "utf8mb3_unicode_ci", "gbk_chinese_ci", "latin1_swedish_ci", "latin1_bin"];

async fn rig() -> Option<(TempDatabase, Rig)> {
    let database = TempDatabase::create(Kind::MySql).await?;
    let rig = Rig::on(&database).await;
    Some((database, rig))
}

/// The result of the query in the text protocol and in the binary one, which must be the same.
async fn both(rig: &Rig, sql: &str) -> Value {
    let text = rig.run(json!({"sql": sql})).await.unwrap();
    let binary = rig.run(json!({"sql": format!("{sql} and 1 = :one"), "params": {"one": 1}})).await.unwrap();
    assert_eq!((&text["types"], &text["rows"]), (&binary["types"], &binary["rows"]), "text and binary protocol: {sql}");
    text
}

/// Creates `t (v <kind>)`, inserts the literals, and returns the type and the values.
async fn stored(rig: &Rig, kind: &str, literals: &[&str]) -> (Value, Value) {
    rig.exec(&format!("drop table if exists t; create table t (n int auto_increment primary key, v {kind})")).await;
    for literal in literals {
        rig.exec(&format!("insert into t (v) values ({literal})")).await;
    }
    rig.exec("insert into t (v) values (null)").await;
    let result = both(rig, "select v from t where 1 = 1").await;
    let rows = result["rows"].as_array().unwrap().iter().map(|row| row[0].clone()).collect();
    (result["types"][0].clone(), rows)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_keep_their_digits() {
    let Some((database, rig)) = rig().await else { return };
    let cases: [(&str, &[&str], Value); 19] = [
        ("tinyint(1)", &["0", "1", "2", "5", "-1", "127", "-128"], json!([0, 1, 2, 5, -1, 127, -128, null])),
        ("bool", &["true", "false", "7"], json!([1, 0, 7, null])),
        ("tinyint(1) unsigned", &["0", "255"], json!([0, 255, null])),
        ("tinyint", &["-128", "127"], json!([-128, 127, null])),
        ("smallint", &["-32768", "32767"], json!([-32768, 32767, null])),
        ("smallint unsigned", &["65535"], json!([65535, null])),
        ("mediumint", &["-8388608", "8388607"], json!([-8_388_608, 8_388_607, null])),
        ("mediumint unsigned", &["16777215"], json!([16_777_215, null])),
        ("int(1)", &["-2147483648", "2147483647"], json!([-2_147_483_648_i64, 2_147_483_647, null])),
        ("int(11) unsigned zerofill", &["42", "4294967295"], json!([42, 4_294_967_295_i64, null])),
        ("bigint", &["-9223372036854775808", "1"], json!(["-9223372036854775808", 1, null])),
        ("bigint unsigned", &["18446744073709551615"], json!(["18446744073709551615", null])),
        (
            "decimal(65, 30)",
            &["12345678901234567890123456789012345.000000000000000000000000000001", "0"],
            json!([
                "12345678901234567890123456789012345.000000000000000000000000000001",
                "0.000000000000000000000000000000",
                null
            ]),
        ),
        ("decimal(10, 2)", &["1.10", "-0.01"], json!(["1.10", "-0.01", null])),
        ("float", &["0.1", "16777216", "-3.4028234e38", "1.5"], json!([0.1, 16_777_216.0, -3.402_823_5e38, 1.5, null])),
        (
            "double",
            &["0.1", "0.30000000000000004", "1.7976931348623157e308"],
            json!([0.1, 0.300_000_000_000_000_04, f64::MAX, null]),
        ),
        ("bit(1)", &["0", "1"], json!([0, 1, null])),
        ("bit(64)", &["18446744073709551615", "5"], json!(["18446744073709551615", 5, null])),
        ("year", &["2155", "0"], json!([2155, 0, null])),
    ];
    for (kind, literals, expected) in cases {
        let (name, values) = stored(&rig, kind, literals).await;
        assert_eq!(values, expected, "{kind}");
        assert_ne!(name, "boolean", "{kind}");
    }
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text_is_text_in_every_collation() {
    let Some((database, rig)) = rig().await else { return };
    let kinds = [
        ("char(20)", "char"),
        ("varchar(20)", "varchar"),
        ("tinytext", "tinytext"),
        ("text", "text"),
        ("mediumtext", "mediumtext"),
        ("longtext", "longtext"),
        ("enum('', 'abc', 'é')", "enum"),
        ("set('', 'abc', 'é')", "set"),
    ];
    for collation in TEXT_COLLATIONS {
        let accented = if collation.starts_with("gbk") { "abc" } else { "é" };
        for (kind, name) in kinds {
            let kind = if collation.starts_with("gbk") { kind.replace('é', "钟") } else { kind.to_owned() };
            let charset = collation.split('_').next().unwrap();
            let column = format!("{kind} character set {charset} collate {collation}");
            let literals = ["''", "'abc'", &format!("'{accented}'")];
            let (found, values) = stored(&rig, &column, &literals).await;
            assert_eq!(values, json!(["", "abc", accented, null]), "{column}");
            let shown = found.as_str().unwrap();
            assert!(shown == name || (name.ends_with("text") && shown.ends_with("text")), "{column}: {shown}");
        }
    }
    for kind in ["enum('', 'abc') character set binary", "set('', 'abc') character set binary", "json"] {
        let literals = if kind == "json" { ["'{\"a\": 1.10}'", "'\"\"'"] } else { ["'abc'", "''"] };
        let expected = if kind == "json" { json!(["{\"a\": 1.10}", "\"\"", null]) } else { json!(["abc", "", null]) };
        assert_eq!(stored(&rig, kind, &literals).await.1, expected, "{kind}");
    }
    for kind in ["uuid", "inet6"] {
        let (literal, shown) = if kind == "uuid" {
            ("'c0ffee00-0000-4000-8000-000000000000'", "c0ffee00-0000-4000-8000-000000000000")
        } else {
            ("'::1'", "::1")
        };
        assert_eq!(stored(&rig, kind, &[literal]).await.1, json!([shown, null]), "{kind}");
    }
    let functions = both(&rig, "select group_concat(c), json_object('a', 1), concat(c, 1), version(), max(c), if(1, c, null) from (select 'é' c) x where 1 = 1").await;
    assert_eq!(functions["rows"][0][0], "é");
    assert_eq!((&functions["rows"][0][1], &functions["rows"][0][2]), (&json!("{\"a\": 1}"), &json!("é1")));
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_are_base64() {
    let Some((database, rig)) = rig().await else { return };
    for kind in ["binary(2)", "varbinary(20)", "tinyblob", "blob", "mediumblob", "longblob", "varchar(20) character set binary"] {
        let (_, values) = stored(&rig, kind, &["x'00ff'", "x'6162'"]).await;
        assert_eq!(values, json!(["AP8=", "YWI=", null]), "{kind}");
    }
    assert_eq!(stored(&rig, "blob", &["''"]).await.1, json!(["", null]));
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dates_and_times_are_exact() {
    let Some((database, rig)) = rig().await else { return };
    let cases: [(&str, &[&str], Value); 6] = [
        ("date", &["'1000-01-01'", "'9999-12-31'"], json!(["1000-01-01", "9999-12-31", null])),
        ("datetime", &["'9999-12-31 23:59:59'", "'2026-11-29'"], json!(["9999-12-31T23:59:59", "2026-11-29T00:00:00", null])),
        ("datetime(6)", &["'2026-11-29 08:00:00.000001'"], json!(["2026-11-29T08:00:00.000001", null])),
        ("time", &["'838:59:59'", "'-838:59:59'", "'00:00:00'"], json!(["838:59:59", "-838:59:59", "00:00:00", null])),
        ("time(3)", &["'08:05:00.5'", "'-00:30:00'"], json!(["08:05:00.5", "-00:30:00", null])),
        ("timestamp(3) null", &["'2026-11-29 08:00:00.5'"], json!(["2026-11-29T08:00:00.500", null])),
    ];
    for (kind, literals, expected) in cases {
        assert_eq!(stored(&rig, kind, literals).await.1, expected, "{kind}");
    }
    let incomplete = "select cast('2026-11-00' as date), cast('0000-00-00' as date), cast('2026-00-00 08:30:01' as datetime) from (select 1) x where 1 = 1";
    assert_eq!(both(&rig, incomplete).await["rows"], json!([["2026-11-00", null, "2026-00-00 08:30:01"]]));
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn csv_value_and_expectations_see_the_same_values() {
    let Some((database, rig)) = rig().await else { return };
    rig.exec("create table t (flag tinyint(1), f float, s text collate utf8mb4_bin, e enum('x', 'y') collate utf8mb4_bin)").await;
    rig.exec("insert into t values (2, 0.1, '=1+1', 'y'), (-1, 16777216, '', null)").await;
    rig.run(json!({"sql": "select * from t order by f", "file": "t.csv"})).await.unwrap();
    let csv = std::fs::read_to_string(rig.file("t.csv")).unwrap();
    assert_eq!(csv, "\u{feff}flag,f,s,e\r\n2,0.1,'=1+1,y\r\n-1,16777216,,\r\n");
    let value = async |sql: &str, expect: Value| {
        rig.run(json!({"sql": sql, "output": "value", "expect": {"value": expect}})).await.map(|result| result["value"].clone())
    };
    assert_eq!(value("select flag from t where f < 1", json!({"equals": 2})).await.unwrap(), 2);
    assert_eq!(value("select max(flag) from t", json!({"min": 2, "max": 2})).await.unwrap(), 2);
    assert_eq!(value("select f from t where f < 1", json!({"equals": 0.1, "max": 0.1})).await.unwrap(), 0.1);
    let big = "select 12345678901234567890123.10";
    assert!(value(big, json!({"equals": "12345678901234567890123.1", "min": "12345678901234567890123.1"})).await.is_ok());
    let unmet = value(big, json!({"max": "12345678901234567890123.09"})).await.unwrap_err();
    let message = unmet.message.to_string();
    assert!(message.contains("12345678901234567890123.09") && message.contains("12345678901234567890123.10"), "{message}");
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies_to_the_other_databases_keep_the_values() {
    for kind in [Kind::MySql, Kind::Postgres, Kind::Sqlite] {
        let (Some(a), Some(b)) = (TempDatabase::create(Kind::MySql).await, TempDatabase::create(kind).await) else { return };
        let rig = Rig::new(&[("a", a.profile()), ("b", b.profile())]).await;
        let on = async |datasource: &str, sql: &str| {
            let result = rig.run(json!({"datasource": datasource, "sql": sql})).await;
            result.unwrap_or_else(|error| panic!("{sql}: {error:?}"))["rows"].clone()
        };
        let columns =
            "flag smallint, f double precision, n decimal(40, 2), big decimal(20), s text, e varchar(5), j text, d date";
        on(
            "a",
            "create table t (id int, flag tinyint(1), f float, n decimal(40, 2), big bigint unsigned, s text collate utf8mb4_bin,
            e enum('x', 'y') collate utf8mb4_bin, j json, d date)",
        )
        .await;
        on("a", "insert into t values (1, 2, 0.1, 12345678901234567890123.10, 18446744073709551615, '钟''\\\\', 'y', '{\"a\": 1.10}', '2026-11-29'),
            (2, -1, 16777216, null, 0, '', null, null, null)").await;
        on("b", &format!("create table t (id int, {columns})")).await;
        let sync = DataSync::new(&rig.toolbox, Arc::new(HttpRequest::new(&rig.toolbox)));
        let params = json!({"from": {"datasource": "a", "sql": "select * from t"}, "to": {"datasource": "b", "table": "t"}});
        sync.run(params, &context().0).await.unwrap();
        let copied = on("b", "select id, flag, f, s, e, j, d from t order by id").await;
        let day = json!("2026-11-29");
        assert_eq!(
            copied,
            json!([[1, 2, 0.1, "钟'\\", "y", "{\"a\": 1.10}", day], [2, -1, 16_777_216.0, "", null, null, null]]),
            "{kind:?}"
        );
        if kind != Kind::Sqlite {
            let exact = on("b", "select n, big from t order by id").await;
            assert_eq!(exact, json!([["12345678901234567890123.10", "18446744073709551615"], [null, "0"]]), "{kind:?}");
        }
        a.remove().await;
        b.remove().await;
    }
}

/// MySQL compares a number with a text as floating-point numbers, in which these are equal.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exact_numbers_are_bound_as_numbers() {
    let Some((database, rig)) = rig().await else { return };
    rig.exec("create table t (n bigint unsigned)").await;
    rig.exec("insert into t values (18446744073709551614), (18446744073709551615)").await;
    let sql = "select count(*) from t where n > :n";
    let result = rig.run(json!({"sql": sql, "params": {"n": 18_446_744_073_709_551_614_u64}})).await.unwrap();
    assert_eq!(result["rows"], json!([[1]]));
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scripts_with_delimiter_run_as_in_the_client() {
    let Some((database, rig)) = rig().await else { return };
    rig.exec("DELIMITER //\ncreate procedure p()\nbegin\n  select 1 as one;\nend //\nDELIMITER ;\nselect 2").await;
    assert_eq!(rig.rows("call p()").await, json!([[1]]));
    let other = Rig::on(&TempDatabase::create(Kind::Sqlite).await.unwrap()).await;
    let fault = other.sql.check(&json!({"sql": "DELIMITER //\nselect 1 //"})).remove(0);
    assert!(fault.message.to_string().contains("remove these lines"), "{}", fault.message);
    database.remove().await;
}
