use super::*;

fn now() -> DateTime<Utc> {
    "2026-11-21T00:30:00Z".parse().unwrap()
}

/// The time of a line in Shanghai, where it is 08:30 on 2026-11-21.
fn read(line: &str) -> Option<String> {
    TimeReader::new(Tz::Asia__Shanghai, None, now()).read(line).map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true))
}

#[test]
fn usual_forms_are_read() {
    for line in [
        "2026-11-21T00:00:00.5Z INFO x",
        "2026-11-21 08:00:00.500+08:00 INFO belfry: x",
        "2026-11-21 08:00:00,500 ERROR x",
        "[2026/11/21 08:00:00.500123 +0800] x",
        "{\"timestamp\":\"2026-11-21T08:00:00.500000+08:00\",\"level\":\"INFO\"}",
        "{\"level\":30,\"msg\":\"since 2020-01-01 00:00:00\",\"hostname\":\"a-long-host-name-of-a-server\",\"time\":1795219200500}",
        "time=\"2026-11-21T00:00:00.5Z\" level=info",
        "<165>1 2026-11-21T00:00:00.500Z host app - - x",
        "[INFO ] [main] 2026-11-21 08:00:00:500 x",
        "21 Nov 2026 08:00:00,500 [main] INFO x",
        "21-Nov-2026 08:00:00.500 INFO [main] x",
        "[Sat Nov 21 08:00:00.500123 2026] [core:error] [pid 1] x",
        "1795219200.500 345 10.0.0.1 TCP_MISS/200",
        "1795219200500 x",
        "1795219200500000 x",
        "[1795219200500000000] x",
        "type=SYSCALL msg=audit(1795219200.500:4567): x",
        "12345:M 21 Nov 2026 08:00:00.500 * Ready to accept connections",
        "{\"t\":{\"$date\":\"2026-11-21T08:00:00.500+08:00\"},\"s\":\"I\"}",
        "I, [2026-11-21T08:00:00.500123 #123]  INFO -- : x",
        "[2026-11-21T08:00:00.500+0800][0.005s][info][gc] x",
        "{\"level\":\"info\",\"ts\":1795219200.500,\"msg\":\"x\"}",
        "26/11/21 08:00:00.500 INFO SparkContext: x",
        "I1121 08:00:00.500123 1 main.go:3] x",
        "11-21 08:00:00.500 123 456 I ActivityManager: x",
        "20261121T080000.500 x",
        "2026年11月21日 8时0分0秒",
    ] {
        let found = read(line).map(|at| at.replace(".500123", ".500").replace(".500Z", "Z").replace(".5Z", "Z"));
        assert_eq!(found.as_deref(), Some("2026-11-21T00:00:00Z"), "{line}");
    }
    for line in [
        "127.0.0.1 - frank [21/Nov/2026:08:00:00 +0800] \"GET / HTTP/1.1\" 200 5",
        "2001:db8:85a3:8d3:1319:8a2e:370:7348, 203.0.113.195, 198.51.100.178 - a.long.user@example.com [21/Nov/2026:00:00:00 +0000] \"GET",
        "Nov 21 08:00:00 host sshd[1]: x",
        "<34>Nov 21 08:00:00 host x",
        "Nov 21 2026 08:00:00: %ASA-6-302013: x",
        "2026 Nov 21 08:00:00 x",
        "2026/11/21 08:00:00 [error] 123#0: *1 open() failed",
        "Sat Nov 21 08:00:00 CST 2026 x",
        "Sat Nov 21 00:00:00 UTC 2026 x",
        "Sat Nov 21 01:00:00 GMT+0100 2026 x",
        "[21-Nov-2026 08:00:00 Asia/Shanghai] PHP Warning:  x",
        "[20-Nov-2026 19:00:00 America/New_York] PHP Warning:  x",
        "[21-Nov-2026 00:00:00 UTC] PHP Warning:  x",
        "[Sat Nov 21 08:00:00 2026] (x) y",
        "INFO | jvm 1 | 2026/11/21 08:00:00 | x",
        "2026-11-21T08:00:00+0800 host systemd[1]: x",
        "11/21/26 08:00:00 x",
        "Sat, 21 Nov 2026 08:00:00 +0800",
        "Nov 21, 2026 8:00:00 AM org.apache.Main main",
        "11/21/2026 8:00:00 AM Information x",
        "21/11/2026 08:00:00 x",
        "21.11.2026 08:00:00 x",
        "2026/11/21 8:00:00 x",
        "2026-11-21 08:00:00 GMT+0800 x",
        "261121  8:00:00 [Note] x",
        "20261121080000 x",
        "[11/21 08:00:00] [LOGON] x",
        "1795219200 x",
        "2026-11-21 08:00 x",
    ] {
        assert_eq!(read(line).as_deref(), Some("2026-11-21T00:00:00Z"), "{line}");
    }
    assert_eq!(read("2026/11/21 下午 1:00:00 x").as_deref(), Some("2026-11-21T05:00:00Z"));
    assert_eq!(read("11/21/2026 12:00:00 AM x").as_deref(), Some("2026-11-20T16:00:00Z"));
}

