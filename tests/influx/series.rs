//! What charts are drawn of keeps one contract, whether our own series tell it or InfluxDB does; and
//! nothing that counts is ever read from there.

use serde_json::Value;

use crate::{
    Daemon, check,
    desk::Desk,
    mirrored_as,
    peers::{
        debian::Program,
        http, shim,
        stub::{self, Field, Mood, Stub},
    },
};

const STORE: &str = "store";
const MIRROR: &str = "mirror";

fn series(desk: &Desk, config: &str, period: &str, by: &str) -> Value {
    desk.json(&[
        "influx", "series", "--config", config, "--period", period, "--by", by,
    ])
}

/// Sends what is not out yet, and compares; the exit code is this.
fn up_to_date(desk: &Desk, config: &str, code: i32) {
    let args = [
        "influx",
        "check",
        "--config",
        config,
        "--period",
        "2013-03-28..2013-04-05",
    ];
    desk.json_with(code, &args);
}

/// How many stretches, their Wh, half hours missing in them, and their qualities.
fn sums(said: &Value) -> (usize, i64, i64, Vec<&str>) {
    let rows = said["rows"].as_array().unwrap();
    let sum = |key: &str| rows.iter().map(|row| row[key].as_i64().unwrap()).sum();
    let mut qualities: Vec<&str> = rows
        .iter()
        .map(|row| row["quality"].as_str().unwrap())
        .collect();
    qualities.sort_unstable();
    qualities.dedup();
    (rows.len(), sum("wh"), sum("missing_half_hours"), qualities)
}

/// A read each half hour: 1 kWh in each between eight and four UTC.
fn half_hourly(from: &str, half_hours: i64, kwh: &mut i64) -> String {
    let start: jiff::Timestamp = from.parse().unwrap();
    let mut table = format!("M1 {start} {kwh}\n");
    for n in 1..=half_hours {
        *kwh += i64::from((17..=32).contains(&((n - 1) % 48 + 1)));
        let at = start + jiff::SignedDuration::from_mins(n * 30);
        table += &format!("M1 {at} {kwh}\n");
    }
    table
}

/// The contract: `source` is who must tell it.
fn keeps_the_contract(url: &str, mode: &str, source: &str) {
    let (desk, config) = mirrored_as(url, mode, "");
    let told = |period: &str, by: &str| {
        let said = series(&desk, &config, period, by);
        assert_eq!(said["source"], source, "{said}");
        said
    };
    let mut kwh = 100;
    // Nothing is known: nothing is told.
    up_to_date(&desk, &config, 0);
    assert_eq!(sums(&told("2013-03-30", "period")), (0, 0, 0, vec![]));
    desk.reads(&half_hourly("2013-03-30T00:00:00Z", 96, &mut kwh));
    up_to_date(&desk, &config, 0);
    // A day of 23 hours and the one before it, by half hour and by day.
    let actual = vec!["actual"];
    assert_eq!(
        sums(&told("2013-03-30", "period")),
        (48, 16_000, 0, actual.clone())
    );
    let short = told("2013-03-31", "period");
    assert_eq!(sums(&short), (46, 16_000, 0, actual.clone()));
    assert_eq!(short["rows"][0]["start"], "2013-03-31T00:00:00Z");
    assert_eq!(short["rows"][45]["start"], "2013-03-31T22:30:00Z");
    assert_eq!(short["rows"][16]["wh"], 1_000);
    let days = told("2013-03-29..2013-03-31", "day");
    assert_eq!(sums(&days), (2, 32_000, 0, actual.clone()));
    // The first of April has two half hours of it; the rest is missing and not zero.
    assert_eq!(sums(&told("2013-04-01", "period")).0, 2);
    assert_eq!(sums(&told("2013-04-01", "day")).2, 46);
    // A month is whole, whatever part of it was asked for.
    let march = told("2013-03-30..2013-03-31", "month");
    assert_eq!(march["rows"][0]["start"], "2013-03-01T00:00:00Z");
    assert_eq!(sums(&march).1, 32_000);
    assert_eq!(sums(&march).2, 31 * 48 - 2 - 94);
    // A register that was silent for two days: its energy is known, its course is split by time.
    kwh += 48;
    desk.reads(&format!("M1 2013-04-03T00:00:00Z {kwh}"));
    up_to_date(&desk, &config, 0);
    let split = told("2013-04-02", "period");
    assert_eq!(sums(&split), (48, 24_000, 0, vec!["derived"]));
    // Two values at one instant are both held: what was known is not known any more.
    desk.reads(&format!("M1 2013-04-03T00:00:00Z {}", kwh - 1));
    up_to_date(&desk, &config, 0);
    assert_eq!(sums(&told("2013-04-02", "period")), (0, 0, 0, vec![]));
    assert_eq!(sums(&told("2013-04-02", "day")), (0, 0, 0, vec![]));
    // A day of 25 hours, far from the others.
    desk.reads(&half_hourly("2013-10-26T00:00:00Z", 97, &mut kwh));
    up_to_date(&desk, &config, 0);
    assert_eq!(sums(&told("2013-10-27", "period")), (50, 16_000, 0, actual));
    // Too many stretches are refused before anybody is asked.
    let said = desk.refused(&[
        "influx",
        "series",
        "--config",
        &config,
        "--period",
        "2013..2016",
        "--by",
        "period",
    ]);
    assert!(said.contains("hint: ask for longer stretches"), "{said}");
}

