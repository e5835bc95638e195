//! Oracle without a server: a listener that refuses connections.

use belfry::domain::profile::Datasource;
use belfry::domain::secret::Secret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::rig::Rig;

/// A listener that answers every connection with a TNS refuse packet (type 4).
async fn refuse(code: u32) -> std::net::SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let _ = connection.read(&mut [0; 1024]).await; // the content of the request does not matter
            let text = format!("(DESCRIPTION=(ERR={code})(VSNNUM=318767104)(ERROR_STACK=(ERROR=(CODE={code})(EMFI=4))))");
            let length = u16::try_from(12 + text.len()).unwrap().to_be_bytes();
            let mut packet = vec![length[0], length[1], 0, 0, 4, 0, 0, 0, 34, 0];
            packet.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
            packet.extend(text.as_bytes());
            let _ = connection.write_all(&packet).await; // the client may have closed the connection
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_connection_reports_the_listener_error() {
    let url = Some(Secret::new(format!("oracle://me:hush@{}/NOWHERE", refuse(12514).await)));
    let rig = Rig::new(&[("db", Datasource { url, ..Datasource::default() })]).await;
    let error = rig.error("select 1 from dual").await;
    assert!(error.message.to_string().contains("ORA-12514") || error.message.to_string().contains("NOWHERE"), "{error:?}");
    assert!(error.retryable, "the service may be starting, so the error is retryable: {error:?}");
    assert!(!error.message.to_string().contains("hush"), "{error:?}");
}
