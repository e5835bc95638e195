//! Static assets.

use belfry::web::assets::address;
use poem::http::Method;

use crate::site::Site;

#[tokio::test]
async fn asset_cache_headers() {
    let site = Site::start_without_accounts().await;
    let hashed = address("css/belfry.css").expect("the style sheet");
    let kept = site.request(Method::GET, &hashed, &[], "").await;
    assert_eq!((kept.status, kept.header("content-type")), (200, "text/css; charset=utf-8"));
    assert_eq!(kept.header("cache-control"), "public, max-age=31536000, immutable");
    let plain = site.request(Method::GET, "/static/css/belfry.css?v=other", &[], "").await;
    assert_eq!(plain.header("cache-control"), "public, no-cache");
    let known = site.request(Method::GET, &hashed, &[("if-none-match", kept.header("etag"))], "").await;
    assert_eq!((known.status, known.text.as_str()), (304, ""));
    site.close().await;
}

#[tokio::test]
async fn asset_head_request_and_compression() {
    let site = Site::start_without_accounts().await;
    let path = address("app.js").expect("the script of all pages");
    let head = site.request(Method::HEAD, &path, &[], "").await;
    assert_eq!((head.status, head.header("content-type")), (200, "text/javascript; charset=utf-8"));
    let client = poem::test::TestClient::new(belfry::web::routes(site.context.services.clone(), belfry::web::Options::default()));
    let response = client.get(&path).header("accept-encoding", "gzip").send().await.0;
    assert_eq!(response.headers()["content-encoding"], "gzip");
    let packed = response.into_body().into_vec().await.expect("a body").len();
    assert!(packed < 30_000, "{packed}");
    site.close().await;
}

#[tokio::test]
async fn asset_paths_outside_the_folder_are_not_found() {
    let site = Site::start_without_accounts().await;
    for path in ["/static/../Cargo.toml", "/static/%2e%2e/Cargo.toml", "/static/nothing.css", "/static/"] {
        let page = site.request(Method::GET, path, &[], "").await;
        assert_eq!(page.status, 404, "{path}");
    }
    site.close().await;
}

/// Compressed size and number of everything that the first page view loads besides the page.
#[tokio::test]
async fn first_page_view_stays_below_size_limits() {
    let site = Site::start().await;
    let page = site.get("/tasks").await;
    let (mut all, mut scripts) = (0, 0);
    let paths: std::collections::BTreeSet<_> = page.text.split(['"', '#']).filter(|text| text.starts_with("/static/")).collect();
    assert!(paths.len() <= 6, "{paths:?}");
    let client = poem::test::TestClient::new(belfry::web::routes(site.context.services.clone(), belfry::web::Options::default()));
    for path in paths {
        let response = client.get(path).header("accept-encoding", "gzip").send().await.0;
        let size = response.into_body().into_vec().await.expect("a body").len();
        all += size;
        scripts += if path.contains(".js?") { size } else { 0 };
    }
    assert!(all > 30_000 && all < 80 * 1024, "{all}");
    assert!(scripts > 5_000 && scripts < 40 * 1024, "{scripts}");
    site.close().await;
}

/// Every page of this site is below the base path, also behind a proxy that removes it.
#[tokio::test]
async fn pages_redirects_and_static_files_are_below_the_base_path() {
    let site = Site::start().await;
    let options = belfry::web::Options { base_path: "/belfry".into(), ..belfry::web::Options::default() };
    let pages = belfry::web::routes(site.context.services.clone(), options);
    let client = poem::test::TestClient::new(belfry::net::base_path::WithBasePath::new(pages, "/belfry"));
    let cookie = format!("belfry_session={}", site.session);
    for prefix in ["/belfry", ""] {
        let page = client.get(format!("{prefix}/tasks")).header("cookie", &cookie).send().await.0;
        assert_eq!(page.status(), 200);
        let text = page.into_body().into_string().await.expect("text");
        assert!(text.contains("href=\"/belfry/static/app.css?v=") && text.contains("action=\"/belfry/tasks\""), "{text}");
        assert!(!text.contains("href=\"/tasks") && !text.contains("src=\"/static"), "{text}");
    }
    let file = client.get(format!("/belfry{}", address("app.css").expect("the style sheet"))).send().await.0;
    assert_eq!(file.headers()["cache-control"], "public, max-age=31536000, immutable");
    let moved = client.get("/belfry/tasks?tag=x").send().await.0;
    assert_eq!(
        (moved.status().as_u16(), &moved.headers()["location"]),
        (303, &"/belfry/login?next=%2Ftasks%3Ftag%3Dx".parse().expect("a value"))
    );
    site.close().await;
}
