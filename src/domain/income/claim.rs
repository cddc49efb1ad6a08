//! A claim under the Feed-in Tariff: the energy between two register reads, at the rates in force.
//!
//! A claim opens with a read and closes with a read. Where a rate changes in between (1 April, a
//! stated rate, the export basis), the read of the day before splits it; without one the advance is
//! split by time and the line is marked so. Nothing is claimed after the last good read, and nothing
//! between the removal of a meter and the opening read of the next.
//!
//! Rounding: a line is one rate and one kind over its whole energy, rounded once to whole pence,
//! half away from zero. Deemed energy is cut to the Wh. So a claim that is cut in two differs from
//! the whole by less than one penny a line and cut.

use core::fmt;

use super::{BillableRead, Boundary, Chain, Meets, chain::EndsError};
use crate::{
    calendar::{Instant, LocalDay, Period, Zone},
    money::Pence,
    projection::Certainty,
    quantity::{WattHours, Watts},
    tariff::{
        Rate,
        fit::{DEEMED_PERCENT, ExportBasis, NoRate, Priced, Step, Tables, Terms},
    },
};

/// A claim outside this share of what the forecast expects of the days is worth a second look, per
/// cent either way. Ours; licensees do not publish theirs.
const SEASON_PERCENT: i64 = 50;
/// An installation gives no more than its declared net capacity, with the same margin that reads are
/// judged by, per cent.
const CAPACITY_PERCENT: i128 = 120;
const MS_IN_HOUR: i128 = 3_600_000;
/// Slips that are proposed: the reading with its point one or two places elsewhere.
const SLIPS: [i64; 2] = [10, 100];

/// What is claimed.
#[derive(Clone, Copy, Debug)]
pub struct ClaimOf<'a> {
    /// The days asked for, both ends inside.
    pub days: Period,
    /// The society's zone.
    pub zone: &'a Zone,
    /// Published tables.
    pub tables: &'a Tables,
    /// Terms of the installation.
    pub terms: &'a Terms,
    /// Reads of the generation meter point.
    pub generation: &'a Chain,
    /// Reads of the export meter point; `None` without one.
    pub export: Option<&'a Chain>,
    /// Where the generation of the claims before and after has its reads.
    pub meets: Meets,
    /// Where their export has its reads, and the first day whose export is in no claim yet.
    pub export_meets: ExportMeets,
    /// What the roof was expected to make in the days, where there is a forecast.
    pub expected: Option<WattHours>,
}

/// Which export belongs to a claim beside the claims around it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExportMeets {
    /// Where the export before and after has its reads.
    pub meets: Meets,
    /// First day whose export was in no earlier claim for want of a read; `None` when nothing was
    /// left behind.
    pub since: Option<LocalDay>,
}

/// The reads of a claim that was frozen: it is worked out again between exactly these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Again {
    /// Generation's first and last.
    pub generation: (Instant, Instant),
    /// How its export is looked at.
    pub export: AgainExport,
}

/// How the export of a frozen claim is looked at again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgainExport {
    /// Not at all: it is claimed elsewhere.
    Not,
    /// Between the reads it had.
    Between(Instant, Instant),
    /// It had none; the reads may have come since.
    Late(ExportMeets),
}

/// What a line is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LineKind {
    /// Generation.
    Generation,
    /// Export, deemed.
    ExportDeemed,
    /// Export, by its meter.
    ExportMetered,
}

/// One line: one rate, one rounding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimLine {
    /// First local day.
    pub from: LocalDay,
    /// Last local day.
    pub to: LocalDay,
    /// Energy.
    pub wh: WattHours,
    /// Rate.
    pub rate: Rate,
    /// What is due.
    pub pence: Pence,
    /// What for.
    pub kind: LineKind,
    /// Whether a boundary of it was split by time, for want of a read.
    pub apportioned: bool,
}

/// A claim, not yet frozen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Its lines.
    pub lines: Vec<ClaimLine>,
    /// Their sum.
    pub total: Pence,
    /// What a person should know.
    pub findings: Vec<ClaimFinding>,
    /// Every read that a line begins or ends with, in order.
    pub evidence: Vec<BillableRead>,
    /// The opening read's time.
    pub opens_at: Instant,
    /// The closing read's time.
    pub closes_at: Instant,
    /// The times of the reads that metered export opens and closes with.
    pub export_at: Option<(Instant, Instant)>,
}

