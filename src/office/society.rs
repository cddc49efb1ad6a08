//! One society, open: its journal, its books, its series and who may change them.
//!
//! A decision goes one way: checked against what is known, appended to the journal and synced,
//! applied to the books in one transaction, handed to the projector, answered. Reads never pass
//! through here: they come from the committer's sink straight to the projector.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

use domain::{
    calendar::{Instant, Zone},
    metering::{Decisions, MeterEvent, Obis, SeriesId, SeriesRules},
};
use journal::{CommitLimits, Committer, Entry, Journal, Options, RealDisk, Records};
use records::{
    Decoded, KIND_DECISION,
    decision::{self, Decision, What},
    devices::Devices,
    society::SocietyDocument,
};
use store::{
    Live, SeriesReader, SeriesStore,
    books::{BooksStore, Effect, HistoryMonth},
    people::PeopleStore,
    series::{SeriesDef, SeriesOptions},
};

use super::{
    answer::{Answer, OrOurs, Refusal, refuse},
    ballots, folder, imported_files,
    known::{Known, Numbering},
    notes,
    projector::{Projector, SharedKnown, Watch},
    roll::{self, Roll},
};

/// How a society is opened.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Bytes of a journal segment.
    pub segment_bytes: u64,
    /// Reads written to the series at once.
    pub flush_reads: usize,
    /// Longest wait of a read before it is written, ms.
    pub flush_interval_ms: u64,
    /// Reads that may wait before intake slows.
    pub max_lag_reads: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            segment_bytes: 64 << 20,
            flush_reads: 2_000_000,
            flush_interval_ms: 30_000,
            max_lag_reads: 4_000_000,
        }
    }
}

/// The kind of the decision that fixes a claim.
pub(super) const CLAIM_FROZEN: &str = "claim-frozen/1";
/// The kind of the decision that fixes a bill.
pub(super) const BILL_FROZEN: &str = "bill-frozen/1";
/// The kind of the decision that applies a chart of accounts.
pub(super) const CHART_APPLIED: &str = "chart-applied/1";
/// The kind of the decision that posts an entry.
pub(super) const ENTRY_POSTED: &str = "entry-posted/1";
/// The kind of the decision that closes days of the books.
pub(super) const BOOKS_CLOSED: &str = "books-closed/1";
/// The kind of the decision that takes a bill back.
pub(super) const BILL_CREDITED: &str = "bill-credited/1";
/// The kind of the decision that prepares an interest run.
pub(super) const RUN_PREPARED: &str = "run-prepared/1";
/// The kind of the decision that holds lines of one that does not fit a record.
pub(super) const RUN_LINES: &str = "run-lines/1";
/// The kind of the decision that prepares one whose lines stand in parts.
pub(super) const RUN_PREPARED_IN_PARTS: &str = "run-prepared/2";
/// The kind of the decision that fixes one whose lines stand in parts.
pub(super) const RUN_FROZEN_IN_PARTS: &str = "run-frozen/2";
/// The kind of the decision that approves one.
pub(super) const RUN_APPROVED: &str = "run-approved/1";
/// The kind of the decision that fixes one.
pub(super) const RUN_FROZEN: &str = "run-frozen/1";
/// The kind of the decision that takes one back.
pub(super) const RUN_VOIDED: &str = "run-voided/1";

/// An open society.
pub struct SocietyOffice {
    slug: String,
    folder: PathBuf,
    committer: Committer<Decoded>,
    books: Mutex<BooksStore>,
    pub(super) people: Mutex<PeopleStore>,
    /// Roots of the journal's first records, by how many: they never change.
    pub(crate) roots: Mutex<std::collections::BTreeMap<u64, String>>,
    pub(super) roll: Mutex<Option<Roll>>,
    known: SharedKnown,
    numbering: Mutex<Numbering>,
    events: RwLock<Arc<Vec<MeterEvent>>>,
    live: Arc<Live>,
    projector: Projector,
    reader: SeriesReader,
}

