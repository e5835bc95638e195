//! Generates the client from the document.

use std::path::Path;

fn main() {
    let document = "../../openapi.json";
    println!("cargo:rerun-if-changed={document}");
    let text = std::fs::read_to_string(document).expect("the document is there");
    // The generator gives types to JSON that is called so; problem documents are JSON.
    let text = text.replace("application/problem+json", "application/json");
    let spec = serde_json::from_str(&text).expect("it is a document of OpenAPI 3.0");
    let mut settings = progenitor::GenerationSettings::default();
    settings.with_interface(progenitor::InterfaceStyle::Builder);
    let tokens = progenitor::Generator::new(&settings).generate_tokens(&spec).expect("generates");
    let code = prettyplease::unparse(&syn::parse2(tokens).expect("is Rust"));
    let out = std::env::var("OUT_DIR").expect("cargo sets it");
    std::fs::write(Path::new(&out).join("client.rs"), code).expect("writes");
}
