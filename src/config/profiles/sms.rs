//! The settings of `[sms.<name>]`.

use std::time::Duration;

use super::super::Settings;
use super::super::table::{Setting, ValueType, setting};
use super::secret;
use crate::domain::profile::Sms;
use crate::domain::profile::sms::{Condition, Provider};

const SECTION: &str = "sms.*";

pub(super) const SETTINGS: &[Setting] = &[
    setting(
        SECTION,
        "provider",
        "",
        "aliyun, tencent, twilio, or http for any HTTP gateway.",
        ValueType::Choice,
        |s, name, v| {
            of(s, name).provider = Some(v.choice(&Provider::ALL)?);
            Ok(())
        },
    ),
    setting(
        SECTION,
        "access_key",
        "",
        "AccessKey ID (Aliyun), SecretId (Tencent), Account SID (Twilio).",
        ValueType::Text,
        |s, name, v| {
            of(s, name).access_key = Some(v.text()?);
            Ok(())
        },
    ),
    Setting {
        secret: true,
        ..setting(
            SECTION,
            "secret_key",
            "",
            "AccessKey Secret (Aliyun), SecretKey (Tencent), Auth Token (Twilio).",
            ValueType::Text,
            |s, name, v| {
                of(s, name).secret_key = Some(secret(v)?);
                Ok(())
            },
        )
    },
    setting(SECTION, "sign", "", "The default signature (签名) of messages.", ValueType::Text, |s, name, v| {
        of(s, name).sign = Some(v.text()?);
        Ok(())
    }),
    setting(SECTION, "template", "", "The default template code of messages.", ValueType::Text, |s, name, v| {
        of(s, name).template = Some(v.text()?);
        Ok(())
    }),
    setting(
        SECTION,
        "region",
        "",
        "Tencent: the region of the service; by default ap-guangzhou.",
        ValueType::Text,
        |s, name, v| {
            of(s, name).region = Some(v.text()?);
            Ok(())
        },
    ),
    setting(SECTION, "app_id", "", "Tencent: SmsSdkAppId.", ValueType::Text, |s, name, v| {
        of(s, name).app_id = Some(v.text()?);
        Ok(())
    }),
    setting(
        SECTION,
        "from",
        "",
        "Twilio: the sender's phone number, or a messaging service (MG...).",
        ValueType::Text,
        |s, name, v| {
            of(s, name).from = Some(v.text()?);
            Ok(())
        },
    ),
    setting(
        SECTION,
        "endpoint",
        "",
        "The URL of the provider's API, if it is not the default one.",
        ValueType::Text,
        |s, name, v| {
            of(s, name).endpoint = Some(v.text()?);
            Ok(())
        },
    ),
    Setting {
        secret: true,
        ..setting(
            SECTION,
            "url",
            "",
            "http: the URL of the gateway; URL, headers and body may contain {to} {text} {sign} {template} {params} {id} {access_key} {secret_key}.",
            ValueType::Text,
            |s, name, v| {
                of(s, name).gateway.url = Some(secret(v)?);
                Ok(())
            },
        )
    },
    setting(
        SECTION,
        "method",
        "",
        "http: GET, POST or PUT; by default POST with a body, otherwise GET.",
        ValueType::Choice,
        |s, name, v| {
            of(s, name).gateway.method = Some(v.choice(&["GET", "POST", "PUT"].map(|method| (method, method)))?);
            Ok(())
        },
    ),
    Setting {
        secret: true,
        ..setting(SECTION, "headers", "", "http: the headers, one Name: value per line.", ValueType::Text, |s, name, v| {
            of(s, name).gateway.headers = Some(secret(v)?);
            Ok(())
        })
    },
    Setting {
        secret: true,
        ..setting(
            SECTION,
            "body",
            "",
            "http: the body; JSON if it starts with { or [, otherwise a form. Inserted values are escaped accordingly.",
            ValueType::Text,
            |s, name, v| {
                of(s, name).gateway.body = Some(secret(v)?);
                Ok(())
            },
        )
    },
    setting(
        SECTION,
        "success",
        "",
        "http: what a 2xx response must contain, a value in its JSON (/code = 0) or a text; by default nothing.",
        ValueType::Text,
        |s, name, v| {
            of(s, name).gateway.success = Some(Condition::parse(&v.text()?)?);
            Ok(())
        },
    ),
    setting(
        SECTION,
        "retry",
        "",
        "http: what a response contains if the message should be retried later; written like success.",
        ValueType::Text,
        |s, name, v| {
            of(s, name).gateway.retry = Some(Condition::parse(&v.text()?)?);
            Ok(())
        },
    ),
    setting(
        SECTION,
        "message_id",
        "",
        "http: the JSON Pointer of the message ID in the response, such as /data/id.",
        ValueType::Text,
        |s, name, v| {
            of(s, name).gateway.message_id = Some(v.text()?);
            Ok(())
        },
    ),
    setting(
        SECTION,
        "timeout_seconds",
        "30",
        "The time limit for the provider's response, 1 to 600 seconds.",
        ValueType::Integer,
        |s, name, v| {
            of(s, name).timeout = Duration::from_secs(v.number(1..=600)?);
            Ok(())
        },
    ),
];

fn of<'s>(settings: &'s mut Settings, name: &str) -> &'s mut Sms {
    settings.profiles.sms.entry(name.to_owned()).or_default()
}
