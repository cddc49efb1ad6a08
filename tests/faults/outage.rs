//! A gateway that was cut off for a week: ten meters, a read each minute. Its replay must not keep
//! what it reads now from arriving.

use std::time::{Duration, Instant};

use bridge::{
    backlog::Disk,
    clock::{Clock, ClockState, Now},
    note::{Form, MeterRead, MeterState},
    session::{Limits, Session},
    uplink::{Uplink, UplinkConfig},
};
use jiff::Timestamp;

use crate::{
    daemon::{Place, Settings},
    society,
};

const METERS: usize = 10;
const MINUTES: i64 = 7 * 24 * 60;
/// The promise: a read made now is receipted within so long, whatever is being replayed.
const LIVE_WITHIN: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(120);

fn read(meter: usize, at: Timestamp, wh: i64) -> MeterRead {
    MeterRead {
        meter: format!("METER-0-{meter}"),
        register: "2.8.0".into(),
        at,
        wh,
        w: Some(240),
        state: MeterState::Good,
    }
}

#[test]
fn a_week_of_ten_meters_is_replayed_without_delaying_live_reads() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::new(
        folder.path().join("data"),
        folder.path(),
        Settings::default(),
    );
    let account = society::found(&place, 1, METERS).remove(0);
    let daemon = place.start();

    let limits = Limits {
        reads_per_note: METERS,
        ..Limits::default()
    };
    let notes = Disk::open(&folder.path().join("notes"), 256 << 20).unwrap();
    let mut session = Session::over(notes, Form::Json, limits).unwrap();
    session.start(1);
    let end_ms = Timestamp::now().as_millisecond() / 60_000 * 60_000 - 60_000;
    for minute in 0..MINUTES {
        let at = Timestamp::from_millisecond(end_ms - (MINUTES - minute) * 60_000).unwrap();
        let now = Now {
            tick_ms: 0,
            wall: at,
            state: ClockState::Synced,
        };
        for meter in 0..METERS {
            session.read(read(meter, at, 1_000_000 + 4 * minute), now);
        }
    }
    assert_eq!(session.standing().unreceipted, MINUTES as usize);

    let mut config = UplinkConfig::new("127.0.0.1", place.mqtt, account.gateway.as_str());
    config.token = Some(account.token);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let (state, live, took) = runtime.block_on(async {
        let clock = Clock::system(ClockState::Synced);
        let uplink = Uplink::over(config, session, limits, clock.clone());
        let state = uplink.watch();
        let began = Instant::now();
        let mut live = 0;
        // Live reads go on for a while after the replay, so that the last of them count too.
        while state.borrow().standing.unreceipted > 2 || live < 20 {
            assert!(began.elapsed() < PATIENCE, "{:?}", *state.borrow());
            let at = clock.now().wall;
            for meter in 0..METERS {
                uplink
                    .read(read(meter, at, 1_100_000 + live))
                    .await
                    .unwrap();
            }
            live += 1;
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        let took = began.elapsed();
        (uplink.stop(Duration::from_secs(10)).await, live, took)
    });
    let slowest = Duration::from_millis(state.standing.slowest_live_ms);
    println!(
        "a week of {METERS} meters: {} notes replayed in {took:.1?}, {live} live notes meanwhile, \
         the slowest receipted after {slowest:?}",
        MINUTES
    );
    assert_eq!(state.standing.unreceipted, 0, "{state:?}");
    assert!(
        state.standing.slowest_live_ms > 0,
        "no live note was measured"
    );
    assert!(slowest < LIVE_WITHIN, "{slowest:?}");
    daemon.stop();
    let today = Timestamp::now().to_string();
    let listed = place.ask(&[
        "reads",
        "list",
        "--meter",
        "METER-0-3",
        "--from",
        "2020-01-01",
        "--to",
        &today[..10],
    ]);
    let expected = MINUTES as usize + usize::try_from(live).unwrap();
    assert_eq!(listed.as_array().map(Vec::len), Some(expected));
}
