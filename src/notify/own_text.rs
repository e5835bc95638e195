//! Texts of one's own: title and body of a message by the templates of its rule, else of its channel. A message that lists several
//! notices, a digest and a summary have Belfry's text.

use std::time::Duration;

use chrono::SecondsFormat;
use serde_json::{Map, Value, json};

use super::channels::Parcel;
use crate::domain::fault::Fault;
use crate::domain::notify::event::NotifyEvent;
use crate::domain::notify::text_templates::{TextTemplates, VARIABLES};
use crate::i18n::{Message, message};
use crate::tasks::template;

/// How long templates may take; a message is not held up by them.
const TIME_MAX: Duration = Duration::from_secs(10);

/// What is wrong with templates, each at its field.
pub fn faults(templates: &TextTemplates) -> Vec<Fault> {
    let checked = |(name, text): (&str, &str)| {
        let fault = template::text::check(text, &VARIABLES).err()?;
        Some(Fault::new(format!("/{name}"), fault.of(name)))
    };
    templates.iter().filter_map(checked).collect()
}

/// Puts the text by the templates in place of Belfry's. `channel` and `rule` are names; the rule of a test is empty.
///
/// # Errors
/// Why a template cannot be rendered; the text is Belfry's then.
pub async fn apply(parcel: &mut Parcel, templates: TextTemplates, channel: &str, rule: &str) -> Result<(), Message> {
    let has_own_text = |event| !matches!(event, NotifyEvent::Digest | NotifyEvent::Summary);
    let is_single = matches!(&parcel.items[..], [only] if has_own_text(only.notice.event));
    if templates.is_empty() || !is_single {
        return Ok(());
    }
    let variables = variables(parcel, channel, rule);
    let has_title = templates.title.is_some();
    let texts: Vec<String> = [templates.title, templates.body].into_iter().flatten().collect();
    let rendered = tokio::time::timeout(TIME_MAX, template::text::render(texts, variables)).await;
    let rendered = rendered.unwrap_or_else(|_| Err(message!("template.too_slow", seconds = TIME_MAX.as_secs())))?;
    let mut rendered = rendered.into_iter();
    let title = if has_title { rendered.next() } else { None };
    let title = title.map(|title| title.split_whitespace().collect::<Vec<_>>().join(" "));
    let body = rendered.next().map(|body| body.trim().to_owned());
    if let Some(item) = parcel.items.first_mut() {
        item.notice.title = title.filter(|title| !title.is_empty()).unwrap_or_else(|| item.notice.title.clone());
        item.notice.body = body.filter(|body| !body.is_empty());
    }
    Ok(())
}

fn variables(parcel: &Parcel, channel: &str, rule: &str) -> Map<String, Value> {
    let Some(item) = parcel.items.first() else { return Map::new() };
    let notice = &item.notice;
    let values = json!({
        "event": notice.event.as_str(),
        "title": notice.title,
        "subject": notice.subjects.first().map_or("", String::as_str),
        "subjects": notice.subjects,
        "fields": notice.fields,
        "error": notice.error.as_deref().unwrap_or_default(),
        "url": parcel.link_of(notice).unwrap_or_default(),
        "urgent": notice.urgent,
        "channel": channel,
        "rule": rule,
        "incident_id": item.incident_id.as_deref().unwrap_or_default(),
        "now": parcel.now.to_rfc3339_opts(SecondsFormat::Secs, true),
    });
    if let Value::Object(map) = values { map } else { Map::new() }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::domain::notify::message::Notice;
    use crate::i18n::Language;
    use crate::notify::channels::Item;

    fn parcel(notices: usize) -> Parcel {
        let notice = |n: usize| {
            let mut notice = Notice::new(n.to_string(), NotifyEvent::Failed, Language::English, "nightly failed");
            notice.subjects = vec!["nightly".into()];
            notice.error = Some("refused".into());
            notice.path = Some("/executions/1".into());
            Item { notice, incident_id: None }
        };
        let public_url = Some("https://belfry.example.com".into());
        Parcel { id: "1".into(), items: (0..notices).map(notice).collect(), public_url, now: DateTime::UNIX_EPOCH }
    }

    fn templates(title: &str, body: &str) -> TextTemplates {
        let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        TextTemplates { title: given(title), body: given(body) }
    }

    #[tokio::test]
    async fn templates_replace_title_and_body_of_a_single_notice() {
        let mut one = parcel(1);
        let own = templates("[{{ event }}]\n{{ subject }} in {{ channel }}", "{{ error }} see {{ url }}");
        assert_eq!(apply(&mut one, own.clone(), "ops", "r").await, Ok(()));
        let notice = &one.items[0].notice;
        assert_eq!(
            (notice.title.as_str(), notice.body.as_deref()),
            ("[failed] nightly in ops", Some("refused see https://belfry.example.com/executions/1"))
        );
        let mut body_only = parcel(1);
        assert_eq!(apply(&mut body_only, templates("", "{{ rule }}"), "ops", "r").await, Ok(()));
        assert_eq!(
            (body_only.items[0].notice.title.as_str(), body_only.items[0].notice.body.as_deref()),
            ("nightly failed", Some("r"))
        );
        let (mut several, before) = (parcel(2), parcel(2));
        assert_eq!(apply(&mut several, own, "ops", "r").await, Ok(()));
        assert_eq!(several, before);
    }

    #[tokio::test]
    async fn a_template_that_fails_leaves_the_text() {
        let (mut one, before) = (parcel(1), parcel(1));
        assert!(apply(&mut one, templates("", "{{ fields[3].label }}"), "ops", "").await.is_err());
        assert_eq!(one, before);
        assert_eq!(apply(&mut one, templates(" ", "{{ '' }}"), "ops", "").await, Ok(()));
        assert_eq!(one, before, "an empty text is none");
    }

    #[test]
    fn faults_are_at_their_fields() {
        let found = faults(&templates("{{ nothing }}", "{% if %}"));
        let pointers: Vec<&str> = found.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(pointers, ["/title_template", "/body_template"]);
        assert!(faults(&templates("{{ title }}", "{{ now }}{{ urgent }}{{ incident_id }}")).is_empty());
    }
}
