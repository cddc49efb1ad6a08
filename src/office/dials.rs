//! Reads that a person took from a dial: with photo, held against telemetry and a portal, agreed once.
//!
//! What was seen is a decision of its own and never changes. It enters the series, and with it
//! claims, only when its figure is agreed: at once where telemetry of the same hour and any portal hold
//! it within the usual tolerance; where they say too little, when a second officer looked at the photo
//! and saw the same; where they differ, when another officer than the one who took it chooses and says
//! why.

use domain::{
    calendar::{Instant, Span},
    metering::{Dial, DialFinding, Mark, Obis, Register, SeriesId, Source, Verdict},
    quantity::WattHours,
};
use journal::Records;
use records::{
    Decoded,
    decision::{ReadAction, ReadDecision, What},
    import::{ImportHeader, Layout, RowReader, place},
    income::Finding,
    roofs::{ManualRead, ReadAgreed, ReadConfirmed},
};
pub use records::{
    roofs::{Chosen, ShownBy},
    tables::Kept,
};

use super::{
    answer::{Answer, OrOurs, Refusal, refuse},
    blobs::{Expected, Given},
    known::{Known, KnownPoint},
    projector::{KnownPlaces, directory_of},
    reads::Word,
    society::SocietyOffice,
};

/// How far around the dial's time reads by telemetry are looked for: 40 days.
const AROUND_MS: i64 = 40 * 86_400_000;
const COLUMNS: &str = "meter,register,time,value,unit,source";
/// What the reason of a figure says that nothing spoke against.
const WITHIN: &str = "within tolerance";
/// And what it says where a second person saw the same.
const CONFIRMED: &str = "a second person saw the same";

/// A read as it is handed in.
#[derive(Clone, Debug)]
pub struct TakenRead {
    /// Where the person stood.
    pub meter_point: String,
    /// The serial on the meter's face.
    pub meter: String,
    /// Its register.
    pub register: Obis,
    /// When the dial showed it.
    pub at: Instant,
    /// What the dial showed, kWh as text.
    pub display_kwh: String,
    /// What the portal says for the same time.
    pub portal: Option<WattHours>,
    /// How far they may be apart.
    pub tolerance: WattHours,
    /// The photo.
    pub photo: Option<Given>,
}

/// A manual read with what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DialRead {
    /// What was seen.
    pub read: ManualRead,
    /// Who took it, and when it was entered.
    pub taken: (String, Instant),
    /// Who looked at it again, and when.
    pub confirmed: Vec<(String, Instant)>,
    /// The figure that counts, who chose it and when; none while it waits.
    pub agreed: Option<(ReadAgreed, Word)>,
}

impl DialRead {
    /// Whether telemetry or a portal says something else, so that the figure has to be chosen.
    #[must_use]
    pub fn differs(&self) -> bool {
        differs(&self.read)
    }

    fn is(&self, meter: &str, register: Obis, at: Instant) -> bool {
        self.read.meter == meter
            && self.read.register == register.to_string()
            && self.read.read_at_ms == at.0
    }
}

impl SocietyOffice {
    /// What a read would be taken as; nothing is recorded. The photo is looked at and not kept.
    ///
    /// # Errors
    /// When the meter does not hang there, the figure cannot be on that dial, or another figure was
    /// taken for the same time.
    pub fn look_at_read(&self, taken: &TakenRead, now: Instant) -> Answer<ManualRead> {
        if let Some(before) = self.same_read(taken, now)? {
            return Ok(before.read);
        }
        if let Some(photo) = &taken.photo {
            super::blobs::check(photo, Expected::Photo)?;
        }
        self.read_of(taken)
    }