#[test]
fn our_own_series_keep_the_contract_of_charts() {
    keeps_the_contract(&Stub::start().url, MIRROR, "own");
}

#[test]
fn the_series_store_keeps_the_contract_of_charts() {
    keeps_the_contract(&Stub::start().url, STORE, "influxdb");
}

#[test]
fn a_real_influxdb_as_series_store_keeps_the_contract_of_charts() {
    let program = Program::influxdb();
    shim::make_bucket(program.port, stub::BUCKET);
    keeps_the_contract(&shim::start(program.port), STORE, "influxdb");
}

/// Changes the energy of every half hour on the server to this.
fn falsify(stub: &Stub, wh: i64) {
    for ((series, field, _), value) in &mut stub.state().points {
        if series.starts_with("interval") && field == "wh" {
            *value = Field::Int(wh);
        }
    }
}

#[test]
fn a_falsified_store_changes_charts_and_neither_energy_nor_report() {
    let stub = Stub::start();
    let (desk, config) = mirrored_as(&stub.url, STORE, "");
    desk.reads(&half_hourly("2013-03-30T00:00:00Z", 96, &mut 100));
    up_to_date(&desk, &config, 0);
    let report = || {
        let mut report = desk.json(&[
            "report",
            "generation",
            "--society",
            "bes",
            "--period",
            "2013-03",
            "--format",
            "json",
        ]);
        report["drawn_up"] = Value::Null;
        report
    };
    let before = (desk.total("2013-03-30", "2013-03-31"), report());
    assert_eq!(before.0, 32_000);
    falsify(&stub, 7);
    let said = series(&desk, &config, "2013-03-30", "period");
    assert_eq!(
        (said["source"].as_str(), sums(&said).1),
        (Some("influxdb"), 48 * 7)
    );
    assert_eq!((desk.total("2013-03-30", "2013-03-31"), report()), before);
    // The check finds what the chart shows.
    up_to_date(&desk, &config, 1);
}

#[test]
fn a_store_that_does_not_answer_as_it_should_is_told_and_our_own_series_shown() {
    let stub = Stub::start();
    let (desk, config) = mirrored_as(&stub.url, STORE, "");
    desk.reads(&half_hourly("2013-03-30T00:00:00Z", 48, &mut 100));
    up_to_date(&desk, &config, 0);
    let own = |why: &str| {
        let said = series(&desk, &config, "2013-03-30", "period");
        assert_eq!(said["source"], "own_instead", "{said}");
        assert!(said["why"].as_str().unwrap().contains(why), "{said}");
        assert_eq!(sums(&said).1, 16_000);
    };
    stub.mood(Mood::Garbage);
    own("no answer");
    let table = "#datatype,string,long,string,dateTime:RFC3339,double\r\n#group,false,false,true,false,false\r\n#default,_result,,,,\r\n,result,table,point,_time,_value\r\n,,0,roof-generation,2013-03-30T00:00:00Z,1.5\r\n\r\n";
    stub.mood(Mood::Says(
        format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{table}",
            table.len()
        )
        .into_bytes(),
    ));
    own("expected a long");
    // An answer that ends too early: energy without its quality.
    stub.mood(Mood::Well);
    let cut: Vec<_> = {
        let state = stub.state();
        let all = state.points.keys();
        all.filter(|(series, field, _)| series.starts_with("interval") && field == "quality")
            .take(1)
            .cloned()
            .collect()
    };
    stub.state().points.remove(&cut[0]);
    own("do not speak of the same times");
    // A half hour that is gone, or was never taken: no roof stands still for that.
    let (series, _, at) = cut[0].clone();
    stub.state()
        .points
        .retain(|key, _| !(key.0 == series && key.2 == at));
    own("lacks 1 of 48 stretches");
    // A bucket that went: the error comes in a table, after 200.
    stub.state().buckets.clear();
    own("could not find bucket");
}

#[test]
fn nothing_is_followed_elsewhere_and_no_secret_said_back() {
    let stub = Stub::start();
    let (desk, config) = mirrored_as(&stub.url, MIRROR, "");
    desk.reads(&half_hourly("2013-03-30T00:00:00Z", 4, &mut 100));
    let elsewhere = "HTTP/1.1 302 Found\r\nLocation: /ping\r\nContent-Length: 0\r\n\r\n";
    let token = stub::TOKEN;
    let echo = format!("{{\"code\":\"unauthorized\",\"message\":\"bad Token {token}\"}}");
    let denied = format!(
        "HTTP/1.1 401 Unauthorized\r\nContent-Length: {}\r\n\r\n{echo}",
        echo.len()
    );
    for (answer, why) in [
        (elsewhere, "a redirect, which is not followed"),
        (denied.as_str(), "bad Token …"),
    ] {
        stub.mood(Mood::Says(answer.as_bytes().to_vec()));
        let said = desk.run(&[
            "influx",
            "backfill",
            "--config",
            &config,
            "--from",
            "2013-01-01",
        ]);
        let text = said.out + &said.err;
        assert!(text.contains(why), "{text}");
        assert!(!text.contains(token), "{text}");
    }
    stub.mood(Mood::Well);
    up_to_date(&desk, &config, 0);
}

