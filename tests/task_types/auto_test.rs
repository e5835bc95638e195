//! `auto_test` with real test runners and reports.

use std::path::Path;

use belfry::clock::SystemClock;
use belfry::tasks::auto_test::AutoTest;
use belfry::tasks::{Limits, TaskType, Toolbox};
use serde_json::{Value, json};
use std::sync::Arc;

use crate::run_once::{RunResult, is_alive, run, wait_gone};
use crate::support::venv::venv;
use crate::support::{TestDatabase, insert_task};

struct Suite {
    db: TestDatabase,
    folder: tempfile::TempDir,
}

impl Suite {
    async fn new() -> Suite {
        let db = TestDatabase::sqlite().await;
        insert_task(&db.database, "task-1", "auto_test").await;
        Suite { db, folder: tempfile::tempdir().expect("a folder") }
    }

    fn toolbox(&self) -> Toolbox {
        Toolbox::plain(self.db.database.clone(), Arc::new(SystemClock), self.folder.path())
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).expect("writes");
    }

    async fn run(&self, mut params: Value) -> RunResult {
        params["cwd"] = self.folder.path().to_str().expect("a path").into();
        run(&AutoTest::new(&self.toolbox()), params).await
    }
}

const PYTEST: &str = "import pytest, time\n\n\
    class TestSums:\n    def test_adds(self):\n        assert 1 + 1 == 2\n\n    def test_splits(self):\n        assert 7 / 2 == 3, '钟楼'\n\n\
    @pytest.mark.skip(reason='later')\ndef test_later():\n    pass\n\n\
    @pytest.fixture\ndef broken():\n    raise RuntimeError('no database')\n\ndef test_needs(broken):\n    pass\n";

#[tokio::test]
async fn pytest_report_is_read_and_compared_with_the_previous_run() {
    let Some(python) = venv(&["pytest"]) else { return };
    let suite = Suite::new().await;
    suite.write("test_sums.py", PYTEST);
    let params = json!({"command": [python, "-m", "pytest", "-q", "--junitxml=out/report.xml"], "report": "out/*.xml"});
    let ran = suite.run(params.clone()).await;
    let result = ran.failed_result();
    assert_eq!(result["tests"], json!({"total": 4, "passed": 1, "failed": 1, "error": 1, "skipped": 1}));
    assert_eq!((&result["exit_code"], &result["pass_rate"], &result["compared"]), (&json!(1), &json!(33.33), &Value::Null));
    let failed = &result["failed_tests"][0];
    assert_eq!((&failed["name"], &failed["class"]), (&json!("test_splits"), &json!("test_sums.TestSums")));
    assert!(failed["message"].as_str().is_some_and(|message| message.contains("钟楼")), "{failed}");
    assert!(
        ran.error().message.to_string().starts_with("2 of 4 tests failed: test_sums.TestSums::test_splits, "),
        "{:?}",
        ran.error()
    );
    assert!(ran.text.contains("4 tests: 1 passed, 1 failed, 1 errors, 1 skipped"), "{}", ran.text);

    suite.write("test_sums.py", &PYTEST.replace("== 3", "== 3.5").replace("1 + 1 == 2", "1 + 1 == 3"));
    let second = suite.run(params.clone()).await;
    let compared = &second.failed_result()["compared"];
    assert_eq!(compared["newly_passing"], json!(["test_sums.TestSums::test_splits"]));
    assert_eq!(compared["newly_failing"], json!(["test_sums.TestSums::test_adds"]));

    let mut lenient = params.clone();
    lenient["min_pass_rate"] = 30.into();
    assert_eq!(suite.run(lenient.clone()).await.result()["exit_code"], 1, "33 % is enough");
    lenient["min_pass_rate"] = 40.into();
    assert!(
        suite.run(lenient).await.error().message.to_string().starts_with("33.33 % of the tests passed, below min_pass_rate 40 %")
    );
}

#[tokio::test]
async fn reports_not_written_by_the_run_are_ignored() {
    let suite = Suite::new().await;
    suite.write("report.xml", "<testsuite><testcase name='old'/></testsuite>");
    let params = |command: &str| json!({"command": command, "report": "*.xml"});
    let stale = suite.run(params("true")).await;
    assert_eq!(stale.error().message.to_string(), "no new report with tests was written");
    let crashed = suite.run(params("echo no module named x >&2; exit 2")).await;
    assert!(crashed.error().message.to_string().starts_with("exit code 2: no module named x; no new report"), "{crashed:?}");
    let fresh = suite.run(params("echo \"<testsuite><testcase name='new'/></testsuite>\" > second.xml")).await;
    assert_eq!((&fresh.result()["tests"]["total"], &fresh.result()["cases"]["new"][0]), (&json!(1), &json!("passed")));
    let odd = suite.run(params("echo \"<testsuite><testcase name='new'/></testsuite>\" > report.xml; exit 3")).await;
    assert_eq!(odd.error().message.to_string(), "exit code 3, although no test failed");
    let broken = suite.run(params("echo '<testsuite>' > report.xml")).await;
    assert!(broken.error().message.to_string().starts_with("cannot parse report report.xml"), "{broken:?}");
}

#[tokio::test]
async fn tap_is_read_from_the_output() {
    let suite = Suite::new().await;
    let ran = suite
        .run(json!({"command": "printf 'TAP version 14\\n1..3\\nok 1 - a\\nnot ok 2 - b\\nok 3 - c # SKIP\\n'; exit 1"}))
        .await;
    assert_eq!(ran.error().message.to_string(), "1 of 3 tests failed: b");
    let ran = suite.run(json!({"command": "printf '1..3\\nok 1\\n'"})).await;
    assert_eq!(ran.error().message.to_string(), "3 tests were planned, 1 ran");
    assert_eq!(suite.run(json!({"command": "printf '1..1\\nok 1\\n'"})).await.result()["pass_rate"], 100.0);
    assert_eq!(suite.run(json!({"command": "true"})).await.error().message.to_string(), "the output contains no TAP tests");
}

