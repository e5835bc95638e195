//! Mail servers, SMS providers and datasources, tried at the command line: on the local settings and at a server that has them.

use std::io::{Read, Write};
use std::net::TcpListener;

use serde_json::json;

use crate::caller::{local, remote};
use crate::server::Server;

/// A gateway that takes every message; answers its port. It ends with the process.
fn gateway() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("listens");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let Ok(mut socket) = socket else { return };
            let _asked = socket.read(&mut [0; 4096]);
            let _answered = socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
        }
    });
    port
}

#[test]
fn mail_servers_and_sms_providers_are_listed_and_tried() {
    let port = gateway();
    let folder = tempfile::tempdir().expect("a folder");
    // Nothing listens on port 1.
    let settings = format!(
        "[smtp.office]\nhost = \"127.0.0.1\"\nport = 1\ntls = \"none\"\nuser = \"b\"\npassword = \"hush-hush\"\nfrom = \"b@x.example\"\n\
         [sms.gate]\nprovider = \"http\"\nurl = \"http://127.0.0.1:{port}/?key=hush-hush&to={{to}}&text={{text}}\"\n"
    );
    std::fs::write(folder.path().join("belfry.toml"), settings).expect("writes");
    let server = Server::start(folder.path());
    for way in ["local", "remote"] {
        let belfry = |said: &[&str]| if way == "local" { local(folder.path(), said) } else { remote(&server, said) };
        let listed = belfry(&["smtp", "list", "--json"]);
        assert!(!listed.out.contains("hush"), "{}", listed.out);
        let office = json!([{"name": "office", "host": "127.0.0.1", "port": 1, "tls": "none", "sender": "b@x.example"}]);
        assert_eq!(listed.json(), office);
        let listed = belfry(&["smtp", "list"]).ok();
        assert!(listed.contains("office  127.0.0.1  1     none  b@x.example"), "{listed}");
        assert!(belfry(&["sms", "list", "--lang", "zh"]).ok().contains("服务商"));

        let refused = belfry(&["smtp", "test", "office", "--to", "a@x.example"]);
        assert_eq!((refused.status, refused.out.starts_with("office did not take it: ")), (1, true), "{refused:?}");
        assert!(!refused.out.contains("hush"), "{}", refused.out);
        assert!(belfry(&["smtp", "test", "other", "--to", "a@x.example"]).refused(3).contains("no mail server 'other'"));
        assert!(belfry(&["smtp", "test", "office", "--to", "nobody"]).refused(2).contains("nobody"));

        let trial = ["sms", "test", "gate", "--to", "+8613800138000", "--text", "hi", "--json"];
        let taken = belfry(&trial).json();
        assert_eq!((&taken["ok"], &taken["error"]), (&json!(true), &json!(null)), "{taken}");
        assert!(
            belfry(&["sms", "test", "gate", "--to", "+8613800138000", "--text", "hi"]).ok().starts_with("gate took it after ")
        );
        let wrong = belfry(&["sms", "test", "gate", "--to", "1", "--template", "a", "--params", "{"]).refused(2);
        assert!(wrong.contains("is not JSON"), "{wrong}");
    }
    let audit = local(folder.path(), &["audit", "--json"]).json().to_string();
    assert!(audit.contains("sms:gate") && audit.contains("mail:office") && !audit.contains("hush"), "{audit}");
}

#[test]
fn datasources_are_tried() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("a.db");
    let settings = format!(
        "[datasource.here]\nurl = 'sqlite://{}?mode=rwc'\n[datasource.gone]\nurl = \"postgres://me:hush-hush@127.0.0.1:1/sales\"\n",
        file.display()
    );
    std::fs::write(folder.path().join("belfry.toml"), settings).expect("writes");
    let server = Server::start(folder.path());
    for way in ["local", "remote"] {
        let belfry = |said: &[&str]| if way == "local" { local(folder.path(), said) } else { remote(&server, said) };
        let here = belfry(&["datasource", "test", "here"]).ok();
        assert!(here.starts_with("here answers after ") && here.contains(": 3."), "{here}");
        assert_eq!(belfry(&["datasource", "test", "here", "--json"]).json()["ok"], true);
        let gone = belfry(&["datasource", "test", "gone"]);
        assert_eq!((gone.status, gone.out.starts_with("gone does not answer: ")), (1, true), "{gone:?}");
        assert!(!gone.out.contains("hush"), "{}", gone.out);
        assert!(belfry(&["datasource", "test", "other"]).refused(3).contains("no datasource 'other'"));
    }
}
