//! Claims, bills and reminders in the words of their printed forms; what was frozen, and nothing else.

use domain::{
    calendar::{Instant, LocalDay},
    money::Pence,
    quantity::WattHours,
};
use records::income::FrozenRead;
use report::{
    bill::{CreditNote, HostBill, HostBillLine, Reminder},
    paper::{Paper, PaperTable},
    words,
};

use super::{
    bank::Debt,
    bills::{BilledHost, MadeBill},
    claims::MadeClaim,
    society::SocietyOffice,
};

impl SocietyOffice {
    /// The claim as a typeset sheet.
    #[must_use]
    pub fn claim_sheet(&self, made: &MadeClaim, now: Instant) -> Paper {
        let (claim, known) = (&made.claim, self.known());
        let total = Pence(claim.total_pence);
        let day = |text: &str| {
            text.parse::<LocalDay>()
                .map_or_else(|_| text.to_owned(), words::date)
        };
        let rows = claim.lines.iter().map(|line| {
            vec![
                day(&line.from),
                day(&line.to),
                match (line.apportioned, line.adjusts) {
                    (_, Some(number)) => format!("{}, sets claim {number} right", line.kind),
                    (true, None) => format!("{}, apportioned", line.kind),
                    (false, None) => line.kind.clone(),
                },
                WattHours(line.wh).kwh_words(),
                line.rate_p_per_kwh.clone(),
                Pence(line.pence).to_string(),
            ]
        });
        let mut last = vec![String::new(); 6];
        last[0] = "Together".to_owned();
        last[5] = total.to_string();
        let reads = claim.reads.iter().map(|read| {
            let at = Instant(read.at_ms);
            vec![
                format!("{} {}", read.meter, read.register),
                format!(
                    "{}, {}",
                    words::date(known.zone.day_of(at)),
                    words::clock(known.zone.wall_clock(at))
                ),
                WattHours(read.wh).kwh_words(),
                read.quality.clone(),
                format!("{}{}", read.evidence, self.photo_words(read)),
            ]
        });
        let texts = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect();
        Paper {
            author: known.document.society.name.clone(),
            heading: match made.frozen {
                Some(_) => format!("Claim {}", claim.number),
                None => "Claim (preview, not frozen)".to_owned(),
            },
            on: known
                .zone
                .day_of(made.frozen.as_ref().map_or(now, |(_, at)| *at)),
            sentence: format!(
                "{total} is claimed for {}, {} to {}.",
                claim.installation,
                day(&claim.from),
                day(&claim.to)
            ),
            address: Vec::new(),
            chart: None,
            text: made
                .frozen
                .iter()
                .map(|(by, at)| {
                    let on = words::date(known.zone.day_of(*at));
                    format!("Frozen by {by} on {on}.")
                })
                .collect(),
            tables: vec![
                PaperTable {
                    heading: None,
                    head: texts(&["From", "To", "What", "Energy", "p/kWh", "Pounds"]),
                    rows: rows.collect(),
                    total: Some(last),
                    numbers: vec![3, 4, 5],
                    wide: 2,
                },
                PaperTable {
                    heading: Some("The reads it stands on".to_owned()),
                    head: texts(&["Meter", "Read at", "Shown", "Quality", "Evidence"]),
                    rows: reads.collect(),
                    total: None,
                    numbers: vec![2],
                    wide: 4,
                },
            ],
            notes_heading: "To be known",
            notes: claim.findings.iter().map(|one| one.text.clone()).collect(),
            signatures: Vec::new(),
            sample: claim.sample,
        }
    }

    /// The bill in the words of the printed form.
    #[must_use]
    pub fn bill_form(&self, host: &BilledHost, made: &MadeBill) -> HostBill {
        let bill = &made.bill;
        let known = self.known();
        let site = known.sites.get(&host.site);
        HostBill {
            society: known.document.society.name.clone(),
            host: host.name.clone(),
            site: site.map_or_else(|| host.site.clone(), |site| site.name.clone()),
            number: made.frozen.is_some().then_some(bill.number),
            credit_note: made.credited.as_ref().map(|note| CreditNote {
                number: note.number,
                on: note.on.clone(),
                reason: note.reason.clone(),
                net: Pence(note.net_pence),
                vat: Pence(note.vat_pence),
                gross: Pence(note.gross_pence),
            }),
            what: match bill.on_site.as_str() {
                "export" => "Power exported from".to_owned(),
                _ => "Power used on site at".to_owned(),
            },
            from: bill.from.clone(),
            to: bill.to.clone(),
            basis: match bill.on_site.as_str() {
                "metered" => "metered as generation less export".to_owned(),
                "export" if !host.rate.half_hourly.is_empty() => format!(
                    "by the export meter, at the half-hourly prices `{}`",
                    host.rate.half_hourly
                ),
                "export" => "by the export meter".to_owned(),
                "deemed" => format!(
                    "deemed {} % of the generation, by contract",
                    host.deemed_percent.unwrap_or_default()
                ),
                _ => format!("{} kWh a year, by contract", host.fixed_kwh_a_year),
            },
            lines: bill
                .lines
                .iter()
                .map(|line| HostBillLine {
                    from: line.from.clone(),
                    to: line.to.clone(),
                    wh: WattHours(line.wh),
                    rate: match line.half_hours {
                        Some(_) => format!("on average {}", line.rate_p_per_kwh),
                        None => line.rate_p_per_kwh.clone(),
                    },
                    pence: Pence(line.pence),
                    grid: line.grid_p_per_kwh.clone(),
                })
                .collect(),
            net: Pence(bill.net_pence),
            vat_percent: bill.vat_percent.clone(),
            vat: Pence(bill.vat_pence),
            gross: Pence(bill.gross_pence),
            saving: bill.saving_pence.map(Pence),
            po_number: bill.po_number.clone(),
            due: bill.due.clone(),
            findings: bill.findings.iter().map(|f| f.text.clone()).collect(),
            reads: bill
                .reads
                .iter()
                .map(|read| {
                    format!(
                        "{} {} {}: {} ({}{})",
                        read.meter,
                        read.register,
                        Instant(read.at_ms),
                        WattHours(read.wh).kwh_words(),
                        read.quality,
                        self.photo_words(read)
                    )
                })
                .collect(),
            sample: bill.sample,
        }
    }

    /// The photo of a read, by the first digits of its hash: `, photo 0123456789ab`; empty without one.
    fn photo_words(&self, read: &FrozenRead) -> String {
        let photo = self.photo_of(&read.meter, &read.register, read.at_ms);
        match photo {
            Ok(Some(photo)) => format!(", photo {}", &photo.sha256[..12]),
            _ => String::new(),
        }
    }

    /// The reminder of a bill that is past its day.
    #[must_use]
    pub fn reminder(&self, debt: &Debt, now: Instant) -> Reminder {
        let known = self.known();
        let bill = &debt.made.bill;
        Reminder {
            society: known.document.society.name.clone(),
            on: known.zone.day_of(now).to_string(),
            host: debt.name.clone(),
            bill: bill.number,
            from: bill.from.clone(),
            to: bill.to.clone(),
            po_number: bill.po_number.clone(),
            due: bill.due.clone(),
            asked: Pence(bill.gross_pence),
            paid: debt.paid,
            open: debt.open,
            days_over: debt.days_over,
            sample: bill.sample,
        }
    }
}