impl SocietyOffice {
    /// Founds a society: makes its folder and takes its first document.
    ///
    /// # Errors
    /// When the document is wrong or the folder cannot be made.
    pub fn found(
        folder: &Path,
        document: &SocietyDocument,
        mappings: Vec<What>,
        by: &str,
        now: Instant,
        settings: Settings,
    ) -> Answer<()> {
        Known::check(document, &mut Numbering::new())?;
        folder::make(folder)?;
        folder::make(&folder.join("journal"))?;
        let mut journal = open_journal(folder, 0, settings)?.0;
        if journal.head().size == 0 {
            let mut records = Records::default();
            let all = mappings
                .into_iter()
                .chain([What::SocietyApplied(Box::new(document.clone()))]);
            for what in all {
                let decision = Decision {
                    at_ms: now.0,
                    by: by.to_owned(),
                    what,
                };
                records.push(&decision.to_record());
            }
            journal
                .append_group(now.0, &records)
                .or_ours("the society's journal")?;
        }
        journal.close().or_ours("the society's journal")
    }

    /// Opens a society; replay of what the series lack goes on in the background.
    ///
    /// # Errors
    /// When a file is damaged, missing, or written by a newer version.
    pub fn open(
        slug: &str,
        folder: &Path,
        now: Instant,
        settings: Settings,
        watch: Arc<dyn Watch>,
    ) -> Answer<SocietyOffice> {
        let mut books = BooksStore::open(&folder.join("books.sqlite")).or_ours("books.sqlite")?;
        let file = folder.join("series.sqlite");
        let in_series = match file.exists() {
            // The zone does not matter for a position.
            true => Zone::named("UTC").or_ours("the zone").and_then(|utc| {
                SeriesReader::open(&file, utc)
                    .and_then(|r| r.position())
                    .or_ours("series.sqlite")
            })?,
            false => 0,
        };
        let (mut journal, cut) = open_journal(folder, books.position().max(in_series), settings)?;
        if let Some(cut) = cut {
            tracing::warn!(
                society = slug,
                file = cut.file,
                bytes = cut.bytes,
                "an unfinished end of the journal was set aside"
            );
            let decision = Decision {
                at_ms: now.0,
                by: "daemon".into(),
                what: What::TailCut(decision::TailCut {
                    file: cut.file,
                    bytes: cut.bytes,
                    reason: "the last group was not whole; it had not been acknowledged".into(),
                }),
            };
            journal
                .append_group(now.0, &Records::one(decision.to_record()))
                .or_ours("the society's journal")?;
        }
        catch_up_books(&mut books, &journal.reader())?;
        let mut people =
            PeopleStore::open(&folder.join("people.sqlite")).or_ours("people.sqlite")?;
        erase_again(&books, &mut people)?;
        imported_files::forget_redacted(&books, folder)?;
        let (known, numbering) = known_of(&books)?;
        let zone = known.zone.clone();
        let options = SeriesOptions {
            zone: zone.clone(),
            flush_reads: settings.flush_reads,
        };
        let mut series = SeriesStore::open(&file, options).or_ours("series.sqlite")?;
        let events = Arc::new(events_of(&books, &known)?);
        let decisions = decisions_of(&books, &known)?;
        let live = Arc::new(Live::new(zone.clone()));
        let defs = definitions(&known, &events, &decisions)?;
        define_live(&live, &known);
        series.bind(Arc::clone(&known.bindings));
        series.define(&defs).or_ours("series.sqlite")?;
        let reader = series.reader().or_ours("series.sqlite")?;
        let known: SharedKnown = Arc::new(RwLock::new(Arc::new(known)));
        let projector = Projector::start(
            slug,
            series,
            journal.reader(),
            Arc::clone(&known),
            Arc::clone(&live),
            settings,
            Arc::clone(&watch),
        )?;
        let sink = projector.sink(Arc::clone(&live), watch);
        let committer = Committer::spawn(journal, CommitLimits::default(), sink);
        Ok(SocietyOffice {
            slug: slug.to_owned(),
            folder: folder.to_owned(),
            committer,
            books: Mutex::new(books),
            people: Mutex::new(people),
            roots: Mutex::default(),
            roll: Mutex::new(None),
            known,
            numbering: Mutex::new(numbering),
            events: RwLock::new(events),
            live,
            projector,
            reader,
        })
    }