    /// Takes a read; one that was taken before with the same figure is found and nothing is appended.
    ///
    /// # Errors
    /// When the meter does not hang there, the figure cannot be on that dial, or another figure was
    /// taken for the same time; nothing is recorded then.
    pub fn take_read(&self, taken: &TakenRead, by: &str, now: Instant) -> Answer<DialRead> {
        if let Some(before) = self.same_read(taken, now)? {
            return Ok(before);
        }
        let mut read = self.read_of(taken)?;
        if let Some(given) = &taken.photo {
            read.photo = Some(self.keep(given, Expected::Photo)?);
        }
        let mut what = vec![What::ManualRead(Box::new(read.clone()))];
        let (mut records, mut along) = (Records::default(), Decoded::default());
        if read.findings.is_empty() {
            what.push(What::ReadAgreed(as_shown(&read, WITHIN)));
            entering(&self.known(), &read, by, now, &mut records, &mut along)?;
        }
        self.decide_along(what, records, along, by, now)?;
        self.standing_dial(taken)
    }

    /// The same read, taken before; what cannot be taken at all is refused.
    fn same_read(&self, taken: &TakenRead, now: Instant) -> Answer<Option<DialRead>> {
        let known = self.known();
        let series = hangs_there(&known, taken)?;
        let (_, register) = of_series(&known, series)?;
        if taken.at > now {
            return refuse(format!(
                "`{}` lies in the future\nhint: give the time at which the dial was read",
                taken.at
            ));
        }
        let wh = register
            .energy_of_display(&taken.display_kwh)
            .map_err(|e| Refusal::Caller(e.to_string()))?;
        if wh < WattHours::ZERO || wh >= register.modulus() {
            return refuse(format!(
                "`{}` kWh cannot be on the dial of meter `{}`, which starts again from 0 at `{}`\nhint: is the decimal point in its place?{}",
                taken.display_kwh,
                taken.meter,
                register.modulus().kwh_text(),
                with_its_point(register, &taken.display_kwh)
                    .map_or_else(String::new, |meant| { format!(" Did you mean `{meant}`?") })
            ));
        }
        if let Some(before) = self.dial_read(&taken.meter, taken.register, taken.at)? {
            if before.read.wh == wh.0 {
                return Ok(Some(before));
            }
            return refuse(format!(
                "another figure, `{}` kWh, was taken from this dial for the same time\nhint: choose the one that counts with `commonwatt reads agree`",
                WattHours(before.read.wh).kwh_text()
            ));
        }
        if let Some(photo) = &taken.photo {
            self.not_a_photo_of_another_day(photo, taken.at)?;
        }
        Ok(None)
    }

    /// The read with what it is held against.
    fn read_of(&self, taken: &TakenRead) -> Answer<ManualRead> {
        let known = self.known();
        let series = hangs_there(&known, taken)?;
        let (point, register) = of_series(&known, series)?;
        let wh = register
            .energy_of_display(&taken.display_kwh)
            .map_err(|e| Refusal::Caller(e.to_string()))?;
        let (before, after) = self.telemetry_around(series, taken.at)?;
        let dial = Dial {
            at: taken.at,
            wh,
            before,
            after,
            portal: taken.portal,
            ceiling: point.ceiling,
            step: register.step(),
            tolerance: taken.tolerance,
        };
        let findings = dial.findings();
        let shown = |mark: Mark| ShownBy {
            at_ms: mark.at.0,
            wh: mark.wh.0,
        };
        Ok(ManualRead {
            meter_point: taken.meter_point.clone(),
            meter: taken.meter.clone(),
            register: taken.register.to_string(),
            read_at_ms: taken.at.0,
            wh: wh.0,
            photo: None,
            portal_wh: taken.portal.map(|wh| wh.0),
            before: before.map(shown),
            after: after.map(shown),
            tolerance_wh: taken.tolerance.0,
            findings: findings
                .iter()
                .map(|finding| Finding {
                    kind: finding.word().to_owned(),
                    text: finding.to_string(),
                })
                .collect(),
        })
    }

