//! Errors in settings: one line with the origin, the setting and what is allowed.

use crate::{File, file_error, load, variables_error};

#[test]
fn unknown_keys_and_sections_are_reported_with_line() {
    assert_eq!(file_error("\n[server]\nlisen = \"x\""), "belfry.toml:3: [server] lisen: unknown key; did you mean listen?");
    assert_eq!(file_error("dta_dir = \"x\""), "belfry.toml:1: dta_dir: unknown key; did you mean data_dir?");
    assert_eq!(file_error("[severs]\nlisten = \"x\""), "belfry.toml:1: [severs]: unknown section; did you mean server?");
    assert_eq!(file_error("[server]\nfrobnicate = 1"), "belfry.toml:2: [server] frobnicate: unknown key");
    assert_eq!(file_error("server = 1"), "belfry.toml:1: server: is a section, not a value");
    assert_eq!(file_error("[workers]\nqueues = 1"), "belfry.toml:2: [workers] queues: is a section, not a value");
}

#[test]
fn invalid_values_are_reported_with_what_is_allowed() {
    let cases = [
        ("[workers]\nlimit = 0", "belfry.toml:2: [workers] limit: 0 is not an integer from 1 to 10000"),
        ("[workers]\nlimit = \"8\"", "belfry.toml:2: [workers] limit: '8' is not an integer from 1 to 10000"),
        ("[workers]\nlimit = 1.5", "belfry.toml:2: [workers] limit: a floating-point number is not an integer from 1 to 10000"),
        (
            "[workers]\nlimit = 99999999999999999999",
            "belfry.toml:2: [workers] limit: a number out of range is not an integer from 1 to 10000",
        ),
        ("[log]\nlevel = \"loud\"", "belfry.toml:2: [log] level: 'loud' is not one of error, warn, info, debug, trace"),
        ("[log]\nlevel = [\"info\"]", "belfry.toml:2: [log] level: a list is not one of error, warn, info, debug, trace"),
        ("[commands]\nenabled = \"yes\"", "belfry.toml:2: [commands] enabled: 'yes' is not true or false"),
        ("data_dir = \"\"", "belfry.toml:1: data_dir: '' is not a non-empty string"),
        (
            "[server]\nlisten = \"8398\"",
            "belfry.toml:2: [server] listen: '8398' is not an address; use host:port, such as 127.0.0.1:8398",
        ),
        ("[server]\nzone = \"Beijing\"", "belfry.toml:2: [server] zone: 'Beijing' is not a time zone; write Asia/Shanghai"),
        (
            "[server]\nzone = \"Mars/Phobos\"",
            "belfry.toml:2: [server] zone: 'Mars/Phobos' is not a time zone; use an IANA name such as Asia/Shanghai or UTC",
        ),
        (
            "[workers.queues]\n\"Slow Ones\" = 1",
            "belfry.toml:2: [workers.queues] Slow Ones: the name must have 1 to 64 lower-case letters, digits, '_' or '-'",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(file_error(text), expected);
    }
}

#[test]
fn invalid_database_url_is_not_shown() {
    let error = file_error("[database]\nurl = \"mysql://me:hunter22@db/x\"");
    assert!(error.starts_with("belfry.toml:2: [database] url: ") && !error.contains("hunter"), "{error}");
}

#[test]
fn first_error_of_the_file_is_reported() {
    assert!(file_error("[workers]\nlimit = 0\n[auth]\nsession_days = 0").starts_with("belfry.toml:2: [workers] limit: "));
    assert!(file_error("[workers]\nx = 0\n[auth]\ny = 0").starts_with("belfry.toml:2: [workers] x: "));
}

#[test]
fn toml_syntax_errors_are_reported_with_line() {
    for (text, line) in [("[server]\nlisten = ", 2), ("[server]\n\n[server]\n", 3), ("a = 1\na = 2", 2), ("x", 1)] {
        let error = file_error(text);
        assert!(error.starts_with(&format!("belfry.toml:{line}: ")) && !error.contains('\n'), "{error}");
    }
    let file = File::new("");
    std::fs::write(file.path(), b"[log]\nlevel = \"\xff\"").expect("write a file");
    let error = load(Some(&file.path()), &[], &[]).expect_err("an error").to_string();
    assert!(error.ends_with("belfry.toml:2: is not UTF-8"), "{error}");
}

#[test]
fn explicit_file_must_exist() {
    let file = File::new("");
    let missing = file.folder.path().join("none.toml");
    let error = load(Some(&missing), &[], &[]).expect_err("an error").to_string();
    assert!(error.starts_with("--config: cannot read ") && error.ends_with("no such file or directory"), "{error}");
    let error = variables_error(&[("BELFRY_CONFIG", missing.to_str().expect("UTF-8"))]);
    assert!(error.starts_with("BELFRY_CONFIG: cannot read "), "{error}");
}

#[test]
fn variables_are_validated() {
    let error = variables_error(&[("BELFRY_WORKERS_LIMIT", "x")]);
    assert_eq!(error, "BELFRY_WORKERS_LIMIT: 'x' is not an integer from 1 to 10000");
    let error = variables_error(&[("BELFRY_WORKER_LIMIT", "1")]);
    assert_eq!(error, "BELFRY_WORKER_LIMIT: unknown setting; did you mean BELFRY_WORKERS_LIMIT?");
    let error = variables_error(&[("BELFRY_WORKERS_QUEUES_", "1")]);
    assert!(error.starts_with("BELFRY_WORKERS_QUEUES_: "), "{error}");
}

#[test]
fn flags_are_validated() {
    let error = load(None, &[], &[("workers.limt", "1")]).expect_err("an error").to_string();
    assert_eq!(error, "--set workers.limt: unknown setting; did you mean workers.limit?");
    let error = load(None, &[], &[("workers.limit", "")]).expect_err("an error").to_string();
    assert_eq!(error, "--set workers.limit: '' is not an integer from 1 to 10000");
}

#[test]
fn administrator_variables_are_validated() {
    let error = variables_error(&[("BELFRY_ADMIN_USER", "root")]);
    assert_eq!(error, "BELFRY_ADMIN_USER: requires BELFRY_ADMIN_PASSWORD or BELFRY_ADMIN_TOKEN");
    let error = variables_error(&[("BELFRY_ADMIN_PASSWORD", "short")]);
    assert_eq!(error, "BELFRY_ADMIN_PASSWORD: must have at least 8 characters");
    let error = variables_error(&[("BELFRY_ADMIN_USER", "a b"), ("BELFRY_ADMIN_TOKEN", "long-enough")]);
    assert!(error.starts_with("BELFRY_ADMIN_USER: ' ' is not allowed"), "{error}");
    let error = variables_error(&[("BELFRY_ADMIN_TOKEN", "with space in it")]);
    assert!(error.starts_with("BELFRY_ADMIN_TOKEN: must have 8 to 512 ") && !error.contains("space in"), "{error}");
}

#[test]
fn secret_from_variable_and_file_is_rejected() {
    let file = File::new("x");
    let path = file.path();
    let path = path.to_str().expect("UTF-8");
    let error = variables_error(&[("BELFRY_ADMIN_TOKEN", "long-enough"), ("BELFRY_ADMIN_TOKEN_FILE", path)]);
    assert_eq!(error, "BELFRY_ADMIN_TOKEN_FILE: BELFRY_ADMIN_TOKEN is set too; set only one of them");
    let error = variables_error(&[("BELFRY_ADMIN_TOKEN_FILE", "/no/such/file")]);
    assert_eq!(error, "BELFRY_ADMIN_TOKEN_FILE: cannot read /no/such/file: no such file or directory");
}
