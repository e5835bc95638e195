//! Contents of delivered mails: addresses, titles, texts and attachments, in Chinese too.

use belfry::domain::execution::Status;
use belfry::storage::execution::{self, Finish};
use serde_json::{Value, json};

use crate::rig::{Rig, mail};
use crate::samples;
use crate::server::MailServer;

#[tokio::test]
async fn names_title_and_text_are_delivered_unchanged() {
    let Some(mut server) = MailServer::plain(&[]).await else { return };
    let rig = Rig::new(server.profile()).await;
    let title = "每日报告：上海、北京与广州三地的销售额已经更新，请查收附件并在周五之前回复意见（第 47 周）";
    let (ended, output) = rig
        .send(json!({
            "to": ["王伟 <wei@example.com>", "\"Li, Na\" <na@example.com>, solo@example.com"], "cc": "抄送 <cc@example.com>",
            "bcc": "secret@example.com", "reply_to": "答复 <answer@example.com>", "title": title,
            "body": "第一行\n.\n..以点开头的行\nlong: ".to_owned() + &"长".repeat(2_000),
        }))
        .await;
    let result = ended.unwrap();
    let (envelope, read) = server.mail().await;
    assert_eq!(envelope["sender"], "belfry@example.com");
    let recipients = ["wei@example.com", "na@example.com", "solo@example.com", "cc@example.com", "secret@example.com"];
    assert_eq!(envelope["recipients"], json!(recipients));
    let headers = &read["headers"];
    assert_eq!(headers["subject"], title);
    assert_eq!(headers["from"], "钟楼 <belfry@example.com>");
    assert_eq!(headers["to"], "王伟 <wei@example.com>, \"Li, Na\" <na@example.com>, solo@example.com");
    assert_eq!((&headers["cc"], &headers["reply-to"]), (&json!("抄送 <cc@example.com>"), &json!("答复 <answer@example.com>")));
    assert_eq!(headers.get("bcc"), None, "bcc is not in the headers");
    assert_eq!(headers["message-id"], "<execution-1@example.com>", "the same for every attempt");
    assert_eq!(headers["auto-submitted"], "auto-generated");
    let text = read["parts"][0]["text"].as_str().unwrap().replace("\r\n", "\n");
    assert!(text.starts_with("第一行\n.\n..以点开头的行\nlong: 长长") && text.trim_end().ends_with("长长"), "{text}");
    assert!(read["ascii"] == true && read["lines"].as_u64().unwrap() <= 998, "any server can relay it");

    assert_eq!((&result["message_id"], &result["accepted"]), (&json!("<execution-1@example.com>"), &json!(5)));
    assert_eq!(result["recipients"], json!(recipients));
    assert_eq!((&result["answer"], &result["smtp"]), (&json!("250 2.0.0 taken as 1"), &json!("office")));
    assert!(result["bytes"].as_u64().unwrap() > 6_000 && result["refused"] == json!([]));
    let lines: Vec<&str> = output.lines().collect();
    assert_eq!(lines[0], format!("connecting to localhost:{} without TLS", server.port));
    assert!(lines[1].starts_with("sent <execution-1@example.com> to 5 recipients, ") && lines.len() == 2, "{output}");
}

#[tokio::test]
async fn html_is_sent_alone_or_with_a_plain_text_version() {
    let Some(mut server) = MailServer::plain(&[]).await else { return };
    let rig = Rig::new(server.profile()).await;
    let mut send = async |html: Value| {
        let mut params = mail();
        params["html"] = html;
        rig.send(params).await.0.unwrap();
        server.mail().await.1
    };
    let kinds = |read: &Value| read["parts"].as_array().unwrap().iter().map(|part| part["type"].clone()).collect::<Value>();
    let alone = send(json!(true)).await;
    assert_eq!((kinds(&alone), &alone["parts"][0]["charset"]), (json!(["text/html"]), &json!("utf-8")));
    let both = send(json!("<p>正文</p>")).await;
    assert_eq!((&both["kind"], kinds(&both)), (&json!("multipart/alternative"), json!(["text/plain", "text/html"])));
    assert_eq!(both["parts"][1]["text"].as_str().unwrap().trim(), "<p>正文</p>");
    assert_eq!(kinds(&send(json!(false)).await), json!(["text/plain"]));
}

