//! Accounts pages.

use belfry::domain::user::Role;
use poem::http::Method;

use crate::site::Site;
use crate::support::context::admin;

const NEW: [(&str, &str); 3] = [("/name", "vera"), ("/role", "editor"), ("/password", "battery staple")];

#[tokio::test]
async fn create_change_and_delete_an_account() {
    let site = Site::start().await;
    let created = site.post("/settings/users", &[NEW[0], NEW[1], NEW[2], ("/grants", "send_cmd")]).await;
    created.redirects_to("/settings/users");
    assert!(created.cookies().iter().all(|cookie| !cookie.contains("staple")), "{:?}", created.cookies());
    site.get("/settings/users").await.has_status(200).shows("vera").shows("Editor").shows("never").hides("Disabled</span>");
    let page = site.get("/settings/users/edit?name=vera").await;
    page.has_status(200).shows("value=\"send_cmd\" checked").shows("value=\"editor\" selected").hides("battery");
    let session = site.context.services.sign_in.without_second_factor("vera", "battery staple", None).await.expect("signs in").1;
    let change = [("/role", "operator"), ("/disabled", "false"), ("/disabled", "true"), ("/password", "")];
    site.post("/settings/users/edit?name=vera", &change).await.redirects_to("/settings/users");
    let vera = site.context.services.users.get(&admin(), "vera").await.expect("vera");
    assert_eq!((vera.role, vera.disabled, vera.grants.len()), (Role::Operator, true, 0));
    site.request(Method::GET, "/tasks", &[("cookie", &format!("belfry_session={session}"))], "")
        .await
        .redirects_to("/login?next=%2Ftasks");
    site.get("/settings/users").await.shows("Disabled</span>");
    let reset = [("/role", "operator"), ("/disabled", "false"), ("/password", "another horse")];
    site.post("/settings/users/edit?name=vera", &reset).await.redirects_to("/settings/users");
    assert!(site.context.services.sign_in.without_second_factor("vera", "another horse", None).await.is_ok());
    site.get("/settings/users/delete?name=vera").await.has_status(200).shows("Delete the account vera?");
    site.post("/settings/users/delete?name=vera", &[]).await.redirects_to("/settings/users");
    assert!(site.context.services.users.get(&admin(), "vera").await.is_err());
    site.close().await;
}

#[tokio::test]
async fn invalid_account_form_keeps_input_except_the_password() {
    let site = Site::start().await;
    let typed = [("/name", "no good<b>"), ("/role", "editor"), ("/password", "hush"), ("/grants", "burn")];
    let page = site.post("/settings/users", &typed).await;
    page.has_status(422).shows("value=\"no good&lt;b&gt;\"").shows("value=\"editor\" selected").hides("hush").hides("<b>");
    page.shows("is not allowed; use letters").shows("must have at least 8 characters");
    let grants = site.post("/settings/users", &[NEW[0], NEW[1], NEW[2], ("/grants", "burn")]).await;
    grants.has_status(422).shows("&#39;burn&#39; is not one of ").hides("staple");
    let chinese = site.post_with("/settings/users", &typed, &[("accept-language", "zh-CN")]).await;
    chinese.has_status(422).shows("新建账号").shows("至少 8 个字符").shows("只能用字母");
    site.post("/settings/users", &NEW).await.redirects_to("/settings/users");
    site.post("/settings/users", &[("/name", "VERA"), NEW[1], NEW[2]])
        .await
        .has_status(409)
        .shows("there is an account &#39;VERA&#39; already");
    site.post("/settings/users", &[NEW[0], ("/role", "god")]).await.has_status(400);
    site.close().await;
}

#[tokio::test]
async fn last_administrator_cannot_be_removed() {
    let site = Site::start().await;
    let said = "no administrator would be left";
    let change = [("/role", "viewer"), ("/disabled", "false")];
    site.post("/settings/users/edit?name=admin", &change).await.has_status(409).shows(said).shows("value=\"viewer\" selected");
    let change = [("/role", "admin"), ("/disabled", "true")];
    site.post("/settings/users/edit?name=admin", &change).await.has_status(409).shows(said);
    site.post("/settings/users/delete?name=admin", &[]).await.has_status(409).shows(said).shows("New account");
    let chinese = site.post_with("/settings/users/delete?name=admin", &[], &[("accept-language", "zh-CN")]).await;
    chinese.has_status(409).shows("这样将不再有可用的管理员").hides(said);
    let toast = site.post_with("/settings/users/delete?name=admin", &[], &[("hx-request", "true")]).await;
    assert_eq!(toast.status, 409);
    assert!(toast.header("hx-trigger").contains(said), "{}", toast.header("hx-trigger"));
    let own = site.get("/settings/users/edit?name=admin").await;
    own.has_status(200).shows("Change your own password").hides("type=\"password\"");
    site.close().await;
}

#[tokio::test]
async fn account_name_of_dots() {
    let site = Site::start().await;
    site.post("/settings/users", &[("/name", ".."), NEW[1], NEW[2]]).await.redirects_to("/settings/users");
    site.get("/settings/users").await.shows("href=\"/settings/users/edit?name=..\"");
    site.get("/settings/users/edit?name=..").await.has_status(200).shows("<h1>..</h1>");
    site.post("/settings/users/delete?name=..", &[]).await.redirects_to("/settings/users");
    site.get("/settings/users/edit?name=..").await.has_status(404).shows("there is no account");
    site.close().await;
}

#[tokio::test]
async fn accounts_require_administrator() {
    let mut site = Site::start().await;
    site.get("/tasks").await.shows("href=\"/account\"");
    site.sign_in_as("eddie", Role::Editor).await;
    for path in ["/settings/users", "/settings/users/edit?name=admin", "/settings/users/delete?name=admin"] {
        site.get(path).await.has_status(403).shows("Your role does not allow this.").hides("name=\"/role\"");
        site.post(path, &[("/name", "mallory"), ("/role", "admin")]).await.has_status(403).hides("name=\"/role\"");
    }
    site.get_with("/settings/users", &[], "; belfry_lang=zh-CN").await.has_status(403).shows("无权查看或修改");
    assert_eq!(site.context.services.users.list(&admin()).await.expect("lists").len(), 2);
    site.close().await;
}

#[tokio::test]
async fn account_forms_require_csrf_token() {
    let site = Site::start().await;
    let cookie = format!("belfry_session={}", site.session);
    let headers = [("cookie", cookie.as_str()), ("content-type", "application/x-www-form-urlencoded")];
    for token in ["", "0123"] {
        let body = crate::site::encoded(&[("csrf", token), NEW[0], NEW[1], NEW[2]]);
        for path in ["/settings/users", "/settings/users/edit?name=admin", "/settings/users/delete?name=admin"] {
            site.request(Method::POST, path, &headers, &body).await.has_status(403).shows("Form expired or from another site");
        }
    }
    assert_eq!(site.context.services.users.list(&admin()).await.expect("lists").len(), 1);
    site.close().await;
}
