//! Templates and locale files.

use std::collections::BTreeSet;

use belfry::i18n::{Language, Texts};
use belfry::web::templates::Templates;
use belfry::web::view::{self, View};

fn locales() -> [(Language, Texts); 2] {
    Language::ALL.map(|language| (language, Texts::for_pages(language).expect("a valid locale file")))
}

/// Renders all samples of a view in both languages.
fn render_samples<V: View>(templates: &Templates, rendered: &mut BTreeSet<&'static str>) {
    rendered.insert(V::TEMPLATE);
    for language in Language::ALL {
        let layout = view::sample_layout(language);
        let samples = V::samples();
        assert!(!samples.is_empty(), "{} has no samples", V::TEMPLATE);
        for (number, sample) in samples.iter().enumerate() {
            let html = templates.page(language, &layout, sample);
            let html = html.unwrap_or_else(|error| panic!("{} sample {number} in {}: {error}", V::TEMPLATE, language.tag()));
            check_html(V::TEMPLATE, &html);
        }
    }
}

/// Checks for content security policy violations and unescaped values.
fn check_html(template: &str, html: &str) {
    for forbidden in [" style=\"", " onclick=", "<style", "javascript:", "<b>", "hx-on:"] {
        assert!(!html.contains(forbidden), "{template} contains {forbidden}");
    }
    let inline = html.match_indices("<script").any(|(at, _)| !html[at..].starts_with("<script src="));
    assert!(!inline, "{template} contains an inline script");
}

#[test]
fn all_samples_render_in_both_languages() {
    let templates = Templates::load("").unwrap_or_else(|error| panic!("{error}"));
    let mut rendered = BTreeSet::new();
    render_samples::<view::account::Login>(&templates, &mut rendered);
    render_samples::<view::account::Setup>(&templates, &mut rendered);
    render_samples::<view::account::AccountPage>(&templates, &mut rendered);
    render_samples::<view::nodes::NodesPage>(&templates, &mut rendered);
    render_samples::<view::saved_views::ViewsPage>(&templates, &mut rendered);
    render_samples::<view::profile_lists::ProfileList<view::profile_lists::MailRow>>(&templates, &mut rendered);
    render_samples::<view::profile_lists::ProfileList<view::profile_lists::SmsRow>>(&templates, &mut rendered);
    render_samples::<view::profiles::ProfileForm>(&templates, &mut rendered);
    render_samples::<view::profile_lists::ProfileList<view::profile_lists::HttpRow>>(&templates, &mut rendered);
    render_samples::<view::task_form::TaskNames>(&templates, &mut rendered);
    render_samples::<view::second_factor::LoginCode>(&templates, &mut rendered);
    render_samples::<view::second_factor::SecondFactorPage>(&templates, &mut rendered);
    render_samples::<view::audit::AuditPage>(&templates, &mut rendered);
    render_samples::<view::tokens::TokenList>(&templates, &mut rendered);
    render_samples::<view::users::UserList>(&templates, &mut rendered);
    render_samples::<view::users::UserPage>(&templates, &mut rendered);
    render_samples::<view::calendars::CalendarList>(&templates, &mut rendered);
    render_samples::<view::calendars::CalendarPage>(&templates, &mut rendered);
    render_samples::<view::calendars::CalendarForm>(&templates, &mut rendered);
    render_samples::<view::calendars::CalendarImportPage>(&templates, &mut rendered);
    render_samples::<view::calendars::CalendarRestorePage>(&templates, &mut rendered);
    render_samples::<view::freezes::FreezeList>(&templates, &mut rendered);
    render_samples::<view::resources::SecretList>(&templates, &mut rendered);
    render_samples::<view::resources::DatasourceList>(&templates, &mut rendered);
    render_samples::<view::versions::VersionList>(&templates, &mut rendered);
    render_samples::<view::transfer::TransferPage>(&templates, &mut rendered);
    render_samples::<view::error::ErrorPage>(&templates, &mut rendered);
    render_samples::<view::overview::Overview>(&templates, &mut rendered);
    render_samples::<view::queues::QueuesPage>(&templates, &mut rendered);
    render_samples::<view::queues::QueueLimitForm>(&templates, &mut rendered);
    render_samples::<view::tasks::TaskList>(&templates, &mut rendered);
    render_samples::<view::tasks::DrawnTaskRow>(&templates, &mut rendered);
    render_samples::<view::tasks::GoneRows>(&templates, &mut rendered);
    render_samples::<view::calendar::Calendar>(&templates, &mut rendered);
    render_samples::<view::calendar_day::CalendarDay>(&templates, &mut rendered);
    render_samples::<view::calendar_minute::CalendarMinute>(&templates, &mut rendered);
    render_samples::<view::bulk::BulkProgressView>(&templates, &mut rendered);
    render_samples::<view::bulk::BulkConfirm>(&templates, &mut rendered);
    render_samples::<view::tasks::ConfirmDialog>(&templates, &mut rendered);
    render_samples::<view::task::TaskPage>(&templates, &mut rendered);
    render_samples::<view::task_form::TaskForm>(&templates, &mut rendered);
    render_samples::<view::params::ParamsPart>(&templates, &mut rendered);
    render_samples::<view::test_run::TestRunView>(&templates, &mut rendered);
    render_samples::<view::task_form::TypePart>(&templates, &mut rendered);
    render_samples::<view::task_form::PreviewView>(&templates, &mut rendered);
    render_samples::<view::task_form::ChangesView>(&templates, &mut rendered);
    render_samples::<view::params_check::CheckView>(&templates, &mut rendered);
    render_samples::<view::executions::ExecutionList>(&templates, &mut rendered);
    render_samples::<view::execution_bulk::ExecutionBulk>(&templates, &mut rendered);
    render_samples::<view::workbench::DrawnWorkbench>(&templates, &mut rendered);
    render_samples::<view::executions::DrawnExecutionRow>(&templates, &mut rendered);
    render_samples::<view::execution::ExecutionPage>(&templates, &mut rendered);
    render_samples::<view::output_search::OutputSearch>(&templates, &mut rendered);
    render_samples::<view::output::MoreOutput>(&templates, &mut rendered);
    render_samples::<view::task_types::TaskTypes>(&templates, &mut rendered);
    render_samples::<view::pause::PauseForm>(&templates, &mut rendered);
    render_samples::<view::occurrences::OccurrencePage>(&templates, &mut rendered);
    render_samples::<view::why::WhyPage>(&templates, &mut rendered);
    render_samples::<view::channels::ChannelList>(&templates, &mut rendered);
    render_samples::<view::channels::ChannelPage>(&templates, &mut rendered);
    render_samples::<view::channel_form::ChannelTypePart>(&templates, &mut rendered);
    render_samples::<view::heartbeats::HeartbeatList>(&templates, &mut rendered);
    render_samples::<view::heartbeats::HeartbeatPage>(&templates, &mut rendered);
    render_samples::<view::heartbeats::HeartbeatForm>(&templates, &mut rendered);
    render_samples::<view::hooks::HookList>(&templates, &mut rendered);
    render_samples::<view::incidents::IncidentsPage>(&templates, &mut rendered);
    render_samples::<view::incidents::IncidentPage>(&templates, &mut rendered);
    render_samples::<view::notify_rules::RuleList>(&templates, &mut rendered);
    render_samples::<view::notify_rules::RuleForm>(&templates, &mut rendered);
    let pages = Templates::names().into_iter().filter(|name| name.starts_with("pages/"));
    let missing: Vec<_> = pages.filter(|name| !rendered.contains(name.as_str())).collect();
    assert_eq!(missing, Vec::<String>::new(), "pages without samples");
}

