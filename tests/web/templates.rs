//! Templates, texts and their agreement.

use std::collections::BTreeSet;

use belfry::web::language::{Language, Texts};
use belfry::web::templates::{Templates, texts};
use belfry::web::view::{self, View};

fn both() -> [(Language, Texts); 2] {
    Language::ALL.map(|language| (language, texts(language).expect("the texts read")))
}

/// Draws every sample of a view in both languages.
fn draw<V: View>(templates: &Templates, drawn: &mut BTreeSet<&'static str>) {
    drawn.insert(V::TEMPLATE);
    for language in Language::ALL {
        let shell = view::sample_shell(language);
        let samples = V::samples();
        assert!(!samples.is_empty(), "{} has a sample", V::TEMPLATE);
        for (number, sample) in samples.iter().enumerate() {
            let html = templates.page(language, &shell, sample);
            let html = html.unwrap_or_else(|error| panic!("{} sample {number} in {}: {error}", V::TEMPLATE, language.tag()));
            check_html(V::TEMPLATE, &html);
        }
    }
}

/// Nothing that the content security policy forbids, and nothing that was not escaped.
fn check_html(template: &str, html: &str) {
    for forbidden in [" style=\"", " onclick=", "<style", "javascript:", "<b>", "hx-on:"] {
        assert!(!html.contains(forbidden), "{template} holds {forbidden}");
    }
    let inline = html.match_indices("<script").any(|(at, _)| !html[at..].starts_with("<script src="));
    assert!(!inline, "{template} holds a script of its own");
}

#[test]
fn every_template_draws_all_its_samples_in_both_languages() {
    let templates = Templates::load().unwrap_or_else(|error| panic!("{error}"));
    let mut drawn = BTreeSet::new();
    draw::<view::account::Login>(&templates, &mut drawn);
    draw::<view::account::Setup>(&templates, &mut drawn);
    draw::<view::account::Own>(&templates, &mut drawn);
    draw::<view::nodes::NodesPage>(&templates, &mut drawn);
    draw::<view::saved_views::ViewsPage>(&templates, &mut drawn);
    draw::<view::messengers::MailPage>(&templates, &mut drawn);
    draw::<view::messengers::SmsPage>(&templates, &mut drawn);
    draw::<view::task_form::TaskNames>(&templates, &mut drawn);
    draw::<view::second_factor::LoginCode>(&templates, &mut drawn);
    draw::<view::second_factor::SecondFactorPage>(&templates, &mut drawn);
    draw::<view::audit::AuditPage>(&templates, &mut drawn);
    draw::<view::tokens::TokenList>(&templates, &mut drawn);
    draw::<view::users::UserList>(&templates, &mut drawn);
    draw::<view::users::UserPage>(&templates, &mut drawn);
    draw::<view::resources::SecretList>(&templates, &mut drawn);
    draw::<view::resources::DatasourceList>(&templates, &mut drawn);
    draw::<view::versions::VersionList>(&templates, &mut drawn);
    draw::<view::transfer::TransferPage>(&templates, &mut drawn);
    draw::<view::error::ErrorPage>(&templates, &mut drawn);
    draw::<view::overview::Overview>(&templates, &mut drawn);
    draw::<view::tasks::TaskList>(&templates, &mut drawn);
    draw::<view::tasks::TaskRows>(&templates, &mut drawn);
    draw::<view::calendar::Calendar>(&templates, &mut drawn);
    draw::<view::bulk::BulkProgress>(&templates, &mut drawn);
    draw::<view::bulk::BulkAsk>(&templates, &mut drawn);
    draw::<view::tasks::Ask>(&templates, &mut drawn);
    draw::<view::task::TaskPage>(&templates, &mut drawn);
    draw::<view::task_form::TaskForm>(&templates, &mut drawn);
    draw::<view::task_form::TypePart>(&templates, &mut drawn);
    draw::<view::task_form::PreviewView>(&templates, &mut drawn);
    draw::<view::task_form::ChangesView>(&templates, &mut drawn);
    draw::<view::task_form::CheckView>(&templates, &mut drawn);
    draw::<view::executions::ExecutionList>(&templates, &mut drawn);
    draw::<view::executions::ExecutionRows>(&templates, &mut drawn);
    draw::<view::execution::ExecutionPage>(&templates, &mut drawn);
    draw::<view::execution::MoreOutput>(&templates, &mut drawn);
    draw::<view::task_types::TaskTypes>(&templates, &mut drawn);
    let pages = Templates::names().into_iter().filter(|name| name.starts_with("pages/"));
    let forgotten: Vec<_> = pages.filter(|name| !drawn.contains(name.as_str())).collect();
    assert_eq!(forgotten, Vec::<String>::new(), "each page has a context with samples");
}