/// What a person should know of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimFinding {
    /// No read of the day before a rate changed: split by time.
    Apportioned {
        /// First day of the new rate.
        from: LocalDay,
        /// The read before.
        before: Instant,
        /// The read after.
        after: Instant,
    },
    /// No read around the first day; the claim opens later.
    OpensLate {
        /// The first day asked for.
        asked: LocalDay,
        /// The opening read.
        opens: Instant,
    },
    /// No read on the last day; the claim closes with the last good one.
    EndsEarly {
        /// The last day asked for.
        asked: LocalDay,
        /// The closing read.
        closes: Instant,
    },
    /// Nothing was counted between two meters.
    NothingCounted {
        /// The last good read.
        from: Instant,
        /// The opening read of what came after.
        to: Instant,
    },
    /// No export is paid: there is no basis.
    NoExport {
        /// First day.
        from: LocalDay,
        /// Last day.
        to: LocalDay,
    },
    /// Export is to be metered and there is no read that can be used.
    NoExportRead {
        /// First day.
        from: LocalDay,
        /// Last day.
        to: LocalDay,
    },
    /// Export of earlier days, which had no reads when they were claimed.
    ExportCarried {
        /// First day.
        from: LocalDay,
        /// Last day before the claim's own.
        to: LocalDay,
    },
    /// A rate rests on a figure that is not sure.
    Unsure(Step),
    /// A rate comes from the licensee's statement of terms and not from the published tables.
    Stated(Step),
    /// The tariff ended inside the days asked for.
    TariffEnds(LocalDay),
    /// Far from what the season lets expect.
    OutOfSeason {
        /// What was expected.
        expected: WattHours,
        /// What the reads say.
        claimed: WattHours,
        /// The slip of the decimal point that would explain it.
        slip: Option<i64>,
    },
    /// More than the installation can have made between the reads, day and night at full power.
    BeyondCapacity {
        /// The most it can have made.
        at_most: WattHours,
        /// What the reads say.
        claimed: WattHours,
    },
}

