//! API tokens page and own account page.

use belfry::domain::user::Role;
use poem::http::Method;

use crate::site::{Page, Site, encoded};
use crate::support::context::admin;

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

fn text_of(page: &Page) -> String {
    let rest = page.text.split("id=\"token-text\"").nth(1).and_then(|rest| rest.split_once('>')).expect("the token's text").1;
    rest.split('<').next().expect("its end").to_owned()
}

#[tokio::test]
async fn token_is_shown_once_and_can_be_revoked() {
    let site = Site::start().await;
    site.get("/settings/tokens").await.has_status(200).shows("No API tokens");
    let typed = [("/name", "<b>ci</b>"), ("/role", "operator"), ("/expires_at", "2026-12-01T00:00"), ("zone", "UTC")];
    let created = site.post("/settings/tokens", &typed).await;
    created.has_status(200).shows("Copy the token now").shows("data-copy=\"#token-text\"").shows("&lt;b&gt;ci").hides("<b>");
    let text = text_of(&created);
    assert!(text.starts_with("blf_") && text.len() > 40, "{text}");
    assert!(created.cookies().is_empty(), "{:?}", created.cookies());
    assert_eq!((created.text.matches(&text).count(), created.header("cache-control")), (1, "no-store"));
    let actor = site.context.services.sessions.actor_by_token(&text).await.expect("reads").expect("an actor");
    assert_eq!((actor.name.as_str(), actor.role), ("admin", Role::Operator));
    let list = site.get("/settings/tokens").await;
    list.has_status(200).shows("Operator").shows("2026-12-01 08:00:00").hides(&text).hides("blf_");
    let revoke = list.text.split("href=\"").find(|part| part.contains("/revoke\"")).and_then(|part| part.split('"').next());
    let revoke = revoke.expect("a link").to_owned();
    site.get(&revoke).await.has_status(200).shows("Revoke the token &lt;b&gt;ci");
    site.post(&revoke, &[]).await.redirects_to("/settings/tokens");
    assert!(site.context.services.sessions.actor_by_token(&text).await.expect("reads").is_none());
    site.get(&revoke).await.has_status(404);
    site.close().await;
}

#[tokio::test]
async fn invalid_token_form_shows_faults_at_their_fields() {
    let mut site = Site::start().await;
    site.sign_in_as("eddie", Role::Editor).await;
    site.get("/settings/tokens").await.has_status(200).shows("value=\"editor\" selected").hides("value=\"admin\"");
    let rejected = site.post("/settings/tokens", &[("/name", "x"), ("/role", "admin")]).await;
    rejected.has_status(422).shows("admin is above the account&#39;s own role, editor").hides("token-text");
    let past = site.post("/settings/tokens", &[("/name", "x"), ("/expires_at", "2020-01-01T00:00")]).await;
    past.has_status(422).shows("must lie in the future").shows("value=\"2020-01-01T00:00\"");
    site.post("/settings/tokens", &[("/name", "lasting")]).await.has_status(200).shows("never expires").shows("Editor");
    let chinese = site.post_with("/settings/tokens", &[("/expires_at", "soon")], &[("accept-language", "zh-CN")]).await;
    chinese.has_status(422).shows("无法识别“soon”");
    site.post("/settings/tokens", &[("/name", " "), ("/role", "")]).await.has_status(422).shows("must have 1 to 100 characters");
    assert_eq!(site.context.services.tokens.list(&admin()).await.expect("lists").len(), 1);
    site.close().await;
}

#[tokio::test]
async fn tokens_of_others_are_visible_only_to_administrators() {
    let mut site = Site::start().await;
    site.post("/settings/tokens", &[("/name", "of-admin"), ("/role", "admin")]).await.has_status(200);
    let list = site.get("/settings/tokens").await;
    let revoke = list.text.split("href=\"").find(|part| part.contains("/revoke\"")).and_then(|part| part.split('"').next());
    let revoke = revoke.expect("a link").to_owned();
    let administrator = site.session.clone();
    site.sign_in_as("vera", Role::Viewer).await;
    site.get("/settings/tokens").await.has_status(200).hides("of-admin").hides("/settings/users");
    site.get(&revoke).await.has_status(404);
    site.post(&revoke, &[]).await.has_status(404);
    site.post("/settings/tokens", &[("/name", "of-vera"), ("/role", "viewer")]).await.has_status(200);
    site.session = administrator;
    site.get("/settings/tokens").await.shows("of-admin").shows("of-vera").shows(">vera<");
    site.close().await;
}

#[tokio::test]
async fn password_change_ends_other_sessions() {
    let mut site = Site::start().await;
    site.sign_in_as("vera", Role::Viewer).await;
    let other = site.context.services.sign_in.without_second_factor("vera", "battery staple", None).await.expect("signs in").1;
    site.get("/account").await.has_status(200).shows("Viewer").shows("autocomplete=\"current-password\"");
    let change = async |present: &str, new: &str, repeat: &str| {
        site.post("/account", &[("/present", present), ("/password", new), ("/repeat", repeat)]).await
    };
    let wrong = change("battery stable", "another horse", "another horse").await;
    wrong.has_status(422).shows("is not the current password").hides("stable").hides("another horse");
    change("battery staple", "another horse", "another house").await.has_status(422).shows("The passwords do not match.");
    change("battery staple", "short", "short").await.has_status(422).shows("must have at least 8 characters");
    let changed = change("battery staple", "another horse", "another horse").await;
    changed.redirects_to("/account");
    site.get("/account").await.has_status(200);
    let cookie = format!("belfry_session={other}");
    site.request(Method::GET, "/account", &[("cookie", &cookie)], "").await.redirects_to("/login?next=%2Faccount");
    assert!(site.context.services.sign_in.without_second_factor("vera", "another horse", None).await.is_ok());
    site.close().await;
}

#[tokio::test]
async fn token_and_password_forms_require_csrf_token() {
    let site = Site::start().await;
    let cookie = format!("belfry_session={}", site.session);
    let fields = [
        ("csrf", "0"),
        ("/name", "x"),
        ("/present", "correct horse"),
        ("/password", "another horse"),
        ("/repeat", "another horse"),
    ];
    for path in ["/settings/tokens", "/settings/tokens/01J/revoke", "/account"] {
        site.request(Method::POST, path, &[("cookie", &cookie), FORM], &encoded(&fields))
            .await
            .has_status(403)
            .shows("Form expired or from another site");
    }
    assert!(site.context.services.sign_in.without_second_factor("admin", "correct horse", None).await.is_ok());
    site.get("/settings/tokens").await.shows("No API tokens");
    site.close().await;
}
