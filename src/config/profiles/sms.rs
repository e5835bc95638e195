//! The settings of `[sms.<name>]`.

use std::time::Duration;

use super::super::Settings;
use super::super::table::{Setting, setting};
use super::secret;
use crate::domain::profile::Sms;
use crate::domain::profile::sms::{Condition, Provider};

const SECTION: &str = "sms.*";

pub(super) const SETTINGS: &[Setting] = &[
    setting(SECTION, "provider", "", "aliyun, tencent, twilio, or http for any gateway that takes HTTP.", |s, name, v| {
        of(s, name).provider = Some(v.choice(&Provider::ALL)?);
        Ok(())
    }),
    setting(SECTION, "access_key", "", "AccessKey ID (Aliyun), SecretId (Tencent), Account SID (Twilio).", |s, name, v| {
        of(s, name).access_key = Some(v.text()?);
        Ok(())
    }),
    Setting {
        secret: true,
        ..setting(
            SECTION,
            "secret_key",
            "",
            "AccessKey Secret (Aliyun), SecretKey (Tencent), Auth Token (Twilio).",
            |s, name, v| {
                of(s, name).secret_key = Some(secret(v)?);
                Ok(())
            },
        )
    },
    setting(SECTION, "sign", "", "The signature (签名) of messages whose task names none.", |s, name, v| {
        of(s, name).sign = Some(v.text()?);
        Ok(())
    }),
    setting(SECTION, "template", "", "The template's code of messages whose task names none.", |s, name, v| {
        of(s, name).template = Some(v.text()?);
        Ok(())
    }),
    setting(SECTION, "region", "", "Tencent: the service's region; by default ap-guangzhou.", |s, name, v| {
        of(s, name).region = Some(v.text()?);
        Ok(())
    }),
    setting(SECTION, "app_id", "", "Tencent: SmsSdkAppId.", |s, name, v| {
        of(s, name).app_id = Some(v.text()?);
        Ok(())
    }),
    setting(SECTION, "from", "", "Twilio: the sender's number, or a messaging service (MG...).", |s, name, v| {
        of(s, name).from = Some(v.text()?);
        Ok(())
    }),
    setting(SECTION, "endpoint", "", "The URL of the provider's API where it is not the usual one.", |s, name, v| {
        of(s, name).endpoint = Some(v.text()?);
        Ok(())
    }),
    Setting {
        secret: true,
        ..setting(
            SECTION,
            "url",
            "",
            "http: the gateway's URL; it, headers and body may hold {to} {text} {sign} {template} {params} {id} {access_key} {secret_key}.",
            |s, name, v| {
                of(s, name).gateway.url = Some(secret(v)?);
                Ok(())
            },
        )
    },
    setting(SECTION, "method", "", "http: GET, POST or PUT; by default POST where there is a body, else GET.", |s, name, v| {
        of(s, name).gateway.method = Some(v.choice(&["GET", "POST", "PUT"].map(|method| (method, method)))?);
        Ok(())
    }),
    Setting {
        secret: true,
        ..setting(SECTION, "headers", "", "http: headers, one Name: value a line.", |s, name, v| {
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
            "http: the body; JSON where it begins with { or [, else a form. What is filled in is escaped accordingly.",
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
        "http: what an answer of status 2xx must hold, a value in its JSON (/code = 0) or a text; by default nothing.",
        |s, name, v| {
            of(s, name).gateway.success = Some(Condition::parse(&v.text()?)?);
            Ok(())
        },
    ),
    setting(SECTION, "retry", "", "http: what an answer holds when it means later, written like success.", |s, name, v| {
        of(s, name).gateway.retry = Some(Condition::parse(&v.text()?)?);
        Ok(())
    }),
    setting(SECTION, "message_id", "", "http: where the message's id stands in the answer, such as /data/id.", |s, name, v| {
        of(s, name).gateway.message_id = Some(v.text()?);
        Ok(())
    }),
    setting(SECTION, "timeout_seconds", "30", "The longest wait for the provider's answer, 1 to 600.", |s, name, v| {
        of(s, name).timeout = Duration::from_secs(v.number(1..=600)?);
        Ok(())
    }),
];

fn of<'s>(settings: &'s mut Settings, name: &str) -> &'s mut Sms {
    settings.profiles.sms.entry(name.to_owned()).or_default()
}
