//! Oracle, as far as it can be had without a server: a listener that refuses.

use belfry::domain::profile::Datasource;
use belfry::domain::secret::Secret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::rig::Rig;

/// Answers every connection with a refusal: a TNS packet of type 4.
async fn refuse(code: u32) -> std::net::SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let _asked = connection.read(&mut [0; 1024]).await;
            let said = format!("(DESCRIPTION=(ERR={code})(VSNNUM=318767104)(ERROR_STACK=(ERROR=(CODE={code})(EMFI=4))))");
            let length = u16::try_from(12 + said.len()).unwrap().to_be_bytes();
            let mut packet = vec![length[0], length[1], 0, 0, 4, 0, 0, 0, 34, 0];
            packet.extend(u16::try_from(said.len()).unwrap().to_be_bytes());
            packet.extend(said.as_bytes());
            let _gone = connection.write_all(&packet).await;
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_is_told_in_its_own_words() {
    let url = Some(Secret::new(format!("oracle://me:hush@{}/NOWHERE", refuse(12514).await)));
    let rig = Rig::new(&[("db", Datasource { url, ..Datasource::default() })]).await;
    let error = rig.error("select 1 from dual").await;
    assert!(error.message.contains("ORA-12514") || error.message.contains("NOWHERE"), "{error:?}");
    assert!(error.retryable, "the service may be starting: {error:?}");
    assert!(!error.message.contains("hush"), "{error:?}");
}
