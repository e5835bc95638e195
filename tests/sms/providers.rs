//! Requests to each provider: contents and signature.

use belfry::domain::profile::Sms;
use belfry::domain::profile::sms::{Condition, Gateway as HttpGateway, Provider};
use belfry::domain::secret::Secret;
use serde_json::{Value, json};

use crate::gateway::{Gateway, SECRET_KEY};
use crate::rig::{Rig, profile};

#[tokio::test]
async fn aliyun_sends_a_template() {
    let mut gateway = Gateway::start().await;
    let rig = Rig::new(profile(Provider::Aliyun, &gateway)).await;
    let values = json!({"code": "12 *~/34&=", "名": "钟楼"});
    let (ended, output) = rig.send(json!({"to": "+86 13800138000", "template": "SMS_1", "params": values})).await;
    let expected = json!({"to": "+8613800138000", "accepted": true, "id": "900619746936498440^0", "code": "OK", "message": "OK",
        "fee": null, "retry": false});
    assert_eq!(ended.unwrap(), json!({"sms": "main", "accepted": 1, "messages": [expected]}));
    assert_eq!(output, "+8613800138000: accepted: OK OK\n");
    let query = gateway.so_far().remove(0).query;
    assert_eq!((query["PhoneNumbers"].as_str(), query["TemplateCode"].as_str()), ("13800138000", "SMS_1"));
    assert_eq!((query["SignName"].as_str(), query["OutId"].as_str()), ("钟楼", "execution-1"));
    assert_eq!(serde_json::from_str::<Value>(&query["TemplateParam"]).unwrap(), values);
}

#[tokio::test]
async fn tencent_sends_a_template_and_reports_the_fee() {
    let mut gateway = Gateway::start().await;
    let template = Some("1110".to_owned());
    let rig = Rig::new(Sms { template, ..profile(Provider::Tencent, &gateway) }).await;
    let sent = rig.send(json!({"to": "13800138000", "params": ["1234", 5], "sign": "别的"})).await.0.unwrap();
    let message = &sent["messages"][0];
    assert_eq!((&message["id"], &message["fee"], &message["code"]), (&json!("5000:1045"), &json!(1), &json!("Ok")));
    let received = gateway.so_far().remove(0);
    let expected = json!({"PhoneNumberSet": ["+8613800138000"], "SmsSdkAppId": "1400006666", "SignName": "别的", "TemplateId": "1110",
        "TemplateParamSet": ["1234", "5"], "SessionContext": "execution-1"});
    assert_eq!(received.json(), expected);
    assert_eq!(received.headers["x-tc-region"], "ap-guangzhou");
}

#[tokio::test]
async fn twilio_sends_text_or_content() {
    let mut gateway = Gateway::start().await;
    let rig = Rig::new(profile(Provider::Twilio, &gateway)).await;
    let sent = rig.send(json!({"to": "+14155552671", "text": "Hello & 你好 + 1"})).await.0.unwrap();
    let message = &sent["messages"][0];
    assert_eq!((&message["id"], &message["code"], &message["fee"]), (&json!("SM1"), &json!("queued"), &json!(2)));
    rig.send(json!({"to": "+14155552671", "template": "HX1", "params": {"1": "a"}})).await.0.unwrap();
    let received = gateway.so_far();
    assert_eq!(received[0].path, "/2010-04-01/Accounts/AKtest/Messages.json");
    let form = received[0].form();
    assert_eq!(
        (form["To"].as_str(), form["From"].as_str(), form["Body"].as_str()),
        ("+14155552671", "+15005550006", "Hello & 你好 + 1")
    );
    let form = received[1].form();
    assert_eq!((form["ContentSid"].as_str(), form["ContentVariables"].as_str()), ("HX1", "{\"1\":\"a\"}"));
}

fn http(gateway: &Gateway, path: &str, more: HttpGateway) -> Sms {
    let url = Some(Secret::new(format!("{}{path}", gateway.url)));
    Sms {
        provider: Some(Provider::Http),
        endpoint: None,
        secret_key: Some(Secret::new(SECRET_KEY)),
        gateway: HttpGateway { url, ..more },
        ..profile(Provider::Http, gateway)
    }
}

#[tokio::test]
async fn http_gateway_gets_the_configured_request() {
    let mut gateway = Gateway::start().await;
    let json_body = HttpGateway {
        body: Some(Secret::new(r#"{"mobile":"{to}","content":"【{sign}】{text}","p":{params}}"#)),
        headers: Some(Secret::new("X-Key: {secret_key}\nX-Trace: {id}")),
        success: Some(Condition::parse("/code = 0").unwrap()),
        message_id: Some("/data/id".into()),
        ..HttpGateway::default()
    };
    let rig = Rig::new(http(&gateway, "/send", json_body)).await;
    let sent = rig.send(json!({"to": "13800138000", "text": "say \"hi\" {to}", "params": {"n": 1}})).await.0.unwrap();
    assert_eq!((&sent["messages"][0]["id"], &sent["messages"][0]["code"]), (&json!("77"), &json!("HTTP 200")));
    let received = gateway.so_far().remove(0);
    assert_eq!((received.method.as_str(), received.headers["content-type"].as_str()), ("POST", "application/json"));
    assert_eq!(received.json(), json!({"mobile": "13800138000", "content": "【钟楼】say \"hi\" {to}", "p": {"n": 1}}));
    assert_eq!((received.headers["x-key"].as_str(), received.headers["x-trace"].as_str()), (SECRET_KEY, "execution-1"));

    let in_url = HttpGateway { success: Some(Condition::Text("\"code\":0".into())), ..HttpGateway::default() };
    let rig = Rig::new(http(&gateway, "/send?m={to}&c={text}&k={secret_key}", in_url)).await;
    rig.send(json!({"to": "+8613800138000", "text": "a&b=钟"})).await.0.unwrap();
    let received = gateway.so_far().remove(0);
    assert_eq!(
        (received.method.as_str(), received.query["m"].as_str(), received.query["c"].as_str()),
        ("GET", "+8613800138000", "a&b=钟")
    );
}

#[tokio::test]
async fn http_gateway_errors_contain_no_secrets() {
    let gateway = Gateway::start().await;
    let conditions = || HttpGateway {
        success: Some(Condition::parse("/code = 0").unwrap()),
        retry: Some(Condition::parse("/code = 108").unwrap()),
        ..HttpGateway::default()
    };
    let error = async |path: &str| {
        let error = Rig::new(http(&gateway, path, conditions())).await.error(json!({"to": "13800138000", "text": "x"})).await;
        (error.message.to_string(), error.retryable)
    };
    let refused = |code: &str, body: &str, retry| (format!("13800138000: {code}: {body}"), retry);
    assert_eq!(error("/no").await, refused("HTTP 200", r#"{"code":7,"msg":"no balance"}"#, false));
    assert_eq!(error("/busy").await, refused("HTTP 200", r#"{"code":108,"msg":"later"}"#, true));
    assert_eq!(error("/503").await, refused("HTTP 503", r#"{"error":"down"}"#, true));
    assert_eq!(error("/403").await, refused("HTTP 403", r#"{"error":"bad key ***"}"#, false));
}