#[tokio::test]
async fn subtests_of_node_are_named_by_all_levels() {
    if std::process::Command::new("node").arg("--version").output().is_err() {
        eprintln!("skipped: node is not installed");
        return;
    }
    let suite = Suite::new().await;
    suite.write(
        "sums.test.mjs",
        "import { describe, it } from 'node:test';\nimport assert from 'node:assert';\n\
        describe('sums', () => {\n  it('adds', () => assert.equal(1 + 1, 2));\n  it('splits', () => assert.equal(7 / 2, 3, '钟楼'));\n\
        it.skip('later', () => {});\n  describe('deep', () => { it('works', () => {}); });\n});\n",
    );
    let ran = suite.run(json!({"command": ["node", "--test", "--test-reporter=tap", "sums.test.mjs"]})).await;
    let result = ran.failed_result();
    assert_eq!(result["tests"], json!({"total": 4, "passed": 2, "failed": 1, "error": 0, "skipped": 1}), "{}", ran.text);
    let names: Vec<_> = result["cases"].as_object().expect("an object").keys().collect();
    assert_eq!(names, ["sums > adds", "sums > splits", "sums > later", "sums > deep > works"]);
    assert!(result["failed_tests"][0]["message"].as_str().is_some_and(|message| message.contains("钟楼")), "{result}");
}

#[tokio::test]
async fn plan_decides_about_success() {
    let suite = Suite::new().await;
    let skipped = suite.run(json!({"command": "echo '1..0 # SKIP no network'"})).await;
    assert_eq!(skipped.result()["tests"], json!({"total": 1, "passed": 0, "failed": 0, "error": 0, "skipped": 1}));
    let more = suite.run(json!({"command": "printf '1..1\\nok 1\\nok 2\\n'"})).await;
    assert_eq!(more.error().message.to_string(), "1 tests were planned, 2 ran");
}

#[tokio::test]
async fn report_in_another_format_is_named_and_flaky_tests_are_listed() {
    let suite = Suite::new().await;
    suite.write("source.trx", "<?xml version='1.0'?><TestRun><Results/></TestRun>");
    let refused = suite.run(json!({"command": "cp source.trx r.xml", "report": "r.xml"})).await;
    assert!(refused.error().message.to_string().starts_with("report r.xml is TRX (Visual Studio), not JUnit XML"), "{refused:?}");
    suite.write(
        "source.xml",
        "<testsuite name='s'><testcase classname='C' name='f' time='1,234.5'><flakyFailure message='once'/></testcase></testsuite>",
    );
    let flaky = suite.run(json!({"command": "cp source.xml r.xml", "report": "r.xml"})).await;
    assert_eq!(
        (&flaky.result()["flaky_tests"], &flaky.result()["cases"]["C::f"]),
        (&json!(["C::f"]), &json!(["passed", 1_234_500]))
    );
}

/// cargo-nextest 0.9.143 wrote the report in tests/data.
#[tokio::test]
async fn nextest_report_is_read() {
    let suite = Suite::new().await;
    let report = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/nextest.xml");
    let ran = suite.run(json!({"command": ["cp", report, "junit.xml"], "report": "junit.xml"})).await;
    let result = ran.failed_result();
    assert_eq!(result["tests"], json!({"total": 3, "passed": 2, "failed": 1, "error": 0, "skipped": 0}));
    assert_eq!(result["failed_tests"][0]["name"], "tests::divides");
    assert!(
        result["failed_tests"][0]["message"]
            .as_str()
            .is_some_and(|message| message.contains("panicked") && message.contains("钟楼"))
    );
}

#[tokio::test]
async fn time_limit_ends_the_tests_and_their_child_processes() {
    let suite = Suite::new().await;
    let ran = suite.run(json!({"command": "sleep 600 & echo $! > pid; wait", "timeout_seconds": 2})).await;
    assert_eq!((ran.error().message.to_string().as_str(), ran.error().retryable), ("the tests timed out after 2 s", true));
    let pid = std::fs::read_to_string(suite.folder.path().join("pid")).expect("has begun");
    wait_gone(pid.trim()).await;
    assert!(!is_alive(pid.trim()));
}

#[tokio::test]
async fn faults_have_pointers_and_program_limits_apply() {
    let suite = Suite::new().await;
    let auto_test = AutoTest::new(&suite.toolbox());
    let pointer = |params: Value| auto_test.check(&params).into_iter().map(|fault| fault.pointer).collect::<Vec<_>>().join(" ");
    assert_eq!(pointer(json!({"command": "x", "report": "../r.xml"})), "/report");
    assert_eq!(pointer(json!({"command": "x", "report": "/r.xml"})), "/report");
    assert_eq!(pointer(json!({"command": "x", "report": "[a.xml"})), "/report");
    assert_eq!(pointer(json!({"command": "x", "report": "{{ vars.report }}/../"})), "", "templates are checked before the run");
    assert_eq!(pointer(json!({"command": "x", "format": "junit"})), "/report");
    assert_eq!(pointer(json!({"command": " ", "format": "tap", "report": "r.xml"})), "/command /report");
    let limits = Limits { programs: vec!["pytest".into()], ..Limits::within("") };
    let limited = AutoTest::new(&Toolbox { limits: Arc::new(limits), ..suite.toolbox() });
    let refused = run(&limited, json!({"command": "pytest"})).await;
    assert!(!refused.error().retryable && refused.error().message.to_string().contains("'sh' is not allowed"), "{refused:?}");
}