/// The attributes whose value is a path.
const PATHS: [&str; 7] = [" href=\"", " action=\"", " src=\"", " hx-get=\"", " hx-post=\"", " data-source=\"", " data-editor=\""];

fn render_below<V: View>(templates: &Templates, pages: &mut Vec<String>) {
    let layout = view::sample_layout(Language::English);
    let pages_of_view = V::samples().into_iter().map(|sample| templates.page(Language::English, &layout, &sample));
    pages.extend(pages_of_view.map(|html| html.unwrap_or_else(|error| panic!("{error}"))));
}

#[test]
fn every_path_of_a_page_is_below_the_base_path() {
    let templates = Templates::load("/belfry").unwrap_or_else(|error| panic!("{error}"));
    let mut pages = Vec::new();
    render_below::<view::tasks::TaskList>(&templates, &mut pages);
    render_below::<view::executions::ExecutionList>(&templates, &mut pages);
    render_below::<view::task::TaskPage>(&templates, &mut pages);
    render_below::<view::overview::Overview>(&templates, &mut pages);
    render_below::<view::execution::ExecutionPage>(&templates, &mut pages);
    render_below::<view::task_form::TaskForm>(&templates, &mut pages);
    render_below::<view::users::UserList>(&templates, &mut pages);
    render_below::<view::calendar::Calendar>(&templates, &mut pages);
    render_below::<view::tokens::TokenList>(&templates, &mut pages);
    let mut checked = 0;
    for html in pages {
        for value in PATHS.iter().flat_map(|attribute| html.split(attribute).skip(1)).map(|rest| rest.split('"').next()) {
            let value = value.unwrap_or_default();
            assert!(value.starts_with("/belfry/") || value.starts_with('#'), "{value:?}");
            assert!(!value.starts_with("/belfry/belfry"), "{value:?}");
            checked += 1;
        }
    }
    assert!(checked > 200, "{checked}");
}

