//! `belfry bench` with small counts.

use serde_json::Value;

use crate::server::belfry;
use crate::support::TestDatabase;

#[test]
fn bench_reports_all_measurements_and_cleans_up() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let counts = [
        ("seconds", "1"),
        ("burst", "50"),
        ("steady", "20"),
        ("store", "50"),
        ("list", "2000"),
        ("tasks", "60"),
        ("alarms", "5"),
    ];
    let counts = counts.into_iter().flat_map(|(name, count)| [format!("--{name}"), count.to_owned()]);
    let arguments = ["bench".to_owned(), "--json".to_owned()].into_iter().chain(counts);
    let output = belfry(folder.path()).args(arguments).env("TMPDIR", folder.path()).env("TEMP", folder.path()).output();
    let output = output.expect("run the program");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).expect("valid JSON");
    for measurement in ["one", "burst", "steady_boundary", "steady_spread"] {
        assert_eq!(report[measurement]["lost"], 0, "{measurement}: {report}");
        assert!(report[measurement]["lateness_ms"]["max"].as_i64() >= Some(0), "{measurement}: {report}");
    }
    for (measurement, figure) in
        [("burst", "last_recorded_ms"), ("store", "start_ms"), ("store", "memory_mb"), ("store", "tick_us")]
    {
        assert!(report[measurement][figure].as_f64() > Some(0.0), "{measurement} {figure}: {report}");
    }
    assert_eq!(report["alarms"]["unreported"], 0, "{report}");
    assert!(report["alarms"]["burst_with_rules_ms"].as_i64() > Some(0), "{report}");
    assert_eq!(report["list"]["depth"], 1000);
    assert!(report["list"]["deep_page"]["p50_ms"].as_f64() > Some(0.0), "{report}");
    for rate in report["pages"]["rates"].as_array().expect("rates") {
        assert!(rate["per_second"].as_f64() > Some(0.0), "{rate}");
    }
    for page in report["pages"]["pages"].as_array().expect("pages") {
        assert!(page["p50_ms"].as_f64() > Some(0.0) && page["bytes"].as_u64() > Some(500), "{page}");
    }
    let load = &report["pages"]["first_load"];
    let (all, scripts) = (load["bytes"].as_u64().expect("bytes"), load["script_bytes"].as_u64().expect("bytes of scripts"));
    assert!(scripts > 10_000 && scripts <= 80_000 && all > scripts && all <= 200_000, "{load}");
    assert!(std::fs::read_dir(folder.path()).expect("list the folder").next().is_none(), "temporary files are removed");
}

#[tokio::test]
async fn bench_measures_postgres_in_a_database_of_its_own() {
    let Some(db) = TestDatabase::postgres().await else { return };
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let mut bench = belfry(folder.path());
    bench.args(["bench", "burst", "--json", "--burst", "50", "--postgres", &db.url()]).env("TMPDIR", folder.path());
    let output = bench.output().expect("run the program");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).expect("valid JSON");
    assert_eq!(report["burst"]["lost"], 0, "{report}");
    assert!(report["burst"]["limit_ms"].as_f64() > Some(0.0), "{report}");
    assert!(std::fs::read_dir(folder.path()).expect("list the folder").next().is_none(), "temporary files are removed");
    db.remove().await;
}