#[tokio::test]
async fn attachments_are_loaded_from_files_texts_and_results() {
    let Some(mut server) = MailServer::plain(&[]).await else { return };
    let rig = Rig::new(server.profile()).await;
    let picture: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    std::fs::write(rig.files.path().join("图片.png"), &picture).unwrap();
    record(&rig, "sales", json!({"columns": ["城市", "金额"], "rows": [["上海", "12.50"], ["北京", null]]})).await;
    let mut params = mail();
    params["html"] = "<b>x</b>".into();
    params["attachments"] = json!([
        {"path": "图片.png"}, {"path": "图片.png", "name": "another.bin"}, {"name": "说明 (终稿).txt", "text": "内容"},
        {"from_task": "sales"}, {"from_task": "sales", "format": "json", "name": "销售.json"},
        {"name": "lines.log", "text": "a\nb\r\n.\n\r"},
    ]);
    rig.send(params).await.0.unwrap();
    let (_, read) = server.mail().await;
    assert_eq!(read["kind"], "multipart/mixed");
    let parts: Vec<&Value> =
        read["parts"].as_array().unwrap().iter().filter(|part| part["disposition"] == "attachment").collect();
    let names_and_types: Vec<Value> = parts.iter().map(|part| json!([part["name"], part["type"]])).collect();
    let expected = json!([
        ["图片.png", "image/png"],
        ["another.bin", "application/octet-stream"],
        ["说明 (终稿).txt", "text/plain"],
        ["sales.csv", "text/csv"],
        ["销售.json", "application/json"],
        ["lines.log", "text/plain"],
    ]);
    assert_eq!(json!(names_and_types), expected);
    use base64::Engine;
    let bytes = base64::engine::general_purpose::STANDARD.decode(parts[0]["base64"].as_str().unwrap()).unwrap();
    assert!(bytes == picture, "every byte arrives");
    assert_eq!((&parts[2]["text"], &parts[5]["text"]), (&json!("内容"), &json!("a\nb\r\n.\n\r")));
    assert_eq!(parts[3]["text"], "\u{feff}城市,金额\r\n上海,12.50\r\n北京,\r\n");
    assert_eq!(serde_json::from_str::<Value>(parts[4]["text"].as_str().unwrap()).unwrap()["rows"][0][0], "上海");
}

#[tokio::test]
async fn dots_and_line_endings_in_the_text_cannot_end_the_mail() {
    let Some(mut server) = MailServer::plain(&[]).await else { return };
    let rig = Rig::new(server.profile()).await;
    let bodies = [
        "one\n.\ntwo",
        "one\r\n.\r\nMAIL FROM:<x@y.cn>\r\ntwo",
        "one\n.\r\nMAIL FROM:<x@y.cn>\ntwo",
        "one\r.\rtwo",
        ".\n..\n...",
        "ends with a point\n.",
        "",
    ];
    for body in bodies.into_iter().map(str::to_owned).chain(["x".repeat(5_000), "长".repeat(5_000)]) {
        rig.send(json!({"to": "a@example.com", "title": "t", "body": body})).await.0.unwrap();
        let (_, read) = server.mail().await;
        let lines = |text: &str| text.replace("\r\n", "\n").replace('\r', "\n").trim_end_matches('\n').to_owned();
        assert_eq!(lines(read["parts"][0]["text"].as_str().unwrap()), lines(&body));
        assert!(read["lines"].as_u64().unwrap() <= 998 && read["bare"] == false, "{body:?}: {read}");
    }
    assert_eq!(server.events_so_far().iter().filter(|event| event["event"] == "mail").count(), 0, "no mail within a mail");
}

#[tokio::test]
async fn separators_as_people_type_them_lose_no_recipient() {
    let Some(mut server) = MailServer::plain(&[]).await else { return };
    let rig = Rig::new(server.profile()).await;
    let to = "王伟 <a@example.com>；b@example.com、\"Li, Na\" <c@example.com>，<d@example.com>\r\ne@example.com\n; A@example.com";
    let (ended, _) = rig.send(json!({"to": to, "title": "t", "body": ""})).await;
    let expected = json!(["a", "b", "c", "d", "e", "A"].map(|user| format!("{user}@example.com")));
    assert_eq!((&server.mail().await.0["recipients"], &ended.unwrap()["recipients"]), (&expected, &expected));
    use belfry::tasks::TaskType;
    let unclear = json!({"to": ["x@example.com", "a@example.com b@example.com"], "title": "t", "body": ""});
    let fault = rig.send_email.check(&unclear).remove(0);
    assert_eq!(fault.pointer, "/to/1");
    assert!(fault.message.to_string().contains("'a@example.com b@example.com' is not a mail address"), "{}", fault.message);
}