/// Why there is no claim.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// No rate.
    #[error(transparent)]
    NoRate(#[from] NoRate),
    /// No reads at the ends.
    #[error(transparent)]
    Ends(#[from] EndsError),
    /// Too much.
    #[error("the claim leaves the range of 64 bits")]
    Beyond,
}

/// Makes a claim.
///
/// # Errors
/// [`ClaimError`] when reads or rates are missing; nothing is estimated.
pub fn claim(of: &ClaimOf<'_>) -> Result<Claim, ClaimError> {
    let mut findings = Vec::new();
    let (opening, closing) = ends(of, of.generation, true, of.meets, &mut findings)?;
    work_out(
        of,
        opening,
        closing,
        ExportEnds::Chosen(of.export_meets),
        findings,
    )
}

/// Works a frozen claim out again from the reads as they are now, between the same instants; what
/// differs from the frozen lines is carried into a later claim.
///
/// # Errors
/// As [`claim`]; [`EndsError::Gone`] when a read it stands on counts no more.
pub fn claim_again(of: &ClaimOf<'_>, again: Again) -> Result<Claim, ClaimError> {
    let (from, to) = again.generation;
    let ends = of.generation.ends_at(from, to)?;
    let export = match again.export {
        AgainExport::Not => ExportEnds::Not,
        AgainExport::Between(from, to) => ExportEnds::Given(from, to),
        AgainExport::Late(meets) => ExportEnds::Chosen(meets),
    };
    work_out(of, ends.opening, ends.closing, export, Vec::new())
}

/// Between which reads metered export is counted.
#[derive(Clone, Copy)]
enum ExportEnds {
    Not,
    Given(Instant, Instant),
    Chosen(ExportMeets),
}

fn work_out(
    of: &ClaimOf<'_>,
    opening: &BillableRead,
    closing: &BillableRead,
    export: ExportEnds,
    mut findings: Vec<ClaimFinding>,
) -> Result<Claim, ClaimError> {
    let (opens_at, closes_at) = (opening.at(), closing.at());
    let first = of.zone.day_of(opens_at).max(of.terms.eligible());
    let last = last_day(of.zone, closes_at).max(first);
    let paid_to = of.terms.last_day();
    if last > paid_to {
        findings.push(ClaimFinding::TariffEnds(paid_to));
    }
    for (from, to) in of.generation.gaps(opens_at, closes_at) {
        findings.push(ClaimFinding::NothingCounted {
            from: from.at(),
            to: to.at(),
        });
    }
    let mut made = Made {
        of,
        lines: Vec::new(),
        evidence: vec![opening.clone(), closing.clone()],
        findings,
        export_at: None,
    };
    let end = last.min(paid_to);
    let rates = of.tables.generation(of.terms, first, end)?;
    let pieces = made.pieces(of.generation, opening, closing, &rates)?;
    let claimed = pieces
        .iter()
        .try_fold(WattHours::ZERO, |sum, piece| sum.checked_add(piece.wh))
        .ok_or(ClaimError::Beyond)?;
    made.add(&pieces, LineKind::Generation)?;
    made.export(first, end, opening, closing, export)?;
    let Made {
        lines,
        mut evidence,
        mut findings,
        export_at,
        ..
    } = made;
    findings.extend(out_of_season(of.expected, claimed));
    findings.extend(beyond_capacity(
        of.terms.capacity(),
        opens_at,
        closes_at,
        claimed,
    )?);
    evidence.sort_by_key(|read| (read.at(), read.register(), read.meter().to_owned()));
    evidence.dedup();
    let mut once: Vec<ClaimFinding> = Vec::with_capacity(findings.len());
    for finding in findings {
        if !once.contains(&finding) {
            once.push(finding);
        }
    }
    Ok(Claim {
        total: Pence::total(lines.iter().map(|line| line.pence)).ok_or(ClaimError::Beyond)?,
        lines,
        findings: once,
        evidence,
        opens_at,
        closes_at,
        export_at,
    })
}

/// Energy under one rate.
struct Piece {
    from: LocalDay,
    to: LocalDay,
    wh: WattHours,
    rate: Option<Rate>,
    basis: Option<ExportBasis>,
    apportioned: bool,
    steps: Vec<Step>,
}

/// A claim in the making.
struct Made<'a> {
    of: &'a ClaimOf<'a>,
    lines: Vec<ClaimLine>,
    evidence: Vec<BillableRead>,
    findings: Vec<ClaimFinding>,
    export_at: Option<(Instant, Instant)>,
}