#[test]
fn locale_files_have_the_same_keys() {
    let [(_, english), (_, chinese)] = locales();
    let keys = |texts: &Texts| texts.keys().map(str::to_owned).collect::<BTreeSet<_>>();
    let differing: Vec<_> = keys(&english).symmetric_difference(&keys(&chinese)).cloned().collect();
    assert_eq!(differing, Vec::<String>::new());
}

#[test]
fn texts_have_the_same_placeholders() {
    let [(_, english), (_, chinese)] = locales();
    for key in english.keys() {
        let arguments = |texts: &Texts| {
            let text = texts.get(key).to_owned();
            text.split('{')
                .skip(1)
                .filter_map(|rest| rest.split_once('}').map(|(name, _)| name.split(':').next().unwrap_or(name).to_owned()))
                .collect::<BTreeSet<_>>()
        };
        assert_eq!(arguments(&english), arguments(&chinese), "{key}");
    }
}

#[test]
fn all_texts_are_used() {
    let mut sources = String::new();
    for name in Templates::names() {
        sources.push_str(&Templates::source(&name).unwrap_or_default());
    }
    let [(_, english), _] = locales();
    let unused: Vec<_> = english.keys().filter(|key| !is_used(key, &sources)).collect();
    assert_eq!(unused, Vec::<&str>::new());
}

/// Whether a key is in a template, or has a prefix whose last part comes from data.
fn is_used(key: &str, sources: &str) -> bool {
    // Prefixes of keys that handlers complete.
    const PREFIXES: [&str; 12] = [
        "param.",
        "tasks.sort.",
        "flash.",
        "error.",
        "script.",
        "weekday.",
        "channels.field.",
        "channels.hint.",
        "channels.language_",
        "rules.language_",
        "rules.digest_",
        "rules.weekday_",
    ];
    const HANDLER_KEYS: [&str; 15] = [
        "users.metrics",
        "executions.counted",
        "executions.counted_search",
        "form.param_none",
        "form.param_default",
        "tasks.spark",
        "login.refused",
        "login.too_many",
        "setup.code_wrong",
        "setup.differ",
        "overview.no_runs",
        "overview.planned_n",
        "transfer.create",
        "transfer.update",
        "transfer.delete",
    ];
    let is_error = key == "second_step.refused" || key.starts_with("sso.");
    let ends = key.char_indices().filter(|(_, char)| matches!(char, '.' | '_'));
    let is_completed = ends.map(|(at, _)| &key[..=at]).any(|prefix| sources.contains(&format!("\"{prefix}\" ~")));
    let has_prefix = is_completed || PREFIXES.iter().any(|prefix| key.starts_with(prefix));
    sources.contains(&format!("\"{key}\"")) || has_prefix || is_error || HANDLER_KEYS.contains(&key)
}

#[test]
fn templates_contain_no_literal_text() {
    let mut found = Vec::new();
    for name in Templates::names() {
        let source = Templates::source(&name).expect("a template");
        let text = literal_text(&source);
        let text = ["Belfry", "钟楼", "YAML", "JSON"].into_iter().fold(text, |text, name| text.replace(name, ""));
        if text.chars().any(char::is_alphabetic) {
            found.push(format!("{name}: {}", text.split_whitespace().collect::<Vec<_>>().join(" ")));
        }
    }
    assert_eq!(found, Vec::<String>::new(), "texts belong in locales/");
}

#[test]
fn literal_text_is_detected() {
    assert_eq!(literal_text("<a title=\"{{ x }}\">Hello {{ name }}</a>{% if a > b %}<p>{# no #}</p>{% endif %}").trim(), "Hello");
    assert_eq!(literal_text("<a title=\"Hello\">{{ x }}</a>").trim(), "Hello", "human-readable attributes count");
    assert_eq!(literal_text("<kbd>n</kbd>&amp;").trim(), "", "key names do not count");
    assert_eq!(literal_text("<code translate=\"no\">input.name</code>").trim(), "", "code does not count");
}

/// Returns the text outside of tags and expressions, and in human-readable attributes.
fn literal_text(source: &str) -> String {
    let source = without(&without(&without(source, "{{", "}}"), "{%", "%}"), "{#", "#}");
    let source = without(&without(&source, "<kbd>", "</kbd>"), "<code translate=\"no\">", "</code>");
    let source = without(&source, "&", ";");
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