#[tokio::test]
async fn no_line_of_a_header_exceeds_the_limit() {
    let Some(mut server) = MailServer::plain(&[]).await else { return };
    let rig = Rig::new(server.profile()).await;
    let words = "word ".repeat(390);
    for title in
        ["x".repeat(2_000), "长".repeat(660), format!("{}é{}", "x".repeat(1_500), "y".repeat(400)), words.trim().to_owned()]
    {
        let to: Vec<String> = (0..200).map(|n| format!("{} <user{n}@example.com>", "n".repeat(400))).collect();
        let name = format!("{}.csv", "报".repeat(80));
        let attachments = json!([{"name": name, "text": "a"}, {"name": format!("{}.txt", "z".repeat(200)), "text": "b"}]);
        rig.send(json!({"to": to, "title": title, "body": "", "attachments": attachments})).await.0.unwrap();
        let (envelope, read) = server.mail().await;
        assert_eq!(envelope["recipients"].as_array().map(Vec::len), Some(200));
        assert_eq!(read["headers"]["subject"], title);
        assert_eq!(read["parts"][1]["name"], name);
        assert!(read["ascii"] == true && read["lines"].as_u64().unwrap() <= 998, "{}", read["lines"]);
    }
}

#[tokio::test]
async fn attachment_names_are_also_readable_from_the_content_type() {
    let Some(mut server) = MailServer::plain(&[]).await else { return };
    let rig = Rig::new(server.profile()).await;
    let names = ["销售 报表（终稿）.csv", "plain name.txt", "quote\"d.txt", "a;b=c.json"];
    let attachments: Vec<Value> = names.iter().map(|name| json!({"name": name, "text": "x"})).collect();
    rig.send(json!({"to": "a@example.com", "title": "t", "body": "", "attachments": attachments})).await.0.unwrap();
    let (_, read) = server.mail().await;
    let read: Vec<[&Value; 2]> =
        read["parts"].as_array().unwrap()[1..].iter().map(|part| [&part["name"], &part["type_name"]]).collect();
    assert_eq!(json!(read), json!(names.map(|name| [name, name])));
}

#[tokio::test]
async fn international_addresses_are_delivered() {
    let Some(mut server) = MailServer::plain(&[]).await else { return };
    let rig = Rig::new(server.profile()).await;
    rig.send(json!({"to": ["用户@example.com", "a@例子.cn"], "title": "标题", "body": "正文"})).await.0.unwrap();
    let (envelope, read) = server.mail().await;
    assert_eq!(envelope["recipients"], json!(["用户@example.com", "a@xn--fsqu00a.cn"]));
    assert_eq!((&read["headers"]["subject"], read["parts"][0]["text"].as_str().map(str::trim)), (&json!("标题"), Some("正文")));
}

#[tokio::test]
async fn send_text_sends_for_other_task_types() {
    let Some(mut server) = MailServer::plain(&[]).await else { return };
    let rig = Rig::new(server.profile()).await;
    let (context, _output) = crate::support::run::context();
    let to = ["a@example.com".to_owned(), "b@example.com".to_owned()];
    rig.send_email.send_text(Some("office"), &to, "标题", "正文", &context).await.unwrap();
    assert_eq!(server.mail().await.0["recipients"], json!(to));
    assert!(rig.send_email.send_text(Some("other"), &to, "a", "b", &context).await.is_err());
}

/// Inserts a succeeded execution of a task.
async fn record(rig: &Rig, task_id: &str, result: Value) {
    let database = &rig.database.database;
    let new = samples::execution(task_id, 0);
    samples::insert_executions(database, std::slice::from_ref(&new)).await;
    let mut tx = database.write().await.unwrap();
    execution::claim(&mut tx, &samples::node(), &[samples::claim_of(&new, 1)]).await.unwrap();
    let finish = Finish { result: Some(result), ..samples::finish_of(&new, 1, Status::Succeeded) };
    execution::finish(&mut tx, &samples::node().id, &[finish]).await.unwrap();
    tx.commit().await.unwrap();
}