#[test]
fn the_page_says_where_its_chart_comes_from() {
    let stub = Stub::start();
    let port = free_port();
    let (desk, config) = mirrored_as(&stub.url, STORE, &format!("127.0.0.1:{port}"));
    let now = jiff::Timestamp::now();
    let before = now - jiff::SignedDuration::from_hours(30);
    desk.reads(&format!("M1 {before} 100\nM1 {now} 100"));
    let daemon = Daemon::start(&desk, &config);
    let page = |path: &str| {
        let (status, text) = http::ask(port, "GET", path, b"").unwrap();
        assert_eq!(status, 200, "{path}: {text}");
        text
    };
    assert!(page("/s/bes").contains("This chart is read from InfluxDB"));
    assert!(page("/operations").contains("Charts read their series from it"));
    stub.mood(Mood::Garbage);
    let home = page("/");
    assert!(
        home.contains("is read from InfluxDB") || home.contains("InfluxDB does not answer"),
        "{home}"
    );
    assert!(page("/s/bes/sites/roof").contains("InfluxDB does not answer as it should at present"));
    daemon.stop();
}

#[test]
fn points_not_taken_are_listed_counted_by_reason_and_can_be_sent_again() {
    let stub = Stub::start();
    let port = free_port();
    let (desk, config) = mirrored_as(&stub.url, MIRROR, &format!("127.0.0.1:{port}"));
    // Somebody has written words into the field before us.
    let field = ("read".to_owned(), "wh".to_owned());
    stub.state().texts.insert(field.clone(), true);
    desk.reads("M1 2014-04-01T10:00:00Z 100\nM1 2014-04-02T10:00:00Z 110");
    let daemon = Daemon::start(&desk, &config);
    let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let letters = loop {
        let said = desk.json(&["influx", "dead-letters"]);
        if said["count"] == 2 || std::time::Instant::now() > until {
            break said;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    };
    assert_eq!(letters["count"], 2, "{letters}");
    assert_eq!(letters["reasons"][0]["count"], 2);
    let line = letters["letters"][0]["line"].as_str().unwrap();
    assert!(
        line.starts_with("read,meter=M1,register=2.8.0,society=bes wh=100000i"),
        "{line}"
    );
    let (_, page) = http::ask(port, "GET", "/operations", b"").unwrap();
    assert!(page.contains("field type conflict"), "{page}");
    assert!(!page.contains("meter=M1"), "{page}");
    // Mended, sent again, forgotten.
    stub.state().texts.remove(&field);
    desk.ok(&["influx", "backfill", "--from", "2014-01-01"]);
    desk.ok(&["influx", "dead-letters", "--forget"]);
    assert_eq!(desk.json(&["influx", "dead-letters"])["count"], 0);
    assert_eq!(desk.json(&["influx", "status"])[0]["dead_letters"], 0);
    check(&desk, &config, 0);
    daemon.stop();
}

#[test]
fn a_roofs_month_stands_beside_its_forecast_as_the_report_has_it() {
    let stub = Stub::start();
    let (desk, config) = mirrored_as(&stub.url, MIRROR, "");
    desk.reads(&half_hourly("2013-03-30T00:00:00Z", 95, &mut 100));
    up_to_date(&desk, &config, 0);
    let of = |field: &str, at: &str| {
        let at: jiff::Timestamp = at.parse().unwrap();
        let state = stub.state();
        let found = state.points.iter().find(|((series, name, time), _)| {
            series.starts_with("roof_month")
                && series.contains("site=roof")
                && name == field
                && *time == at.as_millisecond()
        });
        found.map(|(_, value)| value.clone())
    };
    let report = desk.json(&[
        "report",
        "generation",
        "--society",
        "bes",
        "--period",
        "2013-03",
        "--format",
        "json",
    ]);
    let wh = |key: &str| Some(Field::Int(report[key].as_i64().unwrap()));
    assert_eq!(of("wh", "2013-03-01T00:00:00Z"), wh("generated_wh"));
    assert_eq!(of("forecast_wh", "2013-03-01T00:00:00Z"), wh("forecast_wh"));
    assert_eq!(
        of("quality", "2013-03-01T00:00:00Z"),
        Some(Field::Text("actual".into()))
    );
    // Months to come have a forecast and nothing made; before the forecast began there is none.
    let next_year = jiff::Timestamp::now()
        .to_zoned(jiff::tz::TimeZone::UTC)
        .year()
        + 1;
    let next = format!("{next_year}-12-01T00:00:00Z");
    assert!(of("forecast_wh", &next).is_some() && of("wh", &next).is_none());
    assert_eq!(of("forecast_wh", "2012-03-01T00:00:00Z"), None);
}

fn free_port() -> u16 {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    socket.local_addr().unwrap().port()
}
