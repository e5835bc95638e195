//! Parameters of `send_sms`.

use serde::Deserialize;
use serde_json::{Value, json};

use super::number;
use crate::domain::fault::Fault;
use crate::domain::profile::Sms;
use crate::domain::profile::sms::Provider;
use crate::i18n::message;
use crate::tasks::{Stage, unreadable};

/// The most numbers of one run.
const MAX_NUMBERS: usize = 500;

/// The parsed parameters.
#[derive(Debug)]
pub(super) struct Params {
    /// Without duplicates.
    pub to: Vec<String>,
    pub text: Option<String>,
    pub template: Option<String>,
    /// Null, an object or a list.
    pub params: Value,
    pub sign: Option<String>,
    pub sms: Option<String>,
}

/// The parameters before they are checked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    to: Numbers,
    text: Option<String>,
    template: Option<String>,
    #[serde(default)]
    params: Value,
    sign: Option<String>,
    sms: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "to: must be a phone number or a list of them")]
enum Numbers {
    One(String),
    Many(Vec<String>),
}

impl Params {
    /// Parses parameters that match the schema.
    ///
    /// # Errors
    /// Faults that the schema cannot express.
    pub fn read(params: &Value, stage: Stage) -> Result<Params, Vec<Fault>> {
        let raw: Raw = serde_json::from_value(params.clone()).map_err(|error| unreadable(&error))?;
        let mut faults = Vec::new();
        let to = numbers(&raw.to, stage, &mut faults);
        if raw.text.is_some() && raw.template.is_some() {
            faults.push(Fault::new("/template", message!("sms.template_with_text").of("template")));
        }
        if faults.is_empty() {
            let Raw { text, template, params, sign, sms, .. } = raw;
            return Ok(Params { to, text, template, params, sign, sms });
        }
        Err(faults)
    }

    /// Checks that the provider has all values it needs, from the parameters or its settings.
    pub fn check_for(&self, profile: &Sms) -> Result<(), Fault> {
        let Some(provider) = profile.provider else { return Ok(()) };
        let name = provider.as_str();
        let has_template = self.template.is_some() || (self.text.is_none() && profile.template.is_some());
        match provider {
            Provider::Aliyun | Provider::Tencent if self.text.is_some() => {
                Err(Fault::new("/text", message!("sms.templates_only", provider = name).of("text")))
            }
            Provider::Aliyun | Provider::Tencent if !has_template => {
                Err(Fault::new("/template", message!("sms.template_required", provider = name).of("template")))
            }
            // Messages to other countries need no signature.
            Provider::Aliyun | Provider::Tencent
                if self.sign.is_none() && profile.sign.is_none() && self.to.iter().any(|to| number::is_mainland(to)) =>
            {
                Err(Fault::new("/sign", message!("sms.sign_required", provider = name).of("sign")))
            }
            Provider::Twilio | Provider::Http if self.text.is_none() && !has_template => {
                Err(Fault::new("/text", message!("sms.text_required").of("text")))
            }
            _ => Ok(()),
        }
    }
}

fn numbers(given: &Numbers, stage: Stage, faults: &mut Vec<Fault>) -> Vec<String> {
    let texts: Vec<(String, &String)> = match given {
        Numbers::One(text) => vec![("/to".to_owned(), text)],
        Numbers::Many(texts) => texts.iter().enumerate().map(|(n, text)| (format!("/to/{n}"), text)).collect(),
    };
    let mut found: Vec<String> = Vec::new();
    for (pointer, text) in texts.into_iter().filter(|(_, text)| stage.is_resolved(text)) {
        for part in text.split([',', ';', '\n']).map(str::trim).filter(|part| !part.is_empty()) {
            match number::read(part) {
                Ok(number) if found.contains(&number) => {}
                Ok(number) => found.push(number),
                Err(message) => faults.push(Fault::new(pointer.clone(), message.of("to"))),
            }
        }
    }
    if found.len() > MAX_NUMBERS {
        faults.push(Fault::new("/to", message!("sms.too_many_numbers", count = found.len(), max = MAX_NUMBERS).of("to")));
    }
    if found.is_empty() && faults.is_empty() && stage == Stage::Run {
        faults.push(Fault::new("/to", message!("sms.number_missing").of("to")));
    }
    found
}

pub(super) fn schema() -> Value {
    let with = |mut schema: Value, en: &str, zh: &str| {
        schema["description"] = en.into();
        schema["x-description-zh"] = zh.into();
        schema
    };
    let number = json!({"type": "string", "minLength": 1, "maxLength": 20_000});
    let value = json!({"type": ["string", "number", "boolean"]});
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": false,
        "required": ["to"],
        "properties": {
            "to": with(
                json!({"anyOf": [number, {"type": "array", "minItems": 1, "maxItems": MAX_NUMBERS, "items": number}]}),
                "The recipients: a phone number or a list, with country code, such as +8613800138000; Aliyun and Tencent also accept \
                    numbers of mainland China without it.",
                "接收号码：一个号码或号码列表，建议带国家码，如 +8613800138000；阿里云和腾讯云的国内号码可省略国家码。"),
            "text": with(
                json!({"type": "string", "minLength": 1, "maxLength": 2_000, "x-field": "lines"}),
                "The text, for providers that send any text (Twilio, HTTP gateways).",
                "短信内容，用于可发送任意文本的服务商（Twilio、HTTP 网关）。"),
            "template": with(
                json!({"type": "string", "minLength": 1, "maxLength": 200}),
                "The code of the template (Aliyun, Tencent; with Twilio a content template). By default the one in the settings.",
                "短信模板编号（阿里云、腾讯云；Twilio 为内容模板），默认取配置中的模板。"),
            "params": with(
                json!({"anyOf": [
                    {"type": "object", "maxProperties": 100, "additionalProperties": value},
                    {"type": "array", "maxItems": 100, "items": value}]}),
                "The values of the template: an object by name (Aliyun), a list by position (Tencent).",
                "模板变量：阿里云为按名称的对象，腾讯云为按顺序的列表。"),
            "sign": with(
                json!({"type": "string", "minLength": 1, "maxLength": 100}),
                "The signature before the text; by default the one in the settings.",
                "短信签名，默认取配置中的签名。"),
            "sms": with(
                json!({"type": "string", "minLength": 1, "maxLength": 64, "x-field": "sms"}),
                "The provider: the name of a section [sms.<name>] of the settings. Not needed if there is only one.",
                "使用的短信服务：配置中 [sms.<名称>] 的名称，只有一个时可省略。"),
        },
    })
}
