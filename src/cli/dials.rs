//! `reads take|taken|confirm|agree`: reads that a person took from a dial.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use domain::{
    calendar::Instant,
    metering::{DIAL_TOLERANCE, Obis, Verdict},
    quantity::WattHours,
};
use serde_json::{Value, json};

use super::Desk;
use office::{
    Answer, SocietyOffice,
    answer::OrCaller,
    dials::{Chosen, DialRead, ShownBy, TakenRead, figure},
};

/// `reads take`
#[derive(Clone, Debug, Args)]
pub struct Take {
    /// The meter point you stand at
    #[arg(long)]
    pub meter_point: String,
    /// The serial on the meter's face
    #[arg(long, value_name = "SERIAL")]
    pub meter: String,
    /// Register code
    #[arg(long, default_value = "2.8.0")]
    pub register: String,
    /// What the dial shows, kWh
    #[arg(long, value_name = "KWH")]
    pub value: String,
    /// When it showed that
    #[arg(long, value_name = "TIME")]
    pub at: String,
    /// The photo of the dial with the serial number
    #[arg(long, value_name = "FILE")]
    pub photo: Option<PathBuf>,
    /// What the licensee's or inverter's portal says for the same time, kWh
    #[arg(long, value_name = "KWH")]
    pub portal: Option<String>,
    /// How far dial, telemetry and portal may be apart, kWh; 1 when left out
    #[arg(long, value_name = "KWH")]
    pub tolerance: Option<String>,
    /// Zone of a time without offset
    #[arg(long)]
    pub zone: Option<String>,
}

/// Which manual read.
#[derive(Clone, Debug, Args)]
pub struct Which {
    /// Serial of the meter
    #[arg(long, value_name = "SERIAL")]
    pub meter: String,
    /// Register code
    #[arg(long, default_value = "2.8.0")]
    pub register: String,
    /// The time for which it was taken
    #[arg(long, value_name = "TIME")]
    pub at: String,
}

/// Which figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Figure {
    /// What the dial showed.
    Dial,
    /// The reads by telemetry stand; the dial's does not enter.
    Telemetry,
    /// What the portal says.
    Portal,
    /// Another figure, with --value.
    Other,
}

/// Takes a read.
pub fn take(desk: &mut Desk<'_>, take: &Take) -> Answer<()> {
    let society = desk.office.society_of_meter(&take.meter)?;
    let by = desk.officer(&society, "a read from the dial")?;
    let kwh = |text: &str| WattHours::from_kwh_text(text).or_caller();
    let taken = TakenRead {
        meter_point: take.meter_point.clone(),
        meter: take.meter.clone(),
        register: take.register.parse::<Obis>().or_caller()?,
        at: desk.instant(&take.at, take.zone.as_deref(), &society)?,
        display_kwh: take.value.clone(),
        portal: take.portal.as_deref().map(kwh).transpose()?,
        tolerance: take.tolerance.as_deref().map_or(Ok(DIAL_TOLERANCE), kwh)?,
        photo: desk.maybe_given(take.photo.as_deref())?,
    };
    let dial = society.take_read(&taken, &by, desk.now)?;
    show(desk, &society, &dial)
}

/// A second person saw the same.
pub fn confirm(desk: &mut Desk<'_>, which: &Which, value: &str) -> Answer<()> {
    let society = desk.office.society_of_meter(&which.meter)?;
    let by = desk.officer(&society, "confirming a read")?;
    let (register, at) = place(desk, &society, which)?;
    let dial = society.confirm_read((&which.meter, register, at), value, &by, desk.now)?;
    show(desk, &society, &dial)
}

/// Chooses the figure that counts.
pub fn agree(
    desk: &mut Desk<'_>,
    which: &Which,
    chosen: Figure,
    value: Option<&str>,
    reason: &str,
) -> Answer<()> {
    let society = desk.office.society_of_meter(&which.meter)?;
    let by = desk.officer(&society, "choosing the figure of a read")?;
    let (register, at) = place(desk, &society, which)?;
    let other = value
        .map(|text| WattHours::from_kwh_text(text).or_caller())
        .transpose()?;
    let chosen = match chosen {
        Figure::Dial => Chosen::Dial,
        Figure::Telemetry => Chosen::Telemetry,
        Figure::Portal => Chosen::Portal,
        Figure::Other => Chosen::Other,
    };
    let which = (which.meter.as_str(), register, at);
    let dial = society.agree_read(which, chosen, other, reason, &by, desk.now)?;
    show(desk, &society, &dial)
}

