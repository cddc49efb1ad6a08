//! `commonwatt demo`: three Brixton societies as sample data, simulated roofs over real MQTT.
//!
//! The roofs replay measured British generation (see `config/demo/`), scaled to their size, as
//! cumulative registers through the gateway's own publishing code. The history is imported once,
//! with its holes as dated events; from then on the same calendar day of 2016 stands in. The whole
//! house runs on one clock that may go faster than the world's.

use std::{fmt::Write, path::PathBuf, sync::Arc, time::Duration};

use bridge::{
    clock::Clock as RoofClock,
    session::Limits,
    simulate::{
        fleet::{Fleet, Gateway, Plan, cadence_ms},
        half_hours::HalfHours,
        history::{HistoryItem, history},
        meter::Meter,
        register::Wp,
        roof::SimulatedRoof,
        stand_in::{BATH_YEAR, StandInYear},
    },
    uplink::UplinkConfig,
};
use domain::{calendar::Instant, metering::Obis};
use jiff::Timestamp;
use records::{
    decision::{EventKind, MeterEvent, What},
    import::Layout,
};

use super::{
    demo_logins,
    house::House,
    serve::{runtime, told, until_told},
};
use crate::{
    cli::{
        args::{Cli, Demo},
        voice::{Terminal, Voice},
    },
    clock::Clock,
};
use config::Config;
use office::{
    Answer, Counts, Office, Refusal, SocietyOffice,
    answer::OrOurs,
    ballots::{BallotFile, CallOf, PaperBatch},
    blobs::Given,
    document_from_toml,
    import::ImportRequest,
    notes::notes_of_toml,
    outcomes::OUTCOME_NOTES,
    projects::PROJECT_NOTES,
    roll::Columns,
    stake::STAKE_NOTES,
};

const SOCIETIES: [&str; 3] = [
    include_str!("../../config/demo/bes1.toml"),
    include_str!("../../config/demo/bes2.toml"),
    include_str!("../../config/demo/bes3.toml"),
];
const BATH: &str = include_str!("../../config/demo/uk-bath-pv-halfhourly/pv_bath_halfhourly.csv");
const BES1_2013: &str = include_str!("../../config/demo/bes1-2013.csv");
const BES1_MEMBERS: &str = include_str!("../../config/demo/bes1-members.csv");
const BES1_SHARES: &str = include_str!("../../config/demo/bes1-shares.csv");
const STAKE: &str = include_str!("../../config/demo/bes1-stake.toml");
const OUTCOMES: &str = include_str!("../../config/demo/bes1-outcomes.toml");
const PROJECTS: &str = include_str!("../../config/demo/bes1-projects.toml");
const YOUTH_PANEL: &str = include_str!("../../config/demo/bes1-youth-panel.toml");
/// Young people in the sample panel.
const PANEL: u32 = 1_000;
const MONTHLY: &str = include_str!("../../config/mappings/monthly-totals.toml");
const HALF_HOUR_MS: i64 = 1_800_000;
/// Who journals the sample data.
const BY: &str = "demo";

/// Runs the demo; the exit code.
pub fn run(cli: &Cli, demo: &Demo) -> u8 {
    told(start(cli, demo))
}

/// A simulated roof and where it publishes.
struct Roof {
    society: Arc<SocietyOffice>,
    meter: String,
    gateway: String,
    size: Wp,
    roof: SimulatedRoof,
}

