//! `/docs`: served from the program, with a strict content security policy.

use poem::http::Method;

use crate::app::App;

#[tokio::test]
async fn docs_page_has_no_inline_or_external_content() {
    let app = App::start().await;
    let page = app.bare(Method::GET, "/docs", &[], b"").await;
    assert_eq!(page.status, 200);
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    for script in page.text.split("<script").skip(1) {
        let (attributes, rest) = script.split_once('>').unwrap();
        assert!(attributes.contains("src=\"docs/"), "{attributes}");
        assert!(rest.starts_with("</script>"), "a script has a body: {rest}");
    }
    assert!(!page.text.contains("<style") && !page.text.contains(" style=") && !page.text.contains("http"), "{}", page.text);
    let loaded = page.text.split(['"']).filter(|text| text.starts_with("docs/"));
    for path in loaded {
        let file = app.bare(Method::GET, &format!("/{path}"), &[], b"").await;
        assert_eq!(file.status, 200, "{path}");
        assert!(file.text.len() > 10, "{path}");
    }
}

#[tokio::test]
async fn docs_files_are_cacheable_and_others_are_404() {
    let app = App::start().await;
    let style = app.bare(Method::GET, "/docs/swagger-ui.css", &[], b"").await;
    assert_eq!(style.header("content-type"), "text/css; charset=utf-8");
    let known = [("if-none-match", style.header("etag"))];
    let again = app.bare(Method::GET, "/docs/swagger-ui.css", &known, b"").await;
    assert_eq!((again.status, again.text.as_str()), (304, ""));
    app.bare(Method::GET, "/docs/LICENSE", &[], b"").await.problem(404);
    app.bare(Method::GET, "/docs/..%2f..%2fCargo.toml", &[], b"").await.problem(404);
}

#[tokio::test]
async fn docs_and_document_are_compressed() {
    let app = App::start().await;
    for path in ["/docs/swagger-ui-bundle.js", "/openapi.json", "/openapi.yaml"] {
        let plain = app.bare(Method::GET, path, &[], b"").await.text.len();
        let packed = app.bare(Method::GET, path, &[("accept-encoding", "gzip")], b"").await;
        assert_eq!(packed.header("content-encoding"), "gzip", "{path}");
        assert!(packed.bytes.len() * 3 < plain, "{path}: {} of {plain} bytes", packed.bytes.len());
    }
}

#[tokio::test]
async fn document_is_served_unchanged() {
    let app = App::start().await;
    let json = app.bare(Method::GET, "/openapi.json", &[], b"").await;
    assert_eq!((json.status, json.header("content-type")), (200, "application/json"));
    assert_eq!(json.text, belfry::api::openapi_json());
    let yaml = app.bare(Method::GET, "/openapi.yaml", &[], b"").await;
    assert_eq!((yaml.status, yaml.header("content-type")), (200, "application/yaml"));
    assert_eq!(yaml.text, belfry::api::openapi_yaml());
}
