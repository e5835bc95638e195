//! The pages of accounts.

use belfry::domain::user::Role;
use poem::http::Method;

use crate::site::Site;
use crate::support::parts::admin;

const NEW: [(&str, &str); 3] = [("/name", "vera"), ("/role", "editor"), ("/password", "battery staple")];

#[tokio::test]
async fn an_account_is_made_changed_and_deleted() {
    let site = Site::start().await;
    let made = site.post("/settings/users", &[NEW[0], NEW[1], NEW[2], ("/grants", "send_cmd")]).await;
    made.leads_to("/settings/users");
    assert!(made.cookies().iter().all(|cookie| !cookie.contains("staple")), "{:?}", made.cookies());
    site.get("/settings/users").await.is(200).shows("vera").shows("Editor").shows("never").hides("Disabled</span>");
    let page = site.get("/settings/users/edit?name=vera").await;
    page.is(200).shows("value=\"send_cmd\" checked").shows("value=\"editor\" selected").hides("battery");
    let session = site.parts.service.sign_in("vera", "battery staple", None).await.expect("signs in").1;
    let change = [("/role", "operator"), ("/disabled", "false"), ("/disabled", "true"), ("/password", "")];
    site.post("/settings/users/edit?name=vera", &change).await.leads_to("/settings/users");
    let vera = site.parts.service.user(&admin(), "vera").await.expect("vera");
    assert_eq!((vera.role, vera.disabled, vera.grants.len()), (Role::Operator, true, 0));
    site.bare(Method::GET, "/tasks", &[("cookie", &format!("belfry_session={session}"))], "")
        .await
        .leads_to("/login?next=%2Ftasks");
    site.get("/settings/users").await.shows("Disabled</span>");
    let reset = [("/role", "operator"), ("/disabled", "false"), ("/password", "another horse")];
    site.post("/settings/users/edit?name=vera", &reset).await.leads_to("/settings/users");
    assert!(site.parts.service.sign_in("vera", "another horse", None).await.is_ok());
    site.get("/settings/users/delete?name=vera").await.is(200).shows("Delete the account vera?");
    site.post("/settings/users/delete?name=vera", &[]).await.leads_to("/settings/users");
    assert!(site.parts.service.user(&admin(), "vera").await.is_err());
    site.end().await;
}

#[tokio::test]
async fn a_refused_account_keeps_what_was_typed_but_the_password() {
    let site = Site::start().await;
    let typed = [("/name", "no good<b>"), ("/role", "editor"), ("/password", "hush"), ("/grants", "burn")];
    let page = site.post("/settings/users", &typed).await;
    page.is(422).shows("value=\"no good&lt;b&gt;\"").shows("value=\"editor\" selected").hides("hush").hides("<b>");
    page.shows("is not allowed; use letters").shows("must have at least 8 characters");
    let grants = site.post("/settings/users", &[NEW[0], NEW[1], NEW[2], ("/grants", "burn")]).await;
    grants.is(422).shows("&#39;burn&#39; is not one of ").hides("staple");
    let chinese = site.post_with("/settings/users", &typed, &[("accept-language", "zh-CN")]).await;
    chinese.is(422).shows("新建账号").shows("至少 8 个字符").shows("只能用字母");
    site.post("/settings/users", &NEW).await.leads_to("/settings/users");
    site.post("/settings/users", &[("/name", "VERA"), NEW[1], NEW[2]])
        .await
        .is(409)
        .shows("there is an account &#39;VERA&#39; already");
    site.post("/settings/users", &[NEW[0], ("/role", "god")]).await.is(400);
    site.end().await;
}

#[tokio::test]
async fn the_last_administrator_stays_and_is_told_so() {
    let site = Site::start().await;
    let said = "no administrator would be left";
    let change = [("/role", "viewer"), ("/disabled", "false")];
    site.post("/settings/users/edit?name=admin", &change).await.is(409).shows(said).shows("value=\"viewer\" selected");
    let change = [("/role", "admin"), ("/disabled", "true")];
    site.post("/settings/users/edit?name=admin", &change).await.is(409).shows(said);
    site.post("/settings/users/delete?name=admin", &[]).await.is(409).shows(said).shows("New account");
    let chinese = site.post_with("/settings/users/delete?name=admin", &[], &[("accept-language", "zh-CN")]).await;
    chinese.is(409).shows("这样将不再有可用的管理员").hides(said);
    let toast = site.post_with("/settings/users/delete?name=admin", &[], &[("hx-request", "true")]).await;
    assert_eq!(toast.status, 409);
    assert!(toast.header("hx-trigger").contains(said), "{}", toast.header("hx-trigger"));
    let own = site.get("/settings/users/edit?name=admin").await;
    own.is(200).shows("Change your own password").hides("type=\"password\"");
    site.end().await;
}

#[tokio::test]
async fn a_name_of_dots_has_its_page() {
    let site = Site::start().await;
    site.post("/settings/users", &[("/name", ".."), NEW[1], NEW[2]]).await.leads_to("/settings/users");
    site.get("/settings/users").await.shows("href=\"/settings/users/edit?name=..\"");
    site.get("/settings/users/edit?name=..").await.is(200).shows("<h1>..</h1>");
    site.post("/settings/users/delete?name=..", &[]).await.leads_to("/settings/users");
    site.get("/settings/users/edit?name=..").await.is(404).shows("there is no account");
    site.end().await;
}

#[tokio::test]
async fn accounts_are_for_administrators_alone() {
    let mut site = Site::start().await;
    site.get("/tasks").await.shows("href=\"/account\"");
    site.become_one("eddie", Role::Editor).await;
    for path in ["/settings/users", "/settings/users/edit?name=admin", "/settings/users/delete?name=admin"] {
        site.get(path).await.is(403).shows("Your role does not allow this.").hides("name=\"/role\"");
        site.post(path, &[("/name", "mallory"), ("/role", "admin")]).await.is(403).hides("name=\"/role\"");
    }
    site.get_with("/settings/users", &[], "; belfry_lang=zh-CN").await.is(403).shows("无权查看或修改");
    assert_eq!(site.parts.service.users(&admin()).await.expect("lists").len(), 2);
    site.end().await;
}

#[tokio::test]
async fn a_form_of_another_session_makes_no_account() {
    let site = Site::start().await;
    let cookie = format!("belfry_session={}", site.session);
    let headers = [("cookie", cookie.as_str()), ("content-type", "application/x-www-form-urlencoded")];
    for token in ["", "0123"] {
        let body = crate::site::encoded(&[("csrf", token), NEW[0], NEW[1], NEW[2]]);
        for path in ["/settings/users", "/settings/users/edit?name=admin", "/settings/users/delete?name=admin"] {
            site.bare(Method::POST, path, &headers, &body).await.is(403).shows("Sent from elsewhere");
        }
    }
    assert_eq!(site.parts.service.users(&admin()).await.expect("lists").len(), 1);
    site.end().await;
}