    /// A second person saw the same figure. Where nothing differed and one person's word did not do,
    /// it counts from then on.
    ///
    /// # Errors
    /// When there is no such read, the figure is another, or it is the same person.
    pub fn confirm_read(
        &self,
        (meter, register, at): (&str, Obis, Instant),
        display_kwh: &str,
        by: &str,
        now: Instant,
    ) -> Answer<DialRead> {
        let dial = self.needed_dial(meter, register, at)?;
        let known = self.known();
        let shown = known
            .series_of(meter, register)
            .and_then(|series| known.register(series))
            .map(|(_, register)| register.energy_of_display(display_kwh));
        let wh = match shown {
            Some(wh) => wh.map_err(|e| Refusal::Caller(e.to_string()))?,
            None => {
                return refuse(format!(
                    "meter `{meter}` with register `{register}` is not in the society file"
                ));
            }
        };
        if dial.taken.0 == by {
            return refuse(format!(
                "`{by}` took this read; expected a second person\nhint: two people are two people: let another officer look at the photo"
            ));
        }
        if wh.0 != dial.read.wh {
            return refuse(format!(
                "you see `{}` kWh, and `{}` kWh was taken; nothing was confirmed\nhint: choose the figure that counts with `commonwatt reads agree`, or look again",
                wh.kwh_text(),
                WattHours(dial.read.wh).kwh_text()
            ));
        }
        if dial.confirmed.iter().any(|(who, _)| who == by) {
            return Ok(dial);
        }
        let mut what = vec![What::ReadConfirmed(ReadConfirmed {
            meter: dial.read.meter.clone(),
            register: dial.read.register.clone(),
            read_at_ms: dial.read.read_at_ms,
            wh: wh.0,
        })];
        let (mut records, mut along) = (Records::default(), Decoded::default());
        if dial.agreed.is_none() && !dial.differs() {
            let taken_by = &dial.taken.0;
            what.push(What::ReadAgreed(as_shown(&dial.read, CONFIRMED)));
            entering(&known, &dial.read, taken_by, now, &mut records, &mut along)?;
        }
        self.decide_along(what, records, along, by, now)?;
        self.needed_dial(meter, register, at)
    }

    /// Chooses the figure that counts for a read that waits.
    ///
    /// # Errors
    /// When there is no such read, it was agreed before, or the one who took it chooses.
    pub fn agree_read(
        &self,
        (meter, register, at): (&str, Obis, Instant),
        chosen: Chosen,
        other: Option<WattHours>,
        reason: &str,
        by: &str,
        now: Instant,
    ) -> Answer<DialRead> {
        let dial = self.needed_dial(meter, register, at)?;
        if let Some((agreed, word)) = &dial.agreed {
            return refuse(format!(
                "the figure of this read was chosen before: {}, by `{}`; it is chosen once\nhint: a later read from the dial is the way to another figure",
                figure(agreed),
                word.by
            ));
        }
        if reason.trim().is_empty() {
            return refuse(
                "a choice needs a reason\nhint: say why with --reason; the auditor will ask",
            );
        }
        if dial.taken.0 == by {
            return refuse(format!(
                "`{by}` took this read, and it differs from telemetry or the portal; expected another officer to choose"
            ));
        }
        let read = &dial.read;
        let wh = match (chosen, other) {
            (Chosen::Dial, None) => Some(read.wh),
            (Chosen::Telemetry, None) if read.before.is_some() || read.after.is_some() => None,
            (Chosen::Telemetry, None) => {
                return refuse(
                    "telemetry says nothing around this read\nhint: choose `dial`, or import the reads first",
                );
            }
            (Chosen::Portal, None) => match read.portal_wh {
                Some(wh) => Some(wh),
                None => return refuse("no portal's figure was given with this read"),
            },
            (Chosen::Other, Some(wh)) => Some(wh.0),
            (Chosen::Other, None) => {
                return refuse("another figure has to be named\nhint: add --value KWH");
            }
            (_, Some(_)) => return refuse("only `other` names a figure"),
        };
        let agreed = ReadAgreed {
            meter: read.meter.clone(),
            register: read.register.clone(),
            read_at_ms: read.read_at_ms,
            chosen,
            wh,
            reason: reason.to_owned(),
        };
        let mut what = vec![What::ReadAgreed(agreed)];
        let (mut records, mut along) = (Records::default(), Decoded::default());
        if let Some(wh) = wh {
            entering(
                &self.known(),
                read,
                &dial.taken.0,
                now,
                &mut records,
                &mut along,
            )?;
            what.push(What::ReadDecision(ReadDecision {
                meter: read.meter.clone(),
                register: read.register.clone(),
                read_at_ms: read.read_at_ms,
                wh: read.wh,
                action: if wh == read.wh {
                    ReadAction::Accept
                } else {
                    ReadAction::Correct
                },
                corrected_wh: (wh != read.wh).then_some(wh),
                reason: format!("agreed: {reason}"),
            }));
        }
        self.decide_along(what, records, along, by, now)?;
        self.needed_dial(meter, register, at)
    }