#[test]
fn both_languages_have_the_same_texts() {
    let [(_, english), (_, chinese)] = both();
    let keys = |texts: &Texts| texts.keys().map(str::to_owned).collect::<BTreeSet<_>>();
    let differing: Vec<_> = keys(&english).symmetric_difference(&keys(&chinese)).cloned().collect();
    assert_eq!(differing, Vec::<String>::new());
}

#[test]
fn texts_take_the_same_arguments_in_both_languages() {
    let [(_, english), (_, chinese)] = both();
    for key in english.keys() {
        let arguments = |texts: &Texts| {
            let text = texts.get(key).to_owned();
            text.split('{')
                .skip(1)
                .filter_map(|rest| rest.split_once('}').map(|(name, _)| name.to_owned()))
                .collect::<BTreeSet<_>>()
        };
        assert_eq!(arguments(&english), arguments(&chinese), "{key}");
    }
}

#[test]
fn each_text_is_used() {
    let mut sources = String::new();
    for name in Templates::names() {
        sources.push_str(&Templates::source(&name).unwrap_or_default());
    }
    let [(_, english), _] = both();
    let unused: Vec<_> = english.keys().filter(|key| !is_used(key, &sources)).collect();
    assert_eq!(unused, Vec::<&str>::new());
}

/// Named in a template, or one of a family whose last part comes from data.
fn is_used(key: &str, sources: &str) -> bool {
    const FAMILIES: [&str; 19] = [
        "status.",
        "cause.",
        "tasks.sort.",
        "tasks.none.",
        "flash.",
        "error.",
        "script.",
        "ask.",
        "weekday.",
        "role.",
        "audit.act.",
        "audit.door.",
        "trigger.",
        "executions.range.",
        "form.title_",
        "bulk.",
        "execution.tests.",
        "chain.",
        "mail.tls_",
    ];
    const OF_HANDLERS: [&str; 10] = [
        "tasks.spark",
        "login.refused",
        "login.too_many",
        "setup.code_wrong",
        "setup.differ",
        "overview.nothing_ran",
        "overview.planned_n",
        "transfer.create",
        "transfer.update",
        "transfer.delete",
    ];
    let of_refusals = key == "second_step.refused" || key.starts_with("sso.");
    let of_family = FAMILIES.iter().any(|family| key.starts_with(family));
    sources.contains(&format!("\"{key}\"")) || of_family || of_refusals || OF_HANDLERS.contains(&key)
}

#[test]
fn no_template_holds_bare_text() {
    let mut found = Vec::new();
    for name in Templates::names() {
        let source = Templates::source(&name).expect("a template");
        let text = bare_text(&source);
        let text = ["Belfry", "钟楼", "YAML", "JSON"].into_iter().fold(text, |text, name| text.replace(name, ""));
        if text.chars().any(char::is_alphabetic) {
            found.push(format!("{name}: {}", text.split_whitespace().collect::<Vec<_>>().join(" ")));
        }
    }
    assert_eq!(found, Vec::<String>::new(), "texts belong into locales/");
}

#[test]
fn the_search_for_bare_text_finds_it() {
    assert_eq!(bare_text("<a title=\"{{ x }}\">Hello {{ name }}</a>{% if a > b %}<p>{# no #}</p>{% endif %}").trim(), "Hello");
    assert_eq!(bare_text("<a title=\"Hello\">{{ x }}</a>").trim(), "Hello", "attributes that people read count too");
    assert_eq!(bare_text("<kbd>n</kbd>&amp;").trim(), "", "keys are no text");
}

/// What stands outside tags and expressions, and in attributes that are read to people.
fn bare_text(source: &str) -> String {
    let source = without(&without(&without(source, "{{", "}}"), "{%", "%}"), "{#", "#}");
    let source = without(&without(&source, "<kbd>", "</kbd>"), "&", ";");
    let mut text = String::new();
    for part in source.split('<') {
        let (tag, rest) = part.split_once('>').unwrap_or(("", part));
        text.push_str(rest);
        for attribute in ["title=\"", "placeholder=\"", "aria-label=\"", "alt=\""] {
            for found in tag.split(attribute).skip(1) {
                text.push_str(found.split('"').next().unwrap_or_default());
            }
        }
    }
    text
}

fn without(source: &str, open: &str, close: &str) -> String {
    let mut parts = source.split(open);
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        kept.push_str(part.split_once(close).map_or("", |(_, rest)| rest));
    }
    kept
}