impl Made<'_> {
    /// The energy between two reads, split where the rate changes.
    fn pieces(
        &mut self,
        chain: &Chain,
        opening: &BillableRead,
        closing: &BillableRead,
        rates: &[Priced],
    ) -> Result<Vec<Piece>, ClaimError> {
        let beyond = ClaimError::Beyond;
        let mut counted = chain.counted_at(opening).ok_or(beyond.clone())?;
        let all = chain.counted_at(closing).ok_or(beyond.clone())?;
        let mut apportioned = false;
        let mut pieces = Vec::new();
        for (n, priced) in rates.iter().enumerate() {
            let is_last = n.saturating_add(1) == rates.len();
            let next = priced.last.next();
            let at = self.of.zone.day_span(next).start;
            // The last rate runs to the closing read, unless the tariff ends before it.
            let (to, split) = if is_last && at >= closing.at() {
                (all, false)
            } else {
                let day_before = self.of.zone.day_span(priced.last).start.max(opening.at());
                let (to, boundary) = chain.counted_to(day_before, at).ok_or(beyond.clone())?;
                let split = match boundary {
                    Boundary::Read(read) => {
                        self.evidence.push(read.clone());
                        false
                    }
                    Boundary::Off => false,
                    Boundary::Apportioned { before, after } => {
                        self.evidence.extend([before.clone(), after.clone()]);
                        self.findings.push(ClaimFinding::Apportioned {
                            from: next,
                            before: before.at(),
                            after: after.at(),
                        });
                        true
                    }
                };
                (to, split)
            };
            pieces.push(Piece {
                from: priced.first,
                to: priced.last,
                wh: to.checked_sub(counted).ok_or(beyond.clone())?,
                rate: priced.rate,
                basis: priced.basis,
                apportioned: apportioned || split,
                steps: priced.steps.clone(),
            });
            counted = to;
            apportioned = split;
        }
        Ok(pieces)
    }

    fn add(&mut self, pieces: &[Piece], kind: LineKind) -> Result<(), ClaimError> {
        for piece in pieces {
            let Some(rate) = piece.rate else { continue };
            if piece.wh == WattHours::ZERO && pieces.len() > 1 {
                continue;
            }
            self.findings.extend(said_of(&piece.steps));
            self.lines.push(ClaimLine {
                from: piece.from,
                to: piece.to,
                wh: piece.wh,
                rate,
                pence: rate.price(piece.wh).ok_or(ClaimError::Beyond)?,
                kind,
                apportioned: piece.apportioned,
            });
        }
        Ok(())
    }

    /// The lines of export, by the basis in force.
    fn export(
        &mut self,
        first: LocalDay,
        end: LocalDay,
        opening: &BillableRead,
        closing: &BillableRead,
        ends_with: ExportEnds,
    ) -> Result<(), ClaimError> {
        let rates = self.of.tables.export(self.of.terms, first, end)?;
        for priced in &rates {
            if priced.basis == Some(ExportBasis::None) {
                self.findings.push(ClaimFinding::NoExport {
                    from: priced.first,
                    to: priced.last,
                });
            }
        }
        if rates.iter().any(|r| r.basis == Some(ExportBasis::Deemed)) {
            let mut pieces = self.pieces(self.of.generation, opening, closing, &rates)?;
            pieces.retain(|piece| piece.basis == Some(ExportBasis::Deemed));
            for piece in &mut pieces {
                let share = piece.wh.0.checked_mul(DEEMED_PERCENT);
                piece.wh = WattHours(share.ok_or(ClaimError::Beyond)? / 100);
            }
            self.add(&pieces, LineKind::ExportDeemed)?;
        }
        self.metered_export(first, end, ends_with)
    }

    /// The lines of metered export, between reads of its own.
    fn metered_export(
        &mut self,
        first: LocalDay,
        end: LocalDay,
        ends_with: ExportEnds,
    ) -> Result<(), ClaimError> {
        let (tables, terms, zone) = (self.of.tables, self.of.terms, self.of.zone);
        let first = match ends_with {
            ExportEnds::Not => return Ok(()),
            ExportEnds::Given(from, _) => first.min(zone.day_of(from)),
            ExportEnds::Chosen(meets) => meets.since.map_or(first, |since| since.min(first)),
        };
        let first = first.max(terms.eligible());
        let metered = |first, last| -> Result<Vec<Priced>, ClaimError> {
            let mut rates = tables.export(terms, first, last)?;
            rates.retain(|r| r.basis == Some(ExportBasis::Metered));
            Ok(rates)
        };
        let rates = metered(first, end)?;
        let (Some(from), Some(to)) = (rates.first(), rates.last()) else {
            return Ok(());
        };
        let (from, to) = (from.first, to.last);
        let nothing = ClaimFinding::NoExportRead { from, to };
        let Some(chain) = self.of.export else {
            self.findings.push(nothing);
            return Ok(());
        };
        let own_first = self.of.days.first_day();
        let found = match ends_with {
            ExportEnds::Not => return Ok(()),
            ExportEnds::Given(opens, closes) => {
                let ends = chain.ends_at(opens, closes)?;
                Ok((ends.opening, ends.closing))
            }
            ExportEnds::Chosen(ExportMeets { meets, since }) => {
                let part = ClaimOf {
                    days: Period::Range {
                        first: from.max(since.map_or(own_first, |since| since.min(own_first))),
                        last: to.min(self.of.days.last_day()),
                    },
                    ..*self.of
                };
                ends(&part, chain, from == first, meets, &mut self.findings)
            }
        };
        let Ok((opening, closing)) = found else {
            self.findings.push(nothing);
            return Ok(());
        };
        let first = zone.day_of(opening.at()).max(from);
        let last = last_day(zone, closing.at()).clamp(first, to.max(first));
        if first < own_first.previous() {
            self.findings.push(ClaimFinding::ExportCarried {
                from: first,
                to: own_first.previous(),
            });
        }
        for (a, b) in chain.gaps(opening.at(), closing.at()) {
            self.findings.push(ClaimFinding::NothingCounted {
                from: a.at(),
                to: b.at(),
            });
        }
        let rates = metered(first, last)?;
        let (opening, closing) = (opening.clone(), closing.clone());
        self.export_at = Some((opening.at(), closing.at()));
        self.evidence.extend([opening.clone(), closing.clone()]);
        let pieces = self.pieces(chain, &opening, &closing, &rates)?;
        self.add(&pieces, LineKind::ExportMetered)
    }
}

