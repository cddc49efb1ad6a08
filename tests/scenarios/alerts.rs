//! Alerts through a running daemon: raised once, told once by mail and webhook, seen, over; a relay and
//! a webhook that really listen.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use serde_json::Value;

use super::desk::Desk;

/// Days of reads before today.
const DAYS: i64 = 60;
/// Longest wait for a message.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a sink took, as it came.
type Taken = Arc<Mutex<Vec<String>>>;

/// A relay that takes every mail, or none.
fn relay(takes: bool) -> (u16, Taken) {
    sink(move |stream, taken| {
        let mut lines = BufReader::new(stream.try_clone()?);
        let say = |text: &str| stream.try_clone()?.write_all(text.as_bytes());
        say("220 relay\r\n")?;
        let mut line = String::new();
        while lines.read_line(&mut line)? > 0 {
            let command = line.to_ascii_uppercase();
            if command.starts_with("EHLO") {
                say("250-relay\r\n250 8BITMIME\r\n")?;
            } else if command.starts_with("RCPT") && !takes {
                say("451 not now\r\n")?;
            } else if command.starts_with("DATA") {
                say("354 go on\r\n")?;
                let mut mail = String::new();
                loop {
                    line.clear();
                    lines.read_line(&mut line)?;
                    if line == ".\r\n" {
                        break;
                    }
                    mail.push_str(&line);
                }
                taken.lock().expect("the list").push(mail);
                say("250 taken\r\n")?;
            } else if command.starts_with("QUIT") {
                say("221 bye\r\n")?;
                break;
            } else {
                say("250 ok\r\n")?;
            }
            line.clear();
        }
        Ok(())
    })
}

/// A webhook that takes every POST.
fn webhook() -> (u16, Taken) {
    sink(|stream, taken| {
        let mut reader = BufReader::new(stream.try_clone()?);
        let (mut length, mut line) = (0, String::new());
        while reader.read_line(&mut line)? > 2 {
            let lower = line.to_ascii_lowercase();
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse().expect("a length");
            }
            line.clear();
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        taken
            .lock()
            .expect("the list")
            .push(String::from_utf8(body).expect("UTF-8"));
        stream
            .try_clone()?
            .write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
    })
}

fn sink(
    serve: impl Fn(&TcpStream, &Taken) -> std::io::Result<()> + Send + 'static,
) -> (u16, Taken) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("an address");
    let port = listener.local_addr().expect("its address").port();
    let taken = Taken::default();
    let list = Arc::clone(&taken);
    thread::spawn(move || {
        for stream in listener.incoming() {
            // A client that goes away early is its own affair.
            let _ = stream.and_then(|stream| serve(&stream, &list));
        }
    });
    (port, taken)
}

struct Daemon(Child);

impl Daemon {
    fn start(desk: &Desk, relay: u16, hook: u16) -> Daemon {
        let config = desk.file(
            "alerts.toml",
            &format!(
                r#"
[http]
listen = "127.0.0.1:0"
[mqtt]
listen = "127.0.0.1:0"
[alerts]
look_every_s = 1
digest_at = "00:00"
relay = "smtp://127.0.0.1:{relay}"
from = "Commonwatt <alerts@society.example>"

[[alerts.contact]]
society = "bes"
officer = "roofs"
email = "roofs@society.example"
webhook = "http://127.0.0.1:{hook}/hook"

[[alerts.contact]]
society = "bes"
officer = "treasurer"
sites = ["b"]
email = "treasurer@society.example"
"#
            ),
        );
        let mut child = Command::new(env!("CARGO_BIN_EXE_commonwatt"))
            .args(["serve", "--config", &config, "--data"])
            .arg(desk.data())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the daemon starts");
        let mut lines = BufReader::new(child.stderr.take().expect("its words")).lines();
        assert!(lines.any(|l| l.unwrap_or_default().contains("ready")));
        // What it says later must not fill the pipe.
        thread::spawn(move || lines.for_each(drop));
        Daemon(child)
    }

