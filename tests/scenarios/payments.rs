//! A year of the demo: claims and bills of all three societies from the demo's own reads, held
//! against statements with mistakes drawn from a seed. All are found and none is invented, by lines
//! and by whole payments, and Python works the same claims and bills out again.

use std::{collections::BTreeMap, fmt::Write};

use bridge::simulate::{
    half_hours::HalfHours,
    history::{HistoryItem, history},
    register::Wp,
};
use domain::{
    calendar::{Instant, LocalDay, Period},
    income::{
        ClaimKey, Due, HostPayment, LineKind, Owed, Payment, SentBill, allot, bill_differences,
        settle_bills,
    },
    money::Pence,
    quantity::WattHours,
    tariff::Rate,
};
use office::{
    Counts, Office, SocietyOffice, bills::MadeBill, claims::MadeClaim, document_from_toml,
    import::ImportRequest, statement::StatementMapping,
};
use records::{
    decision::{EventKind, MeterEvent, What},
    import::Layout,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::income::recomputed;

const SOCIETIES: [&str; 3] = [
    include_str!("../../config/demo/bes1.toml"),
    include_str!("../../config/demo/bes2.toml"),
    include_str!("../../config/demo/bes3.toml"),
];
const BATH: &str = include_str!("../../config/demo/uk-bath-pv-halfhourly/pv_bath_halfhourly.csv");
const SEEDS: u64 = 1000;
/// Quarters as licensees have them; the second reaches over 1 April.
const QUARTERS: [(&str, &str); 4] = [
    ("2014-12-16", "2015-03-15"),
    ("2015-03-16", "2015-06-15"),
    ("2015-06-16", "2015-09-15"),
    ("2015-09-16", "2015-12-15"),
];

/// The demo's societies with a year of its reads, claims and bills.
struct Year {
    _folder: TempDir,
    office: Office,
    claims: Vec<MadeClaim>,
    bills: Vec<MadeBill>,
}

impl Year {
    /// The society of an installation.
    fn home(&self, installation: &str) -> String {
        let (society, _) = self.office.installation(installation, None).unwrap();
        society.slug().to_owned()
    }

    /// What each society's claims and bills of the year ask for; and its roofs' income by month is the
    /// same before VAT, to the penny.
    fn earned(&self) -> BTreeMap<String, i64> {
        let mut earned: BTreeMap<String, i64> = BTreeMap::new();
        let mut net: BTreeMap<String, (i64, i64)> = BTreeMap::new();
        for MadeClaim { claim, .. } in &self.claims {
            let home = self.home(&claim.installation);
            *earned.entry(home.clone()).or_default() += claim.total_pence;
            net.entry(home).or_default().0 += claim.total_pence;
        }
        for MadeBill { bill, .. } in &self.bills {
            let (society, _) = self.office.host(&bill.host, None).unwrap();
            let home = society.slug().to_owned();
            *earned.entry(home.clone()).or_default() += bill.gross_pence;
            net.entry(home).or_default().1 += bill.net_pence;
        }
        let days = Period::Range {
            first: day("2014-12-01"),
            last: day("2015-12-31"),
        };
        for society in self.office.societies() {
            let (mut claimed, mut billed) = (0, 0);
            for site in society.known().sites.keys() {
                let income = self.office.site_income(&society, site, days, now(), true);
                let income = income.unwrap();
                claimed += income.total(|month| month.claimed).0;
                billed += income.total(|month| month.billed).0;
            }
            assert_eq!((claimed, billed), net[society.slug()], "{}", society.slug());
        }
        earned
    }
}

fn now() -> Instant {
    "2016-09-01T08:00:00Z".parse().unwrap()
}

fn day(text: &str) -> LocalDay {
    text.parse().unwrap()
}

fn year() -> Year {
    let folder = TempDir::new().unwrap();
    let office = Office::open_alone(&folder.path().join("data"), now()).unwrap();
    for text in SOCIETIES {
        let document = document_from_toml(text).unwrap();
        office.apply(&document, "demo", false, now()).unwrap();
    }
    let file = HalfHours::read(BATH.as_bytes()).unwrap();
    let (mut claims, mut bills) = (Vec::new(), Vec::new());
    for society in office.societies() {
        load(&society, &file);
        let document = society.known().document.clone();
        for (from, to) in QUARTERS {
            let days = Period::Range {
                first: day(from),
                last: day(to),
            };
            for installation in &document.installation {
                let made = society.freeze_claim(installation, days, false, "treasurer", now());
                claims.push(made.unwrap());
            }
            for host in &document.host {
                let made = society.freeze_bill(host, days, true, "treasurer", now());
                bills.push(made.unwrap());
            }
        }
    }
    Year {
        _folder: folder,
        office,
        claims,
        bills,
    }
}

/// The demo's registers at the end of each day of the year, with the holes of the measurement; an
/// export meter shows two fifths of what its roof made, as a SAMPLE.
fn load(society: &SocietyOffice, file: &HalfHours) {
    let known = society.known();
    let (first, last) = (day("2014-12-10"), day("2015-12-20"));
    let mut text = String::from("meter,register,time,value,unit,source\n");
    let mut holes = Vec::new();
    for point in known
        .points
        .values()
        .filter(|p| p.counts == Counts::Generation)
    {
        let meter = point.meters.last().unwrap();
        let export = known
            .points
            .values()
            .find(|other| other.site == point.site && other.counts == Counts::Export);
        let size: Wp = point.ceiling.kw_text().parse().unwrap();
        let mut days: BTreeMap<LocalDay, (String, i64)> = BTreeMap::new();
        for item in history(file, size, 0) {
            match item {
                HistoryItem::Read { at, wh } => {
                    let on = known.zone.day_of(Instant(at.as_millisecond() - 1));
                    if first <= on && on <= last {
                        days.insert(on, (at.to_string(), wh));
                    }
                }
                HistoryItem::Hole {
                    closed_at,
                    final_wh,
                    opened_at,
                    opening_wh,
                } => {
                    let on = known.zone.day_of(Instant(closed_at.as_millisecond()));
                    if first <= on && on <= last {
                        holes.push(What::MeterEvent(MeterEvent {
                            kind: EventKind::Reset,
                            meter: meter.clone(),
                            register: "2.8.0".into(),
                            closed_at_ms: closed_at.as_millisecond(),
                            final_wh,
                            next_meter: meter.clone(),
                            opened_at_ms: opened_at.as_millisecond(),
                            opening_wh,
                            reason: "SAMPLE: the measured series has a hole here".into(),
                        }));
                    }
                }
            }
        }
        for (at, wh) in days.values() {
            writeln!(text, "{meter},2.8.0,{at},{wh},Wh,").unwrap();
            if let Some(meter) = export.and_then(|point| point.meters.last()) {
                writeln!(text, "{meter},2.8.0,{at},{},Wh,", wh * 2 / 5).unwrap();
            }
        }
    }
    society.decide_all(holes, "demo", now()).unwrap();
    let request = ImportRequest {
        file: "demo".into(),
        text,
        layout: Layout::register_reads(None),
        by: "demo".into(),
    };
    let imported = society.import(&request, now(), &mut |_, _, _| {}).unwrap();
    assert_eq!((imported.held, imported.refused), (0, 0));
    assert!(imported.accepted > 300);
}

/// SplitMix64: the same numbers from the same seed, on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % sides as u64).unwrap()
    }
}

