//! Tests of notification channels from the command line, locally and through a server.

use std::io::{Read, Write};
use std::net::TcpListener;

use crate::cli::{local, remote};
use crate::server::Server;

/// Starts a webhook that answers as Slack does: `ok` on the path `/good`, otherwise `no_service`, both with status 200.
fn webhook() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("listen");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let Ok(mut socket) = socket else { return };
            let mut request = [0; 4096];
            let length = socket.read(&mut request).unwrap_or_default();
            let body = if request[..length].starts_with(b"POST /good") { "ok" } else { "no_service" };
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
            let _ = socket.write_all(answer.as_bytes()); // the client may have gone
        }
    });
    port
}

#[test]
fn channels_are_listed_and_tested_and_their_messages_listed() {
    let port = webhook();
    let folder = tempfile::tempdir().expect("create a temporary folder");
    // Two channels for each way, with addresses of their own: an address takes one message a second, and the second way follows at
    // once.
    let settings: String = ["good_local", "gone_local", "good_remote", "gone_remote"]
        .map(|name| format!("[notify.{name}]\ntype = \"slack\"\nurl = \"http://127.0.0.1:{port}/{name}/hush-hush-hush-hush\"\n"))
        .concat();
    // Nothing listens on port 1.
    let down = ["down_local", "down_remote"]
        .map(|name| format!("[notify.{name}]\ntype = \"slack\"\nurl = \"http://127.0.0.1:1/{name}\"\n"));
    let settings = settings + &down.concat();
    std::fs::write(folder.path().join("belfry.toml"), settings).expect("write a file");
    let server = Server::start(folder.path());
    for way in ["local", "remote"] {
        let belfry =
            |arguments: &[&str]| if way == "local" { local(folder.path(), arguments) } else { remote(&server, arguments) };
        let [good, gone] = [format!("good_{way}"), format!("gone_{way}")];
        let listed = belfry(&["notify", "channels"]).ok();
        assert!(listed.contains(&good) && listed.contains("slack") && !listed.contains("hush"), "{listed}");
        let accepted = belfry(&["notify", "test", &good]);
        assert_eq!(
            (accepted.status, accepted.out.trim()),
            (0, format!("{good}: delivered: HTTP 200 ok").as_str()),
            "{accepted:?}"
        );
        let refused = belfry(&["notify", "test", &gone]);
        assert_eq!(
            (refused.status, refused.out.trim()),
            (1, format!("{gone}: not delivered: HTTP 200 no_service").as_str()),
            "{refused:?}"
        );
        assert!(belfry(&["notify", "test", "other"]).failed_with(3).contains("no notification channel 'other'"));
        let messages = belfry(&["notify", "deliveries", &gone, "--json"]);
        assert!(!messages.out.contains("hush"), "{messages:?}");
        assert_eq!(messages.json()["items"][0]["state"], "failed");
        assert!(belfry(&["notify", "deliveries", &gone, "--lang", "zh"]).ok().contains("失败"));
        let unanswered = belfry(&["notify", "test", &format!("down_{way}"), "--lang", "zh"]);
        assert!(unanswered.status == 1 && unanswered.out.contains("没有应答："), "{unanswered:?}");
    }
}
