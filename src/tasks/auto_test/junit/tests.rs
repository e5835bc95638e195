use encoding_rs::GB18030;

use super::*;

fn read_bytes(bytes: &[u8]) -> Report {
    let mut report = Report::default();
    let fault = read(bytes, "r.xml", None, &mut report).err();
    report.faults.extend(fault);
    report
}

fn read_text(xml: &str) -> Report {
    read_bytes(xml.as_bytes())
}

fn outcomes(report: &Report) -> Vec<(&str, Outcome)> {
    report.cases.iter().map(|case| (case.name.as_str(), case.outcome)).collect()
}

#[test]
fn nested_suites_are_read() {
    let report = read_text(
        r#"<?xml version="1.0"?><testsuites><testsuite name="a"><testcase name="x" classname="A" time="1.5"/>
        <testsuite name="b"><testcase name="y"><failure message="1 != 2">1 !&#61; 2&#10;at &lt;b&gt; &amp; &apos;c&apos;</failure></testcase>
        <testcase name="z"><error>broke <![CDATA[<here> & there]]></error></testcase><testcase name="s"><skipped/></testcase></testsuite>
        </testsuite></testsuites>"#,
    );
    let found: Vec<_> = report.cases.iter().map(|case| (case.short_key(), case.outcome, case.message.as_str())).collect();
    let expected = [
        ("A::x".to_owned(), Outcome::Passed, ""),
        ("y".to_owned(), Outcome::Failed, "1 != 2\nat <b> & 'c'"),
        ("z".to_owned(), Outcome::Error, "broke <here> & there"),
        ("s".to_owned(), Outcome::Skipped, ""),
    ];
    assert_eq!(found, expected);
    assert_eq!((report.cases[0].duration_ms, report.pass_rate()), (1500, Some(33.33)));
    assert_eq!(report.cases.iter().map(|case| case.suite.as_deref()).collect::<Vec<_>>()[..2], [Some("a"), Some("a > b")]);
    assert!(report.faults.is_empty());
}

#[test]
fn ornaments_do_not_cost_the_report() {
    for xml in [
        "<testsuite tests='many' time='1,234.5' timestamp='yesterday'><testcase name='a' time='0,5'/></testsuite>",
        "<testsuite><properties><property name='x'/></properties><testcase name='a' time='oops' line='-'/><system-out>&nbsp;</system-out></testsuite>",
        "<testsuite><testcase name=a time></testcase></testsuite>",
        "<!DOCTYPE testsuite [<!ENTITY a 'b'>]><testsuite><testcase name='a'><system-out>&a;&b &</system-out></testcase></testsuite>",
        "\n\n<?xml version='1.1' standalone='yes'?><!-- x --><j:testsuite xmlns:j='urn:j'><j:testcase name='a'/></j:testsuite>",
        "<testcase name='a'/>",
        "<report><testsuites><testsuite><testcase name='a'/></testsuite></testsuites></report>",
        "<testsuite><testcase name='a'><system-out>\u{1b}[31mred\u{1b}[0m \u{0}</system-out></testcase></testsuite>",
    ] {
        let report = read_text(xml);
        assert_eq!((outcomes(&report), report.faults.len()), (vec![("a", Outcome::Passed)], 0), "{xml}: {:?}", report.faults);
    }
}

#[test]
fn several_roots_are_read() {
    let report = read_text(
        "<?xml version='1.0'?><testsuite><testcase name='a'/></testsuite>\n<?xml version='1.0'?><testsuite><testcase name='b'/></testsuite>",
    );
    assert_eq!((outcomes(&report).len(), report.faults.len()), (2, 0), "{:?}", report.faults);
}

#[test]
fn entities_are_not_expanded() {
    let bomb = "<!DOCTYPE t [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;'><!ENTITY x SYSTEM 'file:///etc/passwd'>]>\
        <testsuite><testcase name='n'><failure message='&x;'>&b;</failure></testcase></testsuite>";
    let report = read_text(bomb);
    assert_eq!(report.cases[0].message, "&x;");
    let text = read_text("<testsuite><testcase name='n'><failure>1 &lt; 2 &b; &#x27;</failure></testcase></testsuite>");
    assert_eq!(text.cases[0].message, "1 < 2 &b; '");
}

#[test]
fn encodings_are_found_by_mark_and_declaration() {
    let xml = |declared: &str| {
        format!("<?xml version=\"1.0\" encoding=\"{declared}\"?><testsuite><testcase name=\"钟楼\"/></testsuite>")
    };
    let utf_16 = |big: bool, mark: bool| {
        let units = mark.then_some(0xfeff).into_iter().chain(xml("UTF-16").encode_utf16().collect::<Vec<u16>>());
        units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect::<Vec<u8>>()
    };
    let marked = [b"\xef\xbb\xbf", xml("utf-8").as_bytes()].concat();
    let files = [
        xml("utf-8").into_bytes(),
        xml("UTF-16").into_bytes(),
        marked,
        GB18030.encode(&xml("GBK")).0.into_owned(),
        utf_16(false, true),
        utf_16(true, true),
        utf_16(false, false),
        utf_16(true, false),
    ];
    for (place, file) in files.iter().enumerate() {
        assert_eq!(outcomes(&read_bytes(file)), [("钟楼", Outcome::Passed)], "file {place}");
    }
    let undeclared = GB18030.encode("<testsuite><testcase name=\"钟楼\"/></testsuite>").0.into_owned();
    let mut report = Report::default();
    read(&undeclared, "r.xml", Some(GB18030), &mut report).unwrap();
    assert_eq!(outcomes(&report), [("钟楼", Outcome::Passed)], "the encoding of the task");
    let latin = b"<?xml version='1.0' encoding='ISO-8859-1'?><testsuite><testcase name='\xfcber'/></testsuite>";
    assert_eq!(outcomes(&read_bytes(latin)), [("über", Outcome::Passed)]);
}