/// Lists reads that were taken.
pub fn taken(
    desk: &mut Desk<'_>,
    meter: Option<&str>,
    waiting: bool,
    society: Option<&str>,
) -> Answer<()> {
    let mut lines = Vec::new();
    for society in super::lists::societies(desk, society)? {
        for dial in society.dial_reads(meter)? {
            if !waiting || dial.agreed.is_none() {
                lines.push(document(&society, &dial)?);
            }
        }
    }
    let head = [
        "read at",
        "meter",
        "kWh",
        "taken by",
        "confirmed",
        "figure",
        "photo",
    ];
    desk.table(&head, &lines, |line| {
        let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
        let names = line["confirmed"].as_array().map(|all| {
            let all: Vec<&str> = all.iter().filter_map(|one| one["by"].as_str()).collect();
            all.join(", ")
        });
        vec![
            text("read_at"),
            text("meter"),
            text("kwh"),
            text("taken_by"),
            names.unwrap_or_default(),
            match (line["agreed"]["figure"].as_str(), line["verdict"].as_str()) {
                (None, _) => "waits for an officer".to_owned(),
                (Some(figure), Some(verdict @ ("held" | "refused"))) => {
                    format!("{figure}: {verdict}")
                }
                (Some(figure), _) => figure.to_owned(),
            },
            line["photo"]["name"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        ]
    })
}

fn place(desk: &Desk<'_>, society: &SocietyOffice, which: &Which) -> Answer<(Obis, Instant)> {
    Ok((
        which.register.parse().or_caller()?,
        desk.instant(&which.at, None, society)?,
    ))
}

fn document(society: &SocietyOffice, dial: &DialRead) -> Answer<Value> {
    let at = |ms: i64| Instant(ms).to_string();
    let read = &dial.read;
    let verdict = match &dial.agreed {
        Some((agreed, _)) if agreed.wh.is_some() => society.verdict_on(read)?,
        _ => None,
    };
    let shown = |shown: &Option<ShownBy>| shown.map(|s| json!({"at": at(s.at_ms), "wh": s.wh}));
    Ok(json!({
        "society": society.slug(),
        "meter_point": read.meter_point,
        "meter": read.meter,
        "register": read.register,
        "read_at": at(read.read_at_ms),
        "wh": read.wh,
        "kwh": WattHours(read.wh).kwh_text(),
        "taken_by": dial.taken.0,
        "entered_at": dial.taken.1.to_string(),
        "photo": read.photo.as_ref().map(|photo| json!({
            "sha256": photo.sha256,
            "bytes": photo.bytes,
            "name": photo.name,
            "file": society.kept_at(photo).display().to_string(),
        })),
        "telemetry_before": shown(&read.before),
        "telemetry_after": shown(&read.after),
        "portal_wh": read.portal_wh,
        "tolerance_wh": read.tolerance_wh,
        "findings": read.findings.iter().map(|f| json!({"kind": f.kind, "text": f.text})).collect::<Vec<_>>(),
        "confirmed": dial.confirmed.iter().map(|(by, at)| json!({"by": by, "at": at.to_string()})).collect::<Vec<_>>(),
        "agreed": dial.agreed.as_ref().map(|(agreed, word)| json!({
            "figure": figure(agreed),
            "wh": agreed.wh,
            "by": word.by,
            "at": word.at.to_string(),
            "reason": word.reason,
        })),
        "verdict": verdict.map(Verdict::word),
    }))
}

fn show(desk: &mut Desk<'_>, society: &SocietyOffice, dial: &DialRead) -> Answer<()> {
    let document = document(society, dial)?;
    if desk.json() {
        return desk.document(&document);
    }
    let read = &dial.read;
    let mut text = format!(
        "{} {} at {}: {} on the dial, taken by {}\n",
        read.meter,
        read.register,
        Instant(read.read_at_ms),
        WattHours(read.wh).kwh_words(),
        dial.taken.0
    );
    for finding in &read.findings {
        text.push_str(&format!("note: {}\n", finding.text));
    }
    match &dial.agreed {
        Some((agreed, word)) if document["verdict"] == "accepted" || agreed.wh.is_none() => text.push_str(&format!(
            "the figure that counts: {} ({}, tolerance {})\n",
            figure(agreed),
            word.reason,
            WattHours(read.tolerance_wh).kwh_words()
        )),
        Some((agreed, word)) => text.push_str(&format!(
            "the figure chosen: {} ({}), which does not count yet\n",
            figure(agreed),
            word.reason,
        )),
        None if !dial.differs() => text.push_str(&format!(
            "it counts for nothing until a second person has seen the same\nhint: commonwatt --as OFFICER reads confirm --meter {} --at {} --value KWH\n",
            read.meter,
            Instant(read.read_at_ms)
        )),
        None => text.push_str(&format!(
            "it differs by more than {} and counts for nothing until another officer chooses\nhint: commonwatt --as OFFICER reads agree --meter {} --at {} dial|telemetry|portal|other --reason …\n",
            WattHours(read.tolerance_wh).kwh_words(),
            read.meter,
            Instant(read.read_at_ms)
        )),
    }
    match document["verdict"].as_str() {
        Some("held") => text.push_str("the read is held for what the reads around it say: see `commonwatt reads list --held`; another officer decides with `commonwatt reads decide`\n"),
        Some("refused") => text.push_str("the read is refused: see `commonwatt reads list` for why\n"),
        _ => {}
    }
    match &read.photo {
        Some(photo) => text.push_str(&format!("photo {}\n", photo.sha256)),
        None => text.push_str(
            "no photo; the licensee asks for one with the serial number every two years\n",
        ),
    }
    for (who, at) in &dial.confirmed {
        text.push_str(&format!("confirmed by {who} at {at}\n"));
    }
    desk.voice.data(&text);
    Ok(())
}
