//! `meter list|exchange|reset|rollover`.

use domain::{
    calendar::Instant,
    income::accreditation::Change,
    metering::{EventKind, Obis},
    quantity::WattHours,
};

use super::{
    Desk,
    args::{self, Meter},
    lists::societies,
};
use office::{Answer, SocietyOffice, answer::OrCaller, meters::EventRequest};

/// Runs the command.
pub fn run(desk: &mut Desk<'_>, command: &Meter) -> Answer<()> {
    match command {
        Meter::List { society } => {
            let mut lines = Vec::new();
            for society in societies(desk, society.as_deref())? {
                lines.extend(society.list_meters(desk.now));
            }
            let head = [
                "meter",
                "society",
                "meter point",
                "registers",
                "last read",
                "kWh",
            ];
            desk.table(&head, &lines, |line| {
                vec![
                    line.id.clone(),
                    line.society.clone(),
                    line.meter_point.clone(),
                    line.registers.join(" "),
                    line.last_read_at.clone().unwrap_or_default(),
                    line.last_read_wh
                        .map(|wh| WattHours(wh).kwh_text())
                        .unwrap_or_default(),
                ]
            })
        }
        Meter::Exchange { event, next_meter } => {
            two_reads(desk, EventKind::Exchange, event, Some(next_meter))
        }
        Meter::Reset { event } => two_reads(desk, EventKind::Reset, event, None),
        Meter::Rollover {
            meter,
            register,
            at,
            reason,
            zone,
        } => {
            let society = desk.office.society_of_meter(meter)?;
            let at = desk.instant(at, zone.as_deref(), &society)?;
            let register: Obis = register.parse().or_caller()?;
            let request = EventRequest {
                kind: EventKind::Rollover,
                meter: meter.clone(),
                register,
                closed_at: at,
                final_wh: None,
                next_meter: None,
                opened_at: at,
                opening_wh: WattHours::ZERO,
                reason: reason.clone(),
            };
            record(desk, &society, &request)
        }
    }
}

fn two_reads(
    desk: &mut Desk<'_>,
    kind: EventKind,
    event: &args::MeterEvent,
    next_meter: Option<&String>,
) -> Answer<()> {
    let society = desk.office.society_of_meter(&event.meter)?;
    let zone = event.zone.as_deref();
    let closed_at = desk.instant(&event.closed_at, zone, &society)?;
    let opened_at: Instant = match &event.opened_at {
        Some(text) => desk.instant(text, zone, &society)?,
        None => closed_at,
    };
    let request = EventRequest {
        kind,
        meter: event.meter.clone(),
        register: event.register.parse().or_caller()?,
        closed_at,
        final_wh: Some(WattHours::from_kwh_text(&event.closing).or_caller()?),
        next_meter: next_meter.cloned(),
        opened_at,
        opening_wh: WattHours::from_kwh_text(&event.opening).or_caller()?,
        reason: event.reason.clone(),
    };
    record(desk, &society, &request)
}

fn record(desk: &mut Desk<'_>, society: &SocietyOffice, request: &EventRequest) -> Answer<()> {
    let by = desk.officer(society, "a meter event")?;
    society.record_event(request, &by, desk.now)?;
    desk.voice.say(&format!(
        "the {} of meter `{}` is recorded",
        request.kind.word(),
        request.meter
    ));
    if request.kind == EventKind::Exchange {
        for warning in Change::Meter.warnings() {
            desk.voice.say(&format!("warning: {warning}"));
        }
        desk.voice.say(&format!(
            "hint: `commonwatt notice meter {}` drafts the letter to the licensee",
            request.meter
        ));
    }
    Ok(())
}