#[test]
fn failures_outside_a_test_count() {
    let report = read_text(
        "<testsuites><testsuite name='setup' errors='1'><error message='no database'/></testsuite>\
        <testsuite name='b'><testcase name='a'/><failure>teardown</failure><skipped/></testsuite></testsuites>",
    );
    assert_eq!(outcomes(&report), [("setup", Outcome::Error), ("a", Outcome::Passed), ("b", Outcome::Failed)]);
    assert_eq!(report.cases[0].message, "no database");
    let counted = read_text(
        "<testsuites errors='1'><testsuite name='all' errors='1'><testsuite name='hooks' tests='1' errors='1'><testcase name='a'/>\
        </testsuite></testsuite><testsuite failures='1' errors='many'><testcase name='b'><failure/></testcase></testsuite></testsuites>",
    );
    let faults: Vec<String> = counted.faults.iter().map(ToString::to_string).collect();
    assert_eq!(faults, ["report r.xml: the suite \"hooks\" counts 1 failures, but shows none"]);
}

#[test]
fn tests_that_did_not_run_are_skipped() {
    for attributes in
        ["status='notrun'", "status='disabled'", "result='suppressed'", "status='run' result='skipped'", "status='ignored'"]
    {
        let report = read_text(&format!("<testsuite><testcase name='a' {attributes}/></testsuite>"));
        assert_eq!(outcomes(&report), [("a", Outcome::Skipped)], "{attributes}");
    }
    let ran = read_text(
        "<testsuite><testcase name='a' status='run' result='completed'/><testcase name='b' status='failed'/></testsuite>",
    );
    assert_eq!(outcomes(&ran), [("a", Outcome::Passed), ("b", Outcome::Failed)]);
    let both = read_text("<testsuite><testcase name='a' status='failed'><failure>why</failure><skipped/></testcase></testsuite>");
    assert_eq!((outcomes(&both), both.cases[0].message.as_str()), (vec![("a", Outcome::Failed)], "why"));
}

#[test]
fn reruns_of_surefire_are_one_test() {
    let report = read_text(
        "<testsuite><testcase name='flaky'><flakyFailure message='once'><stackTrace>x</stackTrace></flakyFailure></testcase>\
        <testcase name='broken'><failure message='first'>f</failure><rerunFailure message='second'/><rerunError/></testcase></testsuite>",
    );
    assert_eq!(outcomes(&report), [("flaky", Outcome::Passed), ("broken", Outcome::Failed)]);
    assert_eq!((report.cases[0].flaky, report.cases[1].flaky, report.cases[1].message.as_str()), (true, false, "first"));
}

#[test]
fn other_formats_are_named() {
    for (text, expected) in [
        ("<?xml version='1.0'?><test-run id='2'><test-suite/></test-run>", "report r.xml is NUnit 3 XML, not JUnit XML"),
        ("<TestRun xmlns='http://microsoft.com/x'><Results/></TestRun>", "report r.xml is TRX (Visual Studio), not JUnit XML"),
        ("<!-- x --><assemblies/>", "report r.xml is xUnit.net XML, not JUnit XML"),
        ("TAP version 13\nok 1 - a\n", "report r.xml is TAP, not JUnit XML"),
        ("{\"tests\": []}", "report r.xml is JSON, not JUnit XML"),
        ("3 passed in 0.1s\n", "report r.xml is plain text, not JUnit XML: 3 passed in 0.1s"),
        ("<other><testing/></other>", "report r.xml is not JUnit XML: its root is <other>"),
        (" \n", "report r.xml is empty"),
    ] {
        let report = read_text(text);
        assert!(report.faults[0].to_string().starts_with(expected), "{text}: {}", report.faults[0]);
    }
}

#[test]
fn incomplete_report_is_a_fault_and_keeps_its_tests() {
    let cut = read_text("<testsuites><testsuite><testcase name='a'/><testcase name='b'>");
    assert_eq!(outcomes(&cut), [("a", Outcome::Passed)]);
    assert_eq!(cut.faults[0].to_string(), "cannot parse report r.xml: the file ends inside <testcase>");
    assert!(read_text("<testsuite><testcase></testsuite>").faults[0].to_string().starts_with("cannot parse report r.xml: "));
    let deep = format!("<testsuite>{}", "<a>".repeat(2_000));
    assert!(read_text(&deep).faults[0].to_string().contains("more than 1000 elements"));
}

#[test]
fn empty_suite_has_no_tests_and_no_fault() {
    let report = read_text("<testsuites tests='0'/>");
    assert_eq!((report.cases.len(), report.faults.len()), (0, 0));
}