fn start(cli: &Cli, demo: &Demo) -> Answer<()> {
    let data = cli
        .data
        .clone()
        .unwrap_or_else(|| PathBuf::from("./demo-data"));
    let mut config = Config::default();
    config.http.listen.clone_from(&demo.http);
    config.mqtt.listen.clone_from(&demo.mqtt);
    config.series.flush_interval_s = 5;
    config.journal.segment_bytes = 16 << 20;
    let mut voice = Terminal::default();
    voice.say("Commonwatt demo: three Brixton societies. SAMPLE: the energy is measured around Bath and scaled to each roof.");
    let real = Clock::system().now();
    let file = HalfHours::read(BATH.as_bytes()).or_ours("the sample generation")?;
    let year = Arc::new(StandInYear::new(&file, BATH_YEAR).or_ours("the sample generation")?);
    // Societies first, on the world's clock: what they hold tells where the demo's clock stands.
    let opening = House::open(&config, &data, &Clock::paced(real, 1))?;
    for text in SOCIETIES {
        opening
            .office
            .apply(&document_from_toml(text)?, BY, false, real)?;
    }
    let mut from = real;
    for society in opening.office.societies() {
        for series in &society.known().series {
            from = from.max(society.last_read(series.id)?.unwrap_or(from));
        }
    }
    opening.office.close();
    drop(opening);
    let clock = Clock::paced(from, demo.speed);
    let opening = House::open(&config, &data, &clock)?;
    let roofs = roofs(&opening.office, &file, &year)?;
    for roof in &roofs {
        load(roof, &file, from, &mut voice)?;
    }
    printed_year(&opening.office, from)?;
    sample_roll(&opening.office, from)?;
    sample_council(&opening.office, from)?;
    let logins = demo_logins::logins(&opening.office, &data, real)?;
    let mut tokens = Vec::new();
    for roof in &roofs {
        tokens.push(opening.office.gateway_token(&roof.gateway, BY, from)?);
    }
    runtime()?.block_on(async move {
        let house = House::start(opening, &config, &clock).await?;
        let address = *house
            .mqtt
            .first()
            .ok_or_else(|| Refusal::Ours("the endpoint has no address".to_owned()))?;
        let fleet = fleet(&roofs, &tokens, address, &clock, real);
        if let Some(http) = house.http {
            voice.data(&format!("Pages: http://{http}/\n"));
        }
        voice.data(&format!("MQTT:  {address}\n"));
        voice.data(&format!("Data:  {}\n", data.display()));
        let print = |voice: &mut Terminal| {
            voice.data("Logins (SAMPLE: role, user, password, code of the moment):\n");
            for login in &logins {
                voice.data(&login.line(Clock::system().now()));
            }
        };
        if !logins.is_empty() {
            print(&mut voice);
            voice.say("A code is good for a minute and once; give the secret to an authenticator app, or press Enter for new ones.");
        }
        voice.say(&format!(
            "{} roofs publish; the clock runs {} times as fast as the world's. Ctrl-C ends it.",
            roofs.len(),
            demo.speed
        ));
        let mut enter = entered();
        let told = until_told()?;
        tokio::pin!(told);
        loop {
            tokio::select! {
                () = &mut told => break,
                line = enter.recv() => match line {
                    Some(()) => print(&mut voice),
                    None => {
                        told.await;
                        break;
                    }
                },
            }
        }
        fleet.stop(Duration::from_secs(2)).await;
        house.close().await;
        Ok(())
    })
}

/// Each time somebody presses Enter; it ends where nobody is at the terminal.
fn entered() -> tokio::sync::mpsc::Receiver<()> {
    let (told, hears) = tokio::sync::mpsc::channel(1);
    // A thread of its own: a read of the terminal cannot be broken off, and ends with the process.
    std::thread::spawn(move || {
        let mut line = String::new();
        while std::io::stdin()
            .read_line(&mut line)
            .is_ok_and(|read| read > 0)
        {
            if told.blocking_send(()).is_err() {
                return;
            }
            line.clear();
        }
    });
    hears
}

/// The sample members and shares of Brixton Energy Solar 1, once.
fn sample_roll(office: &Office, now: Instant) -> Answer<()> {
    let society = office.society("bes1")?;
    if !society.members(now)?.is_empty() {
        return Ok(());
    }
    let file = |file: &str, text: &str| Columns {
        file: file.to_owned(),
        bytes: text.as_bytes().to_vec(),
        sheet: None,
        named: Vec::new(),
        preview: false,
    };
    let members = society.import_members(&file("bes1-members.csv", BES1_MEMBERS), BY, now)?;
    let shares = society.import_shares(&file("bes1-shares.csv", BES1_SHARES), BY, now)?;
    match members.problems.iter().chain(&shares.problems).next() {
        None => Ok(()),
        Some(problem) => Err(Refusal::Ours(format!(
            "the sample roll, row {}: {}",
            problem.row, problem.text
        ))),
    }
}

