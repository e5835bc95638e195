//! `belfry bench`, in small.

use serde_json::Value;

use crate::server::belfry;

#[test]
fn the_bench_measures_loses_nothing_and_cleans_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let arguments = ["bench", "--json", "--seconds", "1", "--burst", "50", "--steady", "20", "--store", "50", "--list", "2000"];
    let output = belfry(folder.path()).args(arguments).env("TMPDIR", folder.path()).env("TEMP", folder.path()).output();
    let output = output.expect("runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).expect("is JSON");
    for measurement in ["one", "burst", "steady_boundary", "steady_spread"] {
        assert_eq!(report[measurement]["lost"], 0, "{measurement}: {report}");
        assert!(report[measurement]["lateness_ms"]["max"].as_i64() >= Some(0), "{measurement}: {report}");
    }
    for (measurement, figure) in
        [("burst", "last_recorded_ms"), ("store", "start_ms"), ("store", "memory_mb"), ("store", "tick_us")]
    {
        assert!(report[measurement][figure].as_f64() > Some(0.0), "{measurement} {figure}: {report}");
    }
    assert_eq!(report["list"]["depth"], 1000);
    assert!(report["list"]["deep_page"]["p50_ms"].as_f64() > Some(0.0), "{report}");
    assert!(std::fs::read_dir(folder.path()).expect("lists").next().is_none(), "nothing stays");
}
