//! The licensee's notice, drafted: of a planned outage, of a new meter, of a battery, with closing reads.
//!
//! A draft to be checked and signed; nothing is sent or kept. What is not known is left as a gap with
//! dots, never filled in.

use domain::{
    calendar::{Instant, LocalDay, Span},
    income::accreditation::{Change, SOURCE},
    metering::{EventKind, Verdict},
    quantity::WattHours,
};
use records::society::{Counts, Installation};

use super::{
    answer::{Answer, OrOurs, refuse},
    known::Known,
    outages::Outage,
    society::SocietyOffice,
};

/// A closing read is looked for so many days back.
const BACK_DAYS: i64 = 400;

/// What is told to the licensee.
#[derive(Clone, Debug)]
pub enum NoticeOf {
    /// A planned outage, by its number.
    Outage(u32),
    /// The last exchange of a meter, by the serial of the one that went.
    Meter(String),
    /// A battery on a roof from a day on.
    Battery {
        /// The roof.
        site: String,
        /// The day it is connected.
        on: LocalDay,
    },
}

/// A drafted notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What has to be known before, the gravest first.
    pub warnings: Vec<&'static str>,
    /// Where the rules stand.
    pub source: &'static str,
    /// The letter.
    pub letter: String,
}

impl SocietyOffice {
    /// Drafts a notice.
    ///
    /// # Errors
    /// When what it is about is unknown, or no installation is touched by it.
    pub fn notice(&self, of: &NoticeOf, now: Instant) -> Answer<Notice> {
        let known = self.known();
        match of {
            NoticeOf::Outage(number) => {
                let outage = self.outage(*number)?;
                let start = known.zone.day_span(outage.from).start.min(now);
                let reads = self.closing_reads(&known, &outage.planned.site, start)?;
                let what = about_outage(&known, &outage);
                let change = Change::Outage {
                    all_plant_removed: outage.planned.all_plant_removed,
                };
                self.drafted(&known, &outage.planned.site, change, &what, &reads)
            }
            NoticeOf::Battery { site, on } => {
                super::known::known("site", site, &known.sites)?;
                let start = known.zone.day_span(*on).start.min(now);
                let reads = self.closing_reads(&known, site, start)?;
                let what = format!(
                    "A battery will be connected on the site of this installation on {on}: make and model … , capacity … kWh,\npower … kW, connected on the (AC / DC) side …, charged by (the panels only / the panels and the grid) ….\nThe generation and export meters stay where they are. A new line diagram is enclosed."
                );
                self.drafted(&known, site, Change::Battery, &what, &reads)
            }
            NoticeOf::Meter(serial) => {
                let events = self.events();
                let exchange = events.iter().rev().find(|event| {
                    event.kind == EventKind::Exchange
                        && known.series[event.closes.0 as usize].meter == *serial
                });
                let Some(event) = exchange else {
                    return refuse(format!(
                        "no exchange of meter `{serial}` is recorded\nhint: record it with `commonwatt meter exchange`; the serial is that of the meter that went"
                    ));
                };
                let next = &known.series[event.opens.0 as usize].meter;
                let site = known
                    .meters
                    .get(serial)
                    .and_then(|meter| known.points.get(&meter.point))
                    .map(|point| point.site.clone())
                    .unwrap_or_default();
                let approved = known
                    .document
                    .meter
                    .iter()
                    .find(|meter| meter.serial == *next);
                let approval = approved
                    .and_then(|meter| meter.approved.as_ref())
                    .map_or_else(
                        || "type …, certificate …".to_owned(),
                        |a| {
                            format!(
                                "type {}, certificate {}, to {}",
                                a.kind, a.certificate, a.expires
                            )
                        },
                    );
                let what = format!(
                    "Meter {serial} was replaced by meter {next} ({approval}). Reason: {}.\nNothing was counted between the closing read and the opening read. Photos of both dials with their serial numbers are enclosed.",
                    event.reason
                );
                let reads = vec![
                    line(
                        serial,
                        event.closed_at,
                        event.final_wh,
                        "closing read",
                        &known,
                    ),
                    line(
                        next,
                        event.opened_at,
                        event.opening_wh,
                        "opening read",
                        &known,
                    ),
                ];
                self.drafted(&known, &site, Change::Meter, &what, &reads)
            }
        }
    }

