//! An office with Elmore House in it, a fortnight of reads, and a browser of sorts.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::ConnectInfo,
    http::{HeaderMap, Method, Request, StatusCode, header},
    response::Response,
};
use domain::{calendar::Instant, metering::DIAL_TOLERANCE, projection::Certainty};
use identity::Secret;
use records::{decision::What, roofs::AlertRaised, users::UserRole};
use tempfile::TempDir;
use tokio::sync::watch;
use tower::ServiceExt;

use crate::{
    clock::Clock,
    web::{Health, WebState, router},
};
use office::{
    NoWatch, Office, Settings, Watch,
    ballots::{BallotFile, CallOf, VoteOf},
    blobs::Given,
    dials::TakenRead,
    document_from_toml,
    doors::{SetUp, Whence},
    import::ImportRequest,
    interest::{Asked, RunAsked, rate_of_text},
    outages::AskedOutage,
    payments::{NamedProfile, OrderAsked},
    roll::{Columns, LetterOf, Payment},
    tables::{Extend, Table},
};

const BES1_MEMBERS: &str = include_str!("../../../config/demo/bes1-members.csv");
const BES1_SHARES: &str = include_str!("../../../config/demo/bes1-shares.csv");
pub const BES1: &str = include_str!("../../../config/demo/bes1.toml");
/// A quarter to two in the afternoon in Brixton.
pub const NOW: &str = "2016-06-15T12:45:00Z";
/// Small segments are quick to lay out.
const SEGMENT_BYTES: u64 = 1 << 20;

/// What the read that waits shows.
pub const HELD_WH: i64 = 60_000_000;
/// Its address below a society's held reads.
pub const HELD: &str = "SAMPLE-BES1-1/2.8.0/1465994400000/60000000";
/// When a dial was read, and that read's address below a society's reads from the dial.
pub const DIAL_AT: &str = "2016-06-15T12:15:00Z";
pub const DIAL: &str = "SAMPLE-BES1-1/2.8.0/1465992900000";
/// Everybody's password here.
pub const PASSWORD: &str = "kettle orchard violin";

/// A photo of a dial, as far as anybody looks.
pub fn photo() -> Given {
    Given {
        name: "dial.png".to_owned(),
        bytes: b"\x89PNG\r\n\x1a\n a dial".to_vec(),
    }
}

/// The page that a row of a table is taken from.
pub fn page_of_a_bank() -> Given {
    Given {
        name: "rate.html".to_owned(),
        bytes: b"<script>alert(1)</script> Bank Rate is 0.25%".to_vec(),
    }
}

pub struct Stage {
    pub office: Arc<Office>,
    pub router: Router,
    pub stop: watch::Sender<bool>,
    pub now: Instant,
    _folder: Option<TempDir>,
}

/// What came back, whole.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn header(&self, name: header::HeaderName) -> &str {
        self.headers
            .get(&name)
            .map_or("", |value| value.to_str().expect("text"))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.office.close();
    }
}

impl Stage {
    /// Elmore House as in the demo, with reads from 1 June to now.
    pub fn elmore_house() -> Stage {
        let stage = Stage::without_reads();
        stage.import("2016-06-01T00:00:00Z", NOW);
        stage
    }

    /// Elmore House on its first day.
    pub fn without_reads() -> Stage {
        Stage::of(BES1)
    }

    /// The society of a file, without reads.
    pub fn of(file: &str) -> Stage {
        let stage = Stage::empty();
        stage.apply(file);
        stage
    }

    /// No society at all.
    pub fn empty() -> Stage {
        Stage::with_health(Vec::new)
    }

    /// No society, and this to say about its health.
    pub fn with_health(health: impl Fn() -> Vec<String> + Send + Sync + 'static) -> Stage {
        let folder = TempDir::new().expect("a folder");
        let mut stage = Stage::made(folder.path(), Arc::new(health), Vec::new());
        stage._folder = Some(folder);
        stage
    }

