//! `firmware-bridge simulate`: a roof that is not there, through the uplink of one that is.

use std::{
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use bridge::{
    clock::Clock,
    session::Limits,
    simulate::{
        fault::Order,
        fleet::{Fleet, Gateway, Plan, cadence_ms},
        half_hours::HalfHours,
        meter::Meter,
        register::Wp,
        replay::Replay,
        roof::SimulatedRoof,
        sky::{Sky, SkyRoof},
        stand_in::{BATH_YEAR, StandInYear},
    },
    uplink::UplinkConfig,
};
use jiff::{SignedDuration, Timestamp};
use tokio::signal::unix::{SignalKind, signal};

use super::{Failure, Heard, caller, say};

/// How long receipts of the last notes are waited for at the end.
const GRACE: Duration = Duration::from_secs(10);
/// Simulated time runs at most so many times as fast as the real one.
const FASTEST: i64 = 86_400;
/// A fast simulation without an end begins at least so long ago.
const LEAD_MS_LEAST: i64 = 60_000;

/// What can be typed after `simulate`.
///
/// What it publishes is a SAMPLE: give it a gateway and meters of their own.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The daemon's endpoint or a broker.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:1883")]
    broker: String,
    /// The gateway's id.
    #[arg(long, value_name = "ID", default_value = "simulated")]
    gateway: String,
    /// File that holds the gateway's token.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Print the reads as JSON lines instead of publishing them, as fast as can be; needs `--for` or
    /// `--replay`.
    #[arg(long)]
    print: bool,

    /// Serial of a meter that the society file enters for the gateway; may be given several times,
    /// each with clouds of its own. `--print` takes SIM1 without one.
    #[arg(long, value_name = "SERIAL", conflicts_with = "replay")]
    meter: Vec<String>,
    /// OBIS code of its register.
    #[arg(long, value_name = "CODE", default_value = "2.8.0")]
    register: String,
    /// Peak power of each roof [kWp].
    #[arg(long, value_name = "KWP", default_value = "4")]
    size: Wp,
    /// What the register shows at the start [Wh].
    #[arg(long, value_name = "WH", default_value_t = 0, value_parser = clap::value_parser!(i64).range(0..1_000_000_000_000))]
    opening_wh: i64,

    /// Where the roof is [degrees north].
    #[arg(
        long,
        value_name = "DEG",
        default_value_t = 51.4681,
        allow_negative_numbers = true
    )]
    latitude: f64,
    /// Where the roof is [degrees east].
    #[arg(long, value_name = "DEG", default_value_t = -0.103, allow_negative_numbers = true)]
    longitude: f64,
    /// Angle of the panels to the ground [degrees].
    #[arg(long, value_name = "DEG", default_value_t = 35.0)]
    tilt: f64,
    /// Where they face [degrees from north over east].
    #[arg(long, value_name = "DEG", default_value_t = 180.0)]
    azimuth: f64,
    /// 0 for a cloudless sky, 100 for a grey one.
    #[arg(long, value_name = "PERCENT", default_value_t = 60, value_parser = clap::value_parser!(u8).range(0..=100))]
    clouds: u8,
    /// Another number, other clouds.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// What the sleeping inverter draws [W], shown by register 1.8.0; 0 for no such register.
    #[arg(long, value_name = "W", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=1_000))]
    night_draw: u32,

    /// Instead of a computed sky: a file of measured half hours, as the demo uses.
    #[arg(long, value_name = "FILE", conflicts_with = "replay")]
    measured: Option<PathBuf>,
    /// Instead of a roof: a CSV of register reads (meter, register, time, value, unit).
    #[arg(long, value_name = "FILE")]
    replay: Option<PathBuf>,
    /// A fault, `KIND[@START[/DURATION]]`, START an instant or `+2h` from the start; may be given
    /// several times. Kinds: wake-up-zero, freeze, reset, clock-1970, slip, duplicate, conflict, gap.
    #[arg(long, value_name = "FAULT", conflicts_with = "replay")]
    fault: Vec<Order>,

    /// Where simulated time starts; now, or before the first read of a replay, unless given.
    #[arg(long, value_name = "INSTANT")]
    from: Option<Timestamp>,
    /// How long to simulate, in simulated time, such as `2d` or `36h`; until Ctrl-C unless given, or
    /// until the end of a replay.
    #[arg(id = "lasting", long = "for", value_name = "DURATION", value_parser = duration)]
    lasting: Option<SignedDuration>,
    /// Simulated seconds in a real one.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=FASTEST))]
    speed: u32,
    /// Lets reads lie in the future, where a daemon refuses them unless its own clock runs fast.
    #[arg(long)]
    future: bool,
    /// A read so often, in simulated time [s]; must divide a day. Chosen by the speed unless given.
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(i64).range(1..=86_400))]
    every: Option<i64>,
}

