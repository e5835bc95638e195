//! The settings of `[sms.<name>]`.

use std::time::Duration;

use super::super::Settings;
use super::super::setting::settings;
use super::words;
use crate::domain::profile::Sms;
use crate::domain::profile::sms::{Condition, Provider};

const SECTION: &str = "sms.*";

/// The words of `method`.
const METHODS: [(&str, &str); 3] = [("GET", "GET"), ("POST", "POST"), ("PUT", "PUT")];

/// The words of a choice.
pub(super) fn choices(key: &str) -> Vec<&'static str> {
    match key {
        "provider" => words(&Provider::WORDS),
        "method" => words(&METHODS),
        _ => Vec::new(),
    }
}

settings! {
    pub(super) SETTINGS |s, name, v|

    [SECTION]
    "provider" Choice "" "aliyun, tencent, twilio, or http for any HTTP gateway."
        => of(s, name).provider = Some(v.choice(&Provider::WORDS)?);
    "access_key" Text "" "AccessKey ID (Aliyun), SecretId (Tencent), Account SID (Twilio)."
        => of(s, name).access_key = Some(v.text()?);
    secret "secret_key" Text "" "AccessKey Secret (Aliyun), SecretKey (Tencent), Auth Token (Twilio)."
        => of(s, name).secret_key = Some(v.secret()?);
    "sign" Text "" "The default signature (签名) of messages." => of(s, name).sign = Some(v.text()?);
    "template" Text "" "The default template code of messages." => of(s, name).template = Some(v.text()?);
    "region" Text "" "Tencent: the region of the service; by default ap-guangzhou." => of(s, name).region = Some(v.text()?);
    "app_id" Text "" "Tencent: SmsSdkAppId." => of(s, name).app_id = Some(v.text()?);
    "from" Text "" "Twilio: the sender's phone number, or a messaging service (MG...)." => of(s, name).from = Some(v.text()?);
    "endpoint" Text "" "The URL of the provider's API, if it is not the default one." => of(s, name).endpoint = Some(v.text()?);
    secret "url" Text ""
        "http: the URL of the gateway; URL, headers and body may contain {to} {text} {sign} {template} {params} {id} {access_key} {secret_key}."
        => of(s, name).gateway.url = Some(v.secret()?);
    "method" Choice "" "http: GET, POST or PUT; by default POST with a body, otherwise GET."
        => of(s, name).gateway.method = Some(v.choice(&METHODS)?);
    secret "headers" Text "" "http: the headers, one Name: value per line." => of(s, name).gateway.headers = Some(v.secret()?);
    secret "body" Text ""
        "http: the body; JSON if it starts with { or [, otherwise a form. Inserted values are escaped accordingly."
        => of(s, name).gateway.body = Some(v.secret()?);
    "success" Text "" "http: what a 2xx response must contain, a value in its JSON (/code = 0) or a text; by default nothing."
        => of(s, name).gateway.success = Some(Condition::parse(&v.text()?)?);
    "retry" Text "" "http: what a response contains if the message should be retried later; written like success."
        => of(s, name).gateway.retry = Some(Condition::parse(&v.text()?)?);
    "message_id" Text "" "http: the JSON Pointer of the message ID in the response, such as /data/id."
        => of(s, name).gateway.message_id = Some(v.text()?);
    "timeout_seconds" Integer "30" "The time limit for the provider's response, 1 to 600 seconds."
        => of(s, name).timeout = Duration::from_secs(v.number(1..=600)?);
}

fn of<'s>(settings: &'s mut Settings, name: &str) -> &'s mut Sms {
    settings.profiles.sms.entry(name.to_owned()).or_default()
}