    /// Elmore House, behind a proxy on this machine that is believed.
    pub fn behind_proxy() -> Stage {
        let folder = TempDir::new().expect("a folder");
        let proxies = vec!["127.0.0.1".parse().expect("an address")];
        let mut stage = Stage::made(folder.path(), Arc::new(Vec::new), proxies);
        stage._folder = Some(folder);
        stage.apply(BES1);
        stage
    }

    /// No society, in a folder that outlives it.
    pub fn in_folder(folder: &std::path::Path) -> Stage {
        Stage::made(&folder.join("data"), Arc::new(Vec::new), Vec::new())
    }

    fn made(folder: &std::path::Path, health: Health, proxies: Vec<IpAddr>) -> Stage {
        let now: Instant = NOW.parse().expect("an instant");
        let settings = Settings {
            segment_bytes: SEGMENT_BYTES,
            ..Settings::default()
        };
        let nobody = Arc::new(move |_: &str| Arc::new(NoWatch(now)) as Arc<dyn Watch>);
        let office = Arc::new(Office::open(folder, settings, nobody, now).expect("an office"));
        let (stop, stopping) = watch::channel(false);
        let state = WebState {
            office: Arc::clone(&office),
            clock: Clock::paced(now, 1),
            people: Clock::paced(now, 1),
            proxies,
            health,
            metrics: Arc::new(|| "# EOF\n".to_owned()),
            house: "Brixton Energy".to_owned(),
            stop: stopping,
        };
        Stage {
            office,
            router: router(state),
            stop,
            now,
            _folder: None,
        }
    }

    fn apply(&self, file: &str) {
        let document = document_from_toml(file).expect("a document");
        let applied = self.office.apply(&document, "secretary", false, self.now);
        applied.expect("applied");
    }

    /// What an officer may find: a read that waits, a run that waits, a silent meter.
    pub fn with_business(&self) {
        self.held_read();
        let society = self.office.societies().remove(0);
        let asked = RunAsked {
            period: "2013".parse().expect("a year"),
            classes: Vec::new(),
            declared: Asked::Rates(vec![rate_of_text("3.25").expect("a rate")]),
            published: Vec::new(),
            policy: None,
            replaces: None,
        };
        let made = society.prepare_run(&asked, "somebody", self.now);
        assert_eq!(made.expect("prepared").number, 1);
        let raised = AlertRaised {
            number: 1,
            kind: "silent".to_owned(),
            site: "elmore-house".to_owned(),
            meter: "SAMPLE-BES1-1".to_owned(),
            since_ms: self.now.0,
            text: "Meter SAMPLE-BES1-1 says nothing.".to_owned(),
        };
        let what = What::AlertRaised(raised);
        society.decide(what, "daemon", self.now).expect("raised");
    }

    /// What an officer may find on the pages of money and meters: a frozen bill, a proposal, a read from
    /// a dial that differs, a planned outage.
    pub fn with_work(&self) {
        let society = self.office.societies().remove(0);
        let host = society.billed("elmore-house-landlord").expect("a host");
        let days = "2016-06-11..2016-06-13".parse().expect("days");
        let bill = society.freeze_bill(&host, days, false, "somebody", self.now);
        assert_eq!(bill.expect("frozen").bill.number, 1);
        let extend = Extend {
            table: Table::BankRate,
            rows: vec![
                [("from", "2016-08-04"), ("percent", "0.25")]
                    .map(|(name, text)| (name.to_owned(), text.to_owned()))
                    .into(),
            ],
            source: "Bank of England, 4 August 2016".to_owned(),
            certainty: Certainty::High,
            file: Some(page_of_a_bank()),
        };
        let proposed = society.extend_table(&extend, "somebody", self.now);
        assert_eq!(proposed.expect("proposed").extended.number, 1);
        let read = TakenRead {
            meter_point: "elmore-house-generation".to_owned(),
            meter: "SAMPLE-BES1-1".to_owned(),
            register: "2.8.0".parse().expect("a register"),
            at: DIAL_AT.parse().expect("an instant"),
            display_kwh: "60000.0".to_owned(),
            portal: None,
            tolerance: DIAL_TOLERANCE,
            photo: Some(photo()),
        };
        let taken = society.take_read(&read, "somebody", self.now);
        assert!(taken.expect("taken").differs());
        let asked = AskedOutage {
            site: "elmore-house".to_owned(),
            from: "2016-07-01".parse().expect("a day"),
            to: "2016-07-10".parse().expect("a day"),
            cause: "roof repairs".to_owned(),
            asked_by: "the council".to_owned(),
            clause: String::new(),
            allowance_days: Some(5),
            all_plant_removed: false,
        };
        let planned = society.plan_outage(&asked, "somebody", self.now);
        assert_eq!(planned.expect("planned").planned.number, 1);
    }