    /// The manual reads of a meter or of all, in order of their entry.
    ///
    /// # Errors
    /// When the books are damaged.
    pub fn dial_reads(&self, meter: Option<&str>) -> Answer<Vec<DialRead>> {
        let mut all: Vec<DialRead> = Vec::new();
        let kinds = ["manual-read/1", "read-confirmed/1", "read-agreed/1"];
        for decision in self.decisions(&kinds)? {
            let (by, at) = (decision.by, Instant(decision.at_ms));
            match decision.what {
                What::ManualRead(read) => all.push(DialRead {
                    read: *read,
                    taken: (by, at),
                    confirmed: Vec::new(),
                    agreed: None,
                }),
                What::ReadConfirmed(c) => {
                    if let Some(dial) = named(&mut all, &c.meter, &c.register, c.read_at_ms) {
                        dial.confirmed.push((by, at));
                    }
                }
                What::ReadAgreed(agreed) => {
                    let (meter, register) = (&agreed.meter, &agreed.register);
                    if let Some(dial) = named(&mut all, meter, register, agreed.read_at_ms) {
                        let reason = agreed.reason.clone();
                        dial.agreed = Some((agreed, Word { by, at, reason }));
                    }
                }
                _ => {}
            }
        }
        all.retain(|dial| meter.is_none_or(|meter| dial.read.meter == meter));
        Ok(all)
    }

    /// The photo of a read that counts, by meter, register and time; none where there is none.
    ///
    /// # Errors
    /// When the books are damaged.
    pub fn photo_of(&self, meter: &str, register: &str, at_ms: i64) -> Answer<Option<Kept>> {
        let all = self.dial_reads(Some(meter))?.into_iter();
        let mut same = all.filter(|dial| {
            dial.agreed.is_some() && dial.read.register == register && dial.read.read_at_ms == at_ms
        });
        Ok(same.find_map(|dial| dial.read.photo))
    }

    /// What the series say of an agreed read.
    ///
    /// # Errors
    /// When the series cannot be brought up to date.
    pub fn verdict_on(&self, read: &ManualRead) -> Answer<Option<Verdict>> {
        let register: Obis = read.register.parse().or_ours("a manual read")?;
        let Some(series) = self.known().series_of(&read.meter, register) else {
            return Ok(None);
        };
        let at = Instant(read.read_at_ms);
        self.ask(&[series], |reader| {
            let rows = reader
                .reads(series, Span::new(at, at.plus_ms(1)))
                .or_ours("series.sqlite")?;
            let same = rows.iter().find(|row| row.read.wh.0 == read.wh);
            Ok(same.map(|row| row.verdict))
        })
    }

