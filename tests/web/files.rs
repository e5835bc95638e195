//! Style sheets, scripts and pictures.

use belfry::web::assets::address;
use poem::http::Method;

use crate::site::Site;

#[tokio::test]
async fn a_file_is_kept_for_good_under_its_hash_and_asked_for_otherwise() {
    let site = Site::fresh().await;
    let hashed = address("css/belfry.css").expect("the style sheet");
    let kept = site.bare(Method::GET, &hashed, &[], "").await;
    assert_eq!((kept.status, kept.header("content-type")), (200, "text/css; charset=utf-8"));
    assert_eq!(kept.header("cache-control"), "public, max-age=31536000, immutable");
    let plain = site.bare(Method::GET, "/static/css/belfry.css?v=other", &[], "").await;
    assert_eq!(plain.header("cache-control"), "public, no-cache");
    let known = site.bare(Method::GET, &hashed, &[("if-none-match", kept.header("etag"))], "").await;
    assert_eq!((known.status, known.text.as_str()), (304, ""));
    site.end().await;
}

#[tokio::test]
async fn head_answers_without_a_body_and_large_files_are_compressed() {
    let site = Site::fresh().await;
    let path = address("vendor/htmx-4.0.1/htmx.min.js").expect("htmx");
    let head = site.bare(Method::HEAD, &path, &[], "").await;
    assert_eq!((head.status, head.header("content-type")), (200, "text/javascript; charset=utf-8"));
    let client = poem::test::TestClient::new(belfry::web::routes(site.parts.service.clone(), belfry::web::Options::default()));
    let response = client.get(&path).header("accept-encoding", "gzip").send().await.0;
    assert_eq!(response.headers()["content-encoding"], "gzip");
    let packed = response.into_body().into_vec().await.expect("a body").len();
    assert!(packed < 20_000, "{packed}");
    site.end().await;
}

#[tokio::test]
async fn nothing_outside_the_folder_is_given() {
    let site = Site::fresh().await;
    for path in ["/static/../Cargo.toml", "/static/%2e%2e/Cargo.toml", "/static/nothing.css", "/static/"] {
        let page = site.bare(Method::GET, path, &[], "").await;
        assert_eq!(page.status, 404, "{path}");
    }
    site.end().await;
}

/// What a first visit loads, packed, within its bounds.
#[tokio::test]
async fn the_first_visit_is_light() {
    let site = Site::start().await;
    let page = site.get("/tasks").await;
    let (mut all, mut scripts) = (0, 0);
    let client = poem::test::TestClient::new(belfry::web::routes(site.parts.service.clone(), belfry::web::Options::default()));
    for path in page.text.split('"').filter(|text| text.starts_with("/static/")).collect::<std::collections::BTreeSet<_>>() {
        let response = client.get(path).header("accept-encoding", "gzip").send().await.0;
        let size = response.into_body().into_vec().await.expect("a body").len();
        all += size;
        scripts += if path.contains(".js?") { size } else { 0 };
    }
    assert!(all > 50_000 && all < 200 * 1024, "{all}");
    assert!(scripts > 5_000 && scripts < 80 * 1024, "{scripts}");
    site.end().await;
}