    /// What is there once run 1 is frozen: an order that was released, a letter that was acted on.
    pub fn with_returns(&self) {
        let society = self.office.societies().remove(0);
        let hash = society.interest_run(1).expect("a run").hash;
        let approved = society.approve_run(1, &hash, "another", self.now);
        approved.expect("approved");
        society.freeze_run(1, "somebody", self.now).expect("frozen");
        let order = OrderAsked {
            run: 1,
            profile: NamedProfile::named("by-hand").expect("a profile"),
            on: "2016-06-15".parse().expect("a day"),
            only: Vec::new(),
            by_cheque: Vec::new(),
        };
        let made = society.prepare_order(&order, "somebody", self.now);
        let hash = made.expect("prepared").0.hash();
        let approved = society.approve_order(1, &hash, "another", self.now);
        approved.expect("approved");
        let released = society.release_order(1, "by-hand", Some(1), "somebody", self.now);
        released.expect("released");
        let letter = LetterOf {
            member: 4,
            is_call: true,
            received: "2016-06-14".parse().expect("a day"),
            source: "SAMPLE call".to_owned(),
            payment: Some(Payment::Fund),
            ..LetterOf::default()
        };
        let acted = society.act_on_letter(&letter, "somebody", self.now);
        assert_eq!(acted.expect("acted on"), 1);
    }

    /// A read that jumps above what the roof can make; its page.
    pub fn held_read(&self) {
        let request = ImportRequest {
            file: "jump.csv".into(),
            text: format!(
                "meter,register,time,value,unit,source\nSAMPLE-BES1-1,2.8.0,2016-06-15T12:40:00Z,{HELD_WH},Wh,\n"
            ),
            layout: records::import::Layout::register_reads(None),
            by: "secretary".into(),
        };
        let society = self.office.societies().remove(0);
        let imported = society.import(&request, self.now, &mut |_, _, _| {});
        assert_eq!(imported.expect("imported").held, 1);
    }

    /// A ballot of residents that is closed, with one vote.
    pub fn with_ballot(&self) {
        let society = self.office.societies().remove(0);
        let day = "2016-06-15";
        let file = format!(
            "title = \"A question\"\ntext = \"Shall it be so?\"\nelectorate = \"residents\"\nrecord_day = \"{day}\"\nopens = \"{day}\"\ncloses = \"{day}\"\nquorum = \"1\"\nmajority = \"simple\"\n"
        );
        let of = CallOf {
            file: BallotFile::from_toml(&file).expect("a ballot"),
            list: Some(Given {
                name: "list.csv".to_owned(),
                bytes: b"number\n1\n".to_vec(),
            }),
        };
        society
            .call_ballot(&of, "secretary", self.now)
            .expect("called");
        let code = society
            .voting_codes(1, None, self.now)
            .expect("codes")
            .remove(0);
        let vote = VoteOf {
            ballot: 1,
            code: code.code,
            on_behalf: None,
            choice: "for".to_owned(),
        };
        society.vote(&vote, self.now).expect("voted");
        society
            .close_ballot(1, "secretary", self.now)
            .expect("closed");
    }

