//! Profiles that no settings file defines: read and checked as those of the file are.

use serde_json::{Map, Value as Json};

use super::super::setting::{Setting, check_name};
use super::super::table::did_you_mean;
use super::super::value::Value;
use super::super::{Settings, ValueType};
use super::{datasource, http, sms, smtp};
use crate::domain::fault::{Fault, pointer_step};
use crate::domain::input::quoted;
use crate::domain::profile::{ProfileKind, Profiles};
use crate::i18n::{Message, message};

/// The settings of a kind of profile, in the order of the documentation.
pub fn profile_settings(kind: ProfileKind) -> &'static [Setting] {
    match kind {
        ProfileKind::Smtp => smtp::SETTINGS,
        ProfileKind::Sms => sms::SETTINGS,
        ProfileKind::Datasource => datasource::SETTINGS,
        ProfileKind::Http => http::SETTINGS,
    }
}

/// The words of a setting that is a choice.
pub fn profile_choices(kind: ProfileKind, key: &str) -> Vec<&'static str> {
    match kind {
        ProfileKind::Smtp => smtp::choices(key),
        ProfileKind::Sms => sms::choices(key),
        ProfileKind::Datasource => datasource::choices(key),
        ProfileKind::Http => http::choices(key),
    }
}

/// Reads a profile from the values of its settings: texts, integers and booleans by key. The result holds this profile alone.
///
/// # Errors
/// What is wrong, with a pointer to the setting where one is to blame.
pub fn read_profile(kind: ProfileKind, name: &str, values: &Map<String, Json>) -> Result<Profiles, Vec<Fault>> {
    let known = profile_settings(kind);
    let (mut settings, mut faults) = (Settings::default(), Vec::new());
    faults.extend(check_name(name).err().map(|message| Fault::new("/name", message.of("name"))));
    for (key, value) in values {
        let applied = match known.iter().find(|setting| setting.key == key) {
            Some(setting) => (setting.apply)(&mut settings, name, &plain(setting, value)),
            None => Err(did_you_mean(message!("setting.unknown_key"), key, known.iter().map(|setting| setting.key.to_owned()))),
        };
        faults.extend(applied.err().map(|message| fault(key, message)));
    }
    if faults.is_empty() {
        faults.extend(settings.profiles.check(kind, name).err().map(|message| whole(known, message)));
    }
    if faults.is_empty() { Ok(settings.profiles) } else { Err(faults) }
}

/// The value of a setting. The text of a secret is never part of a message.
fn plain(setting: &Setting, value: &Json) -> Value {
    match value {
        Json::String(text) if setting.value_type == ValueType::Integer => Value::Untyped(text.clone()),
        Json::String(text) => Value::Text(text.clone()),
        _ if setting.secret => Value::Other(message!("setting.the_value")),
        Json::Bool(value) => Value::Boolean(*value),
        Json::Number(number) => match number.as_i64() {
            Some(number) => Value::Integer(number),
            None => Value::Other(message!("setting.number_out_of_range")),
        },
        other => Value::Other(Message::verbatim(quoted(&other.to_string(), 40))),
    }
}

fn fault(key: &str, message: Message) -> Fault {
    Fault::new(format!("/{}", pointer_step(key)), message.without_field().of(key))
}

/// The fault of a whole profile, at the setting that its message names first.
fn whole(known: &[Setting], message: Message) -> Fault {
    let field = ["field", "key", "name"].iter().find_map(|argument| message.text_of(argument));
    let text = message.to_string();
    let first = text.split([' ', ':', ',']).find(|word| known.iter().any(|setting| setting.key == *word)).map(str::to_owned);
    let key = field.filter(|field| known.iter().any(|setting| setting.key == field)).or(first);
    key.map_or_else(|| Fault::new("", message.clone()), |key| Fault::new(format!("/{key}"), message.clone()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn faults(kind: ProfileKind, values: Json) -> Vec<(String, String)> {
        let read = read_profile(kind, "a", values.as_object().expect("an object"));
        read.err().unwrap_or_default().into_iter().map(|fault| (fault.pointer, fault.message.to_string())).collect()
    }

    #[test]
    fn every_choice_offers_words_that_are_accepted() {
        for kind in ProfileKind::ALL {
            for setting in profile_settings(kind).iter().filter(|setting| setting.value_type == ValueType::Choice) {
                let words = profile_choices(kind, setting.key);
                assert!(!words.is_empty(), "{}", setting.path());
                for word in words {
                    assert!(setting.help.contains(word), "{} does not explain {word}", setting.path());
                    let applied = (setting.apply)(&mut Settings::default(), "a", &Value::Text(word.to_owned()));
                    assert_eq!(applied, Ok(()), "{} {word}", setting.path());
                }
            }
        }
    }

    #[test]
    fn read_profile_is_the_reader_of_the_file() {
        let values = json!({"host": "mail.example.com", "port": 2525, "tls": "none", "verify_tls": false});
        let read = read_profile(ProfileKind::Smtp, "office", values.as_object().unwrap()).unwrap();
        let smtp = &read.smtp["office"];
        assert_eq!((smtp.host(), smtp.port(), smtp.verify_tls), ("mail.example.com", 2525, false));
    }

    #[test]
    fn faults_name_the_setting_the_value_and_what_is_allowed() {
        let wrong = json!({"host": "h", "port": 70000, "tls": "maybe", "hots": "x"});
        let found = faults(ProfileKind::Smtp, wrong);
        let of =
            |key: &str| found.iter().find(|(pointer, _)| pointer == &format!("/{key}")).map(|(_, text)| text.clone()).unwrap();
        assert!(of("port").contains("70000") && of("port").contains("65535"), "{found:?}");
        assert!(of("tls").contains("'maybe'") && of("tls").contains("starttls"), "{found:?}");
        assert!(of("hots").contains("did you mean host?"), "{found:?}");
        assert_eq!(faults(ProfileKind::Smtp, json!({}))[0].0, "/host");
        assert_eq!(faults(ProfileKind::Smtp, json!({"host": "h", "user": "u"}))[0].0, "/user");
        assert_eq!(faults(ProfileKind::Sms, json!({"provider": "aliyun"}))[0].0, "/access_key");
        assert_eq!(faults(ProfileKind::Http, json!({}))[0].0, "/base_url");
        let refused = faults(ProfileKind::Datasource, json!({"url": "mongodb://me:hunter2@h/d"}));
        assert_eq!(refused[0].0, "/url");
        assert!(!refused[0].1.contains("hunter2"), "{refused:?}");
        let refused = faults(ProfileKind::Datasource, json!({"url": "postgres://h/d", "password": 271828}));
        assert!(refused[0].0 == "/password" && !refused[0].1.contains("271828"), "{refused:?}");
        let named = read_profile(ProfileKind::Smtp, "Office", json!({"host": "h"}).as_object().unwrap()).unwrap_err();
        assert_eq!(named[0].pointer, "/name");
    }
}
