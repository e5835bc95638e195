//! The pages of notification channels.

use belfry::domain::notify::channel::{ChannelOptions, ChannelSettings, ChannelType, Credentials};
use belfry::domain::profile::Profiles;
use belfry::domain::secret::Secret;
use belfry::service::{ChannelInput, CredentialsInput};

use crate::site::{Page, Site};

const TOKEN: &str = "token-that-no-page-shows";

#[tokio::test]
async fn a_channel_is_added_changed_and_deleted() {
    let site = Site::start().await;
    site.get("/settings/channels").await.has_status(200).shows("No channels");
    let fields = [("/name", "ops"), ("/type", "dingtalk"), ("/token", TOKEN), ("/mentions", "all, 13800138000")];
    site.post("/settings/channels", &fields).await.redirects_to("/settings/channels/edit?name=ops");
    let page = site.get("/settings/channels/edit?name=ops").await;
    page.has_status(200).shows("all, 13800138000").shows("No messages").hides(TOKEN);
    site.get("/settings/channels").await.shows("DingTalk robot").shows("not used yet").hides(TOKEN);
    let fields = [("/type", "dingtalk"), ("/keyword", "Belfry")];
    site.post("/settings/channels/edit?name=ops", &fields).await.redirects_to("/settings/channels/edit?name=ops");
    site.get("/settings/channels/edit?name=ops").await.shows("Belfry");
    site.get("/settings/channels/delete?name=ops").await.has_status(200);
    site.post("/settings/channels/delete?name=ops", &[]).await.redirects_to("/settings/channels");
    site.get("/settings/channels/edit?name=ops").await.has_status(404);
    site.close().await;
}

#[tokio::test]
async fn a_refused_form_keeps_what_is_not_secret() {
    let site = Site::start().await;
    let fields = [("/name", "Not good"), ("/type", "telegram"), ("/token", TOKEN), ("/chat_id", "-100")];
    let page = site.post("/settings/channels", &fields).await;
    page.has_status(422).shows("Not good").shows("-100").shows("lower-case letters").hides(TOKEN);
    site.post("/settings/channels", &[("/name", "ops"), ("/type", "telegram")]).await.has_status(422).shows("requires");
    site.close().await;
}

#[tokio::test]
async fn a_channel_of_the_settings_is_shown_and_tested_but_not_changed() {
    let credentials = Credentials { url: Some(Secret::new("http://127.0.0.1:1/hook")), ..Credentials::default() };
    let channel = ChannelSettings { channel_type: Some(ChannelType::Slack), credentials, ..ChannelSettings::default() };
    let site = Site::start_with_profiles(Profiles { notify: [("ops".to_owned(), channel)].into(), ..Profiles::default() }).await;
    let page = site.get("/settings/channels/edit?name=ops").await;
    page.has_status(200).shows("defined in the settings file").hides("Change the channel").hides("/hook");
    let tested = site.post("/settings/channels/test?name=ops", &[]).await;
    tested.has_status(200).shows("The message was not delivered.").shows("no answer");
    site.get("/settings/channels").await.shows("last request failed");
    site.post("/settings/channels/delete?name=ops", &[]).await.has_status(409);
    site.close().await;
}

/// The names of the fields of a form that the page shows.
fn fields(page: &Page) -> Vec<&str> {
    let shown = page.text.split(" name=\"/").skip(1).filter_map(|rest| rest.split('"').next());
    let mut names: Vec<&str> = shown.filter(|name| *name != "type").collect();
    names.dedup();
    names
}

const COMMON: [&str; 3] = ["title_template", "body_template", "language"];

#[tokio::test]
async fn a_form_shows_the_fields_of_the_chosen_type_alone() {
    let site = Site::start().await;
    let page = site.get("/settings/channels").await;
    page.shows("Choose a type first").shows("value=\"dingtalk\"");
    assert_eq!(fields(&page), [&["name"][..], &COMMON].concat());
    let typed = [("/type", "wecom_app"), ("/name", "ops"), ("/to", "alice"), ("/token", TOKEN), ("/keyword", "typed-word")];
    let part = site.post_with("/settings/channels/-/type", &typed, &[("hx-request", "true")]).await;
    assert_eq!(part.status, 200);
    part.shows("value=\"alice\"").shows("AgentId").hides(TOKEN).hides("typed-word").hides("<main");
    assert_eq!(fields(&part), ["corp_id", "agent_id", "secret", "to", "url", "proxy"]);
    let part = site.post_with("/settings/channels/-/type", &[("/type", "pigeon")], &[("hx-request", "true")]).await;
    part.shows("Choose a type first");
    site.close().await;
}

