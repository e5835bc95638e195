//! The second factor, single sign-on, and the public URL.

use belfry::config::Secret;
use belfry::domain::user::Role;

use crate::{File, load};

const COMPLETE: &str = r#"
[server]
public_url = "https://belfry.example.com/"
[oidc]
issuer = "https://id.example.com/realms/company"
client_id = "belfry"
role_claim = "/realm_access/roles"
admins = ["ops", "Leads of Ops"]
viewers = ["staff"]
"#;

#[test]
fn provider_is_read_with_secret_from_variable() {
    let file = File::new(COMPLETE);
    let settings = load(Some(&file.path()), &[("BELFRY_OIDC_CLIENT_SECRET", "s3cret"), ("BELFRY_OIDC_EDITORS", "dev, qa")], &[])
        .expect("valid settings");
    let provider = &settings.oidc;
    assert_eq!(provider.redirect_uri(), "https://belfry.example.com/login/oidc/callback");
    assert_eq!((provider.client_secret.clone(), provider.default_role), (Some(Secret::new("s3cret")), None));
    let values =
        |role: Role| provider.roles.iter().find(|(own, _)| *own == role).map(|(_, values)| values.join("+")).unwrap_or_default();
    assert_eq!(
        (values(Role::Admin), values(Role::Editor), values(Role::Viewer)),
        ("ops+Leads of Ops".into(), "dev+qa".into(), "staff".into())
    );
    assert!(!format!("{settings:?}").contains("s3cret"));
}

#[test]
fn invalid_provider_is_rejected() {
    let refused = |from: &str, to: &str| {
        let file = File::new(&COMPLETE.replace(from, to));
        load(Some(&file.path()), &[], &[]).expect_err("an error").to_string()
    };
    for (from, to, word) in [
        ("https://id.example.com/realms/company", "http://id.example.com", "[oidc] issuer"),
        ("client_id = \"belfry\"", "", "[oidc] client_id"),
        ("public_url = \"https://belfry.example.com/\"", "", "public_url: is required"),
        ("role_claim = \"/realm_access/roles\"", "", "role_claim or default_role"),
        ("role_claim = \"/realm_access/roles\"", "default_role = \"viewer\"", "role_claim: is required"),
        ("role_claim = \"/realm_access/roles\"", "default_role = \"admin\"", "is not one of none, viewer, operator, editor"),
        ("https://belfry.example.com/", "belfry.example.com", "is not a URL without a path, such as https://belfry.example.com"),
        ("https://belfry.example.com/", "https://belfry.example.com/path", "without a path"),
        ("https://belfry.example.com/", "https://user@belfry.example.com", "without a path"),
        ("https://belfry.example.com/", "https://belfry.example.com:99999", "without a path"),
    ] {
        let message = refused(from, to);
        assert!(message.contains(word), "{to}: {message}");
    }
}

#[test]
fn second_factor_is_optional_or_required() {
    let read = |text: &str| load(None, &[("BELFRY_AUTH_SECOND_FACTOR", text)], &[]);
    assert!(!load(None, &[], &[]).expect("valid settings").auth.second_factor_required);
    assert!(read("required").expect("valid settings").auth.second_factor_required);
    let refused = read("always").expect_err("an error").to_string();
    assert!(refused.contains("BELFRY_AUTH_SECOND_FACTOR") && refused.contains("optional, required"), "{refused}");
}