/// What is to be said of how a rate came about.
fn said_of(steps: &[Step]) -> Vec<ClaimFinding> {
    let mut said = Vec::new();
    for step in steps {
        if step.is_stated() {
            said.push(ClaimFinding::Stated(step.clone()));
        }
        match step.provenance.certainty {
            Certainty::High | Certainty::Calculated => {}
            Certainty::Medium | Certainty::Low | Certainty::Sample => {
                said.push(ClaimFinding::Unsure(step.clone()));
            }
        }
    }
    said
}

/// The reads a claim opens and closes with, and what is to be said of them.
fn ends<'c>(
    of: &ClaimOf<'_>,
    chain: &'c Chain,
    before: bool,
    meets: Meets,
    findings: &mut Vec<ClaimFinding>,
) -> Result<(&'c BillableRead, &'c BillableRead), EndsError> {
    let ends = chain.ends(of.zone, of.days, before, meets)?;
    let (first, last) = (of.days.first_day(), of.days.last_day());
    if of.zone.day_of(ends.opening.at()) > first {
        findings.push(ClaimFinding::OpensLate {
            asked: first,
            opens: ends.opening.at(),
        });
    }
    if ends.closing.at() < of.zone.day_span(last).start {
        findings.push(ClaimFinding::EndsEarly {
            asked: last,
            closes: ends.closing.at(),
        });
    }
    Ok((ends.opening, ends.closing))
}

/// The local day a read at that instant ends: a read at midnight ends the day before.
fn last_day(zone: &Zone, at: Instant) -> LocalDay {
    zone.day_of(at.plus_ms(-1))
}

/// Whether reads say more than the declared net capacity, with the margin that reads are judged by,
/// gives at full power all the time.
fn beyond_capacity(
    capacity: Watts,
    opens_at: Instant,
    closes_at: Instant,
    claimed: WattHours,
) -> Result<Option<ClaimFinding>, ClaimError> {
    let ms = i128::from(closes_at.ms_since(opens_at).max(0));
    let at_most = i128::from(capacity.0)
        .checked_mul(ms)
        .and_then(|all| all.checked_mul(CAPACITY_PERCENT))
        .and_then(|all| all.checked_div(MS_IN_HOUR.checked_mul(100)?))
        .and_then(|all| i64::try_from(all).ok())
        .map(WattHours)
        .ok_or(ClaimError::Beyond)?;
    Ok((claimed > at_most).then_some(ClaimFinding::BeyondCapacity { at_most, claimed }))
}

fn out_of_season(expected: Option<WattHours>, claimed: WattHours) -> Option<ClaimFinding> {
    let expected = expected.filter(|wh| wh.0 > 0)?;
    let fits = |wh: i64| {
        let (low, high) = (
            100_i64.checked_sub(SEASON_PERCENT),
            100_i64.checked_add(SEASON_PERCENT),
        );
        let share = wh
            .checked_mul(100)
            .and_then(|all| all.checked_div(expected.0));
        matches!((share, low, high), (Some(share), Some(low), Some(high)) if low <= share && share <= high)
    };
    if fits(claimed.0) {
        return None;
    }
    let slip = SLIPS.into_iter().find_map(|by| {
        if claimed.0.checked_div(by).is_some_and(fits) {
            Some(by)
        } else if claimed.0.checked_mul(by).is_some_and(fits) {
            by.checked_neg()
        } else {
            None
        }
    });
    Some(ClaimFinding::OutOfSeason {
        expected,
        claimed,
        slip,
    })
}