#[test]
fn lines_without_a_time_have_none() {
    let far = format!("{} 2026-11-21T00:00:00Z", "x".repeat(100));
    for line in [
        "",
        "   at main.rs:3",
        "    caused by: the certificate of 2020-01-01 00:00:00",
        "2026-13-41 08:00:00",
        "08:00:00,123 INFO x",
        "12345678901 items",
        "1234 items",
        "INFO:root:started",
        "Feb 30 08:00:00 x",
        "{\"msg\":\"x\"}",
        &far,
        "钟楼",
    ] {
        assert_eq!(read(line), None, "{line}");
    }
}

#[test]
fn year_is_the_latest_that_is_not_in_the_future() {
    let at = |line: &str, reference: &str| {
        TimeReader::new(Tz::UTC, None, reference.parse().unwrap()).read(line).map(|at| at.date_naive().to_string())
    };
    assert_eq!(at("Dec 31 23:59:59 h x", "2027-01-01T00:05:00Z").as_deref(), Some("2026-12-31"));
    assert_eq!(at("Jan  1 00:00:01 h x", "2027-01-01T00:05:00Z").as_deref(), Some("2027-01-01"));
    assert_eq!(at("Jan  1 00:00:01 h x", "2026-12-31T23:59:00Z").as_deref(), Some("2027-01-01"), "clocks that do not agree");
    assert_eq!(at("Feb 29 12:00:00 h x", "2027-03-01T00:00:00Z").as_deref(), Some("2024-02-29"));
}

#[test]
fn ambiguous_local_times_follow_the_order_of_lines() {
    let zone = Tz::America__New_York;
    let mut reader = TimeReader::new(zone, None, now());
    let mut read =
        |wall: &str| reader.read(&format!("2025-11-02 {wall} x")).unwrap().with_timezone(&zone).format("%H:%M %z").to_string();
    assert_eq!(read("00:59:00"), "00:59 -0400");
    assert_eq!(read("01:30:00"), "01:30 -0400");
    assert_eq!(read("01:59:00"), "01:59 -0400");
    assert_eq!(read("01:57:00"), "01:57 -0400", "slightly out of order");
    assert_eq!(read("01:00:00"), "01:00 -0500", "the second time");
    assert_eq!(read("01:59:00"), "01:59 -0500");
    assert_eq!(read("02:00:00"), "02:00 -0500");
    let mut gap = TimeReader::new(zone, None, now());
    assert_eq!(gap.read("2025-03-09 02:30:00 x").map(|at| at.to_rfc3339()).as_deref(), Some("2025-03-09T07:30:00+00:00"));
}

#[test]
fn own_format_replaces_the_usual_forms() {
    let read = |format: &str, line: &str| {
        let format = TimeFormat::parse(format).unwrap();
        TimeReader::new(Tz::UTC, Some(&format), now()).read(line).map(|at| at.to_rfc3339())
    };
    let expected = Some("2026-11-05T08:00:00+00:00".to_owned());
    assert_eq!(read("%d/%m/%Y %H:%M:%S", "05/11/2026 08:00:00 x"), expected, "the day first");
    assert_eq!(read("%d/%m/%Y %H:%M:%S", "[main] 05/11/2026 08:00:00 x"), expected);
    assert_eq!(read("%H:%M:%S %d.%m.", "08:00:00 05.11. x"), expected, "without a year");
    assert_eq!(read("%Y%m%d-%H%M%S%z", "20261105-100000+0200 x"), expected);
    assert_eq!(read("%Y%m%d-%H%M%S", "2026-11-05 08:00:00 x"), None);
}