/// A row of a statement before it is written.
#[derive(Clone)]
struct Row {
    from: String,
    to: String,
    on: LocalDay,
    kind: String,
    wh: Option<i64>,
    rate: String,
    pence: i64,
}

impl Row {
    fn text(&self, installation: &str) -> String {
        format!(
            "{installation},{},{},{},{},{},{},{}\n",
            self.from,
            self.to,
            self.on,
            self.kind,
            self.wh
                .map_or_else(String::new, |wh| WattHours(wh).kwh_text()),
            self.rate,
            Pence(self.pence).pounds_text()
        )
    }
}

fn price(rate: &str, wh: i64) -> i64 {
    rate.parse::<Rate>()
        .unwrap()
        .price(WattHours(wh))
        .unwrap()
        .0
}

/// The rows of a statement that pays a claim as it should: under the claim's days, or each under
/// those of its line.
fn rows_of(dice: &mut Dice, claim: &MadeClaim) -> Vec<Row> {
    let claim = &claim.claim;
    let by_lines = dice.roll(2) == 0;
    let lines = claim.lines.iter();
    lines
        .map(|line| Row {
            from: if by_lines { &line.from } else { &claim.from }.clone(),
            to: if by_lines { &line.to } else { &claim.to }.clone(),
            on: day(&claim.to).plus(50),
            kind: line.kind.clone(),
            wh: Some(line.wh),
            rate: line.rate_p_per_kwh.clone(),
            pence: line.pence,
        })
        .collect()
}