/// Does it.
///
/// # Errors
/// [`Failure::Caller`] for a file that cannot be played or numbers that do not fit.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let replay = arguments.replay.as_deref().map(read_replay).transpose()?;
    let every_ms = arguments
        .every
        .map_or(cadence_ms(arguments.speed), |s| s * 1_000);
    if 86_400_000 % every_ms != 0 {
        return Err(caller(
            "`--every` does not divide a day\nhint: take 10, 60 or 300",
        ));
    }
    let (from, until) = span(arguments, replay.as_ref(), every_ms)?;
    let until = match arguments.print || arguments.future {
        true => until,
        false => {
            let now = Timestamp::now();
            up_to_now(from, until, arguments.speed, now).map_err(caller)?
        }
    };
    let meters = match replay {
        Some(replay) => vec![Meter::replay(replay)],
        None => roofs(arguments, from, every_ms)?,
    };
    match until {
        Some(until) if arguments.print => print(&meters, from, until, every_ms),
        None if arguments.print => Err(caller(
            "`--print` never ends\nhint: say how long with `--for`",
        )),
        until => publish(arguments, meters, from, until, every_ms),
    }
}

/// From when to when; the start is the cadence instant before what is to be read first.
fn span(
    arguments: &Arguments,
    replay: Option<&Replay>,
    every_ms: i64,
) -> Result<(Timestamp, Option<Timestamp>), Failure> {
    let played = replay.and_then(Replay::span);
    if replay.is_some() && played.is_none() {
        return Err(caller("the file to replay holds no read"));
    }
    let first = match (arguments.from, played) {
        (Some(from), _) => from.as_millisecond(),
        (None, Some((first, _))) => first.as_millisecond() - 1,
        (None, None) => Timestamp::now().as_millisecond(),
    };
    let instant = |ms: i64| {
        Timestamp::from_millisecond(ms).map_err(|_| caller("the simulation leaves the calendar"))
    };
    let from = instant(first.div_euclid(every_ms) * every_ms)?;
    let until_ms = match (arguments.lasting, played) {
        (Some(lasting), _) => {
            let lasting_ms = i64::try_from(lasting.as_millis()).unwrap_or(i64::MAX);
            Some(from.as_millisecond().saturating_add(lasting_ms))
        }
        (None, Some((_, last))) => Some(last.as_millisecond() + every_ms),
        (None, None) => None,
    };
    Ok((from, until_ms.map(instant).transpose()?))
}