    /// The sample members and shares of Elmore House's society.
    pub fn with_roll(&self) {
        let society = self.office.societies().remove(0);
        let file = |file: &str, text: &str| Columns {
            file: file.to_owned(),
            bytes: text.as_bytes().to_vec(),
            sheet: None,
            named: Vec::new(),
            preview: false,
        };
        let members = file("bes1-members.csv", BES1_MEMBERS);
        let shares = file("bes1-shares.csv", BES1_SHARES);
        let done = society.import_members(&members, "secretary", self.now);
        assert_eq!(done.expect("members").problems.len(), 0);
        let done = society.import_shares(&shares, "secretary", self.now);
        assert_eq!(done.expect("shares").problems.len(), 0);
    }

    /// Reads of each half hour in a span: 10 kW from six to six UTC, and nothing else.
    pub fn import(&self, from: &str, to: &str) {
        const HALF_HOUR_MS: i64 = 1_800_000;
        let (from, to): (Instant, Instant) = (
            from.parse().expect("an instant"),
            to.parse().expect("an instant"),
        );
        let first: Instant = "2016-06-01T00:00:00Z".parse().expect("an instant");
        let meter: Arc<str> = Arc::from("SAMPLE-BES1-1");
        let mut text = String::from("meter,register,time,value,unit,source\n");
        let mut wh = 50_000_000;
        let mut at = first;
        while at <= to {
            if at >= from {
                text.push_str(&format!("{meter},2.8.0,{at},{wh},Wh,\n"));
            }
            at = at.plus_ms(HALF_HOUR_MS);
            if (13..=36).contains(&(at.0.rem_euclid(86_400_000) / HALF_HOUR_MS)) {
                wh += 5_000;
            }
        }
        let request = ImportRequest {
            file: "reads.csv".into(),
            text,
            layout: records::import::Layout::register_reads(None),
            by: "secretary".into(),
        };
        let society = self.office.societies().remove(0);
        let received = self.now.max(to);
        let imported = society
            .import(&request, received, &mut |_, _, _| {})
            .expect("imported");
        assert_eq!(
            (imported.held, imported.refused, imported.unplaced),
            (0, 0, 0),
            "{:?}",
            imported.reasons
        );
    }

    /// A user who is set up, with these roles everywhere; gives their second factor.
    pub fn user(&self, id: &str, roles: &[&str]) -> Secret {
        let roles = roles.iter().map(|role| UserRole {
            role: (*role).to_owned(),
            society: None,
        });
        let roles = Some(roles.collect());
        let invited = self.office.invite_user(id, roles, "owner", self.now);
        let secret = Secret([u8::try_from(id.len()).expect("a short id"); 20]);
        self.set_up(id, &invited.expect("invited"), Some(&secret));
        secret
    }

    /// A user who is a member and nothing else.
    pub fn member(&self, id: &str, society: &str, number: u32) {
        let invited = self
            .office
            .invite_member(id, society, number, "owner", self.now);
        self.set_up(id, &invited.expect("invited"), None);
    }

    fn set_up(&self, id: &str, invitation: &str, secret: Option<&Secret>) {
        // A step earlier, so that the code of the moment is still good for the login.
        let then = self.now.plus_ms(-30_000);
        let code = secret.map(|secret| secret.code(then.0)).unwrap_or_default();
        let set_up = SetUp {
            user: id,
            invitation,
            password: PASSWORD,
            second: secret.map(|secret| (secret, code.as_str())),
        };
        let done = self.office.set_up_user(&set_up, Whence::Machine, then);
        done.expect("set up");
    }

    /// Logs somebody in from this machine; gives the cookie.
    pub async fn log_in(&self, id: &str, secret: Option<&Secret>) -> String {
        let code = secret
            .map(|secret| secret.code(self.now.0))
            .unwrap_or_default();
        let form = format!("user={id}&password={PASSWORD}&code={code}").replace(' ', "+");
        let answer = self.send("/login", &form, "").await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        let cookie = answer.header(header::SET_COOKIE);
        cookie.split(';').next().expect("a cookie").to_owned()
    }

