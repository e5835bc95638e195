//! Precedence of defaults, file, variables and flags.

use std::time::Duration;

use belfry::config::{LogFormat, Settings, Synchronous};

use crate::{File, load};

#[test]
fn empty_sources_give_the_defaults() {
    assert_eq!(load(None, &[], &[]).expect("valid settings"), Settings::default());
}

#[test]
fn file_sets_every_section() {
    let file = File::new(
        r#"
data_dir = "/var/lib/belfry"
[server]
listen = "[::1]:80"
zone = "Asia/Shanghai"
name = "钟楼"
[database]
url = "postgres://me:secret@db/belfry"
synchronous = "full"
max_connections = 20
[log]
level = "debug"
format = "json"
file_max_mb = 1
keep = 0
[workers]
limit = 0x10
shutdown_timeout_seconds = 5
output_limit_kb = 64
[workers.queues]
slow = 2
mail = 8
[history]
keep_days = 0
keep_per_task = 1_000
[auth]
session_days = 7
[commands]
enabled = false
"#,
    );
    let s = load(Some(&file.path()), &[], &[]).expect("valid settings");
    assert_eq!(s.data_dir.to_str(), Some("/var/lib/belfry"));
    assert_eq!(
        (s.server.listen.as_str(), s.server.zone, s.server.name.as_str()),
        ("[::1]:80", chrono_tz::Asia::Shanghai, "钟楼")
    );
    assert_eq!(s.database.url.as_ref().map(|url| url.reveal()), Some("postgres://me:secret@db/belfry"));
    assert_eq!((s.database.synchronous, s.database.max_connections), (Synchronous::Full, 20));
    assert_eq!((s.log.level.as_str(), s.log.format, s.log.file_max_bytes, s.log.keep), ("debug", LogFormat::Json, 1 << 20, 0));
    assert_eq!((s.workers.limit, s.workers.shutdown_timeout, s.workers.output_limit), (16, Duration::from_secs(5), 64 << 10));
    assert_eq!(s.workers.queues.into_iter().collect::<Vec<_>>(), [("mail".to_owned(), 8), ("slow".to_owned(), 2)]);
    assert_eq!((s.history.keep_days, s.history.keep_per_task), (0, 1000));
    assert_eq!((s.auth.session_days, s.commands.enabled), (7, false));
}

#[test]
fn later_sources_override_earlier_ones() {
    let file = File::new("[workers]\nlimit = 1\n[log]\nkeep = 1\n[auth]\nsession_days = 1");
    let variables = [("BELFRY_LOG_KEEP", "2"), ("BELFRY_AUTH_SESSION_DAYS", "2")];
    let s = load(Some(&file.path()), &variables, &[("auth.session_days", "3")]).expect("valid settings");
    assert_eq!((s.workers.limit, s.log.keep, s.auth.session_days), (1, 2, 3));
}

#[test]
fn variables_set_settings_and_queues() {
    let s =
        load(None, &[("BELFRY_DATA_DIR", "d"), ("BELFRY_WORKERS_QUEUES_SLOW", "3"), ("BELFRY_COMMANDS_ENABLED", "false")], &[]);
    let s = s.expect("valid settings");
    assert_eq!(s.data_dir.to_str(), Some("d"));
    assert_eq!(s.workers.queues.get("slow"), Some(&3));
    assert!(!s.commands.enabled);
}

#[test]
fn empty_and_foreign_variables_are_ignored() {
    let variables = [
        ("BELFRY_SERVER_LISTEN", ""),
        ("BELFRY_PORT_8398_TCP", "tcp://10.0.0.1:8398"),
        ("BELFRY_SERVICE_HOST", "10.0.0.1"),
        ("BELFRY_TEST_POSTGRES_URL", "x"),
        ("OTHER", "x"),
    ];
    assert_eq!(load(None, &variables, &[]).expect("valid settings"), Settings::default());
}