    fn drafted(
        &self,
        known: &Known,
        site: &str,
        change: Change,
        what: &str,
        reads: &[String],
    ) -> Answer<Notice> {
        let touched: Vec<&Installation> = known
            .document
            .installation
            .iter()
            .filter(|installation| installation.site == site)
            .collect();
        if touched.is_empty() {
            return refuse(format!(
                "no installation under the Feed-in Tariff is on `{site}`; no licensee has to be told\nhint: installations stand under [[installation]] in the society file"
            ));
        }
        let sample = known.document.society.sample || touched.iter().any(|i| i.sample);
        let mut letter = String::new();
        if sample {
            letter.push_str("SAMPLE\n\n");
        }
        letter.push_str("Dear licensee,\n\n");
        for installation in &touched {
            letter.push_str(&format!(
                "installation {} (FIT ID …), {}, {} kW, eligible from {}\n",
                installation.id,
                known.sites.get(site).map_or(site, |site| &site.name),
                installation.declared_net_capacity_kw,
                installation.eligible_from
            ));
        }
        letter.push_str(&format!("\n{what}\n\nReads\n"));
        for read in reads {
            letter.push_str(&format!("- {read}\n"));
        }
        letter.push_str(&format!(
            "\nPlease confirm in writing that you have noted this and that the accreditation continues unchanged.\n\n{}\n",
            known.document.society.name
        ));
        Ok(Notice {
            warnings: change.warnings(),
            source: SOURCE,
            letter,
        })
    }

    /// The last accepted read of every meter of a roof at or before an instant.
    fn closing_reads(&self, known: &Known, site: &str, at: Instant) -> Answer<Vec<String>> {
        let points = known
            .points_of_site(site, Counts::Generation)
            .chain(known.points_of_site(site, Counts::Export));
        let points: Vec<String> = points.map(str::to_owned).collect();
        let series = known.series_of_points(&points);
        let span = Span::new(at.plus_ms(-BACK_DAYS * 86_400_000), at.plus_ms(1));
        self.ask(&series, |reader| {
            let mut lines = Vec::new();
            for point in &points {
                let Some(last) = known.series_of_point(point).last().copied() else {
                    continue;
                };
                let serial = &known.series[last.0 as usize].meter;
                let rows = reader.reads(last, span).or_ours("series.sqlite")?;
                let read = rows
                    .iter()
                    .rev()
                    .find(|row| row.verdict == Verdict::Accepted);
                lines.push(match read {
                    Some(row) => line(
                        serial,
                        row.read.at,
                        row.counts_as.unwrap_or(row.read.wh),
                        row.read.source.word(),
                        known,
                    ),
                    None => format!("meter {serial}: … kWh on …"),
                });
            }
            Ok(lines)
        })
    }
}

fn about_outage(known: &Known, outage: &Outage) -> String {
    let planned = &outage.planned;
    let plant = if planned.all_plant_removed {
        "All plant up to the point of grid connection is to come off for this time. We ask for your consent in\nwriting, and for what Ofgem requires, BEFORE anything is taken off; without it we shall not begin."
    } else {
        "The installation is not decommissioned or moved: part of its plant stays connected throughout, and the\nsame equipment goes back to the same place with the same capacity."
    };
    let name = known
        .sites
        .get(&planned.site)
        .map_or(&planned.site, |site| &site.name);
    format!(
        "The roof of {name} will be off from {} to {}, {} days. Cause: {}. Asked for by {}{}.\n\n{plant}",
        outage.from,
        outage.to,
        outage.days().day_count(),
        planned.cause,
        planned.asked_by,
        match planned.clause.as_str() {
            "" => String::new(),
            clause => format!(" under {clause}"),
        }
    )
}

fn line(serial: &str, at: Instant, wh: WattHours, how: &str, known: &Known) -> String {
    let clock = known.zone.wall_clock(at);
    format!(
        "meter {serial}: {} on {} at {:02}:{:02} ({how})",
        wh.kwh_words(),
        clock.day,
        clock.hour,
        clock.minute
    )
}
