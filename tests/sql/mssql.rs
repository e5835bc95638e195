//! SQL Server, against a mock of its protocol with canned responses: login, rows, errors, time limits.

use std::time::Duration;

use belfry::domain::profile::Datasource;
use belfry::domain::profile::datasource::Tls;
use belfry::domain::secret::Secret;
use mssql_mock_tds::{ColumnDefinition, ColumnValue, MockTdsServer, QueryResponse, Row, SqlDataType, TerminalError};
use serde_json::json;

use crate::rig::Rig;

/// A server with responses to these statements.
async fn serve(responses: Vec<(&str, QueryResponse)>) -> Rig {
    let server = MockTdsServer::new("127.0.0.1:0").await.unwrap();
    let address = server.local_addr();
    {
        let registry = server.query_registry();
        let mut registry = registry.lock().await;
        for (text, response) in responses {
            registry.register(text, response);
        }
    }
    tokio::spawn(server.run());
    let url = Some(Secret::new(format!("mssql://sa:hush@{address}/master")));
    Rig::new(&[("db", Datasource { url, tls: Some(Tls::Off), ..Datasource::default() })]).await
}

fn nothing() -> QueryResponse {
    QueryResponse::new(Vec::new(), Vec::new())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_and_types_are_read() {
    let columns = vec![ColumnDefinition::new("id", SqlDataType::BigInt), ColumnDefinition::new("name", SqlDataType::NVarChar)];
    let rows = vec![
        Row::new(vec![ColumnValue::BigInt(9_007_199_254_740_993), ColumnValue::NVarChar("钟楼".into())]),
        Row::new(vec![ColumnValue::BigInt(2), ColumnValue::NVarChar("b".into())]),
    ];
    let rig = serve(vec![
        ("set xact_abort on", nothing()),
        ("begin transaction", nothing()),
        ("commit transaction", nothing()),
        ("select id, name from people", QueryResponse::new(columns, rows)),
    ])
    .await;
    let result = rig.run(json!({"sql": "select id, name from people"})).await.unwrap();
    assert_eq!((&result["columns"], &result["rows"]), (&json!(["id", "name"]), &json!([["9007199254740993", "钟楼"], [2, "b"]])));
    assert_eq!(result["types"][1], "nvarchar");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statement_is_stopped_at_the_time_limit() {
    let slow = QueryResponse::select_one().with_delay(Duration::from_secs(60));
    let rig = serve(vec![("set xact_abort on", nothing()), ("begin transaction", nothing()), ("select slow", slow)]).await;
    let error = rig.run(json!({"sql": "select slow", "timeout_seconds": 0.3})).await.unwrap_err();
    assert!(error.retryable && error.message.to_string().starts_with("the run timed out after 0.3 s"), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_are_classified_as_retryable_or_permanent() {
    let error_response = |number, message: &str| QueryResponse::error_only(TerminalError::new(number, 16, message));
    let rig = serve(vec![
        ("set xact_abort on", nothing()),
        ("begin transaction", nothing()),
        ("if @@trancount > 0 rollback transaction", nothing()),
        ("select id from nowhere", error_response(208, "Invalid object name 'nowhere'.")),
        ("select id from busy", error_response(1205, "chosen as the deadlock victim")),
    ])
    .await;
    let missing = rig.error("select id from nowhere").await;
    assert!(!missing.retryable && missing.message.to_string().starts_with("Invalid object name 'nowhere'. (208"), "{missing:?}");
    assert!(rig.error("select id from busy").await.retryable);
}
