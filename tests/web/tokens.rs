//! The pages of tokens and of one's own account.

use belfry::domain::user::Role;
use poem::http::Method;

use crate::site::{Page, Site, encoded};
use crate::support::parts::admin;

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

fn text_of(page: &Page) -> String {
    let rest = page.text.split("id=\"token-text\"").nth(1).and_then(|rest| rest.split_once('>')).expect("the token's text").1;
    rest.split('<').next().expect("its end").to_owned()
}

#[tokio::test]
async fn a_token_is_shown_once_and_can_be_withdrawn() {
    let site = Site::start().await;
    site.get("/settings/tokens").await.is(200).shows("No tokens");
    let typed = [("/name", "<b>ci</b>"), ("/role", "operator"), ("/expires_at", "2026-12-01T00:00"), ("zone", "UTC")];
    let made = site.post("/settings/tokens", &typed).await;
    made.is(200).shows("Copy its text now").shows("data-copy=\"#token-text\"").shows("&lt;b&gt;ci").hides("<b>");
    let text = text_of(&made);
    assert!(text.starts_with("blf_") && text.len() > 40, "{text}");
    assert!(made.cookies().is_empty(), "{:?}", made.cookies());
    assert_eq!((made.text.matches(&text).count(), made.header("cache-control")), (1, "no-store"));
    let actor = site.parts.service.actor_by_token(&text).await.expect("reads").expect("an actor");
    assert_eq!((actor.name.as_str(), actor.role), ("admin", Role::Operator));
    let list = site.get("/settings/tokens").await;
    list.is(200).shows("Operator").shows("2026-12-01 08:00:00").hides(&text).hides("blf_");
    let withdraw = list.text.split("href=\"").find(|part| part.contains("/withdraw\"")).and_then(|part| part.split('"').next());
    let withdraw = withdraw.expect("a link").to_owned();
    site.get(&withdraw).await.is(200).shows("Withdraw the token &lt;b&gt;ci");
    site.post(&withdraw, &[]).await.leads_to("/settings/tokens");
    assert!(site.parts.service.actor_by_token(&text).await.expect("reads").is_none());
    site.get(&withdraw).await.is(404);
    site.end().await;
}

#[tokio::test]
async fn a_refused_token_says_why_at_its_field() {
    let mut site = Site::start().await;
    site.become_one("eddie", Role::Editor).await;
    site.get("/settings/tokens").await.is(200).shows("value=\"editor\" selected").hides("value=\"admin\"");
    let refused = site.post("/settings/tokens", &[("/name", "x"), ("/role", "admin")]).await;
    refused.is(422).shows("admin is above the account&#39;s own role, editor").hides("token-text");
    let past = site.post("/settings/tokens", &[("/name", "x"), ("/expires_at", "2020-01-01T00:00")]).await;
    past.is(422).shows("must lie in the future").shows("value=\"2020-01-01T00:00\"");
    site.post("/settings/tokens", &[("/name", "lasting")]).await.is(200).shows("without end").shows("Editor");
    let chinese = site.post_with("/settings/tokens", &[("/expires_at", "soon")], &[("accept-language", "zh-CN")]).await;
    chinese.is(422).shows("无法识别“soon”");
    site.post("/settings/tokens", &[("/name", " "), ("/role", "")]).await.is(422).shows("must have 1 to 100 characters");
    assert_eq!(site.parts.service.tokens(&admin()).await.expect("lists").len(), 1);
    site.end().await;
}

#[tokio::test]
async fn others_tokens_are_seen_and_withdrawn_by_administrators_alone() {
    let mut site = Site::start().await;
    site.post("/settings/tokens", &[("/name", "of-admin"), ("/role", "admin")]).await.is(200);
    let list = site.get("/settings/tokens").await;
    let withdraw = list.text.split("href=\"").find(|part| part.contains("/withdraw\"")).and_then(|part| part.split('"').next());
    let withdraw = withdraw.expect("a link").to_owned();
    let administrator = site.session.clone();
    site.become_one("vera", Role::Viewer).await;
    site.get("/settings/tokens").await.is(200).hides("of-admin").hides("/settings/users");
    site.get(&withdraw).await.is(404);
    site.post(&withdraw, &[]).await.is(404);
    site.post("/settings/tokens", &[("/name", "of-vera"), ("/role", "viewer")]).await.is(200);
    site.session = administrator;
    site.get("/settings/tokens").await.shows("of-admin").shows("of-vera").shows(">vera<");
    site.end().await;
}

#[tokio::test]
async fn ones_own_password_is_changed_and_other_sessions_end() {
    let mut site = Site::start().await;
    site.become_one("vera", Role::Viewer).await;
    let other = site.parts.service.sign_in("vera", "battery staple", None).await.expect("signs in").1;
    site.get("/account").await.is(200).shows("Viewer").shows("autocomplete=\"current-password\"");
    let change = async |present: &str, new: &str, repeat: &str| {
        site.post("/account", &[("/present", present), ("/password", new), ("/repeat", repeat)]).await
    };
    let wrong = change("battery stable", "another horse", "another horse").await;
    wrong.is(422).shows("is not the present password").hides("stable").hides("another horse");
    change("battery staple", "another horse", "another house").await.is(422).shows("The two passwords differ.");
    change("battery staple", "short", "short").await.is(422).shows("must have at least 8 characters");
    let changed = change("battery staple", "another horse", "another horse").await;
    changed.leads_to("/account");
    site.get("/account").await.is(200);
    let cookie = format!("belfry_session={other}");
    site.bare(Method::GET, "/account", &[("cookie", &cookie)], "").await.leads_to("/login?next=%2Faccount");
    assert!(site.parts.service.sign_in("vera", "another horse", None).await.is_ok());
    site.end().await;
}

#[tokio::test]
async fn forms_of_other_sessions_make_no_token_and_change_no_password() {
    let site = Site::start().await;
    let cookie = format!("belfry_session={}", site.session);
    let fields = [
        ("csrf", "0"),
        ("/name", "x"),
        ("/present", "correct horse"),
        ("/password", "another horse"),
        ("/repeat", "another horse"),
    ];
    for path in ["/settings/tokens", "/settings/tokens/01J/withdraw", "/account"] {
        site.bare(Method::POST, path, &[("cookie", &cookie), FORM], &encoded(&fields)).await.is(403).shows("Sent from elsewhere");
    }
    assert!(site.parts.service.sign_in("admin", "correct horse", None).await.is_ok());
    site.get("/settings/tokens").await.shows("No tokens");
    site.end().await;
}
