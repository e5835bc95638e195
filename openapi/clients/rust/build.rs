//! Generates the client from the document.

use std::path::Path;

fn main() {
    let document = "../../openapi.json";
    println!("cargo:rerun-if-changed={document}");
    let text = std::fs::read_to_string(document).expect("read openapi.json");
    // The generator only creates types for application/json, so problem documents are declared as that.
    let text = text.replace("application/problem+json", "application/json");
    let spec = serde_json::from_str(&text).expect("parse as OpenAPI 3.0");
    let mut settings = progenitor::GenerationSettings::default();
    settings.with_interface(progenitor::InterfaceStyle::Builder);
    let tokens = progenitor::Generator::new(&settings).generate_tokens(&spec).expect("generate the client");
    let code = prettyplease::unparse(&syn::parse2(tokens).expect("parse the generated code"));
    let out = std::env::var("OUT_DIR").expect("OUT_DIR is set by cargo");
    std::fs::write(Path::new(&out).join("client.rs"), code).expect("write client.rs");
}