/// What a council lends, outcomes, residents' projects and a ballot of young people, all SAMPLE, once.
fn sample_council(office: &Office, now: Instant) -> Answer<()> {
    let society = office.society("bes1")?;
    society.note_stake(notes_of_toml(STAKE, &STAKE_NOTES)?, BY, now)?;
    society.note_outcomes(notes_of_toml(OUTCOMES, &OUTCOME_NOTES)?, BY, now)?;
    society.note_projects(notes_of_toml(PROJECTS, &PROJECT_NOTES)?, BY, now)?;
    if !society.ballots()?.is_empty() {
        return Ok(());
    }
    let today = society.known().zone.day_of(now);
    let file = YOUTH_PANEL.replace("TODAY", &today.to_string());
    let mut list = "number,age\n".to_owned();
    for number in 1..=PANEL {
        let _ = writeln!(list, "{number},{}", 11 + number % 14);
    }
    let of = CallOf {
        file: BallotFile::from_toml(&file)?,
        list: Some(Given {
            name: "youth-panel.csv".to_owned(),
            bytes: list.into_bytes(),
        }),
    };
    let ballot = society.call_ballot(&of, BY, now)?.called.number;
    // Papers, as two officers read them; all of them are in, so that it can be closed.
    let choice = |number: u32| match number % 4 {
        0 => "studio=3000,sport=2000,transport=5000",
        1 => "studio=6000,sport=4000",
        2 => "transport=8000,sport=2000",
        _ => "studio=2000,transport=4000",
    };
    for officer in ["secretary", "treasurer"] {
        let batch = PaperBatch {
            by: officer.to_owned(),
            voters: (1..=PANEL).collect(),
            choices: (1..=PANEL)
                .map(|number| choice(number).to_owned())
                .collect(),
        };
        society.enter_papers(ballot, &batch, now)?;
    }
    society.close_ballot(ballot, BY, now).map(drop)
}

fn roofs(office: &Office, file: &HalfHours, year: &Arc<StandInYear>) -> Answer<Vec<Roof>> {
    let mut roofs = Vec::new();
    for society in office.societies() {
        let known = society.known();
        for gateway in &known.document.gateway {
            let Some((_, point)) = known
                .points
                .iter()
                .find(|(_, p)| p.site == gateway.site && p.counts == Counts::Generation)
            else {
                continue;
            };
            let Some(meter) = point.meters.last() else {
                continue;
            };
            let size: Wp = point.ceiling.kw_text().parse().or_ours("a roof's size")?;
            let (origin, opening) = history(file, size, 0)
                .filter_map(|item| match item {
                    HistoryItem::Read { at, wh } => Some((at, wh)),
                    HistoryItem::Hole { .. } => None,
                })
                .last()
                .ok_or_else(|| Refusal::Ours("the sample generation is empty".to_owned()))?;
            roofs.push(Roof {
                society: Arc::clone(&society),
                meter: meter.clone(),
                gateway: gateway.id.clone(),
                size,
                roof: SimulatedRoof::new(Arc::clone(year), size, origin, opening),
            });
        }
    }
    Ok(roofs)
}

