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
    let path = address("vendor/htmx-4.0.1/htmx.min.js").expect("htmx");
    let head = site.request(Method::HEAD, &path, &[], "").await;
    assert_eq!((head.status, head.header("content-type")), (200, "text/javascript; charset=utf-8"));
    let client = poem::test::TestClient::new(belfry::web::routes(site.context.services.clone(), belfry::web::Options::default()));
    let response = client.get(&path).header("accept-encoding", "gzip").send().await.0;
    assert_eq!(response.headers()["content-encoding"], "gzip");
    let packed = response.into_body().into_vec().await.expect("a body").len();
    assert!(packed < 20_000, "{packed}");
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

/// Compressed size of everything that the first page view loads.
#[tokio::test]
async fn first_page_view_stays_below_size_limits() {
    let site = Site::start().await;
    let page = site.get("/tasks").await;
    let (mut all, mut scripts) = (0, 0);
    let client = poem::test::TestClient::new(belfry::web::routes(site.context.services.clone(), belfry::web::Options::default()));
    for path in page.text.split('"').filter(|text| text.starts_with("/static/")).collect::<std::collections::BTreeSet<_>>() {
        let response = client.get(path).header("accept-encoding", "gzip").send().await.0;
        let size = response.into_body().into_vec().await.expect("a body").len();
        all += size;
        scripts += if path.contains(".js?") { size } else { 0 };
    }
    assert!(all > 50_000 && all < 200 * 1024, "{all}");
    assert!(scripts > 5_000 && scripts < 80 * 1024, "{scripts}");
    site.close().await;
}