    /// Its short name.
    #[must_use]
    pub fn slug(&self) -> &str {
        &self.slug
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What is known of it now.
    #[must_use]
    pub fn known(&self) -> Arc<Known> {
        Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Its dated meter events.
    #[must_use]
    pub fn events(&self) -> Arc<Vec<MeterEvent>> {
        Arc::clone(&self.events.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The last values of its registers.
    #[must_use]
    pub fn live(&self) -> &Live {
        &self.live
    }

    /// Where records are offered.
    #[must_use]
    pub fn committer(&self) -> &Committer<Decoded> {
        &self.committer
    }

    /// The background work on its series.
    #[must_use]
    pub fn projector(&self) -> &Projector {
        &self.projector
    }

    /// Its books, held.
    pub fn books(&self) -> MutexGuard<'_, BooksStore> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks something about some registers, after everything acknowledged so far is in the series.
    ///
    /// # Errors
    /// What the question gives, or when the series cannot be brought up to date.
    pub fn ask<T>(
        &self,
        about: &[SeriesId],
        question: impl FnOnce(&SeriesReader) -> Answer<T>,
    ) -> Answer<T> {
        self.projector.settle(about.to_vec())?;
        self.look(question)
    }

    /// Asks with everything acknowledged so far, or as the series lie on disk.
    ///
    /// # Errors
    /// What the question gives, or when the series cannot be brought up to date.
    pub(super) fn seen<T>(
        &self,
        fresh: bool,
        about: &[SeriesId],
        question: impl FnOnce(&SeriesReader) -> Answer<T>,
    ) -> Answer<T> {
        match fresh {
            true => self.ask(about, question),
            false => self.look(question),
        }
    }

    /// Asks the series something as they lie on disk, at most one flush interval old.
    ///
    /// # Errors
    /// What the question gives.
    pub fn look<T>(&self, question: impl FnOnce(&SeriesReader) -> Answer<T>) -> Answer<T> {
        question(&self.reader)
    }

    /// The decisions of one kind, in order.
    ///
    /// # Errors
    /// When the books are damaged.
    pub(super) fn decided<T>(
        &self,
        kind: &str,
        pick: impl Fn(What) -> Option<T>,
    ) -> Answer<Vec<T>> {
        let decisions = self.decisions(&[kind])?;
        Ok(decisions.into_iter().filter_map(|d| pick(d.what)).collect())
    }

    /// The decisions of these kinds with their authors and times, in order.
    ///
    /// # Errors
    /// When the books are damaged.
    pub(super) fn decisions(&self, kinds: &[&str]) -> Answer<Vec<Decision>> {
        let mut found = Vec::new();
        self.books().applied_of(kinds, |row| {
            found.push(serde_json::from_str(&row.json).or_ours("a decision")?);
            Answer::Ok(())
        })?;
        Ok(found)
    }

    /// Takes a decision: journal, books, series, in this order.
    ///
    /// # Errors
    /// When the journal takes nothing, or a projection fails; the journal then has it already and
    /// the next start applies it.
    pub fn decide(&self, what: What, by: &str, now: Instant) -> Answer<()> {
        self.decide_all(vec![what], by, now)
    }

    /// Takes several decisions as one group of the journal: all of them or none.
    ///
    /// # Errors
    /// As [`decide`](SocietyOffice::decide).
    pub fn decide_all(&self, what: Vec<What>, by: &str, now: Instant) -> Answer<()> {
        self.decide_along(what, Records::default(), Decoded::default(), by, now)
    }

    /// Takes decisions together with the records they speak of, which come first: one group.
    ///
    /// # Errors
    /// As [`decide`](SocietyOffice::decide).
    pub(super) fn decide_along(
        &self,
        what: Vec<What>,
        mut records: Records,
        along: Decoded,
        by: &str,
        now: Instant,
    ) -> Answer<()> {
        let mut books = self.books();
        let decisions: Vec<(Decision, Vec<u8>)> = what
            .into_iter()
            .map(|what| {
                let decision = Decision {
                    at_ms: now.0,
                    by: by.to_owned(),
                    what,
                };
                let record = decision.to_record();
                (decision, record)
            })
            .collect();
        if decisions.is_empty() {
            return Ok(());
        }
        let before = records.len() as u64;
        for (_, record) in &decisions {
            records.push(record);
        }
        let entry = Entry {
            records,
            time_ms: now.0,
            count: 1,
            ack: None,
            along,
        };
        let first = self.committer.append(entry).map_err(stopped)?;
        for ((decision, record), position) in decisions.iter().zip(first + before..) {
            apply(&mut books, position, record, decision)?;
            if let What::SocietyApplied(document) = &decision.what {
                let mut numbering = self
                    .numbering
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                let mut known = Known::check(document, &mut numbering)?;
                let before = self.known();
                known.bind(&before.bindings, now)?;
                known.devices = before.devices.clone();
                known.disbelieved = before.disbelieved.clone();
                known.clones = before.clones.clone();
                define_live(&self.live, &known);
                *self.known.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(known);
            }
            if matches!(
                decision.what,
                What::MessagesDisbelieved(_) | What::GatewayCloned(_)
            ) {
                let mut known = Known::clone(&self.known());
                known.take_about_gateways(&decision.what);
                *self.known.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(known);
            }
            if let What::MappingApplied(applied) = &decision.what {
                let mut known = Known::clone(&self.known());
                known
                    .devices
                    .apply(applied)
                    .or_ours("a mapping that was checked")?;
                *self.known.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(known);
            }
        }
        if decisions.iter().all(|(decision, _)| {
            let kind = kind_of(&decision.what);
            roll::KINDS.contains(&kind) || notes::KINDS.contains(&kind)
        }) {
            // Members, shares and notes change nothing that reads are judged by.
            return Ok(());
        }
        let known = self.known();
        let events = Arc::new(events_of(&books, &known)?);
        let defs = definitions(&known, &events, &decisions_of(&books, &known)?)?;
        *self.events.write().unwrap_or_else(PoisonError::into_inner) = events;
        drop(books);
        self.projector.define(defs)
    }

    /// Notes how far the journal holds no decision that the books lack, so that the next start
    /// reads only what came after. To be called now and then.
    pub fn keep_books(&self) -> Answer<()> {
        let mut books = self.books();
        let settled = self
            .projector
            .progress()
            .position
            .load(std::sync::atomic::Ordering::Acquire);
        books.pass(settled).or_ours("books.sqlite")
    }

    /// Ends it: what was acknowledged is on disk, the series are flushed.
    pub fn close(&self) {
        self.committer.stop();
        self.reader.rest();
        self.projector.stop();
        if let Err(error) = self.keep_books() {
            tracing::warn!(society = self.slug, %error, "the books' position was not kept; the next start reads more");
        }
    }
}

/// Erases again what was erased before the people file was put back from a copy.
fn erase_again(books: &BooksStore, people: &mut PeopleStore) -> Answer<()> {
    let mut gone = Vec::new();
    books.applied_of(&["member-erased/1"], |row| {
        let decision: Decision = serde_json::from_str(&row.json).or_ours("a decision")?;
        if let What::MemberErased(erased) = decision.what {
            gone.push(erased.member);
        }
        Answer::Ok(())
    })?;
    people.erase(&gone).map(drop).or_ours("people.sqlite")
}

/// The committer takes nothing: told with what to do.
pub(super) fn stopped(error: journal::CommitError) -> Refusal {
    Refusal::Ours(format!("the journal did not take it: {error}"))
}

fn open_journal(
    folder: &Path,
    at_least: u64,
    settings: Settings,
) -> Answer<(Journal, Option<journal::Cut>)> {
    let path = folder.join("journal");
    folder::make(&path)?;
    let disk = RealDisk::new(&path).or_ours("the society's journal")?;
    let options = Options {
        segment_bytes: settings.segment_bytes,
        expect_at_least: at_least,
    };
    let (journal, opened) =
        Journal::open(Arc::new(disk), options).or_ours("the society's journal")?;
    Ok((journal, opened.cut))
}

/// Applies decisions that the books lack.
pub(super) fn catch_up_books(books: &mut BooksStore, reader: &journal::Reader) -> Answer<()> {
    let what = "the society's journal";
    for batch in reader.batches_ahead(books.position()) {
        let batch = batch.or_ours(what)?;
        for record in batch.iter() {
            if record.bytes.first() == Some(&KIND_DECISION) {
                let decision = Decision::from_record(record.bytes).or_ours(what)?;
                apply(books, record.index, record.bytes, &decision)?;
            }
        }
    }
    books.pass(reader.size()).or_ours("books.sqlite")
}

/// Applies one decision to the books.
fn apply(books: &mut BooksStore, position: u64, record: &[u8], decision: &Decision) -> Answer<()> {
    let json =
        std::str::from_utf8(record.get(2..).unwrap_or_default()).or_ours("a decision's text")?;
    let register = |code: &str| code.parse::<Obis>().or_ours("a decision's register code");
    let version = match books.society().or_ours("books.sqlite")? {
        Some(document) => document.version + 1,
        None => 1,
    };
    let document_json;
    let mut months = Vec::new();
    let mut effects = Vec::new();
    match &decision.what {
        What::SocietyApplied(document) => {
            document_json = serde_json::to_string(document).or_ours("the society document")?;
            effects.push(Effect::Society {
                version,
                json: &document_json,
            });
        }
        What::MeterEvent(event) => effects.push(Effect::MeterEvent {
            meter: &event.meter,
            register: register(&event.register)?,
            at: Instant(event.closed_at_ms),
            json,
        }),
        What::ReadDecision(read) => effects.push(Effect::ReadDecision {
            meter: &read.meter,
            register: register(&read.register)?,
            at: Instant(read.read_at_ms),
            wh: domain::quantity::WattHours(read.wh),
            json,
        }),
        What::HistoryMonths(history) => {
            for row in &history.rows {
                let month: domain::calendar::LocalMonth =
                    row.month.parse().or_ours("a month of history")?;
                months.push(HistoryMonth {
                    subject: row.site.as_str().into(),
                    year: month.year(),
                    month: month.month(),
                    wh: domain::quantity::WattHours(row.wh),
                    source: history.file.as_str().into(),
                });
            }
        }
        What::MappingApplied(_)
        | What::MessagesDisbelieved(_)
        | What::GatewayCloned(_)
        | What::GatewayCredential(_)
        | What::GatewayCertificate(_)
        | What::GatewayCode(_)
        | What::GatewayKey(_)
        | What::GatewayKeyEnded(_)
        | What::GatewayRevoked(_)
        | What::GatewayRevokedFrom(_)
        | What::ClaimFrozen(_)
        | What::BillFrozen(_)
        | What::ChartApplied(_)
        | What::EntryPosted(_)
        | What::BooksClosed(_)
        | What::BillCredited(_)
        | What::TableExtended(_)
        | What::TableDecided(_)
        | What::BankImported(_)
        | What::BankMatched(_)
        | What::MemberEntered(_)
        | What::MembersImported(_)
        | What::SharesImported(_)
        | What::ImportClosed(_)
        | What::MemberChanged(_)
        | What::MemberBank(_)
        | What::MemberDied(_)
        | What::MemberEnded(_)
        | What::MemberErased(_)
        | What::LetterActed(_)
        | What::CaseOpened(_)
        | What::CaseNoted(_)
        | What::CaseStep(_)
        | What::NominationMade(_)
        | What::NominationEnded(_)
        | What::SharesApplied(_)
        | What::ApplicationEnded(_)
        | What::WithdrawalAsked(_)
        | What::WithdrawalEnded(_)
        | What::WithdrawalsSuspended(_)
        | What::WithdrawalsResumed(_)
        | What::SharesMoved(_)
        | What::InterestConverted(_)
        | What::RunPrepared(_)
        | What::RunLines(_)
        | What::RunPreparedInParts(_)
        | What::RunFrozenInParts(_)
        | What::OrderLines(_)
        | What::OrderPreparedInParts(_)
        | What::RunApproved(_)
        | What::RunFrozen(_)
        | What::RunVoided(_)
        | What::OrderPrepared(_)
        | What::OrderApproved(_)
        | What::OrderReleased(_)
        | What::OrderCancelled(_)
        | What::OrderReported(_)
        | What::InterestForfeited(_)
        | What::MemberTax(_)
        | What::ManualRead(_)
        | What::ReadConfirmed(_)
        | What::ReadAgreed(_)
        | What::TaskDone(_)
        | What::OutagePlanned(_)
        | What::OutageChanged(_)
        | What::CostEntered(_)
        | What::CostReversed(_)
        | What::IrradianceImported(_)
        | What::IrradianceWithdrawn(_)
        | What::AlertRaised(_)
        | What::AlertCleared(_)
        | What::AlertSeen(_)
        | What::AlertTold(_)
        | What::UserInvited(_)
        | What::UserSetUp(_)
        | What::UserRoles(_)
        | What::UserMembers(_)
        | What::UserDisabled(_)
        | What::UserToken(_)
        | What::ReadingToken(_)
        | What::UserTokenEnded(_)
        | What::UserRecovered(_)
        | What::UserResetAsked(_)
        | What::BallotCalled(_)
        | What::ProxyAppointed(_)
        | What::BallotVoters(_)
        | What::BallotBox(_)
        | What::BallotCancelled(_)
        | What::StakeNoted(_)
        | What::OutcomeNoted(_)
        | What::FundNoted(_)
        | What::ProjectNoted(_)
        | What::ClosingNoted(_)
        | What::PackNoted(_)
        | What::AssetEntered(_)
        | What::AssetDisposed(_)
        | What::SupplierBill(_)
        | What::SupplierBillDecided(_)
        | What::AccrualEntered(_)
        | What::LoanTaken(_)
        | What::VatTerms(_)
        | What::VatReturned(_)
        | What::BudgetSet(_)
        | What::FileKept(_)
        | What::FileRedacted(_)
        | What::TailCut(_) => {}
    }
    effects.extend(months.iter().map(Effect::HistoryMonth));
    let kind = kind_of(&decision.what);
    books
        .apply(position, kind, json, &effects)
        .or_ours("books.sqlite")?;
    Ok(())
}

fn kind_of(what: &What) -> &'static str {
    match what {
        What::SocietyApplied(_) => "society-applied/1",
        What::MeterEvent(_) => "meter-event/1",
        What::ReadDecision(_) => "read-decision/1",
        What::HistoryMonths(_) => "history-months/1",
        What::GatewayCredential(_) => "gateway-credential/1",
        What::GatewayCertificate(_) => "gateway-certificate/1",
        What::GatewayRevoked(_) => "gateway-revoked/1",
        What::GatewayRevokedFrom(_) => "gateway-revoked/2",
        What::GatewayCode(_) => "gateway-code/1",
        What::GatewayKey(_) => "gateway-key/1",
        What::GatewayKeyEnded(_) => "gateway-key-ended/1",
        What::MessagesDisbelieved(_) => "messages-disbelieved/1",
        What::GatewayCloned(_) => "gateway-cloned/1",
        What::MappingApplied(_) => "mapping-applied/1",
        What::ClaimFrozen(_) => CLAIM_FROZEN,
        What::BillFrozen(_) => BILL_FROZEN,
        What::ChartApplied(_) => CHART_APPLIED,
        What::EntryPosted(_) => ENTRY_POSTED,
        What::BooksClosed(_) => BOOKS_CLOSED,
        What::BillCredited(_) => BILL_CREDITED,
        What::TableExtended(_) => "table-extended/1",
        What::TableDecided(_) => "table-decided/1",
        What::BankImported(_) => "bank-imported/1",
        What::BankMatched(_) => "bank-matched/1",
        What::MemberEntered(_) => "member-entered/1",
        What::MembersImported(_) => "members-imported/1",
        What::SharesImported(_) => "shares-imported/1",
        What::ImportClosed(_) => "import-closed/1",
        What::MemberChanged(_) => "member-changed/1",
        What::MemberBank(_) => "member-bank/1",
        What::MemberDied(_) => "member-died/1",
        What::MemberEnded(_) => "member-ended/1",
        What::MemberErased(_) => "member-erased/1",
        What::LetterActed(_) => "letter-acted/1",
        What::CaseOpened(_) => "case-opened/1",
        What::CaseNoted(_) => "case-noted/1",
        What::CaseStep(_) => "case-step/1",
        What::NominationMade(_) => "nomination-made/1",
        What::NominationEnded(_) => "nomination-ended/1",
        What::SharesApplied(_) => "shares-applied/1",
        What::ApplicationEnded(_) => "application-ended/1",
        What::WithdrawalAsked(_) => "withdrawal-asked/1",
        What::WithdrawalEnded(_) => "withdrawal-ended/1",
        What::WithdrawalsSuspended(_) => "withdrawals-suspended/1",
        What::WithdrawalsResumed(_) => "withdrawals-resumed/1",
        What::SharesMoved(_) => "shares-moved/1",
        What::InterestConverted(_) => "interest-converted/1",
        What::RunPrepared(_) => RUN_PREPARED,
        What::RunLines(_) => RUN_LINES,
        What::RunPreparedInParts(_) => RUN_PREPARED_IN_PARTS,
        What::RunFrozenInParts(_) => RUN_FROZEN_IN_PARTS,
        What::OrderLines(_) => "order-lines/1",
        What::OrderPreparedInParts(_) => "order-prepared/2",
        What::RunApproved(_) => RUN_APPROVED,
        What::RunFrozen(_) => RUN_FROZEN,
        What::RunVoided(_) => RUN_VOIDED,
        What::OrderPrepared(_) => "order-prepared/1",
        What::OrderApproved(_) => "order-approved/1",
        What::OrderReleased(_) => "order-released/1",
        What::OrderCancelled(_) => "order-cancelled/1",
        What::OrderReported(_) => "order-reported/1",
        What::InterestForfeited(_) => "interest-forfeited/1",
        What::MemberTax(_) => "member-tax/1",
        What::ManualRead(_) => "manual-read/1",
        What::ReadConfirmed(_) => "read-confirmed/1",
        What::ReadAgreed(_) => "read-agreed/1",
        What::TaskDone(_) => "task-done/1",
        What::OutagePlanned(_) => "outage-planned/1",
        What::OutageChanged(_) => "outage-changed/1",
        What::CostEntered(_) => "cost-entered/1",
        What::CostReversed(_) => "cost-reversed/1",
        What::IrradianceImported(_) => "irradiance-imported/1",
        What::IrradianceWithdrawn(_) => "irradiance-withdrawn/1",
        What::AlertRaised(_) => "alert-raised/1",
        What::AlertCleared(_) => "alert-cleared/1",
        What::AlertSeen(_) => "alert-seen/1",
        What::AlertTold(_) => "alert-told/1",
        What::UserInvited(_) => "user-invited/1",
        What::UserSetUp(_) => "user-set-up/1",
        What::UserRoles(_) => "user-roles/1",
        What::UserMembers(_) => "user-members/1",
        What::UserDisabled(_) => "user-disabled/1",
        What::UserToken(_) => "user-token/1",
        What::ReadingToken(_) => "reading-token/1",
        What::UserTokenEnded(_) => "user-token-ended/1",
        What::UserRecovered(_) => "user-recovered/1",
        What::UserResetAsked(_) => "user-reset-asked/1",
        What::BallotCalled(_) => ballots::CALLED,
        What::ProxyAppointed(_) => ballots::PROXY,
        What::BallotVoters(_) => ballots::VOTERS,
        What::BallotBox(_) => ballots::BOX,
        What::BallotCancelled(_) => ballots::CANCELLED,
        What::StakeNoted(_) => notes::STAKE,
        What::OutcomeNoted(_) => notes::OUTCOME,
        What::FundNoted(_) => notes::FUND,
        What::ProjectNoted(_) => notes::PROJECT,
        What::ClosingNoted(_) => notes::CLOSING,
        What::PackNoted(_) => notes::PACK,
        What::AssetEntered(_) => "asset-entered/1",
        What::AssetDisposed(_) => "asset-disposed/1",
        What::SupplierBill(_) => "supplier-bill/1",
        What::SupplierBillDecided(_) => "supplier-bill-decided/1",
        What::AccrualEntered(_) => "accrual-entered/1",
        What::LoanTaken(_) => "loan-taken/1",
        What::VatTerms(_) => "vat-terms/1",
        What::VatReturned(_) => "vat-returned/1",
        What::BudgetSet(_) => "budget-set/1",
        What::FileKept(_) => "file-kept/1",
        What::FileRedacted(_) => "file-redacted/1",
        What::TailCut(_) => "tail-cut/1",
    }
}

/// What is known after all documents so far, with the numbering they gave.
pub(super) fn known_of(books: &BooksStore) -> Answer<(Known, Numbering)> {
    let mut numbering = Numbering::new();
    let mut latest = None;
    let mut devices = Devices::default();
    let mut about_gateways = Vec::new();
    let kinds = [
        "society-applied/1",
        "messages-disbelieved/1",
        "gateway-cloned/1",
        "mapping-applied/1",
    ];
    books.applied_of(&kinds, |row| {
        if row.kind == "society-applied/1" {
            let decision: Decision =
                serde_json::from_str(&row.json).or_ours("the society document")?;
            if let What::SocietyApplied(document) = decision.what {
                let mut known = Known::check(&document, &mut numbering)?;
                let before = latest
                    .take()
                    .map(|known: Known| known.bindings)
                    .unwrap_or_default();
                known.bind(&before, Instant(decision.at_ms))?;
                latest = Some(known);
            }
        }
        if ["messages-disbelieved/1", "gateway-cloned/1"].contains(&&*row.kind) {
            let decision: Decision = serde_json::from_str(&row.json).or_ours("a decision")?;
            about_gateways.push(decision.what);
        }
        if row.kind == "mapping-applied/1" {
            let decision: Decision = serde_json::from_str(&row.json).or_ours("a mapping")?;
            if let What::MappingApplied(applied) = decision.what {
                devices.apply(&applied).or_ours("a mapping")?;
            }
        }
        Answer::Ok(())
    })?;
    match latest {
        Some(mut known) => {
            known.devices = devices;
            for what in &about_gateways {
                known.take_about_gateways(what);
            }
            Ok((known, numbering))
        }
        None => refuse(
            "the society has no document yet\nhint: run `commonwatt society apply FILE.toml`",
        ),
    }
}

/// The meter events of the books, in the domain's words.
pub(super) fn events_of(books: &BooksStore, known: &Known) -> Answer<Vec<MeterEvent>> {
    let mut events = Vec::new();
    for row in books.meter_events().or_ours("books.sqlite")? {
        let decision: Decision = serde_json::from_str(&row.json).or_ours("a meter event")?;
        let What::MeterEvent(event) = decision.what else {
            continue;
        };
        if let Some(event) = super::meters::domain_event(known, &event, &decision.by)? {
            events.push(event);
        }
    }
    Ok(events)
}

/// What persons decided about reads: by meter and register.
type DecisionsBySeries = std::collections::BTreeMap<u32, Decisions>;

/// The read decisions of the books, by series.
pub(super) fn decisions_of(books: &BooksStore, known: &Known) -> Answer<DecisionsBySeries> {
    let mut by_series = DecisionsBySeries::new();
    for row in books.read_decisions().or_ours("books.sqlite")? {
        let decision: Decision = serde_json::from_str(&row.json).or_ours("a read decision")?;
        let What::ReadDecision(read) = decision.what else {
            continue;
        };
        let register: Obis = read.register.parse().or_ours("a read decision")?;
        if let Some(series) = known.series_of(&read.meter, register) {
            by_series.entry(series.0).or_default().decide(
                Instant(read.read_at_ms),
                domain::quantity::WattHours(read.wh),
                super::reads::domain_decision(&read)?,
            );
        }
    }
    Ok(by_series)
}

/// What the series store is told of every register.
pub(super) fn definitions(
    known: &Known,
    events: &[MeterEvent],
    decisions: &DecisionsBySeries,
) -> Answer<Vec<SeriesDef>> {
    let none = Arc::new(Decisions::none());
    let mut defs = Vec::new();
    for series in &known.series {
        let Some((point, register)) = known.register(series.id) else {
            continue;
        };
        let nights = known
            .sites
            .get(&point.site)
            .map(|site| Arc::clone(&site.nights))
            .unwrap_or_default();
        let mut rules = SeriesRules::of(register, Some(point.ceiling), nights);
        if events
            .iter()
            .any(|e| e.closes == series.id || e.opens == series.id)
        {
            rules.lives = domain::metering::Lives::of(series.id, events)
                .map_err(|e| Refusal::Caller(format!("meter `{}`: {e}", series.meter)))?;
        }
        defs.push(SeriesDef {
            id: series.id,
            meter: Arc::from(series.meter.as_str()),
            register: series.register,
            rules: Arc::new(rules),
            decisions: decisions
                .get(&series.id.0)
                .map_or_else(|| Arc::clone(&none), |d| Arc::new(d.clone())),
        });
    }
    Ok(defs)
}

fn define_live(live: &Live, known: &Known) {
    for series in &known.series {
        let ceiling = known
            .register(series.id)
            .and_then(|(point, _)| u32::try_from(point.ceiling.0).ok())
            .unwrap_or(0);
        live.define(series.id, ceiling);
    }
}
