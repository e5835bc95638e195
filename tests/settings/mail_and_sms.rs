//! Profiles of mail servers and SMS providers: sources, validation and masking.

use belfry::domain::profile::sms::{Condition, Provider};
use belfry::domain::profile::smtp::Tls;

use crate::{File, file_error, load, variables_error};

#[test]
fn profiles_are_read_from_file_and_variables() {
    let file = File::new(
        "[smtp.office]\npreset = \"office365\"\nuser = \"me@example.com\"\noauth_token = \"hunter22\"\ntimeout_seconds = 5\n\
        [smtp.relay]\nhost = \"relay\"\nport = 25\ntls = \"none\"\nverify_tls = false\nca_file = \"/ca.pem\"\n\
        [sms.gate]\nprovider = \"http\"\nurl = \"https://x/?k=hunter22\"\nheaders = \"A: hunter22\"\nsuccess = \"/code = 0\"",
    );
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let path = folder.path().join("secret");
    std::fs::write(&path, "hunter22\n").expect("write a file");
    let variables = [
        ("BELFRY_SMTP_PLAIN_HOST", "plain"),
        ("BELFRY_SMTP_PLAIN_USER", "me"),
        ("BELFRY_SMTP_PLAIN_PASSWORD_FILE", path.to_str().expect("UTF-8")),
        ("BELFRY_SMTP_PLAIN_CA_FILE", "/other.pem"),
        ("BELFRY_SMS_GATE_MESSAGE_ID", "/id"),
        ("BELFRY_SMS_MAIN_PROVIDER", "aliyun"),
        ("BELFRY_SMS_MAIN_ACCESS_KEY", "key"),
        ("BELFRY_SMS_MAIN_SECRET_KEY", "hunter22"),
    ];
    let settings = load(Some(&file.path()), &variables, &[]).expect("valid settings");
    let smtp = &settings.profiles.smtp;
    assert_eq!(smtp.keys().collect::<Vec<_>>(), ["office", "plain", "relay"]);
    assert_eq!((smtp["office"].host(), smtp["office"].port(), smtp["office"].timeout.as_secs()), ("smtp.office365.com", 587, 5));
    assert_eq!((smtp["relay"].port(), smtp["relay"].tls(), smtp["relay"].verify_tls), (25, Tls::None, false));
    assert_eq!(smtp["plain"].password.as_ref().map(|password| password.reveal()), Some("hunter22"));
    assert_eq!(smtp["plain"].ca_file.as_ref().and_then(|path| path.to_str()), Some("/other.pem"));
    let sms = &settings.profiles.sms;
    assert_eq!((sms["gate"].provider, sms["main"].provider), (Some(Provider::Http), Some(Provider::Aliyun)));
    assert_eq!(sms["gate"].gateway.success, Some(Condition::Json { pointer: "/code".into(), value: "0".into() }));
    assert_eq!(sms["gate"].gateway.message_id.as_deref(), Some("/id"));
    let shown = format!("{settings:?}");
    assert!(!shown.contains("hunter"), "{shown}");
}

#[test]
fn invalid_profiles_are_rejected_without_showing_secrets() {
    let cases = [
        ("[smtp.a]\nport = 25", "[smtp.a]: host is missing; give the mail server's name, or a preset: 163, 126, qq, "),
        ("[smtp.a]\npreset = \"hotmail\"", "belfry.toml:2: [smtp.a] preset: 'hotmail' is not one of 163, 126, qq, "),
        ("[smtp.a]\nhost = \"h\"\ntls = \"ssl\"", "belfry.toml:3: [smtp.a] tls: 'ssl' is not one of implicit, starttls, none"),
        ("[smtp.a]\nhost = \"h\"\npassword = \"hunter22\"", "[smtp.a]: user is missing"),
        ("[smtp.a]\nhost = \"h\"\npassword = 7654321", "belfry.toml:3: [smtp.a] password: the value is not a non-empty string"),
        (
            "[smtp.a]\nhost = \"h\"\nuser = \"u\"\npasword = \"hunter22\"",
            "belfry.toml:4: [smtp.a] pasword: unknown key; did you mean password?",
        ),
        ("[smtp.\"A b\"]\nhost = \"h\"", "[smtp.A b]: the name must have 1 to 64 lower-case letters"),
        ("[sms.a]\nsign = \"x\"", "[sms.a]: provider is missing"),
        ("[sms.a]\nprovider = \"aliyun\"\nsecret_key = \"hunter22\"", "[sms.a]: access_key is missing; provider aliyun needs it"),
        ("[sms.a]\nprovider = \"http\"\nurl = \"hunter22\"", "[sms.a]: url must begin with http:// or https://"),
        ("[sms.a]\nsuccess = \"/code\"", "belfry.toml:2: [sms.a] success: '/code' has no value; write /code = 0"),
    ];
    for (text, expected) in cases {
        let refused = file_error(text);
        assert!(refused.starts_with(expected), "{refused}");
        assert!(!refused.contains("hunter") && !refused.contains("7654321"), "{refused}");
    }
    assert!(variables_error(&[("BELFRY_SMTP_A_HOSTS", "x")]).contains("unknown setting"));
}
