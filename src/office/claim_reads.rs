//! The reads that a claim or a bill may stand on, taken out of the series.

use domain::{
    calendar::Span,
    income::{BillableRead, Chain, NotBillable},
    metering::{Approval, JudgedRead, Meter, SeriesId},
};
use store::SeriesReader;

use super::{
    answer::{Answer, OrOurs},
    known::{Known, date},
    society::SocietyOffice,
};

impl SocietyOffice {
    /// The billable reads of meter points in a span, each with the reason of the first read that was
    /// left out for want of an approval.
    pub(super) fn chains(
        &self,
        points: &[String],
        span: Span,
    ) -> Answer<Vec<(Chain, Option<NotBillable>)>> {
        let known = self.known();
        let events = self.events();
        self.ask(&known.series_of_points(points), |reader| {
            points
                .iter()
                .map(|point| {
                    let mut reads = Vec::new();
                    let mut refused = None;
                    for series in known.series_of_point(point) {
                        let Some(meter) = meter_of(&known, series)? else {
                            continue;
                        };
                        let found = billable(reader, &known, series, &meter, span)?;
                        let ends = events.iter().flat_map(|event| {
                            let register = known.series[series.0 as usize].register;
                            let closes = (event.closes == series && span.contains(event.closed_at))
                                .then(|| {
                                    BillableRead::final_of(&meter, register, event, &known.zone)
                                });
                            let opens = (event.opens == series && span.contains(event.opened_at))
                                .then(|| {
                                    BillableRead::opening_of(&meter, register, event, &known.zone)
                                });
                            [closes, opens].into_iter().flatten()
                        });
                        for read in found.into_iter().chain(ends) {
                            match read {
                                Ok(read) => reads.push(read),
                                // Held and refused reads are listed elsewhere.
                                Err(NotBillable::NotAccepted(_)) => {}
                                Err(why) => {
                                    refused.get_or_insert(why);
                                }
                            }
                        }
                    }
                    Ok((Chain::new(reads), refused))
                })
                .collect()
        })
    }
}

/// The reads of a series, each as billable or with the reason why not.
pub(super) fn billable(
    reader: &SeriesReader,
    known: &Known,
    series: SeriesId,
    meter: &Meter,
    span: Span,
) -> Answer<Vec<Result<BillableRead, NotBillable>>> {
    let register = known.series[series.0 as usize].register;
    let rows = reader.reads(series, span).or_ours("series.sqlite")?;
    let judged = rows.into_iter().map(|row| JudgedRead {
        read: row.read,
        verdict: row.verdict,
        counts_as: row.counts_as,
        findings: row.findings,
        decision: row.decision,
    });
    Ok(judged
        .map(|read| BillableRead::of(meter, register, &read, &known.zone))
        .collect())
}

/// The meter of a series with its approval, in the domain's words.
pub(super) fn meter_of(known: &Known, series: SeriesId) -> Answer<Option<Meter>> {
    let Some(named) = known.series.get(series.0 as usize) else {
        return Ok(None);
    };
    let (Some(meter), Some(document)) = (
        known.meters.get(&named.meter),
        known
            .document
            .meter
            .iter()
            .find(|m| m.serial == named.meter),
    ) else {
        return Ok(None);
    };
    let approval = match &document.approved {
        None => None,
        Some(approved) => Some(Approval {
            meter_type: approved.kind.clone(),
            certificate: approved.certificate.clone(),
            expires: date("meter.approved.expires", &approved.expires)?,
        }),
    };
    Ok(Some(Meter {
        serial: named.meter.clone(),
        approval,
        registers: meter.registers.clone(),
    }))
}
