//! What servers, and networks, can answer; each is an error with a name, none a number or a panic.

use std::time::{Duration, Instant as Monotonic};

use domain::calendar::{Instant, Span};
use influx::{
    Flux, Server, Target, Trouble,
    flux::{Points, Total},
};

use super::peers::stub::{BUCKET, Mood, ORG, Stub, TOKEN};

fn target(url: &str) -> Target {
    Target {
        url: url.to_owned(),
        org: ORG.to_owned(),
        bucket: BUCKET.to_owned(),
        token: TOKEN.to_owned(),
        authority: Vec::new(),
    }
}

fn question() -> Flux {
    let points = Points {
        bucket: BUCKET,
        measurement: "read",
        field: "wh",
        tags: &[],
        span: Span {
            start: Instant(0),
            end: Instant(1000),
        },
    };
    Flux::totals(&points, &["meter"], Total::Sum)
}

/// Asks a server that answers 200 with this body.
fn answered(body: &str) -> Result<Vec<i64>, Trouble> {
    let stub = Stub::start();
    let bytes = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stub.mood(Mood::Says(bytes.into_bytes()));
    let rows = Server::new(&target(&stub.url)).unwrap().ask(&question())?;
    rows.iter()
        .map(|row| {
            row.text("meter")?;
            row.long("_value").map_err(Trouble::from)
        })
        .collect()
}

const HEAD: &str = "#datatype,string,long,string,long\r\n#group,false,false,true,false\r\n#default,_result,,,\r\n,result,table,meter,_value\r\n";

#[test]
fn an_exact_answer_is_exact() {
    let body = format!("{HEAD},,0,M1,9007199254740993\r\n,,1,M2,-9223372036854775808\r\n\r\n");
    assert_eq!(answered(&body).unwrap(), [9_007_199_254_740_993, i64::MIN]);
}

#[test]
fn two_tables_in_one_block_and_two_blocks_are_all_rows() {
    let body = format!("{HEAD},,0,M1,1\r\n,,0,M1,2\r\n,,1,M2,3\r\n\r\n{HEAD},,2,M3,4\r\n\r\n");
    assert_eq!(answered(&body).unwrap(), [1, 2, 3, 4]);
}

#[test]
fn an_empty_answer_is_no_rows() {
    assert_eq!(answered("\r\n").unwrap(), [0; 0]);
}

#[test]
fn a_null_a_double_a_missing_column_and_a_wrong_number_are_errors() {
    let double = HEAD.replace("string,long\r\n#group", "string,double\r\n#group");
    let other = HEAD.replace("_value", "value");
    for body in [
        format!("{HEAD},,0,M1,\r\n\r\n"),
        format!("{HEAD},,0,M1,1.5\r\n\r\n"),
        format!("{HEAD},,0,M1,99999999999999999999\r\n\r\n"),
        format!("{HEAD},,0,,7\r\n\r\n"),
        format!("{double},,0,M1,7\r\n\r\n"),
        format!("{other},,0,M1,7\r\n\r\n"),
        format!("{HEAD},,0,M1\r\n\r\n"),
    ] {
        let outcome = answered(&body);
        assert!(
            matches!(outcome, Err(Trouble::Answer(_))),
            "{body}: {outcome:?}"
        );
    }
}

#[test]
fn an_error_table_is_an_error_also_after_rows() {
    let table = "#datatype,string,string\r\n#group,true,true\r\n#default,,\r\n,error,reference\r\n,engine: out of memory,897\r\n\r\n";
    for body in [table.to_owned(), format!("{HEAD},,0,M1,1\r\n\r\n{table}")] {
        let Err(Trouble::Answer(said)) = answered(&body) else {
            panic!("{body}");
        };
        assert!(said.contains("out of memory"), "{said}");
    }
}

