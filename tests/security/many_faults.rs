//! Bodies that are full of faults: a megabyte can hold a million of them. The answer names the first ones, soon and in bounded memory.

use std::time::{Duration, Instant};

use reqwest::Method;

use crate::rig::{Belfry, TOKEN};

/// The size of the bodies, just below the limit.
const BYTES: usize = 1_000_000;
/// How long an answer may take with a debug build on a busy machine; without a bound it was minutes.
const PATIENCE: Duration = Duration::from_secs(20);
/// The largest answer; without a bound it was a hundred megabytes.
const ANSWER: usize = 200_000;

/// As many of these as fit, each with its number in place of `#`.
fn filled(start: &str, item: &str, end: &str) -> String {
    let mut body = start.to_owned();
    for number in 0.. {
        let item = item.replace('#', &number.to_string());
        if body.len() + item.len() + end.len() + 1 > BYTES {
            break;
        }
        if number > 0 {
            body.push(',');
        }
        body.push_str(&item);
    }
    body + end
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_full_of_faults_are_answered_soon_and_briefly() {
    let belfry = Belfry::start().await;
    belfry.echo("a").await;
    let task = |members: &str| format!(r#"{{"id":"b","type":"echo","trigger":{{"type":"interval","hours":1}},{members}"#);
    let mail = r#"{"id":"b","type":"send_email","trigger":{"type":"interval","hours":1},"params":{"to":["#;
    let bodies = [
        ("/api/v1/import", filled(r#"{"version":1,"tasks":["#, "{}", "]}")),
        ("/api/v1/import", filled(r#"{"version":1,"tasks":["#, "0", "]}")),
        ("/api/v1/import", filled(r#"{"version":1,"tasks":[],"hooks":["#, "{}", "]}")),
        ("/api/v1/import", filled(r#"{"version":1,"tasks":[],"notify_rules":["#, "{}", "]}")),
        ("/api/v1/import", filled(r#"{"version":1,"tasks":[],"secrets":["#, "0", "]}")),
        ("/api/v1/import", filled(r#"{"version":1,"tasks":[],"states":{"#, r#""a#":0"#, "}}")),
        ("/api/v1/import", filled(r#"{"version":1,"tasks":[],"states":{"#, r#""a#":{}"#, "}}")),
        ("/api/v1/import", filled(r#"{"version":1,"tasks":[],"#, r#""k#":0"#, "}")),
        ("/api/v1/tasks", filled(&task(""), r#""k#":0"#, "}")),
        ("/api/v1/tasks", filled(&task(r#""params":{"#), r#""k#":0"#, "}}")),
        ("/api/v1/tasks", filled(&task(r#""tags":["#), "0", "]}")),
        ("/api/v1/tasks", filled(mail, "0", "]}}")),
        ("/api/v1/tasks/a/run", filled(r#"{"params":{"#, r#""k#":0"#, "}}")),
        ("/api/v1/tasks/a/run", filled(r#"{"inputs":{"#, r#""k#":0"#, "}}")),
        ("/api/v1/tasks/bulk", filled(r#"{"action":"pause","ids":["#, "0", "]}")),
        ("/api/v1/notify-rules", filled(r#"{"name":"r","channels":["a"],"events":["failed"],"tasks":{"ids":["#, "0", "]}}")),
        ("/api/v1/calendars", filled(r#"{"name":"c","#, r#""k#":0"#, "}")),
    ];
    for (path, body) in bodies {
        let (shown, started) = (body[..80].to_owned(), Instant::now());
        let request = belfry.anonymous(Method::POST, path).bearer_auth(TOKEN).header("content-type", "application/json");
        let answer = request.body(body).send().await.expect("answers");
        let (status, text) = (answer.status().as_u16(), answer.text().await.expect("text"));
        assert!(matches!(status, 400 | 422), "{shown}: {status} {text:.300}");
        assert!(text.len() < ANSWER, "{shown}: an answer of {} bytes", text.len());
        assert!(started.elapsed() < PATIENCE, "{shown} took {:?}", started.elapsed());
    }
    belfry.assert_healthy().await;
    belfry.end().await;
}