    fn stop(mut self) {
        Command::new("kill")
            .args(["-TERM", &self.0.id().to_string()])
            .status()
            .expect("a signal");
        assert!(self.0.wait().expect("it ends").success());
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn now_s() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock");
    i64::try_from(since.as_secs()).expect("seconds")
}

/// RFC 3339 of seconds since 1970, by civil-from-days.
fn stamp(seconds: i64) -> String {
    let (days, left) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (day, month) = (
        doy - (153 * mp + 2) / 5 + 1,
        if mp < 10 { mp + 3 } else { mp - 9 },
    );
    let year = yoe + era * 400 + i64::from(month <= 2);
    let (h, m, s) = (left / 3_600, left / 60 % 60, left % 60);
    format!("{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}Z")
}

/// Roofs a, b, c under one sky: a made nothing yesterday. e and f have said nothing for three days;
/// f is off as planned.
fn society() -> Desk {
    let desk = Desk::empty();
    let today = now_s().div_euclid(86_400);
    let mut text = String::from(
        "[society]\nslug = \"bes\"\nname = \"Test Society\"\nzone = \"UTC\"\n\n[[officer]]\nid = \"treasurer\"\nrole = \"treasurer\"\n\n[[officer]]\nid = \"roofs\"\nrole = \"roof manager\"\n",
    );
    let mut csv = String::from("meter,register,time,value,unit,source\n");
    for roof in ["a", "b", "c", "e", "f"] {
        let latitude = if roof < "d" { "51.46" } else { "55.00" };
        text.push_str(&format!(
            "\n[[site]]\nid = \"{roof}\"\nname = \"Roof {roof}\"\nlatitude = \"{latitude}\"\nlongitude = \"-0.10\"\ncapacity_kwp = \"40\"\n\n[[meter_point]]\nid = \"{roof}-generation\"\nsite = \"{roof}\"\ncounts = \"generation\"\ncapacity_kw = \"40\"\n\n[[meter]]\nserial = \"M{roof}\"\nmeter_point = \"{roof}-generation\"\ninstalled = \"2020-01-01\"\nregister = [{{ code = \"2.8.0\", digits = 9, step_wh = 1 }}]\n"
        ));
        if roof > "d" {
            text.push_str(&format!(
                "\n[[gateway]]\nid = \"g{roof}\"\nsite = \"{roof}\"\ncadence_s = 60\n"
            ));
        }
        let until = if roof > "d" { DAYS - 3 } else { DAYS };
        let mut register = 1_000_000;
        for n in 0..until {
            let day = (today - DAYS + n) * 86_400;
            let light = if roof == "a" && n == DAYS - 1 {
                0
            } else {
                1 + n * 7 % 3
            };
            for (at, wh) in [(0, 16_000), (37_800, 36_000), (48_600, 20_000)] {
                csv.push_str(&format!(
                    "M{roof},2.8.0,{},{register},Wh,\n",
                    stamp(day + at)
                ));
                register += wh * light;
            }
        }
        let end = (today - DAYS + until) * 86_400;
        csv.push_str(&format!("M{roof},2.8.0,{},{register},Wh,\n", stamp(end)));
    }
    desk.ok(&["society", "apply", &desk.file("alerts-society.toml", &text)]);
    let imported = desk.json(&["reads", "import", &desk.file("alerts.csv", &csv)]);
    assert_eq!(
        (&imported["held"], &imported["refused"]),
        (&0.into(), &0.into())
    );
    let day = |n: i64| stamp((today + n) * 86_400)[..10].to_owned();
    desk.ok(&[
        "--as",
        "roofs",
        "outage",
        "plan",
        "--site",
        "f",
        "--from",
        &day(-2),
        "--to",
        &day(20),
        "--cause",
        "roof repairs",
        "--asked-by",
        "the council",
    ]);
    desk
}

fn wait_for(what: &str, found: impl Fn() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !found() {
        assert!(Instant::now() < until, "{what} did not come");
        thread::sleep(Duration::from_millis(100));
    }
}

fn all(taken: &Taken) -> Vec<String> {
    taken.lock().expect("the list").clone()
}

#[test]
fn an_alert_reaches_its_person_once_and_is_seen_and_over() {
    let desk = society();
    let (hook, posts) = webhook();
    // A relay that takes nothing: nobody was told, and the daemon goes on.
    let (closed, refused) = relay(false);
    let daemon = Daemon::start(&desk, closed, hook);
    wait_for("the webhook's alert", || !all(&posts).is_empty());
    let list = desk.json(&["alerts", "list"]);
    let told: Vec<&Value> = list
        .as_array()
        .expect("alerts")
        .iter()
        .flat_map(|alert| alert["told"].as_array().expect("told"))
        .collect();
    assert!(told.iter().all(|one| one["by"] == "webhook"), "{list}");
    daemon.stop();
    assert!(all(&refused).is_empty());

    let (port, mails) = relay(true);
    let daemon = Daemon::start(&desk, port, hook);
    wait_for("two mails to the roof manager", || all(&mails).len() >= 2);
    // Several looks later nothing more has gone out.
    thread::sleep(Duration::from_secs(4));
    let to = |address: &str| -> Vec<String> {
        let header = format!("To: {address}");
        all(&mails)
            .into_iter()
            .filter(|mail| mail.contains(&header))
            .collect()
    };
    let of_roofs = to("roofs@society.example");
    assert_eq!(of_roofs.len(), 2, "{of_roofs:?}");
    let alert = &of_roofs[0];
    for part in [
        "From: Commonwatt <alerts@society.example>",
        "Roof e: meter Me has said nothing since",
        "Roof a made next to nothing on",
        "alerts seen 1 --society bes",
        "Message-ID: <bes.roofs.alert-1.alert-2@society.example>",
    ] {
        assert!(alert.contains(part), "{part}: {alert}");
    }
    assert!(
        !alert.contains("Roof f"),
        "planned outages are muted: {alert}"
    );
    assert!(of_roofs[1].contains("2 open, 0 over"), "{}", of_roofs[1]);
    assert!(
        to("treasurer@society.example")
            .iter()
            .all(|mail| !mail.contains("Roof e")),
        "only of the roofs that were asked for"
    );
    let bodies: Vec<Value> = all(&posts)
        .iter()
        .map(|post| serde_json::from_str(post).expect("JSON"))
        .collect();
    assert_eq!(
        bodies.len(),
        2,
        "the webhook was told by the first start: {bodies:?}"
    );
    assert_eq!(bodies[0]["alerts"][0]["kind"], "silent");
    assert!(bodies[1]["digest"].is_string());

    // Seen, waiting for an engineer.
    assert!(
        desk.refused(&["--as", "roofs", "alerts", "seen", "1"])
            .contains("what is being done")
    );
    let seen = desk.ok(&[
        "--as",
        "roofs",
        "alerts",
        "seen",
        "1",
        "--ticket",
        "T-7",
        "--warranty",
        "to 2032",
    ]);
    assert!(
        seen.contains("seen by roofs, waiting for engineer, ticket T-7, warranty to 2032"),
        "{seen}"
    );
    // The meter speaks again.
    let csv = format!(
        "meter,register,time,value,unit,source\nMe,2.8.0,{},10000000,Wh,\n",
        stamp(now_s() - 5)
    );
    desk.ok(&["reads", "import", &desk.file("again.csv", &csv)]);
    wait_for("the end of the alert", || {
        desk.json(&["alerts", "list", "--all"])[0]["state"] == "over"
    });
    daemon.stop();

    // Nobody is told again after a restart, and all of it comes back from the journal.
    let before = desk.json(&["alerts", "list", "--all"]);
    assert_eq!(before[0]["seen"]["ticket"], "T-7");
    assert_eq!(
        before[0]["told"].as_array().map(Vec::len),
        Some(2),
        "webhook and mail"
    );
    desk.ok(&["rebuild"]);
    let daemon = Daemon::start(&desk, port, hook);
    thread::sleep(Duration::from_secs(3));
    daemon.stop();
    assert_eq!(to("roofs@society.example").len(), 2);
    assert_eq!(desk.json(&["alerts", "list", "--all"]), before);
    desk.ok(&["verify"]);
}

#[test]
fn a_contact_that_cannot_be_reached_is_refused_at_the_start() {
    let desk = Desk::plain();
    let cases = [
        ("relay = \"mail.example\"", "expected smtp://HOST:PORT"),
        (
            "relay = \"smtp://127.0.0.1:25\"\nfrom = \"nobody\"",
            "alerts.from `nobody`",
        ),
        (
            "relay = \"smtp://mail.example:25\"\nfrom = \"a@b.example\"\nusername = \"u\"",
            "clear text",
        ),
        ("digest_at = \"7\"", "time of day like 07:00"),
        (
            "[[alerts.contact]]\nsociety = \"bes\"\nofficer = \"x\"",
            "neither `email` nor `webhook`",
        ),
        (
            "[[alerts.contact]]\nsociety = \"bes\"\nofficer = \"x\"\nemail = \"a@b.example\"",
            "needs a relay",
        ),
    ];
    for (lines, why) in cases {
        let config = desk.file(
            "bad.toml",
            &format!("[http]\nlisten = \"127.0.0.1:0\"\n[mqtt]\nlisten = \"127.0.0.1:0\"\n[alerts]\n{lines}\n"),
        );
        let said = desk.run(&["serve", "--config", &config]);
        assert_eq!(said.code, 1, "{lines}: {}", said.err);
        assert!(said.err.contains(why), "{lines}: {}", said.err);
    }
}

#[test]
fn a_test_message_says_who_would_be_told_and_who_would_not() {
    let desk = society();
    let alone = desk.refused(&["alerts", "test"]);
    assert!(alone.contains("no daemon runs here"), "{alone}");
    let (hook, posts) = webhook();
    let (port, mails) = relay(true);
    let daemon = Daemon::start(&desk, port, hook);
    let tried = desk.json(&["alerts", "test"]);
    let tried = tried.as_array().expect("persons");
    assert_eq!(tried.len(), 3, "a mail and a webhook, and another mail");
    assert!(tried.iter().all(|one| one["taken"] == true), "{tried:?}");
    let tests =
        |taken: &Taken, words: &str| all(taken).iter().filter(|one| one.contains(words)).count();
    wait_for("the test messages", || {
        tests(&mails, "This is a test") == 2 && tests(&posts, "\"test\":true") == 1
    });
    daemon.stop();
    // A relay that takes nothing is named, with the exit code of what is the caller's to mend.
    let (closed, _) = relay(false);
    let daemon = Daemon::start(&desk, closed, hook);
    let said = desk.run(&["alerts", "test", "--society", "bes"]);
    assert_eq!(said.code, 1, "{}", said.out);
    assert!(
        said.err.contains("2 of 3 messages were not taken"),
        "{}",
        said.err
    );
    daemon.stop();
}