    /// A photo shows one moment: it may show several registers, and is no evidence of another time.
    fn not_a_photo_of_another_day(&self, given: &Given, at: Instant) -> Answer<()> {
        let sha256 = given.sha256();
        let other = self.dial_reads(None)?.into_iter().find(|dial| {
            dial.read.read_at_ms != at.0
                && dial
                    .read
                    .photo
                    .as_ref()
                    .is_some_and(|photo| photo.sha256 == sha256)
        });
        match other {
            Some(dial) => refuse(format!(
                "`{}` is the photo of the read of meter `{}` at `{}`; expected one of this read\nhint: give the photo that was taken when the dial showed it",
                given.name,
                dial.read.meter,
                Instant(dial.read.read_at_ms)
            )),
            None => Ok(()),
        }
    }

    fn dial_read(&self, meter: &str, register: Obis, at: Instant) -> Answer<Option<DialRead>> {
        let all = self.dial_reads(Some(meter))?;
        Ok(all.into_iter().find(|dial| dial.is(meter, register, at)))
    }

    fn standing_dial(&self, taken: &TakenRead) -> Answer<DialRead> {
        self.needed_dial(&taken.meter, taken.register, taken.at)
    }

    fn needed_dial(&self, meter: &str, register: Obis, at: Instant) -> Answer<DialRead> {
        if let Some(dial) = self.dial_read(meter, register, at)? {
            return Ok(dial);
        }
        let times: Vec<String> = self
            .dial_reads(Some(meter))?
            .iter()
            .map(|dial| Instant(dial.read.read_at_ms).to_string())
            .collect();
        refuse(format!(
            "no read of register `{register}` of meter `{meter}` was taken at `{at}`; it has: {}",
            match times.as_slice() {
                [] => "none".to_owned(),
                times => times.join(", "),
            }
        ))
    }

    /// The accepted reads by telemetry around an instant, in the same life of the register.
    fn telemetry_around(
        &self,
        series: SeriesId,
        at: Instant,
    ) -> Answer<(Option<Mark>, Option<Mark>)> {
        let events = self.events();
        let of_it = || {
            events
                .iter()
                .filter(|e| e.closes == series || e.opens == series)
        };
        let start = of_it()
            .map(|event| event.opened_at)
            .filter(|opened| *opened <= at)
            .max();
        let end = of_it()
            .map(|event| event.closed_at)
            .filter(|closed| *closed >= at)
            .min();
        let span = Span::new(at.plus_ms(-AROUND_MS), at.plus_ms(AROUND_MS));
        self.ask(&[series], |reader| {
            let rows = reader.reads(series, span).or_ours("series.sqlite")?;
            let marks: Vec<Mark> = rows
                .iter()
                .filter(|row| row.read.source != Source::Manual)
                .filter(|row| start.is_none_or(|start| start <= row.read.at))
                .filter(|row| end.is_none_or(|end| row.read.at <= end))
                .filter_map(|row| {
                    Some(Mark {
                        at: row.read.at,
                        wh: row.counts_as.filter(|_| row.verdict == Verdict::Accepted)?,
                    })
                })
                .collect();
            let before = marks.iter().rev().find(|mark| mark.at <= at).copied();
            let after = marks.iter().find(|mark| mark.at > at).copied();
            Ok((before, after))
        })
    }
}

fn of_series(known: &Known, series: SeriesId) -> Answer<(&KnownPoint, &Register)> {
    known
        .register(series)
        .ok_or_else(|| Refusal::Ours("a register without a meter point".into()))
}

/// Whether telemetry or a portal says something else than a read.
#[must_use]
pub fn differs(read: &ManualRead) -> bool {
    let mut findings = read.findings.iter();
    findings.any(|finding| DialFinding::differs_by_word(&finding.kind))
}

/// The dial's own figure, agreed.
fn as_shown(read: &ManualRead, reason: &str) -> ReadAgreed {
    ReadAgreed {
        meter: read.meter.clone(),
        register: read.register.clone(),
        read_at_ms: read.read_at_ms,
        chosen: Chosen::Dial,
        wh: Some(read.wh),
        reason: reason.to_owned(),
    }
}

