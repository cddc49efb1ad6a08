//! Dated meter events: exchange, reset, rollover.
//!
//! An event is checked against the reads around it when it is recorded; afterwards it stands, and
//! reads are judged by it. What it changes is settled before the answer.

use domain::{
    calendar::{Instant, Span},
    metering::{EventKind, Mark, MeterEvent, Neighbours, Obis, SeriesId},
    quantity::WattHours,
};
use records::decision::{self, What};

use super::{
    answer::{Answer, OrCaller, OrOurs, Refusal, refuse},
    known::Known,
    society::SocietyOffice,
};

/// How far from an event the reads around it are looked for: 400 days.
const AROUND_MS: i64 = 400 * 86_400_000;

/// An event as it is asked for.
#[derive(Clone, Debug)]
pub struct EventRequest {
    /// What happened.
    pub kind: EventKind,
    /// The meter whose register ends.
    pub meter: String,
    /// Its register.
    pub register: Obis,
    /// When it was last read.
    pub closed_at: Instant,
    /// What it showed then; the register's width for a rollover when left out.
    pub final_wh: Option<WattHours>,
    /// The meter that counts from then on; the same when left out.
    pub next_meter: Option<String>,
    /// When it began.
    pub opened_at: Instant,
    /// What it showed then.
    pub opening_wh: WattHours,
    /// Why.
    pub reason: String,
}

impl SocietyOffice {
    /// Whether an event can be recorded; nothing is changed.
    ///
    /// # Errors
    /// When a meter is unknown or the event cannot have been.
    pub fn look_at_event(
        &self,
        request: &EventRequest,
        by: &str,
        now: Instant,
    ) -> Answer<MeterEvent> {
        if request.reason.trim().is_empty() {
            return refuse(
                "a meter event needs a reason\nhint: say why with --reason; the auditor will ask",
            );
        }
        let known = self.known();
        let closes = series(&known, &request.meter, request.register)?;
        let next_meter = request.next_meter.as_ref().unwrap_or(&request.meter);
        let opens = series(&known, next_meter, request.register)?;
        let modulus = known
            .register(closes)
            .map_or(WattHours::ZERO, |(_, r)| r.modulus());
        let event = MeterEvent {
            kind: request.kind,
            closes,
            closed_at: request.closed_at,
            final_wh: request.final_wh.unwrap_or(modulus),
            opens,
            opened_at: request.opened_at,
            opening_wh: request.opening_wh,
            author: by.to_owned(),
            reason: request.reason.clone(),
        };
        if request.opened_at > now {
            return refuse("the event lies in the future\nhint: record it when it has happened");
        }
        if self.events().contains(&event) {
            return refuse("this event is recorded already; nothing was changed");
        }
        let around = self.ask(&[closes, opens], |reader| {
            let before = reader
                .reads(
                    closes,
                    Span::new(
                        event.closed_at.plus_ms(-AROUND_MS),
                        event.closed_at.plus_ms(1),
                    ),
                )
                .or_ours("series.sqlite")?;
            let after = reader
                .reads(
                    opens,
                    Span::new(event.opened_at, event.opened_at.plus_ms(AROUND_MS)),
                )
                .or_ours("series.sqlite")?;
            let mark = |at, wh| Mark { at, wh };
            Ok(Neighbours {
                before: before
                    .iter()
                    .rev()
                    .find_map(|r| Some(mark(r.read.at, r.counts_as?))),
                after: after.first().map(|r| mark(r.read.at, r.read.wh)),
                modulus,
            })
        })?;
        event.check(&around).or_caller()?;
        let mut all = (*self.events()).clone();
        all.push(event.clone());
        for touched in [closes, opens] {
            domain::metering::Lives::of(touched, &all).or_caller()?;
        }
        Ok(event)
    }

    /// Records a meter event.
    ///
    /// # Errors
    /// As [`SocietyOffice::look_at_event`]; nothing is recorded then.
    pub fn record_event(&self, request: &EventRequest, by: &str, now: Instant) -> Answer<()> {
        let event = self.look_at_event(request, by, now)?;
        let next_meter = request.next_meter.as_ref().unwrap_or(&request.meter);
        let kind = match request.kind {
            EventKind::Exchange => decision::EventKind::Exchange,
            EventKind::Reset => decision::EventKind::Reset,
            EventKind::Rollover => decision::EventKind::Rollover,
        };
        self.decide(
            What::MeterEvent(decision::MeterEvent {
                kind,
                meter: request.meter.clone(),
                register: request.register.to_string(),
                closed_at_ms: event.closed_at.0,
                final_wh: event.final_wh.0,
                next_meter: next_meter.clone(),
                opened_at_ms: event.opened_at.0,
                opening_wh: event.opening_wh.0,
                reason: request.reason.clone(),
            }),
            by,
            now,
        )
    }
}

fn series(known: &Known, meter: &str, register: Obis) -> Answer<SeriesId> {
    known
        .series_of(meter, register)
        .ok_or_else(|| unknown_register(known, meter, Some(register)))
}

/// Why there is no such register: the meter is not entered, or it has others.
pub(super) fn unknown_register(known: &Known, meter: &str, register: Option<Obis>) -> Refusal {
    let there = known.meters.get(meter);
    let registers: Vec<String> = there
        .into_iter()
        .flat_map(|meter| &meter.registers)
        .map(|register| format!("`{}`", register.obis()))
        .collect();
    Refusal::Caller(match (there, register) {
        (Some(_), Some(register)) if !registers.is_empty() => format!(
            "meter `{meter}` has no register `{register}` in the society file; it has {}",
            registers.join(" and ")
        ),
        (Some(_), _) => format!("meter `{meter}` has no register in the society file"),
        (None, _) => {
            let serials = known.meters.keys().map(String::as_str);
            let nearest = config::did_you_mean(meter, serials);
            format!("meter `{meter}` is not in the society file{nearest}")
        }
    })
}

/// A journaled event in the domain's words; `None` when its meters are no longer known.
pub(super) fn domain_event(
    known: &Known,
    event: &decision::MeterEvent,
    by: &str,
) -> Answer<Option<MeterEvent>> {
    let register: Obis = event.register.parse().or_ours("a meter event")?;
    let (Some(closes), Some(opens)) = (
        known.series_of(&event.meter, register),
        known.series_of(&event.next_meter, register),
    ) else {
        return Ok(None);
    };
    Ok(Some(MeterEvent {
        kind: match event.kind {
            decision::EventKind::Exchange => EventKind::Exchange,
            decision::EventKind::Reset => EventKind::Reset,
            decision::EventKind::Rollover => EventKind::Rollover,
        },
        closes,
        closed_at: Instant(event.closed_at_ms),
        final_wh: WattHours(event.final_wh),
        opens,
        opened_at: Instant(event.opened_at_ms),
        opening_wh: WattHours(event.opening_wh),
        author: by.to_owned(),
        reason: event.reason.clone(),
    }))
}
