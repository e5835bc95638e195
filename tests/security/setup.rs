//! Initial setup: creating the first administrator from another machine requires the code in the log.

use reqwest::{Method, Response};

use crate::rig::{Belfry, PASSWORD, TOKEN, session_of};

/// A header that makes a request count as remote.
const REMOTE: (&str, &str) = ("x-forwarded-for", "203.0.113.7");

async fn set_up(belfry: &Belfry, header: (&str, &str), code: &str, name: &str) -> Response {
    let fields = [("code", code), ("name", name), ("password", PASSWORD), ("repeat", PASSWORD)];
    belfry.anonymous(Method::POST, "/setup").header(header.0, header.1).form(&fields).send().await.expect("answers")
}

#[tokio::test(flavor = "multi_thread")]
async fn remote_setup_requires_the_code_and_accepts_it_once() {
    let belfry = Belfry::fresh(|_| ()).await;
    let code = belfry.setup_code.clone().expect("a code, because there is no account");
    let page = belfry.anonymous(Method::GET, "/setup").header(REMOTE.0, REMOTE.1).send().await.expect("answers");
    let text = page.text().await.expect("text");
    assert!(text.contains("name=\"code\"") && !text.contains(&code), "{text}");
    for wrong in ["", "0000-0000-0000-0000", &code[..18], TOKEN] {
        let refused = set_up(&belfry, REMOTE, wrong, "eve").await;
        assert_eq!(refused.status(), 403, "{wrong}");
        assert!(session_of(&refused).is_none());
    }
    assert!(belfry.services.setup.is_needed().await.expect("answers"), "no account was created");
    let created = set_up(&belfry, REMOTE, &code.to_lowercase(), "alice").await;
    assert_eq!(created.status(), 303);
    assert!(session_of(&created).is_some());
    for again in [set_up(&belfry, REMOTE, &code, "eve").await, set_up(&belfry, ("host", "127.0.0.1"), "", "eve").await] {
        assert_eq!((again.status().as_u16(), session_of(&again)), (303, None));
        assert_eq!(again.headers()["location"], "/login");
    }
    assert!(belfry.services.setup.check_code(&code, None).is_err(), "the code is no longer valid");
    belfry.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn code_guesses_are_slowed() {
    let belfry = Belfry::fresh(|_| ()).await;
    let mut answers = Vec::new();
    for _ in 0..10 {
        answers.push(set_up(&belfry, REMOTE, "AAAA-BBBB-CCCC-DDDD", "eve").await.status().as_u16());
    }
    assert!(answers.contains(&429) && answers.iter().all(|status| matches!(status, 403 | 429)), "{answers:?}");
    belfry.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rebound_host_names_count_as_remote() {
    let belfry = Belfry::fresh(|_| ()).await;
    for header in [("host", "rebound.evil.test"), ("host", "192.168.1.5:8398"), ("via", "1.1 proxy")] {
        assert_eq!(set_up(&belfry, header, "", "eve").await.status(), 403, "{header:?}");
    }
    for foreign in [("origin", "http://evil.test"), ("sec-fetch-site", "cross-site")] {
        assert_eq!(set_up(&belfry, foreign, "", "eve").await.status(), 403, "{foreign:?}");
    }
    let plain = format!("name=eve&password={0}&repeat={0}", PASSWORD.replace(' ', "+"));
    let old = belfry
        .raw(format!("POST /setup HTTP/1.0\r\nhost: 127.0.0.1\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{plain}", plain.len()))
        .await;
    assert!(old.contains(" 403 "), "{old}");
    assert!(belfry.services.setup.is_needed().await.expect("answers"));
    assert_eq!(
        set_up(&belfry, ("host", "localhost"), "", "alice").await.status(),
        303,
        "no code is needed on the machine itself"
    );
    belfry.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_an_account_there_is_no_code_and_no_default_password() {
    let belfry = Belfry::start().await;
    assert_eq!(belfry.setup_code, None);
    for (name, password) in [("admin", "admin"), ("admin", ""), ("admin", "password"), ("belfry", "belfry")] {
        let answer = belfry
            .anonymous(Method::POST, "/login")
            .form(&[("name", name), ("password", password)])
            .send()
            .await
            .expect("answers");
        assert_eq!(answer.status(), 401, "{name} {password}");
    }
    belfry.end().await;
}

#[tokio::test]
async fn code_is_written_to_the_log_and_the_console() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = crate::server::belfry(folder.path());
    let mut child = server.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::null()).spawn().expect("starts");
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().expect("is piped")));
    let (_ready, code_line) = (lines.next(), lines.next().expect("a line").expect("reads"));
    let code = code_line.rsplit(' ').next().expect("a code").to_owned();
    assert_eq!(code.len(), 19, "{code_line}");
    let log =
        || async { std::fs::read_to_string(folder.path().join("data/scheduler.log")).ok().filter(|log| log.contains(&code)) };
    crate::server::until("the code in the log", log).await;
    child.kill().expect("is killed");
    child.wait().expect("ended");
}