fn named<'a>(
    all: &'a mut [DialRead],
    meter: &str,
    register: &str,
    at_ms: i64,
) -> Option<&'a mut DialRead> {
    all.iter_mut().find(|dial| {
        let read = &dial.read;
        (&*read.meter, &*read.register, read.read_at_ms) == (meter, register, at_ms)
    })
}

/// A chosen figure in words: `dial, 310,440 kWh`.
#[must_use]
pub fn figure(agreed: &ReadAgreed) -> String {
    let which = match agreed.chosen {
        Chosen::Dial => "dial",
        Chosen::Telemetry => "telemetry",
        Chosen::Portal => "portal",
        Chosen::Other => "other",
    };
    match agreed.wh {
        Some(wh) => format!("{which}, {}", WattHours(wh).kwh_words()),
        None => format!("{which}; its reads stand"),
    }
}

/// The record that brings an agreed read into the series: one imported line, source `manual`.
fn entering(
    known: &Known,
    read: &ManualRead,
    by: &str,
    now: Instant,
    records: &mut Records,
    along: &mut Decoded,
) -> Answer<()> {
    let layout = Layout::register_reads(None)
        .resolve(COLUMNS)
        .or_ours("the layout of a manual read")?;
    let header = ImportHeader {
        received_ms: now.0,
        by: by.to_owned(),
        file: "dial".to_owned(),
        first_line: 1,
        layout,
    };
    let line = format!(
        "{},{},{},{},Wh,manual",
        read.meter,
        read.register,
        Instant(read.read_at_ms),
        read.wh
    );
    let rows = RowReader::at_intake(&header.layout)
        .or_ours("the layout of a manual read")?
        .read(&line)
        .map_err(Refusal::Caller)?;
    let directory = directory_of(known);
    let places = KnownPlaces {
        directory: &directory,
        known,
    };
    for row in &rows {
        place(row, &header, &places, along);
    }
    records.push(&header.to_record(&[&line]));
    Ok(())
}

/// The figures of a dial typed without their point, with it; none where that is not the slip.
fn with_its_point(register: &Register, typed: &str) -> Option<String> {
    let decimals = match register.step().0 {
        1 => 3,
        10 => 2,
        100 => 1,
        _ => return None,
    };
    if !typed.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (whole, fraction) = typed.split_at_checked(typed.len().checked_sub(decimals)?)?;
    let meant = format!("{whole}.{fraction}");
    let wh = register.energy_of_display(&meant).ok()?;
    (wh < register.modulus()).then_some(meant)
}

/// Checks that this meter hangs at this meter point on that day, and has the register.
fn hangs_there(known: &Known, taken: &TakenRead) -> Answer<SeriesId> {
    let Some(point) = known.points.get(&taken.meter_point) else {
        return super::known::known("meter point", &taken.meter_point, &known.points)
            .and_then(|()| refuse("the meter point is not in the society file"));
    };
    let day = known.zone.day_of(taken.at);
    let hung: Vec<&String> = point
        .meters
        .iter()
        .filter(|serial| known.meters[*serial].installed <= day)
        .collect();
    let there = hung.last();
    if there.is_none_or(|serial| **serial != taken.meter) {
        let elsewhere = known.meters.get(&taken.meter).map(|meter| &meter.point);
        let what = match (there, elsewhere) {
            (_, Some(other)) if *other != taken.meter_point => {
                format!("it hangs at `{other}`")
            }
            (Some(serial), _) => format!("`{serial}` hangs there"),
            (None, _) => "no meter hangs there yet".to_owned(),
        };
        return refuse(format!(
            "meter `{}` does not hang at `{}` on {day}: {what}\nhint: read the serial off the meter's face again; if the meter was changed, record it with `commonwatt meter exchange` first",
            taken.meter, taken.meter_point
        ));
    }
    known
        .series_of(&taken.meter, taken.register)
        .filter(|series| known.register(*series).is_some())
        .ok_or_else(|| {
            Refusal::Caller(format!(
                "meter `{}` has no register `{}` in the society file",
                taken.meter, taken.register
            ))
        })
}
