use super::*;

fn tests(report: &Report) -> Vec<(&str, Outcome)> {
    report.cases.iter().map(|case| (case.name.as_str(), case.outcome)).collect()
}

fn faults(text: &str) -> Vec<String> {
    read(text).faults.iter().map(ToString::to_string).collect()
}

#[test]
fn directives_and_diagnostic_blocks_are_read() {
    let text = "TAP version 13\n1..5\nok 1 - adds\n  ---\n  duration_ms: 12.7\n  ...\n\
        not ok 2 - divides\n  ---\n  duration_ms: 3\n  error: 'by zero'\n  stack: |-\n    ok 9 - not a test\n    ...\n  ...\nok 3 - later # SKIP no network\n\
        not ok 4 - one day # TODO\nok 5\nokay then\n";
    let report = read(text);
    let expected = [
        ("adds", Outcome::Passed),
        ("divides", Outcome::Failed),
        ("later", Outcome::Skipped),
        ("one day", Outcome::Skipped),
        ("test 5", Outcome::Passed),
    ];
    assert_eq!((tests(&report).as_slice(), report.faults.len()), (expected.as_slice(), 0));
    assert_eq!((report.cases[0].duration_ms, report.cases[1].message.as_str()), (12, "by zero"));
}

#[test]
fn directives_are_whole_words() {
    for (line, name, outcome) in [
        ("ok 1 - cache # skipping is slow", "cache # skipping is slow", Outcome::Passed),
        ("not ok 2 - list # todos are shown", "list # todos are shown", Outcome::Failed),
        ("not ok 3 - a # TODO: later", "a", Outcome::Skipped),
        ("ok 4 - a #skip", "a", Outcome::Skipped),
        ("ok 5 # Skip", "test 5", Outcome::Skipped),
        ("not ok 6 - issue # 12 # todo fix", "issue # 12", Outcome::Skipped),
        ("ok 7 - escaped \\# skip", "escaped # skip", Outcome::Passed),
        ("ok 8 - C# skip", "C# skip", Outcome::Passed),
        ("ok 9 - timed # time=12.5ms", "timed", Outcome::Passed),
        ("ok - unnumbered", "unnumbered", Outcome::Passed),
        ("ok 3rd time", "3rd time", Outcome::Passed),
    ] {
        let report = read(line);
        assert_eq!(tests(&report), [(name, outcome)], "{line}");
    }
    assert_eq!(read("ok 9 - timed # time=12.5ms").cases[0].duration_ms, 12);
}

#[test]
fn plan_must_be_met_exactly() {
    assert_eq!(faults("1..3\nok 1\n"), ["3 tests were planned, 1 ran"]);
    assert_eq!(faults("1..1\nok 1\nok 2\n"), ["1 tests were planned, 2 ran"]);
    assert_eq!(faults("ok 1\nok 2\n1..2\n"), [""; 0]);
    assert_eq!(faults("TAP version 14\r\npragma +strict\r\n1..2\r\nok 1 - a\r\nok 2 - b\r\n"), [""; 0]);
    assert_eq!(faults("ok 1\nBail out! no database\n"), ["the test run bailed out: no database"]);
    assert_eq!(faults("ok 1\nok 2\n    Bail out!\n").len(), 1);
}

#[test]
fn plan_of_no_tests_is_skipped() {
    assert_eq!(tests(&read("1..0 # SKIP no network\n")), [("no network", Outcome::Skipped)]);
    assert_eq!(tests(&read("TAP version 14\n1..0\n")), [("all tests", Outcome::Skipped)]);
    assert_eq!(faults("1..0 # SKIP\nok 1\n"), ["0 tests were planned, 1 ran"]);
    assert!(read("nothing here\n").cases.is_empty());
}

/// The output of node 22 (`node --test-reporter=tap`).
const NODE: &str = "TAP version 13
# Subtest: math
    # Subtest: adds
    ok 1 - adds
      ---
      duration_ms: 0.5
      ...
    # Subtest: deep
        # Subtest: divides
        not ok 1 - divides
          ---
          duration_ms: 1.25
          failureType: 'testCodeFailure'
          error: |-
            Expected values to be strictly equal:

            1 !== 2
          code: 'ERR_ASSERTION'
          ...
        1..1
    not ok 2 - deep
      ---
      error: '1 subtest failed'
      ...
    1..2
not ok 1 - math
  ---
  duration_ms: 3
  type: 'suite'
  error: '1 subtest failed'
  ...
# Subtest: alone
ok 2 - alone
  ---
  duration_ms: 2
  ...
1..2
# tests 3
";

#[test]
fn nested_subtests_are_named_by_all_levels() {
    let report = read(NODE);
    let expected = [("math > adds", Outcome::Passed), ("math > deep > divides", Outcome::Failed), ("alone", Outcome::Passed)];
    assert_eq!((tests(&report).as_slice(), report.faults.len()), (expected.as_slice(), 0));
    assert_eq!(report.cases[1].message, "Expected values to be strictly equal:\n\n1 !== 2");
    assert_eq!(report.cases.iter().map(|case| case.duration_ms).collect::<Vec<_>>(), [0, 1, 2]);
}

#[test]
fn failures_of_a_parent_are_kept() {
    let after_hook = "    ok 1 - child\n    1..1\nnot ok 1 - parent\n  ---\n  error: 'hook failed'\n  ...\n1..1\n";
    let report = read(after_hook);
    assert_eq!(tests(&report), [("parent > child", Outcome::Passed), ("parent", Outcome::Failed)]);
    assert_eq!(report.cases[1].message, "hook failed");
    let todo = read("    not ok 1 - child\n    1..1\nnot ok 1 - parent # TODO\n1..1\n");
    assert_eq!(tests(&todo), [("parent > child", Outcome::Skipped)]);
    assert_eq!(faults("    ok 1 - child\n    1..2\nok 1 - parent\n1..1\n"), ["2 tests were planned, 1 ran"]);
    assert_eq!(faults("# Subtest: a\n    ok 1 - child\n"), ["the output ends inside a subtest"]);
}

#[test]
fn block_without_an_end_is_left_at_the_next_test() {
    let report = read("not ok 1 - a\n  ---\n  message: broke\nok 2 - b\n1..2\n");
    assert_eq!((tests(&report).len(), report.cases[0].message.as_str(), report.faults.len()), (2, "broke", 0));
}
