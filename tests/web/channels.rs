//! The pages of notification channels.

use belfry::domain::notify::channel::{ChannelSettings, ChannelType, Credentials};
use belfry::domain::profile::Profiles;
use belfry::domain::secret::Secret;

use crate::site::Site;

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