#[test]
fn belfry_config_sets_the_file() {
    let file = File::new("[workers]\nlimit = 7");
    let path = file.path();
    let s = load(None, &[("BELFRY_CONFIG", path.to_str().expect("UTF-8"))], &[]).expect("valid settings");
    assert_eq!(s.workers.limit, 7);
}

#[test]
fn secrets_are_read_from_files() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let path = folder.path().join("secret");
    std::fs::write(&path, "correct horse\n").expect("write a file");
    let path = path.to_str().expect("UTF-8");
    let s = load(None, &[("BELFRY_ADMIN_PASSWORD_FILE", path), ("BELFRY_ADMIN_TOKEN", "token-of-tests")], &[])
        .expect("valid settings");
    let admin = s.admin.expect("an administrator");
    assert_eq!(admin.user, "admin");
    assert_eq!(admin.password.map(|p| p.reveal().to_owned()).as_deref(), Some("correct horse"));
    assert_eq!(admin.token.map(|t| t.reveal().to_owned()).as_deref(), Some("token-of-tests"));
}

#[test]
fn debug_output_masks_secrets() {
    let variables = [
        ("BELFRY_DATABASE_URL", "postgres://me:hunter22@db/x"),
        ("BELFRY_ADMIN_PASSWORD", "hunter of the north"),
        ("BELFRY_ADMIN_TOKEN", "hunter22"),
    ];
    let shown = format!("{:?}", load(None, &variables, &[]).expect("valid settings"));
    assert!(shown.contains("***") && !shown.contains("hunter"), "{shown}");
}

#[test]
fn lists_are_read_from_file_and_variables() {
    let folder = std::env::temp_dir();
    let file = File::new(&format!("[commands]\nprograms = [\"sh\", \"python3\"]\n[files]\nfolders = [{folder:?}]\n"));
    let s = load(Some(&file.path()), &[], &[]).expect("valid settings");
    assert_eq!((s.commands.programs, s.files.folders), (vec!["sh".to_owned(), "python3".to_owned()], vec![folder]));
    let s = load(Some(&file.path()), &[("BELFRY_COMMANDS_PROGRAMS", "git, make")], &[]).expect("valid settings");
    assert_eq!(s.commands.programs, ["git", "make"]);
    let refused = |text: &str| load(Some(&File::new(text).path()), &[], &[]).expect_err("an error").to_string();
    assert!(
        refused("[commands]\nprograms = [1]\n").ends_with(
            "[commands] programs: a list with other types than strings is not a list of strings, such as [\"a\", \"b\"]"
        )
    );
    assert!(refused("[files]\nfolders = [\"here\"]\n").ends_with("'here' is not an absolute path"));
}

#[test]
fn folders_with_tags_have_a_path_and_tags() {
    let file = File::new(
        "[files.finance]\nfolder = \"/srv/finance\"\ntags = [\"finance\", \"audit\"]\n[backup]\nfolders = [\"/mnt/backup\"]\n",
    );
    let settings = load(Some(&file.path()), &[("BELFRY_FILES_PAY_FOLDER", "/srv/pay"), ("BELFRY_FILES_PAY_TAGS", "pay")], &[]);
    let settings = settings.expect("valid settings");
    let folder = |path: &str, tags: &[&str]| belfry::config::TaggedFolder {
        path: path.into(),
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
    };
    let named = [("finance", folder("/srv/finance", &["finance", "audit"])), ("pay", folder("/srv/pay", &["pay"]))];
    assert_eq!(settings.files.named, named.map(|(name, folder)| (name.to_owned(), folder)).into());
    assert_eq!(settings.backup.folders, [std::path::PathBuf::from("/mnt/backup")]);
    let refused = |text: &str| load(Some(&File::new(text).path()), &[], &[]).expect_err("is refused").to_string();
    assert_eq!(refused("[files.a]\ntags = [\"x\"]\n"), "[files.a]: folder is missing");
    assert!(refused("[files.a]\nfolder = \"/srv/a\"\n").starts_with("[files.a]: tags is missing"));
    assert!(refused("[files.a]\nfolder = \"here\"\ntags = [\"x\"]\n").ends_with("'here' is not an absolute path"));
}