/// Makes one mistake in a claim's rows, or none; gives its name.
fn spoil(dice: &mut Dice, rows: &mut Vec<Row>) -> Option<&'static str> {
    let place = dice.roll(rows.len());
    let row = rows[place].clone();
    let wh = row.wh.unwrap();
    // A mistake in next to nothing is lost in the rounding of a statement.
    if wh < 200_000 || row.pence < 1_000 {
        return None;
    }
    match dice.roll(12) {
        0 => {
            let by = [10, 100][dice.roll(2)];
            let slipped = if dice.roll(2) == 0 { wh * by } else { wh / by };
            rows[place].wh = Some(slipped);
            rows[place].pence = price(&row.rate, slipped);
            Some("slip")
        }
        1 => {
            let days = i32::try_from(11 + dice.roll(200)).unwrap();
            for row in rows {
                row.on = row.on.plus(days);
            }
            Some("late")
        }
        2 => {
            let most = usize::try_from((row.pence - 1).min(9_999)).unwrap();
            let short = i64::try_from(1 + dice.roll(most)).unwrap();
            rows[place].pence -= short;
            let paid = rows[place].pence;
            // Short by so much that a tenth or a hundredth is left: nobody can tell it from a slip.
            let is_left = |by: i64| (-by / 2..by).contains(&(row.pence - paid * by));
            if is_left(10) || is_left(100) {
                return Some("slip");
            }
            Some(if short <= 5_000 && short % 100 == 0 {
                "charge"
            } else {
                "short"
            })
        }
        3 => {
            rows.push(Row {
                on: row.on.plus(3),
                ..row
            });
            Some("double")
        }
        4 => {
            rows.push(Row {
                kind: "deduction".into(),
                wh: None,
                rate: String::new(),
                pence: -100 * i64::try_from(1 + dice.roll(50)).unwrap(),
                ..row
            });
            Some("charge")
        }
        5 => {
            let other = ["9.99", "21", "3.1", "6.66"][dice.roll(4)];
            rows[place].rate = other.into();
            rows[place].pence = price(other, wh);
            Some("wrong-rate")
        }
        6 => {
            rows.remove(place);
            Some("unpaid")
        }
        // Most claims are paid as they should be.
        _ => None,
    }
}

/// The bills by host, each to be paid within a month.
fn sent_to_hosts(bills: &[MadeBill]) -> BTreeMap<&str, Vec<SentBill>> {
    let mut of: BTreeMap<&str, Vec<SentBill>> = BTreeMap::new();
    for MadeBill { bill, .. } in bills {
        of.entry(&bill.host).or_default().push(SentBill {
            number: bill.number,
            host: bill.host.clone(),
            asked: Pence(bill.gross_pence),
            paid: Pence::ZERO,
            to: day(&bill.to),
            // Printed days to pay lie after the freezing, years later here: a month after the bill's.
            by: day(&bill.to).plus(30),
        });
    }
    of
}