#[test]
fn a_cut_body_is_an_error() {
    let stub = Stub::start();
    let bytes = format!("HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n{HEAD},,0,M1,1\r\n");
    stub.mood(Mood::Says(bytes.into_bytes()));
    let outcome = Server::new(&target(&stub.url)).unwrap().ask(&question());
    assert!(outcome.is_err(), "{outcome:?}");
}

#[test]
fn codes_are_sorted_by_what_to_do_about_them() {
    let stub = Stub::start();
    let server = Server::new(&target(&stub.url)).unwrap();
    let says = |mood| {
        stub.mood(mood);
        server.write("read wh=1i 1\n")
    };
    assert_eq!(says(Mood::Well), Ok(()));
    assert!(matches!(says(Mood::Status(400)), Err(Trouble::Refused(_))));
    for status in [401, 403, 404] {
        assert!(matches!(
            says(Mood::Status(status)),
            Err(Trouble::Denied { .. })
        ));
    }
    assert!(matches!(says(Mood::Status(413)), Err(Trouble::TooLarge(_))));
    assert!(matches!(says(Mood::Status(422)), Err(Trouble::Partly(_))));
    for status in [200, 201, 408, 429, 500, 503] {
        assert!(
            matches!(says(Mood::Status(status)), Err(Trouble::Busy { .. })),
            "{status}"
        );
    }
    for mood in [Mood::Garbage, Mood::Forgetful] {
        assert!(matches!(says(mood), Err(Trouble::Unreachable(_))));
    }
}

#[test]
fn a_server_that_hangs_is_given_up_in_time() {
    let stub = Stub::start();
    stub.mood(Mood::Hang(Duration::from_secs(20)));
    let patience = Duration::from_millis(300);
    let server = Server::patient(&target(&stub.url), patience, patience).unwrap();
    let began = Monotonic::now();
    assert!(matches!(
        server.write("read wh=1i 1\n"),
        Err(Trouble::Unreachable(_))
    ));
    assert!(matches!(
        server.ask(&question()),
        Err(Trouble::Unreachable(_))
    ));
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[test]
fn nobody_there_is_unreachable_and_a_strange_url_is_refused_with_a_hint() {
    let server = Server::new(&target("http://127.0.0.1:9")).unwrap();
    let said = server.write("read wh=1i 1\n");
    let Err(Trouble::Unreachable(why)) = &said else {
        panic!("{said:?}")
    };
    // The reason, once, without the address.
    assert_eq!(why.matches("refused").count(), 1, "{why}");
    assert!(!why.contains("api/v2"), "{why}");
    for url in [
        "",
        "/3242/23",
        "http://",
        "http://h/sub/path",
        "ftp://h",
        "http://u:p@h",
        "https://h",
    ] {
        if url.starts_with("https") && cfg!(feature = "https") {
            continue;
        }
        let error = Server::new(&target(url)).unwrap_err();
        assert!(error.to_string().contains("hint:"), "{url}: {error}");
    }
}

#[test]
fn health_tells_the_version() {
    let stub = Stub::start();
    let server = Server::new(&target(&stub.url)).unwrap();
    let health = server.health().unwrap();
    assert!(
        health.is_well && health.version.starts_with("v2."),
        "{health:?}"
    );
    assert_eq!(server.ready(), Ok(true));
}

#[test]
fn a_body_that_is_too_large_goes_in_parts() {
    let stub = Stub::start();
    stub.mood(Mood::Narrow(3_000));
    let series = influx::Series::new("read", &[("meter", "M1")]).unwrap();
    let mut batch = influx::Batch::default();
    for n in 0..1_000 {
        let fields = [("wh", influx::Value::Int(n))];
        batch.push(&series, &fields, Instant(n)).unwrap();
    }
    let server = Server::new(&target(&stub.url)).unwrap();
    let mut delivery = influx::Delivery::new(1);
    assert_eq!(delivery.send(&batch, &server), influx::Outcome::Written);
    assert!(delivery.dead.is_empty());
    assert_eq!(stub.state().points.len(), 1_000);
}
