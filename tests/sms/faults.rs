//! Failures of text messages: error messages, retries, and no duplicate messages.

use std::sync::Arc;
use std::time::Duration;

use belfry::domain::execution::Status;
use belfry::domain::profile::Sms;
use belfry::domain::profile::sms::Provider;
use belfry::domain::secret::Secret;
use belfry::tasks::TaskType;
use belfry::worker::WorkerConfig;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

use crate::gateway::Gateway;
use crate::harness::{Harness, TIMEOUT, attempts};
use crate::rig::{Rig, profile};
use crate::support::run::context;

fn params(provider: Provider, to: Value) -> Value {
    match provider {
        Provider::Twilio | Provider::Http => json!({"to": to, "text": "x"}),
        Provider::Aliyun | Provider::Tencent => json!({"to": to, "template": "1"}),
    }
}

const NAMED: [Provider; 3] = [Provider::Aliyun, Provider::Tencent, Provider::Twilio];

#[tokio::test]
async fn error_codes_are_explained_and_decide_about_a_retry() {
    for (provider, bad, throttled, unsigned) in [
        (Provider::Aliyun, "isv.MOBILE_NUMBER_ILLEGAL: 手机号码格式错误", "isv.BUSINESS_LIMIT_CONTROL", "SignatureDoesNotMatch"),
        (
            Provider::Tencent,
            "InvalidParameterValue.IncorrectPhoneNumber: phone number is incorrect",
            "LimitExceeded.",
            "AuthFailure.SignatureFailure",
        ),
        (Provider::Twilio, "21211: Invalid 'To' Phone Number", "20429", "20003"),
    ] {
        let gateway = Gateway::start().await;
        let rig = Rig::new(profile(provider, &gateway)).await;
        let error = rig.error(params(provider, json!("+8613800138001"))).await;
        assert_eq!(error.message.to_string(), format!("+8613800138001: {bad} (the number is not valid)"));
        assert!(!error.retryable && error.result.unwrap()["messages"][0]["accepted"] == false);
        let later = rig.error(params(provider, json!("+8613800138002"))).await;
        assert!(later.retryable && later.message.to_string().contains(throttled), "{later:?}");
        let wrong = Sms { secret_key: Some(Secret::new("wrong-key")), ..profile(provider, &gateway) };
        let error = Rig::new(wrong).await.error(params(provider, json!("+8613800138000"))).await;
        assert!(!error.retryable && error.message.to_string().contains(unsigned), "{error:?}");
        assert!(
            error.message.to_string().contains("secret_key") && !error.message.to_string().contains("wrong-key"),
            "{error:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retry_sends_only_the_remaining_messages() {
    for provider in NAMED {
        let mut gateway = Gateway::start().await;
        let rig = Rig::new(profile(provider, &gateway)).await;
        let types: Vec<Arc<dyn TaskType>> = vec![rig.send_sms.clone()];
        let workers = Harness::start_with(&rig.database.database, WorkerConfig::default(), types);
        let policy = attempts(4);
        let to = json!(["+8613800138000", "+8613800138002", "+8613800138003"]);
        let id = workers.queue_with_policy("send_sms", params(provider, to), &policy).await;
        while workers.queue_retries(&policy).await == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let done = workers.wait_for(&id, Status::Succeeded).await;
        assert_eq!(done.attempt, 2);
        let result = workers.result(&id).await.unwrap();
        assert_eq!((&result["accepted"], result["messages"].as_array().unwrap().len()), (&json!(3), 3));
        assert_eq!(gateway.so_far().len(), 4, "three messages, and the throttled one again");
        workers.stop().await;
    }
}

#[tokio::test]
async fn invalid_number_does_not_stop_the_others() {
    let mut gateway = Gateway::start().await;
    let rig = Rig::new(profile(Provider::Aliyun, &gateway)).await;
    let to = json!("+8613800138000, 13800138001; +86 138 0013 8000");
    let error = rig.error(params(Provider::Aliyun, to)).await;
    let expected = "1 of 2 accepted; 13800138001: isv.MOBILE_NUMBER_ILLEGAL: 手机号码格式错误 (the number is not valid)";
    assert_eq!((error.message.to_string().as_str(), error.retryable), (expected, false));
    assert_eq!(gateway.so_far().len(), 2, "a duplicate number gets one message");
}

#[tokio::test]
async fn missing_response_is_reported_with_its_cause() {
    let gateway = Gateway::start().await;
    let slow = Sms { timeout: Duration::from_millis(200), ..profile(Provider::Tencent, &gateway) };
    let error = Rig::new(slow).await.error(params(Provider::Tencent, json!("13800138009"))).await;
    assert_eq!(
        (error.message.to_string().as_str(), error.retryable),
        ("13800138009: no response: no response within 0.2 s", true)
    );
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = Some(format!("http://{}", free.local_addr().unwrap()));
    drop(free);
    let error = Rig::new(Sms { endpoint: closed, ..profile(Provider::Aliyun, &gateway) }).await;
    let error = error.error(params(Provider::Aliyun, json!("13800138000"))).await;
    assert!(error.retryable && error.message.to_string().starts_with("13800138000: no response: connection failed"), "{error:?}");
}

#[tokio::test]
async fn cancellation_keeps_the_outcomes_so_far() {
    let mut gateway = Gateway::start().await;
    let rig = Rig::new(profile(Provider::Aliyun, &gateway)).await;
    let (context, mut output) = context();
    let (cancel, send_sms) = (context.cancel.clone(), rig.send_sms.clone());
    let to = json!(["13800138000", "13800138009"]);
    let running = tokio::spawn(async move { send_sms.run(params(Provider::Aliyun, to), &context).await });
    output.recv().await.expect("the first message is accepted");
    for _ in 0..2 {
        gateway.received.recv().await.expect("both messages are sent");
    }
    cancel.cancel();
    let error = tokio::time::timeout(TIMEOUT, running).await.expect("at once").unwrap().unwrap_err();
    assert_eq!(error.message.to_string(), "cancelled; 1 of 2 messages were accepted");
    assert_eq!(error.result.unwrap()["messages"][0]["to"], "13800138000");
}

#[tokio::test]
async fn cancellation_closes_the_connection() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = Some(format!("http://{}", silent.local_addr().unwrap()));
    let rig = Rig::new(Sms { endpoint, ..profile(Provider::Aliyun, &Gateway::start().await) }).await;
    let (context, _output) = context();
    let (cancel, send_sms) = (context.cancel.clone(), rig.send_sms.clone());
    let running = tokio::spawn(async move { send_sms.run(params(Provider::Aliyun, json!("13800138000")), &context).await });
    let (mut connection, _) = silent.accept().await.unwrap();
    let mut request = [0; 4096];
    assert!(connection.read(&mut request).await.unwrap() > 0, "the request arrives");
    cancel.cancel();
    let rest = tokio::time::timeout(TIMEOUT, connection.read_to_end(&mut Vec::new())).await;
    assert!(rest.is_ok(), "the connection is closed");
    assert!(!running.await.unwrap().unwrap_err().retryable);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_messages_are_all_sent() {
    let mut gateway = Gateway::start().await;
    let rig = Rig::new(profile(Provider::Tencent, &gateway)).await;
    let numbers = |task: u32| (0..20).map(|n| json!(format!("138013{task:02}{}0", 10 + n))).collect::<Value>();
    let sends = (0..10).map(|task| rig.send(params(Provider::Tencent, numbers(task))));
    for (ended, _) in futures_util::future::join_all(sends).await {
        assert_eq!(ended.unwrap()["accepted"], 20);
    }
    let mut reached: Vec<String> = gateway.so_far().iter().map(|sent| sent.json()["PhoneNumberSet"][0].to_string()).collect();
    reached.sort();
    reached.dedup();
    assert_eq!(reached.len(), 200);
}

#[tokio::test]
async fn check_finds_parameters_that_the_provider_does_not_support() {
    let gateway = Gateway::start().await;
    let faults = async |sms: Sms, params: Value| {
        let faults = Rig::new(sms).await.send_sms.check(&params);
        faults.into_iter().map(|fault| fault.pointer).collect::<Vec<_>>().join(" ")
    };
    let of = |provider| profile(provider, &gateway);
    assert_eq!(faults(of(Provider::Aliyun), json!({"to": "13800138000", "text": "x"})).await, "/text");
    assert_eq!(faults(of(Provider::Tencent), json!({"to": "13800138000"})).await, "/template");
    assert_eq!(faults(Sms { sign: None, ..of(Provider::Aliyun) }, json!({"to": "13800138000", "template": "1"})).await, "/sign");
    assert_eq!(faults(Sms { sign: None, ..of(Provider::Tencent) }, json!({"to": "+85291234567", "template": "1"})).await, "");
    assert_eq!(faults(of(Provider::Twilio), json!({"to": "+1415555267"})).await, "/text");
    let both = json!({"to": ["13800138000", "call me"], "text": "x", "template": "1", "sms": "main"});
    assert_eq!(faults(of(Provider::Twilio), both).await, "/to/1 /template");
    let unknown = json!({"to": "13800138000", "text": "x", "sms": "other"});
    assert_eq!(faults(of(Provider::Twilio), unknown).await, "/sms");
    assert_eq!(
        faults(of(Provider::Twilio), json!({"to": "{{ numbers }}", "text": "{{ x }}"})).await,
        "",
        "checked after rendering"
    );
    let abroad = Rig::new(of(Provider::Twilio)).await.error(json!({"to": "13800138000", "text": "x"})).await;
    assert!(!abroad.retryable && abroad.message.to_string().contains("has no country code"), "{abroad:?}");
    let params =
        Rig::new(of(Provider::Tencent)).await.error(json!({"to": "13800138000", "template": "1", "params": {"code": 1}})).await;
    assert!(!params.retryable && params.message.to_string().contains("must be a list"), "{params:?}");
}