/// What a host pays of a year's bills, with one mistake or none, and the mistake's bill and name.
fn paid_by_host(
    dice: &mut Dice,
    host: &str,
    sent: &[SentBill],
) -> (Vec<HostPayment>, Vec<(u32, &'static str)>) {
    let mut rows = Vec::new();
    let mut expected: Vec<(u32, &str)> = Vec::new();
    // One mistake a year and host: two that hide each other cannot be told apart.
    let wrong = dice.roll(sent.len());
    for (n, bill) in sent.iter().enumerate() {
        let mut row = HostPayment {
            host: host.to_owned(),
            on: bill.to.plus(20),
            pence: bill.asked,
        };
        let word = match dice.roll(8) {
            _ if n != wrong => "",
            0 => {
                row.pence.0 /= 10;
                "slip"
            }
            1 => {
                row.on = bill.by.plus(1 + i32::try_from(dice.roll(25)).unwrap());
                "late"
            }
            2 => {
                row.pence.0 -= 101;
                "short"
            }
            3 => {
                rows.push(HostPayment {
                    on: row.on.plus(i32::try_from(dice.roll(60)).unwrap()),
                    ..row.clone()
                });
                "double"
            }
            4 => {
                row.pence.0 -= 1_500;
                "charge"
            }
            5 => {
                row.pence.0 += 77;
                "over"
            }
            6 => {
                row.pence.0 = 0;
                "unpaid"
            }
            _ => "",
        };
        if !word.is_empty() {
            expected.push((bill.number, word));
        }
        if row.pence.0 > 0 {
            rows.push(row);
        }
    }
    // Banks print the newest row first, or last.
    let turn = dice.roll(rows.len());
    rows.rotate_left(turn);
    (rows, expected)
}

/// What is found wrong with a host's payments: the bill, the difference, and what is lacking.
fn held_against(sent: &[SentBill], rows: &[HostPayment]) -> Vec<(u32, &'static str, i64)> {
    let mut bills = sent.to_vec();
    let paid = settle_bills(&mut bills, rows);
    let mut found = Vec::new();
    for bill in &bills {
        let days = rows
            .iter()
            .zip(&paid)
            .filter(|(_, of)| **of == Some(bill.number));
        let last = days.map(|(row, _)| row.on).max();
        let last = last.filter(|_| bill.paid <= bill.asked);
        let differences = bill_differences(bill, last, day("2016-09-01"));
        let named = differences.iter();
        found.extend(named.map(|(what, lacking)| (bill.number, what.word(), lacking.0)));
    }
    found
}

#[test]
fn every_mistake_in_statements_of_the_demo_s_year_is_found_and_none_is_invented() {
    let year = year();
    assert_eq!(year.claims.len(), 40);
    let mapping = StatementMapping::read("statement", None).unwrap();
    let mut drawn: BTreeMap<&str, u32> = BTreeMap::new();
    let earned = year.earned();
    let hosts = sent_to_hosts(&year.bills);
    for seed in 0..SEEDS {
        let mut dice = Dice(seed);
        let mut lines = Vec::new();
        let mut expected = Vec::new();
        let mut received: BTreeMap<String, i64> = BTreeMap::new();
        for claim in &year.claims {
            let id = &claim.claim.installation;
            let mut rows = rows_of(&mut dice, claim);
            if let Some(word) = spoil(&mut dice, &mut rows) {
                *drawn.entry(word).or_default() += 1;
                expected.push((id.clone(), claim.claim.from.clone(), word));
            }
            *received.entry(year.home(id)).or_default() +=
                rows.iter().map(|row| row.pence).sum::<i64>();
            lines.extend(rows.iter().map(|row| row.text(id)));
        }
        // The order of a statement's rows does not matter.
        let turn = dice.roll(lines.len());
        lines.rotate_left(turn);
        let text = format!(
            "installation,from,to,paid_on,kind,kwh,rate_p_per_kwh,pounds\n{}",
            lines.concat()
        );
        let made = year
            .office
            .reconcile(None, Some((&text, &mapping)), 60, now())
            .unwrap();
        assert_eq!(made.unclear, Vec::<String>::new());
        let mut found: Vec<(String, String, &str)> = made
            .found
            .iter()
            .map(|one| {
                let claim = &one.found.claim;
                let word = one.found.difference.word();
                (claim.installation.clone(), claim.from.to_string(), word)
            })
            .collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "seed {seed}\n{text}");
        // What came in is what was earned less the mistakes found, in each society, to the penny.
        let mut lacking: BTreeMap<String, i64> = BTreeMap::new();
        for one in &made.found {
            let home = year.home(&one.found.claim.installation);
            *lacking.entry(home).or_default() += one.found.lacking.0;
        }
        for (host, sent) in &hosts {
            let (rows, _) = paid_by_host(&mut dice, host, sent);
            let (society, _) = year.office.host(host, None).unwrap();
            let home = society.slug().to_owned();
            let paid: i64 = rows.iter().map(|row| row.pence.0).sum();
            *received.entry(home.clone()).or_default() += paid;
            let found = held_against(sent, &rows);
            *lacking.entry(home).or_default() += found.iter().map(|(.., pence)| pence).sum::<i64>();
        }
        assert_eq!(received.len(), 3);
        for (society, received) in received {
            let lacks = lacking.get(&society).copied().unwrap_or_default();
            assert_eq!(received, earned[&society] - lacks, "seed {seed}, {society}");
        }
    }
    for word in [
        "slip",
        "late",
        "short",
        "double",
        "charge",
        "wrong-rate",
        "unpaid",
    ] {
        assert!(drawn[word] > 1_000, "{drawn:?}");
    }
}