#[tokio::test]
async fn without_scripts_a_button_shows_the_fields_and_saves_nothing() {
    let site = Site::start().await;
    let typed = [("/type", "sms"), ("/name", "ops"), ("/to", "13800138000"), ("show", "fields")];
    let page = site.post("/settings/channels", &typed).await;
    page.has_status(200).shows("value=\"ops\"").shows("value=\"13800138000\"").shows("No channels");
    assert_eq!(fields(&page), [&["name", "to", "template", "sms"][..], &COMMON].concat());
    site.post("/settings/channels", &typed[..3]).await.redirects_to("/settings/channels/edit?name=ops");
    let page =
        site.post("/settings/channels/edit?name=ops", &[("/type", "email"), ("/to", "a@b.example"), ("show", "fields")]).await;
    page.has_status(200).shows("value=\"a@b.example\"");
    site.get("/settings/channels").await.shows("Text message").hides("a@b.example");
    site.close().await;
}

#[tokio::test]
async fn fields_of_other_types_are_not_saved() {
    let site = Site::start().await;
    let fields = [("/name", "ops"), ("/type", "slack"), ("/url", "https://hooks.example.com/x"), ("/chat_id", "-100")];
    site.post("/settings/channels", &fields).await.redirects_to("/settings/channels/edit?name=ops");
    let services = &site.context.services;
    let admin = crate::support::context::admin();
    let stored = services.notify_channels.get(&admin, "ops").await.expect("a channel").channel;
    assert_eq!(stored.options.chat_id, None);
    // What the API stored beside the form stays when the page changes the channel.
    let options = ChannelOptions { to: vec!["-200".into()], ..ChannelOptions::default() };
    let credentials = CredentialsInput { token: Some(TOKEN.into()), ..CredentialsInput::default() };
    let input = ChannelInput { channel_type: ChannelType::Telegram, options, credentials };
    services.notify_channels.create(&admin, "chat", &input).await.expect("creates");
    site.post("/settings/channels/edit?name=chat", &[("/type", "telegram"), ("/language", "en")])
        .await
        .redirects_to("/settings/channels/edit?name=chat");
    let changed = services.notify_channels.get(&admin, "chat").await.expect("a channel").channel;
    assert_eq!((changed.options.to, changed.options.language.as_deref()), (vec!["-200".to_owned()], Some("en")));
    site.close().await;
}

#[tokio::test]
async fn a_form_without_a_type_asks_for_one() {
    let site = Site::start().await;
    for kind in ["", "pigeon"] {
        let page = site.post("/settings/channels", &[("/name", "ops"), ("/type", kind)]).await;
        page.has_status(422).shows("choose a type").shows("value=\"ops\"");
    }
    site.close().await;
}

#[tokio::test]
async fn transport_errors_are_told_in_the_language_of_the_reader() {
    let credentials = Credentials { url: Some(Secret::new("http://127.0.0.1:1/hook")), ..Credentials::default() };
    let channel = ChannelSettings { channel_type: Some(ChannelType::Slack), credentials, ..ChannelSettings::default() };
    let site = Site::start_with_profiles(Profiles { notify: [("ops".to_owned(), channel)].into(), ..Profiles::default() }).await;
    let (path, chinese) = ("/settings/channels/edit?name=ops", [("accept-language", "zh-CN")]);
    let tested = site.post_with("/settings/channels/test?name=ops", &[], &chinese).await;
    tested.has_status(200).shows("没有应答：").hides("no answer").hides("connection");
    site.get_with(path, &chinese, "").await.shows("没有应答：").hides("no answer").hides("connection");
    site.get_with("/settings/channels", &chinese, "").await.shows("没有应答：").hides("no answer").hides("connection");
    site.get(path).await.shows("no answer: ").hides("没有应答");
    site.close().await;
}
