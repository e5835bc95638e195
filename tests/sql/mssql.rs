//! SQL Server, against a mock of its protocol with canned responses: login, rows, errors, time limits.

use std::time::Duration;

use belfry::domain::profile::Datasource;
use belfry::domain::profile::datasource::Tls;
use belfry::domain::secret::Secret;
use mssql_mock_tds::{ColumnDefinition, ColumnValue, MockTdsServer, QueryResponse, Row, SqlDataType, TerminalError};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

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

/// Reads one message of the protocol: packets up to the one that is marked as the last.
async fn read_message(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut message = Vec::new();
    loop {
        let mut header = [0; 8];
        stream.read_exact(&mut header).await?;
        let mut body = vec![0; usize::from(u16::from_be_bytes([header[2], header[3]])) - header.len()];
        stream.read_exact(&mut body).await?;
        message.extend_from_slice(&header);
        message.extend_from_slice(&body);
        if header[1] & 1 == 1 {
            return Ok(message);
        }
    }
}

/// Writes a row with one value that never ends.
async fn write_endless_value(client: &mut TcpStream) -> std::io::Result<()> {
    let packet = |body: &[u8]| [&[4, 0], &u16::try_from(body.len() + 8).unwrap().to_be_bytes()[..], &[0, 0, 1, 0], body].concat();
    // One column of nvarchar(max) with the name x, then a row whose length is not known, in one chunk of two gigabytes.
    let metadata = [0x81, 1, 0, 0, 0, 0, 0, 1, 0, 0xe7, 0xff, 0xff, 9, 4, 0xd0, 0, 0x34, 1, b'x', 0];
    let row = [&[0xd1][..], &0xffff_ffff_ffff_fffe_u64.to_le_bytes(), &0x7fff_ffff_u32.to_le_bytes()].concat();
    client.write_all(&packet(&[&metadata[..], &row].concat())).await?;
    let more = packet(&b"x\0".repeat(2_000));
    loop {
        client.write_all(&more).await?;
    }
}

/// A server that answers like the mock, but for `select endless`.
async fn endless_server(mock: std::net::SocketAddr) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut server = TcpStream::connect(mock).await?;
                loop {
                    let request = read_message(&mut client).await?;
                    let asked: Vec<u8> = request.iter().copied().filter(|byte| *byte != 0).collect();
                    if asked.windows(14).any(|words| words == b"select endless") {
                        write_endless_value(&mut client).await?;
                    }
                    server.write_all(&request).await?;
                    client.write_all(&read_message(&mut server).await?).await?;
                }
                #[expect(unreachable_code, reason = "names the type of the errors")]
                Ok::<(), std::io::Error>(())
            });
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gigantic_value_ends_its_statement() {
    let server = MockTdsServer::new("127.0.0.1:0").await.unwrap();
    let mock = server.local_addr();
    for text in ["set xact_abort on", "begin transaction"] {
        server.query_registry().lock().await.register(text, nothing());
    }
    tokio::spawn(server.run());
    let url = Some(Secret::new(format!("mssql://sa:hush@{}/master", endless_server(mock).await)));
    let rig = Rig::new(&[("db", Datasource { url, tls: Some(Tls::Off), ..Datasource::default() })]).await;
    let error = rig.error("select endless").await;
    assert!(!error.retryable && error.message.to_string().contains("larger than 32 MiB"), "{error:?}");
}
