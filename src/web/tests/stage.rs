//! An office with Elmore House in it, a fortnight of reads, and a browser of sorts.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::ConnectInfo,
    http::{HeaderMap, Method, Request, StatusCode, header},
    response::Response,
};
use domain::calendar::Instant;
use tempfile::TempDir;
use tokio::sync::watch;
use tower::ServiceExt;

use crate::{
    clock::Clock,
    office::{NoWatch, Office, Settings, Watch, document_from_toml, import::ImportRequest},
    web::{WebState, router},
};

pub const BES1: &str = include_str!("../../../config/demo/bes1.toml");
/// A quarter to two in the afternoon in Brixton.
pub const NOW: &str = "2016-06-15T12:45:00Z";
/// Small segments are quick to lay out.
const SEGMENT_BYTES: u64 = 1 << 20;

pub struct Stage {
    pub office: Arc<Office>,
    pub router: Router,
    pub stop: watch::Sender<bool>,
    pub now: Instant,
    _folder: TempDir,
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
        let document = document_from_toml(file).expect("a document");
        stage
            .office
            .apply(&document, "secretary", false, stage.now)
            .expect("applied");
        stage
    }

    /// No society at all.
    pub fn empty() -> Stage {
        Stage::with_health(Vec::new)
    }

    /// No society, and this to say about its health.
    pub fn with_health(health: impl Fn() -> Vec<String> + Send + Sync + 'static) -> Stage {
        let folder = TempDir::new().expect("a folder");
        let now: Instant = NOW.parse().expect("an instant");
        let settings = Settings {
            segment_bytes: SEGMENT_BYTES,
            ..Settings::default()
        };
        let nobody = Arc::new(move |_: &str| Arc::new(NoWatch(now)) as Arc<dyn Watch>);
        let office =
            Arc::new(Office::open(folder.path(), settings, nobody, now).expect("an office"));
        let (stop, stopping) = watch::channel(false);
        let state = WebState {
            office: Arc::clone(&office),
            clock: Clock::paced(now, 1),
            health: Arc::new(health),
            metrics: Arc::new(|| "# EOF\n".to_owned()),
            house: "Brixton Energy".to_owned(),
            stop: stopping,
        };
        Stage {
            office,
            router: router(state),
            stop,
            now,
            _folder: folder,
        }
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

    pub async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, &[]).await
    }

    pub async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(header::HeaderName, &str)],
    ) -> Answer {
        let answer = self.open(method, path, headers, "192.0.2.7:40000").await;
        let (head, body) = answer.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.expect("a body");
        Answer {
            status: head.status,
            headers: head.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
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