    /// A page as somebody who is logged in, on this machine.
    pub async fn see(&self, path: &str, cookie: &str) -> Answer {
        self.with(Method::GET, path, "", cookie, &[]).await
    }

    /// A form as somebody who is logged in, on this machine.
    pub async fn send(&self, path: &str, form: &str, cookie: &str) -> Answer {
        self.with(Method::POST, path, form, cookie, &[]).await
    }

    /// A form with files, as somebody who is logged in, on this machine.
    pub async fn upload(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        files: &[(&str, &str, &[u8])],
        cookie: &str,
    ) -> Answer {
        const EDGE: &str = "----edge-of-a-part";
        let mut body: Vec<u8> = Vec::new();
        let mut part = |head: String, bytes: &[u8]| {
            body.extend(format!("--{EDGE}\r\n{head}\r\n\r\n").as_bytes());
            body.extend(bytes);
            body.extend(b"\r\n");
        };
        for (name, text) in fields {
            let head = format!("Content-Disposition: form-data; name=\"{name}\"");
            part(head, text.as_bytes());
        }
        for (name, file, bytes) in files {
            let head = format!(
                "Content-Disposition: form-data; name=\"{name}\"; filename=\"{file}\"\r\nContent-Type: application/octet-stream"
            );
            part(head, bytes);
        }
        body.extend(format!("--{EDGE}--\r\n").as_bytes());
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header(header::HOST, "127.0.0.1:8080")
            .header(
                header::CONTENT_TYPE,
                format!("multipart/form-data; boundary={EDGE}"),
            )
            .header(header::COOKIE, cookie)
            .body(Body::from(body))
            .expect("a request");
        let peer: SocketAddr = "127.0.0.1:40000".parse().expect("an address");
        request.extensions_mut().insert(ConnectInfo(peer));
        let answer = self.router.clone().oneshot(request).await;
        whole(answer.expect("an answer")).await
    }

    /// Any request on this machine.
    pub async fn with(
        &self,
        method: Method,
        path: &str,
        form: &str,
        cookie: &str,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "127.0.0.1:8080")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if !cookie.is_empty() {
            request = request.header(header::COOKIE, cookie);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request
            .body(Body::from(form.to_owned()))
            .expect("a request");
        let peer: SocketAddr = "127.0.0.1:40000".parse().expect("an address");
        request.extensions_mut().insert(ConnectInfo(peer));
        let answer = self
            .router
            .clone()
            .oneshot(request)
            .await
            .expect("an answer");
        whole(answer).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, &[]).await
    }

    pub async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(header::HeaderName, &str)],
    ) -> Answer {
        whole(self.open(method, path, headers, "192.0.2.7:40000").await).await
    }

    /// The answer as it begins; its body may never end.
    pub async fn open(
        &self,
        method: Method,
        path: &str,
        headers: &[(header::HeaderName, &str)],
        peer: &str,
    ) -> Response {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        let mut request = request.body(Body::empty()).expect("a request");
        request
            .extensions_mut()
            .insert(ConnectInfo(peer.parse::<SocketAddr>().expect("an address")));
        self.router
            .clone()
            .oneshot(request)
            .await
            .expect("an answer")
    }
}

async fn whole(answer: Response) -> Answer {
    let (head, body) = answer.into_parts();
    let kind = head.headers.get(header::CONTENT_TYPE);
    // A live stream does not end.
    let bytes = match kind.is_some_and(|kind| kind == "text/event-stream") {
        true => Default::default(),
        false => to_bytes(body, usize::MAX).await.expect("a body"),
    };
    Answer {
        status: head.status,
        headers: head.headers,
        text: String::from_utf8_lossy(&bytes).into_owned(),
    }
}