impl LineKind {
    /// The word used on pages, in JSON and in files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            LineKind::Generation => "generation",
            LineKind::ExportDeemed => "export-deemed",
            LineKind::ExportMetered => "export-metered",
        }
    }
}

impl ClaimFinding {
    /// The word used in JSON and in files.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            ClaimFinding::Apportioned { .. } => "apportioned",
            ClaimFinding::OpensLate { .. } => "opens-late",
            ClaimFinding::EndsEarly { .. } => "ends-early",
            ClaimFinding::NothingCounted { .. } => "nothing-counted",
            ClaimFinding::NoExport { .. } => "no-export",
            ClaimFinding::NoExportRead { .. } => "no-export-read",
            ClaimFinding::ExportCarried { .. } => "export-carried",
            ClaimFinding::Unsure(_) => "unsure-rate",
            ClaimFinding::Stated(_) => "stated-rate",
            ClaimFinding::TariffEnds(_) => "tariff-ends",
            ClaimFinding::OutOfSeason { .. } => "out-of-season",
            ClaimFinding::BeyondCapacity { .. } => "beyond-capacity",
        }
    }
}

impl fmt::Display for ClaimFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClaimFinding::Apportioned {
                from,
                before,
                after,
            } => write!(
                f,
                "no read of {}, the day before the rate changed: the advance between {before} and {after} was split by time",
                from.previous()
            ),
            ClaimFinding::OpensLate { asked, opens } => write!(
                f,
                "no read at the start of {asked}: the claim opens with that of {opens}, and energy before it is not claimed"
            ),
            ClaimFinding::EndsEarly { asked, closes } => write!(
                f,
                "no read on {asked}: the claim closes with the last good one, of {closes}; what comes after rolls to the next"
            ),
            ClaimFinding::NothingCounted { from, to } => write!(
                f,
                "nothing can be claimed between {from} and {to}: no register counted"
            ),
            ClaimFinding::NoExport { from, to } => write!(
                f,
                "no export is paid from {from} to {to}: neither metered nor deemed"
            ),
            ClaimFinding::NoExportRead { from, to } => write!(
                f,
                "export from {from} to {to} is to be metered, and there are no reads at both ends: nothing is claimed for it"
            ),
            ClaimFinding::ExportCarried { from, to } => write!(
                f,
                "export from {from} to {to} was in no earlier claim for want of a read, and is in this one"
            ),
            ClaimFinding::Unsure(step) => write!(
                f,
                "a rate rests on {} p from {}, which is of {} certainty ({}); check it on the licensee's statement of terms, and give what that says under [[installation.stated]]",
                step.rate,
                step.from,
                step.provenance.certainty.word(),
                step.provenance.source
            ),
            ClaimFinding::Stated(step) => write!(
                f,
                "a rate stands in for the published tables: {} p from {} ({})",
                step.rate, step.from, step.provenance.source
            ),
            ClaimFinding::TariffEnds(last) => {
                write!(f, "the tariff ends with {last}; nothing is paid after it")
            }
            ClaimFinding::BeyondCapacity { at_most, claimed } => write!(
                f,
                "{} is more than the installation can have made between the reads: at most {} at its declared net capacity, day and night",
                claimed.kwh_words(),
                at_most.kwh_words()
            ),
            ClaimFinding::OutOfSeason {
                expected,
                claimed,
                slip,
            } => {
                write!(
                    f,
                    "{} is far from the {} that the forecast expects of these days",
                    claimed.kwh_words(),
                    expected.kwh_words()
                )?;
                match slip {
                    Some(by) if *by > 0 => {
                        write!(f, "; a read {by} times too large would explain it")
                    }
                    Some(by) => write!(f, "; a read {} times too small would explain it", by.abs()),
                    None => Ok(()),
                }
            }
        }
    }
}