#[test]
fn every_mistake_in_whole_payments_of_the_demo_s_year_is_found_and_none_is_invented() {
    let year = year();
    let mut of: BTreeMap<&str, Vec<Owed>> = BTreeMap::new();
    for MadeClaim { claim, .. } in &year.claims {
        let key = ClaimKey {
            installation: claim.installation.clone(),
            from: day(&claim.from),
            to: day(&claim.to),
        };
        let by = key.to.plus(60);
        let lines = claim.lines.iter().map(|line| Due {
            claim: key.clone(),
            from: day(&line.from),
            to: day(&line.to),
            kind: match line.kind.as_str() {
                "generation" => LineKind::Generation,
                "export-deemed" => LineKind::ExportDeemed,
                _ => LineKind::ExportMetered,
            },
            wh: WattHours(line.wh),
            rate: line.rate_p_per_kwh.parse().unwrap(),
            pence: Pence(line.pence),
            by,
        });
        of.entry(&claim.installation).or_default().push(Owed {
            lines: lines.collect(),
            pence: Pence(claim.total_pence),
            by,
            claim: key,
        });
    }
    for seed in 0..SEEDS {
        let mut dice = Dice(seed);
        for (installation, owed) in &of {
            let mut payments = Vec::new();
            let mut expected = Vec::new();
            for one in owed {
                let line = &one.lines[dice.roll(one.lines.len())];
                let mut pay = Payment {
                    on: one.claim.to.plus(40),
                    pence: one.pence,
                };
                let large = line.pence.0 >= 1_000;
                let word = match dice.roll(10) {
                    0 => {
                        pay.on = one.by.plus(1 + i32::try_from(dice.roll(20)).unwrap());
                        "late"
                    }
                    1 => {
                        pay.pence.0 -= 101;
                        "short"
                    }
                    2 => {
                        pay.pence.0 -= 2_500;
                        "charge"
                    }
                    3 => {
                        payments.push(Payment {
                            on: pay.on.plus(2),
                            ..pay
                        });
                        "double"
                    }
                    4 if large => {
                        pay.pence.0 -= line.pence.0;
                        "unpaid"
                    }
                    5 if large => {
                        let slipped = line.rate.price(WattHours(line.wh.0 / 10)).unwrap();
                        pay.pence.0 += slipped.0 - line.pence.0;
                        "slip"
                    }
                    _ => "",
                };
                if !word.is_empty() {
                    expected.push((one.claim.from, word));
                }
                if pay.pence.0 > 0 {
                    payments.push(pay);
                }
            }
            let found = allot(installation, owed, &payments, day("2016-09-01")).unwrap();
            let mut found: Vec<(LocalDay, &str)> = found
                .iter()
                .map(|one| (one.claim.from, one.difference.word()))
                .collect();
            found.sort();
            expected.sort();
            assert_eq!(found, expected, "seed {seed} {owed:?} {payments:?}");
        }
    }
}

