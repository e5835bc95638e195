//! Profiles of HTTP services.

use belfry::domain::profile::http::SignIn;
use belfry::domain::secret::Secret;

use crate::{file_error, load, variables_error};

#[test]
fn profile_is_read_from_file_and_secret_from_variable() {
    let file = crate::File::new("[http.crm]\nbase_url = \"https://crm.example.com\"\n");
    let settings = load(Some(&file.path()), &[("BELFRY_HTTP_CRM_BEARER", "s3cret")], &[]).expect("valid settings");
    assert_eq!(settings.profiles.http["crm"].sign_in(), SignIn::Bearer(Secret::new("s3cret")));
    assert!(!format!("{settings:?}").contains("s3cret"));
    let by_file = file.path().with_file_name("token");
    std::fs::write(&by_file, "s3cret\n").expect("write a file");
    let variable = [("BELFRY_HTTP_CRM_API_KEY_FILE", by_file.to_str().expect("a path"))];
    let settings = load(Some(&file.path()), &variable, &[]).expect("valid settings");
    assert_eq!(settings.profiles.http["crm"].api_key, Some(Secret::new("s3cret")));
}

#[test]
fn invalid_profile_is_rejected() {
    let one = |more: &str| file_error(&format!("[http.crm]\nbase_url = \"https://crm.example.com\"\n{more}\n"));
    assert_eq!(one("user = \"me\""), "[http.crm]: user and password go together");
    assert_eq!(one("bearer = \"x\"\napi_key = \"y\""), "[http.crm]: give only one of bearer, api_key");
    assert_eq!(one("api_key = 12345"), "belfry.toml:3: [http.crm] api_key: the value is not a non-empty string");
    assert!(one("token_style = \"saml\"").contains("'saml' is not one of oauth2, json"));
    assert!(one("base_urll = \"x\"").contains("did you mean base_url?"));
    assert!(variables_error(&[("BELFRY_HTTP_CRM_BEARER", "x")]).starts_with("[http.crm]: base_url is missing"));
}