fn roofs(arguments: &Arguments, from: Timestamp, every_ms: i64) -> Result<Vec<Meter>, Failure> {
    let year = arguments.measured.as_deref().map(read_year).transpose()?;
    let degrees = [
        (arguments.latitude, -90.0..=90.0, "latitude"),
        (arguments.longitude, -180.0..=180.0, "longitude"),
        (arguments.tilt, 0.0..=90.0, "tilt"),
        (arguments.azimuth, 0.0..=360.0, "azimuth"),
    ];
    for (value, bounds, name) in degrees {
        if !bounds.contains(&value) {
            return Err(caller(format!(
                "`--{name}` is {value}; expected {bounds:?} degrees"
            )));
        }
    }
    let serials = match arguments.meter.as_slice() {
        [] if arguments.print => &["SIM1".to_owned()][..],
        [] => {
            return Err(caller(
                "no meter is named\nhint: give a serial number that the society file enters, with `--meter`; reads of any other wait there unplaced",
            ));
        }
        given => given,
    };
    let meters = serials.iter().zip(0_u64..).map(|(serial, n)| {
        let (serial, register) = (serial.clone(), arguments.register.clone());
        let meter = if let Some(year) = &year {
            let year = Arc::clone(year);
            let roof = SimulatedRoof::new(year, arguments.size, from, arguments.opening_wh);
            Meter::measured(serial, register, roof)
        } else {
            let sky = Sky {
                latitude_deg: arguments.latitude,
                longitude_deg: arguments.longitude,
                tilt_deg: arguments.tilt,
                azimuth_deg: arguments.azimuth,
                size: arguments.size,
                clouds_percent: arguments.clouds,
                seed: arguments.seed.wrapping_add(n),
                night_draw_w: arguments.night_draw,
            };
            Meter::under(
                SkyRoof::new(sky, from, arguments.opening_wh),
                serial,
                register,
            )
        };
        let placed = |order: &Order| order.placed(from, every_ms);
        meter.with(arguments.fault.iter().map(placed).collect())
    });
    Ok(meters.collect())
}

/// Where the simulation has to end so that no read lies in the future: simulated time that runs faster
/// than the world's comes to the present after a while.
fn up_to_now(
    from: Timestamp,
    until: Option<Timestamp>,
    speed: u32,
    now: Timestamp,
) -> Result<Option<Timestamp>, String> {
    let lead_ms = now.as_millisecond() - from.as_millisecond();
    let hint =
        "hint: begin earlier with `--from`; or `--future`, if the daemon's clock runs fast too";
    if lead_ms < 0 {
        return Err(format!(
            "the simulation begins in the future, at {from}\n{hint}"
        ));
    }
    // It reaches the present after `lead / (speed - 1)` of real time.
    let Some(faster) = speed.checked_sub(1).filter(|faster| *faster > 0) else {
        return Ok(until);
    };
    let present_ms = lead_ms.saturating_mul(i64::from(speed)) / i64::from(faster);
    let present = Timestamp::from_millisecond(from.as_millisecond().saturating_add(present_ms))
        .map_err(|_| "the simulation leaves the calendar".to_owned())?;
    match until {
        Some(until) if until > present => Err(format!(
            "at {speed} times the world's speed reads after {present:.0} would lie in the future\n{hint}"
        )),
        None if lead_ms < LEAD_MS_LEAST => Err(format!(
            "at {speed} times the world's speed every read from now on would lie in the future\n{hint}"
        )),
        until => Ok(Some(until.unwrap_or(present))),
    }
}

/// Prints what would be published.
fn print(
    meters: &[Meter],
    from: Timestamp,
    until: Timestamp,
    every_ms: i64,
) -> Result<(), Failure> {
    let mut before = from;
    while before < until {
        let Ok(at) = Timestamp::from_millisecond(before.as_millisecond() + every_ms) else {
            break;
        };
        let mut lines = String::new();
        for read in meters.iter().flat_map(|meter| meter.reads(before, at)) {
            lines += &serde_json::to_string(&read).context("a read is no JSON")?;
            lines.push('\n');
        }
        if say(lines)? == Heard::Enough {
            break;
        }
        before = at;
    }
    Ok(())
}