#[test]
fn every_mistake_in_payments_of_the_demo_s_bills_is_found_and_none_is_invented() {
    let year = year();
    let of = sent_to_hosts(&year.bills);
    assert_eq!(of.len(), 3, "a host of each society");
    let mut drawn: BTreeMap<&str, u32> = BTreeMap::new();
    for seed in 0..SEEDS {
        let mut dice = Dice(seed);
        for (host, sent) in &of {
            let (rows, expected) = paid_by_host(&mut dice, host, sent);
            for (_, word) in &expected {
                *drawn.entry(word).or_default() += 1;
            }
            let mut found: Vec<(u32, &str)> = held_against(sent, &rows)
                .iter()
                .map(|(number, what, _)| (*number, *what))
                .collect();
            found.sort_unstable();
            assert_eq!(found, expected, "seed {seed} {host} {sent:?} {rows:?}");
        }
    }
    assert_eq!(drawn.len(), 7, "{drawn:?}");
    assert!(drawn.values().all(|times| *times > 100), "{drawn:?}");
}

/// Local clock time and kWh, as the recomputation reads them.
fn local(society: &SocietyOffice, at: i64, wh: i64) -> Value {
    let clock = society.known().zone.wall_clock(Instant(at));
    json!([
        format!("{}T{:02}:{:02}:00", clock.day, clock.hour, clock.minute),
        WattHours(wh).kwh_text()
    ])
}

#[test]
fn python_works_the_demo_s_year_out_again() {
    let year = year();
    let (mut cases, mut bills) = (Vec::new(), Vec::new());
    let mut income = 0;
    for MadeClaim { claim, .. } in &year.claims {
        let (society, installation) = year.office.installation(&claim.installation, None).unwrap();
        let known = society.known();
        let of_point = |point: &str| -> Vec<Value> {
            let meters = known.points.get(point).map(|p| p.meters.clone());
            let meters = meters.unwrap_or_default();
            let own = claim
                .reads
                .iter()
                .filter(|read| meters.contains(&read.meter));
            own.map(|read| local(&society, read.at_ms, read.wh))
                .collect()
        };
        let export: Vec<Value> = installation
            .export
            .iter()
            .map(|row| {
                let basis = format!("{:?}", row.basis).to_lowercase();
                json!([row.from, basis])
            })
            .collect();
        cases.push(json!({
            "eligible": installation.eligible_from,
            "kw": installation.declared_net_capacity_kw,
            "export": export,
            "reads": of_point(&installation.meter_point),
            "export_reads": of_point(&installation.export_meter_point),
        }));
    }
    for MadeBill { bill, .. } in &year.bills {
        for line in &bill.lines {
            bills.push(json!({
                "wh": line.wh,
                "rate": line.rate_p_per_kwh,
                "grid": line.grid_p_per_kwh.clone().unwrap_or_else(|| "0".into()),
                "vat": bill.vat_percent,
            }));
        }
        income += bill.net_pence;
    }
    let python = recomputed(&json!({"claim": cases, "bill": bills}));
    let claims = python["claim"].as_array().unwrap();
    assert_eq!(claims.len(), 40);
    for (python, MadeClaim { claim, .. }) in claims.iter().zip(&year.claims) {
        let ours: Vec<Value> = claim
            .lines
            .iter()
            .map(|line| {
                json!({
                    "kind": line.kind,
                    "wh": line.wh,
                    "rate": line.rate_p_per_kwh,
                    "pence": line.pence,
                })
            })
            .collect();
        assert_eq!(python["lines"], json!(ours), "{}", claim.installation);
        assert_eq!(python["total"], claim.total_pence);
        income += claim.total_pence;
    }
    let nets = python["bill"].as_array().unwrap().iter();
    let sum: i64 = nets.map(|bill| bill["net"].as_i64().unwrap()).sum();
    let ours: i64 = year.bills.iter().map(|made| made.bill.net_pence).sum();
    assert_eq!((year.bills.len(), sum), (12, ours));
    // Some £25,000 of a year: 144 kWp at about 900 kWh/kWp and some 18 p.
    assert!(
        (1_500_000..3_500_000).contains(&income),
        "{}",
        Pence(income)
    );
}
