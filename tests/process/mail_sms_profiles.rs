//! Tests of mail servers, SMS providers and datasources from the command line, locally and through a server.

use std::io::{Read, Write};
use std::net::TcpListener;

use serde_json::json;

use crate::cli::{local, remote};
use crate::server::Server;

/// Starts an SMS gateway that accepts every message. Returns its port.
fn gateway() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("listen");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let Ok(mut socket) = socket else { return };
            let _ = socket.read(&mut [0; 4096]); // the request does not matter
            let _ = socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
        }
    });
    port
}

#[test]
fn mail_servers_and_sms_providers_are_listed_and_tested() {
    let port = gateway();
    let folder = tempfile::tempdir().expect("create a temporary folder");
    // Nothing listens on port 1.
    let settings = format!(
        "[smtp.office]\nhost = \"127.0.0.1\"\nport = 1\ntls = \"none\"\nuser = \"b\"\npassword = \"hush-hush\"\nfrom = \"b@x.example\"\n\
         [sms.gate]\nprovider = \"http\"\nurl = \"http://127.0.0.1:{port}/?key=hush-hush&to={{to}}&text={{text}}\"\n"
    );
    std::fs::write(folder.path().join("belfry.toml"), settings).expect("write a file");
    let server = Server::start(folder.path());
    for way in ["local", "remote"] {
        let belfry =
            |arguments: &[&str]| if way == "local" { local(folder.path(), arguments) } else { remote(&server, arguments) };
        let listed = belfry(&["smtp", "list", "--json"]);
        assert!(!listed.out.contains("hush"), "{}", listed.out);
        let office = json!([{"name": "office", "host": "127.0.0.1", "port": 1, "tls": "none", "sender": "b@x.example",
            "managed_by": "file"}]);
        assert_eq!(listed.json(), office);
        let listed = belfry(&["smtp", "list"]).ok();
        assert!(listed.contains("office  127.0.0.1  1     none  b@x.example"), "{listed}");
        assert!(belfry(&["sms", "list", "--lang", "zh"]).ok().contains("服务商"));

        let refused = belfry(&["smtp", "test", "office", "--to", "a@x.example"]);
        assert_eq!((refused.status, refused.out.starts_with("office: not accepted: ")), (1, true), "{refused:?}");
        assert!(!refused.out.contains("hush"), "{}", refused.out);
        assert!(belfry(&["smtp", "test", "other", "--to", "a@x.example"]).failed_with(3).contains("no mail server 'other'"));
        assert!(belfry(&["smtp", "test", "office", "--to", "nobody"]).failed_with(2).contains("nobody"));

        let test = ["sms", "test", "gate", "--to", "+8613800138000", "--text", "hi", "--json"];
        let accepted = belfry(&test).json();
        assert_eq!((&accepted["ok"], &accepted["error"]), (&json!(true), &json!(null)), "{accepted}");
        assert!(
            belfry(&["sms", "test", "gate", "--to", "+8613800138000", "--text", "hi"]).ok().starts_with("gate: accepted in ")
        );
        let wrong = belfry(&["sms", "test", "gate", "--to", "1", "--template", "a", "--params", "{"]).failed_with(2);
        assert!(wrong.contains("is not valid JSON"), "{wrong}");
    }
    let audit = local(folder.path(), &["audit", "--json"]).json().to_string();
    assert!(audit.contains("sms:gate") && audit.contains("mail:office") && !audit.contains("hush"), "{audit}");
}

#[test]
fn datasource_test_reports_the_result() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let file = folder.path().join("a.db");
    let settings = format!(
        "[datasource.here]\nurl = 'sqlite://{}?mode=rwc'\n[datasource.gone]\nurl = \"postgres://me:hush-hush@127.0.0.1:1/sales\"\n",
        file.display()
    );
    std::fs::write(folder.path().join("belfry.toml"), settings).expect("write a file");
    let server = Server::start(folder.path());
    for way in ["local", "remote"] {
        let belfry =
            |arguments: &[&str]| if way == "local" { local(folder.path(), arguments) } else { remote(&server, arguments) };
        let here = belfry(&["datasource", "test", "here"]).ok();
        assert!(here.starts_with("here: connected in ") && here.contains(": 3."), "{here}");
        assert_eq!(belfry(&["datasource", "test", "here", "--json"]).json()["ok"], true);
        let gone = belfry(&["datasource", "test", "gone"]);
        assert_eq!((gone.status, gone.out.starts_with("gone: connection failed: ")), (1, true), "{gone:?}");
        assert!(!gone.out.contains("hush"), "{}", gone.out);
        assert!(belfry(&["datasource", "test", "other"]).failed_with(3).contains("no datasource 'other'"));
    }
}