fn publish(
    arguments: &Arguments,
    meters: Vec<Meter>,
    from: Timestamp,
    until: Option<Timestamp>,
    every_ms: i64,
) -> Result<(), Failure> {
    let (host, port) = arguments
        .broker
        .rsplit_once(':')
        .and_then(|(host, port)| Some((host, port.parse().ok()?)))
        .ok_or_else(|| caller(format!("`{}` is no HOST:PORT", arguments.broker)))?;
    let mut uplink = UplinkConfig::new(host, port, arguments.gateway.as_str());
    if let Some(file) = &arguments.token_file {
        let token = std::fs::read_to_string(file).map_err(|e| named(file, &e))?;
        uplink.token = Some(token.trim().to_owned());
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("threads cannot be started")?;
    let end = runtime.block_on(async {
        let clock = Clock::simulated(from, arguments.speed);
        let plan = Plan {
            clock: clock.clone(),
            // Rises at each start.
            boot: u64::try_from(Timestamp::now().as_second()).unwrap_or(1),
            limits: Limits::default(),
            every_ms,
            until,
        };
        let fleet = Fleet::start(&plan, vec![Gateway { uplink, meters }]);
        tracing::info!(%from, speed = arguments.speed, every_ms, "SAMPLE: simulated roofs publish");
        let mut term = signal(SignalKind::terminate()).context("SIGTERM cannot be heard")?;
        let over = async {
            match until {
                // One look more, so that the last read is among those published.
                Some(until) => {
                    let wait = clock.real_wait_until(until);
                    tokio::time::sleep(wait + Duration::from_millis(300)).await;
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = term.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
            () = over => {}
        }
        Ok::<_, anyhow::Error>(fleet.stop(GRACE).await)
    })?;
    if end.unreceipted > 0 {
        return Err(caller(format!(
            "{} notes have no receipt\nhint: is the daemon there, and `{}` a gateway of it with this token?",
            end.unreceipted, arguments.gateway
        )));
    }
    Ok(())
}

fn read_replay(file: &Path) -> Result<Replay, Failure> {
    let opened = File::open(file).map_err(|e| named(file, &e))?;
    Replay::read(BufReader::new(opened)).map_err(|e| named(file, &e))
}

fn read_year(file: &Path) -> Result<Arc<StandInYear>, Failure> {
    let opened = File::open(file).map_err(|e| named(file, &e))?;
    let half_hours = HalfHours::read(BufReader::new(opened)).map_err(|e| named(file, &e))?;
    let year = StandInYear::new(&half_hours, BATH_YEAR).map_err(|e| named(file, &e))?;
    Ok(Arc::new(year))
}

fn named(file: &Path, error: &dyn std::fmt::Display) -> Failure {
    caller(format!("`{}`: {error}", file.display()))
}

fn duration(text: &str) -> Result<SignedDuration, String> {
    // A day of simulated time has 24 hours; jiff's own durations leave days out.
    let span: jiff::Span = text.parse().map_err(|e: jiff::Error| e.to_string())?;
    let lasting = span
        .to_duration(jiff::SpanRelativeTo::days_are_24_hours())
        .map_err(|e| e.to_string())?;
    if lasting < SignedDuration::from_secs(1) {
        return Err("expected at least a second".to_owned());
    }
    Ok(lasting)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_read_of_a_fast_simulation_lies_in_the_future() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let now = at("2026-06-11T00:00:00Z");
        let (ten_days_ago, last) = (at("2026-06-01T00:00:00Z"), at("2026-06-10T00:00:00Z"));
        let until = |from, until, speed| up_to_now(from, until, speed, now);
        assert_eq!(until(ten_days_ago, Some(last), 3_600), Ok(Some(last)));
        // Ten days at eleven times the speed: a day of real time passes meanwhile.
        assert_eq!(
            until(ten_days_ago, None, 11),
            Ok(Some(at("2026-06-12T00:00:00Z")))
        );
        assert_eq!(until(now, None, 1), Ok(None));
        for (from, end, speed) in [
            (now, None, 60),
            (now, Some(at("2026-06-12T00:00:00Z")), 60),
            (ten_days_ago, Some(at("2026-06-12T00:00:01Z")), 11),
            (at("2026-06-11T00:00:01Z"), None, 1),
        ] {
            let error = until(from, end, speed).unwrap_err();
            assert!(
                error.contains("future\nhint: begin earlier")
                    || error.contains("begins in the future"),
                "{error}"
            );
        }
    }
}
