//! What is not right is told in one line: the place, the setting, and what would be right.

use crate::{File, load, refusal, refused_variables};

#[test]
fn unknown_keys_and_sections_are_named_with_their_line() {
    assert_eq!(refusal("\n[server]\nlisen = \"x\""), "belfry.toml:3: [server] lisen: unknown key; did you mean listen?");
    assert_eq!(refusal("dta_dir = \"x\""), "belfry.toml:1: dta_dir: unknown key; did you mean data_dir?");
    assert_eq!(refusal("[severs]\nlisten = \"x\""), "belfry.toml:1: [severs]: unknown section; did you mean server?");
    assert_eq!(refusal("[server]\nfrobnicate = 1"), "belfry.toml:2: [server] frobnicate: unknown key");
    assert_eq!(refusal("server = 1"), "belfry.toml:1: server: is a section, not a value");
    assert_eq!(refusal("[workers]\nqueues = 1"), "belfry.toml:2: [workers] queues: is a section, not a value");
}

#[test]
fn bad_values_are_told_with_what_is_allowed() {
    let told = [
        ("[workers]\nlimit = 0", "belfry.toml:2: [workers] limit: 0 is not a whole number from 1 to 10000"),
        ("[workers]\nlimit = \"8\"", "belfry.toml:2: [workers] limit: '8' is not a whole number from 1 to 10000"),
        ("[workers]\nlimit = 1.5", "belfry.toml:2: [workers] limit: a fraction is not a whole number from 1 to 10000"),
        (
            "[workers]\nlimit = 99999999999999999999",
            "belfry.toml:2: [workers] limit: a number too large is not a whole number from 1 to 10000",
        ),
        ("[log]\nlevel = \"loud\"", "belfry.toml:2: [log] level: 'loud' is not one of: error, warn, info, debug, trace"),
        ("[log]\nlevel = [\"info\"]", "belfry.toml:2: [log] level: a list is not one of: error, warn, info, debug, trace"),
        ("[commands]\nenabled = \"yes\"", "belfry.toml:2: [commands] enabled: 'yes' is not true or false"),
        ("data_dir = \"\"", "belfry.toml:1: data_dir: '' is not a text with something in it"),
        (
            "[server]\nlisten = \"8398\"",
            "belfry.toml:2: [server] listen: '8398' is not an address; use host:port, such as 127.0.0.1:8398",
        ),
        (
            "[server]\nzone = \"Beijing\"",
            "belfry.toml:2: [server] zone: 'Beijing' is not a time zone; use an IANA name such as Asia/Shanghai or UTC",
        ),
        (
            "[workers.queues]\n\"Slow Ones\" = 1",
            "belfry.toml:2: [workers.queues] Slow Ones: a queue's name has 1 to 64 lower-case letters, digits, '_' and '-'",
        ),
    ];
    for (text, expected) in told {
        assert_eq!(refusal(text), expected);
    }
}

#[test]
fn a_bad_database_url_is_not_repeated() {
    let told = refusal("[database]\nurl = \"mysql://me:hunter22@db/x\"");
    assert!(told.starts_with("belfry.toml:2: [database] url: ") && !told.contains("hunter"), "{told}");
}

#[test]
fn the_first_fault_of_the_file_is_told() {
    assert!(refusal("[workers]\nlimit = 0\n[auth]\nsession_days = 0").starts_with("belfry.toml:2: [workers] limit: "));
    assert!(refusal("[workers]\nx = 0\n[auth]\ny = 0").starts_with("belfry.toml:2: [workers] x: "));
}

#[test]
fn what_is_no_toml_is_told_with_its_line() {
    for (text, line) in [("[server]\nlisten = ", 2), ("[server]\n\n[server]\n", 3), ("a = 1\na = 2", 2), ("x", 1)] {
        let told = refusal(text);
        assert!(told.starts_with(&format!("belfry.toml:{line}: ")) && !told.contains('\n'), "{told}");
    }
    let file = File::new("");
    std::fs::write(file.path(), b"[log]\nlevel = \"\xff\"").expect("writes");
    let told = load(Some(&file.path()), &[], &[]).expect_err("is refused").to_string();
    assert!(told.ends_with("belfry.toml:2: is not UTF-8 text"), "{told}");
}

#[test]
fn a_file_that_was_named_must_be_there() {
    let file = File::new("");
    let missing = file.folder.path().join("none.toml");
    let told = load(Some(&missing), &[], &[]).expect_err("is refused").to_string();
    assert!(told.starts_with("--config: cannot read ") && told.ends_with("no such file or directory"), "{told}");
    let told = refused_variables(&[("BELFRY_CONFIG", missing.to_str().expect("UTF-8"))]);
    assert!(told.starts_with("BELFRY_CONFIG: cannot read "), "{told}");
}

#[test]
fn variables_are_held_to_the_same_rules() {
    let told = refused_variables(&[("BELFRY_WORKERS_LIMIT", "x")]);
    assert_eq!(told, "BELFRY_WORKERS_LIMIT: 'x' is not a whole number from 1 to 10000");
    let told = refused_variables(&[("BELFRY_WORKER_LIMIT", "1")]);
    assert_eq!(told, "BELFRY_WORKER_LIMIT: names no setting; did you mean BELFRY_WORKERS_LIMIT?");
    let told = refused_variables(&[("BELFRY_WORKERS_QUEUES_", "1")]);
    assert!(told.starts_with("BELFRY_WORKERS_QUEUES_: "), "{told}");
}

#[test]
fn flags_are_held_to_the_same_rules() {
    let told = load(None, &[], &[("workers.limt", "1")]).expect_err("is refused").to_string();
    assert_eq!(told, "--set workers.limt: unknown setting; did you mean workers.limit?");
    let told = load(None, &[], &[("workers.limit", "")]).expect_err("is refused").to_string();
    assert_eq!(told, "--set workers.limit: '' is not a whole number from 1 to 10000");
}

#[test]
fn an_administrator_needs_a_good_name_and_secret() {
    let told = refused_variables(&[("BELFRY_ADMIN_USER", "root")]);
    assert_eq!(told, "BELFRY_ADMIN_USER: give BELFRY_ADMIN_PASSWORD or BELFRY_ADMIN_TOKEN as well");
    let told = refused_variables(&[("BELFRY_ADMIN_PASSWORD", "short")]);
    assert_eq!(told, "BELFRY_ADMIN_PASSWORD: must have at least 8 characters");
    let told = refused_variables(&[("BELFRY_ADMIN_USER", "a b"), ("BELFRY_ADMIN_TOKEN", "long-enough")]);
    assert!(told.starts_with("BELFRY_ADMIN_USER: ' ' is not allowed"), "{told}");
    let told = refused_variables(&[("BELFRY_ADMIN_TOKEN", "with space in it")]);
    assert!(told.starts_with("BELFRY_ADMIN_TOKEN: must have 8 to 512 ") && !told.contains("space in"), "{told}");
}

#[test]
fn a_secret_comes_from_one_place() {
    let file = File::new("x");
    let path = file.path();
    let path = path.to_str().expect("UTF-8");
    let told = refused_variables(&[("BELFRY_ADMIN_TOKEN", "long-enough"), ("BELFRY_ADMIN_TOKEN_FILE", path)]);
    assert_eq!(told, "BELFRY_ADMIN_TOKEN_FILE: BELFRY_ADMIN_TOKEN is given too; give one of them");
    let told = refused_variables(&[("BELFRY_ADMIN_TOKEN_FILE", "/no/such/file")]);
    assert_eq!(told, "BELFRY_ADMIN_TOKEN_FILE: cannot read /no/such/file: no such file or directory");
}