/// Imports what a roof's register showed up to `until`, from where its reads end.
fn load(roof: &Roof, file: &HalfHours, until: Instant, voice: &mut dyn Voice) -> Answer<()> {
    let known = roof.society.known();
    let series = known
        .series_of(&roof.meter, Obis::EXPORT)
        .ok_or_else(|| Refusal::Ours(format!("meter `{}` has no register", roof.meter)))?;
    let last = roof.society.last_read(series)?.unwrap_or(Instant(i64::MIN));
    let mut text = String::from("meter,register,time,value,unit,source\n");
    let mut lines = 0_u64;
    let mut add = |at: Timestamp, wh: i64| {
        if at.as_millisecond() > last.0 {
            lines += 1;
            let _ = writeln!(text, "{},2.8.0,{at},{wh},Wh,", roof.meter);
        }
    };
    let mut holes = Vec::new();
    for item in history(file, roof.size, 0) {
        match item {
            HistoryItem::Read { at, wh } => add(at, wh),
            HistoryItem::Hole {
                closed_at,
                final_wh,
                opened_at,
                opening_wh,
            } => {
                if opened_at.as_millisecond() > last.0 {
                    holes.push(What::MeterEvent(MeterEvent {
                        kind: EventKind::Reset,
                        meter: roof.meter.clone(),
                        register: Obis::EXPORT.to_string(),
                        closed_at_ms: closed_at.as_millisecond(),
                        final_wh,
                        next_meter: roof.meter.clone(),
                        opened_at_ms: opened_at.as_millisecond(),
                        opening_wh,
                        reason: "SAMPLE: the measured series has a hole here".to_owned(),
                    }));
                }
            }
        }
    }
    let stamp = |at: Instant| Timestamp::from_millisecond(at.0).or_ours("the clock");
    let after = stamp(Instant(last.0.max(roof.roof.origin().as_millisecond())))?;
    for (at, shown) in roof.roof.reads(after, stamp(until)?, HALF_HOUR_MS) {
        add(at, shown.wh);
    }
    if lines == 0 {
        return Ok(());
    }
    roof.society.decide_all(holes, BY, until)?;
    let request = ImportRequest {
        file: "demo".to_owned(),
        text,
        layout: Layout::register_reads(None),
        by: BY.to_owned(),
    };
    let label = format!("loading {}", roof.meter);
    let imported = roof
        .society
        .import(&request, until, &mut |step, done, total| {
            voice.progress(&format!("{label}, {step}"), done, total);
        })?;
    if imported.held + imported.refused > 0 {
        let first = imported
            .reasons
            .first()
            .map(|(_, _, why)| why.clone())
            .unwrap_or_default();
        return Err(Refusal::Ours(format!(
            "the sample reads of `{}` did not all stand: {first}",
            roof.meter
        )));
    }
    Ok(())
}

/// BES1's year 2013 is in print (32,586 kWh); its months are a sample. Imported as history.
fn printed_year(office: &Office, now: Instant) -> Answer<()> {
    let society = office.society("bes1")?;
    let there = society
        .books()
        .history_months("elmore-house")
        .or_ours("books.sqlite")?;
    if !there.is_empty() {
        return Ok(());
    }
    let layout: Layout = toml::from_str(MONTHLY).or_ours("the layout of monthly totals")?;
    let request = ImportRequest {
        file: "bes1-2013.csv".to_owned(),
        text: BES1_2013.to_owned(),
        layout,
        by: BY.to_owned(),
    };
    society.import(&request, now, &mut |_, _, _| {}).map(|_| ())
}

fn fleet(
    roofs: &[Roof],
    tokens: &[String],
    address: std::net::SocketAddr,
    clock: &Clock,
    real: Instant,
) -> Fleet {
    let speed = clock.speed();
    let same = clock.clone();
    let plan = Plan {
        clock: RoofClock::following(move || same.now().0, speed),
        // Rises at each start: the world's time.
        boot: u64::try_from(real.0).unwrap_or_default(),
        limits: Limits::default(),
        every_ms: cadence_ms(speed),
        until: None,
    };
    let gateways = roofs
        .iter()
        .zip(tokens)
        .map(|(roof, token)| {
            let mut uplink = UplinkConfig::new(
                address.ip().to_string(),
                address.port(),
                roof.gateway.clone(),
            );
            uplink.token = Some(token.clone());
            Gateway {
                uplink,
                meters: vec![Meter::measured(
                    roof.meter.clone(),
                    Obis::EXPORT.to_string(),
                    roof.roof.clone(),
                )],
            }
        })
        .collect();
    Fleet::start(&plan, gateways)
}
