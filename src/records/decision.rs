//! Decisions: what people decided, as canonical JSON with a type and a version.
//!
//! A decision record is `[2][1]` followed by one JSON object: keys in declared order, no spaces,
//! integers for money, energy (Wh) and instants (ms UTC), decimals as text. The meaning of a type
//! at a version never changes; a newer or unknown one is an error and the daemon refuses to start
//! rather than guess. Golden bytes of every version are pinned in the tests below.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    KIND_DECISION,
    accounts::{BooksClosed, ChartApplied, EntryPosted},
    bank::{BankImported, BankMatched},
    books::{
        AccrualEntered, AssetDisposed, AssetEntered, BudgetSet, LoanTaken, SupplierBill,
        SupplierBillDecided, VatReturned, VatTerms,
    },
    closing::{ClosingNote, PackNote},
    community::{FundNote, ProjectNote},
    council::{OutcomeNote, StakeNote},
    estate::{CaseStep, NominationEnded, NominationMade},
    files::{FileKept, FileRedacted},
    governance::{BallotBox, BallotCalled, BallotCancelled, BallotVoters, ProxyAppointed},
    income::{BillCredited, BillFrozen, ClaimFrozen},
    interest::{RunApproved, RunNote, RunVoided},
    letters::LetterActed,
    parts::{OrderInParts, OrderPart, RunInParts, RunPart},
    payments::{
        InterestForfeited, MemberTax, OrderCancelled, OrderNamed, OrderNote, OrderReported,
    },
    roll,
    roofs::{
        AlertCleared, AlertRaised, AlertSeen, AlertTold, CostEntered, CostReversed,
        IrradianceImported, IrradianceWithdrawn, ManualRead, OutageChanged, OutagePlanned,
        ReadAgreed, ReadConfirmed, TaskDone,
    },
    society::SocietyDocument,
    tables::{TableDecided, TableExtended},
    users::{
        ReadingToken, UserDisabled, UserInvited, UserMembers, UserRecovered, UserResetAsked,
        UserRoles, UserSetUp, UserToken, UserTokenEnded,
    },
};

/// A decision with its author and time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// When it was taken, ms UTC, by the daemon's clock.
    pub at_ms: i64,
    /// Who took it: an officer's id, or `owner` for the one who owns the data folder.
    pub by: String,
    /// What was decided.
    pub what: What,
}

/// What can be decided. The tag carries the version: `name/1`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "body", deny_unknown_fields)]
pub enum What {
    /// The society document from now on.
    #[serde(rename = "society-applied/1")]
    SocietyApplied(Box<SocietyDocument>),
    /// A meter was exchanged, reset, or its register started again at zero.
    #[serde(rename = "meter-event/1")]
    MeterEvent(MeterEvent),
    /// A person decided about a held read.
    #[serde(rename = "read-decision/1")]
    ReadDecision(ReadDecision),
    /// Monthly totals from before the reads began; used in reports only.
    #[serde(rename = "history-months/1")]
    HistoryMonths(HistoryMonths),
    /// A gateway got a new token; only its hash is kept (node journal).
    #[serde(rename = "gateway-credential/1")]
    GatewayCredential(GatewayCredential),
    /// A gateway may show a client certificate; only its hash is kept (node journal).
    #[serde(rename = "gateway-certificate/1")]
    GatewayCertificate(GatewayCertificate),
    /// A gateway's credentials are no longer believed (node journal).
    #[serde(rename = "gateway-revoked/1")]
    GatewayRevoked(GatewayRevoked),
    /// A gateway's credentials and keys are no longer believed from a date on (node journal).
    #[serde(rename = "gateway-revoked/2")]
    GatewayRevokedFrom(GatewayRevokedFrom),
    /// A gateway may enrol its key with a one-time code; only its hash is kept (node journal).
    #[serde(rename = "gateway-code/1")]
    GatewayCode(GatewayCode),
    /// A gateway's key is believed from now on (node journal).
    #[serde(rename = "gateway-key/1")]
    GatewayKey(GatewayKey),
    /// A gateway's key ended: another took its place (node journal).
    #[serde(rename = "gateway-key-ended/1")]
    GatewayKeyEnded(GatewayKeyEnded),
    /// What a gateway sent in a span is not believed.
    #[serde(rename = "messages-disbelieved/1")]
    MessagesDisbelieved(MessagesDisbelieved),
    /// Two different notes have one name: two gateways have one key.
    #[serde(rename = "gateway-cloned/1")]
    GatewayCloned(GatewayCloned),
    /// How the messages of one device are read from now on.
    #[serde(rename = "mapping-applied/1")]
    MappingApplied(MappingApplied),
    /// A claim with its lines, from now on fixed.
    #[serde(rename = "claim-frozen/1")]
    ClaimFrozen(Box<ClaimFrozen>),
    /// A bill to a host with its lines, from now on fixed.
    #[serde(rename = "bill-frozen/1")]
    BillFrozen(Box<BillFrozen>),
    /// The chart of accounts from now on.
    #[serde(rename = "chart-applied/1")]
    ChartApplied(Box<ChartApplied>),
    /// An entry in the books.
    #[serde(rename = "entry-posted/1")]
    EntryPosted(Box<EntryPosted>),
    /// Days of the books that take no more entries.
    #[serde(rename = "books-closed/1")]
    BooksClosed(BooksClosed),
    /// A bill was taken back by a credit note.
    #[serde(rename = "bill-credited/1")]
    BillCredited(BillCredited),
    /// Rows of a dated table, proposed.
    #[serde(rename = "table-extended/1")]
    TableExtended(Box<TableExtended>),
    /// What another officer said to them.
    #[serde(rename = "table-decided/1")]
    TableDecided(TableDecided),
    /// Payments as a licensee's statement or the bank has them.
    #[serde(rename = "bank-imported/1")]
    BankImported(Box<BankImported>),
    /// What an officer says a payment is for.
    #[serde(rename = "bank-matched/1")]
    BankMatched(BankMatched),
    /// A member joined the roll.
    #[serde(rename = "member-entered/1")]
    MemberEntered(roll::MemberEntered),
    /// Members of an earlier register, one part of an import.
    #[serde(rename = "members-imported/1")]
    MembersImported(roll::MembersImported),
    /// Share movements of an earlier register, one part of an import.
    #[serde(rename = "shares-imported/1")]
    SharesImported(roll::SharesImported),
    /// An import counts from now on.
    #[serde(rename = "import-closed/1")]
    ImportClosed(roll::ImportClosed),
    /// Something about a member changed.
    #[serde(rename = "member-changed/1")]
    MemberChanged(roll::MemberChanged),
    /// A member's bank details changed.
    #[serde(rename = "member-bank/1")]
    MemberBank(roll::MemberBank),
    /// A member died.
    #[serde(rename = "member-died/1")]
    MemberDied(roll::MemberDay),
    /// A member left.
    #[serde(rename = "member-ended/1")]
    MemberEnded(roll::MemberDay),
    /// A former member's personal data are gone.
    #[serde(rename = "member-erased/1")]
    MemberErased(roll::MemberErased),
    /// An officer acted for a member on a letter or a call.
    #[serde(rename = "letter-acted/1")]
    LetterActed(LetterActed),
    /// A case of a member was opened.
    #[serde(rename = "case-opened/1")]
    CaseOpened(roll::CaseOpened),
    /// A note was added to a case.
    #[serde(rename = "case-noted/1")]
    CaseNoted(roll::CaseNoted),
    /// A step of a case: a paper seen, who takes what, who is paid.
    #[serde(rename = "case-step/1")]
    CaseStep(Box<CaseStep>),
    /// A member nominated somebody for the member's death.
    #[serde(rename = "nomination-made/1")]
    NominationMade(NominationMade),
    /// A nomination ended.
    #[serde(rename = "nomination-ended/1")]
    NominationEnded(NominationEnded),
    /// A member applied for shares.
    #[serde(rename = "shares-applied/1")]
    SharesApplied(roll::SharesApplied),
    /// An application was withdrawn or declined.
    #[serde(rename = "application-ended/1")]
    ApplicationEnded(roll::Ended),
    /// A member asked for shares back.
    #[serde(rename = "withdrawal-asked/1")]
    WithdrawalAsked(roll::WithdrawalAsked),
    /// A request to withdraw was taken back.
    #[serde(rename = "withdrawal-ended/1")]
    WithdrawalEnded(roll::Ended),
    /// Withdrawals of a class are not paid from a day on.
    #[serde(rename = "withdrawals-suspended/1")]
    WithdrawalsSuspended(roll::WithdrawalsFrom),
    /// Withdrawals of a class are paid again from a day on.
    #[serde(rename = "withdrawals-resumed/1")]
    WithdrawalsResumed(roll::WithdrawalsFrom),
    /// Shares moved.
    #[serde(rename = "shares-moved/1")]
    SharesMoved(roll::SharesMoved),
    /// A member's interest became shares.
    #[serde(rename = "interest-converted/1")]
    InterestConverted(roll::InterestConverted),
    /// An interest run with its lines, for another officer to approve.
    #[serde(rename = "run-prepared/1")]
    RunPrepared(Box<RunNote>),
    /// Lines of a run whose note does not fit one record.
    #[serde(rename = "run-lines/1")]
    RunLines(Box<RunPart>),
    /// An interest run whose lines stand in the parts before, for another officer to approve.
    #[serde(rename = "run-prepared/2")]
    RunPreparedInParts(Box<RunInParts>),
    /// An interest run whose lines stand in the parts before, from now on fixed.
    #[serde(rename = "run-frozen/2")]
    RunFrozenInParts(Box<RunInParts>),
    /// An officer approves a prepared run by its hash.
    #[serde(rename = "run-approved/1")]
    RunApproved(RunApproved),
    /// An interest run, from now on fixed.
    #[serde(rename = "run-frozen/1")]
    RunFrozen(Box<RunNote>),
    /// A frozen run is taken back.
    #[serde(rename = "run-voided/1")]
    RunVoided(RunVoided),
    /// An order to pay members of a run, for another officer to approve.
    #[serde(rename = "order-prepared/1")]
    OrderPrepared(Box<OrderNote>),
    /// Lines of an order whose note does not fit one record.
    #[serde(rename = "order-lines/1")]
    OrderLines(Box<OrderPart>),
    /// An order whose lines stand in the parts before, for another officer to approve.
    #[serde(rename = "order-prepared/2")]
    OrderPreparedInParts(Box<OrderInParts>),
    /// An officer approves an order by its hash.
    #[serde(rename = "order-approved/1")]
    OrderApproved(OrderNamed),
    /// An approved order's file was handed out.
    #[serde(rename = "order-released/1")]
    OrderReleased(OrderNamed),
    /// An order was taken back before its release.
    #[serde(rename = "order-cancelled/1")]
    OrderCancelled(OrderCancelled),
    /// What the bank says became of an order's payments.
    #[serde(rename = "order-reported/1")]
    OrderReported(OrderReported),
    /// Interest fell to the society by a named rule.
    #[serde(rename = "interest-forfeited/1")]
    InterestForfeited(InterestForfeited),
    /// Income tax to deduct from a member's interest.
    #[serde(rename = "member-tax/1")]
    MemberTax(MemberTax),
    /// A person took a read from the dial.
    #[serde(rename = "manual-read/1")]
    ManualRead(Box<ManualRead>),
    /// A second person saw the same on the dial or its photo.
    #[serde(rename = "read-confirmed/1")]
    ReadConfirmed(ReadConfirmed),
    /// The figure that counts for a manual read.
    #[serde(rename = "read-agreed/1")]
    ReadAgreed(ReadAgreed),
    /// A duty was done.
    #[serde(rename = "task-done/1")]
    TaskDone(TaskDone),
    /// A roof will be off for a while.
    #[serde(rename = "outage-planned/1")]
    OutagePlanned(OutagePlanned),
    /// A planned outage ends on another day, or does not happen.
    #[serde(rename = "outage-changed/1")]
    OutageChanged(OutageChanged),
    /// A cost of a roof or of the society.
    #[serde(rename = "cost-entered/1")]
    CostEntered(CostEntered),
    /// A cost counts no more.
    #[serde(rename = "cost-reversed/1")]
    CostReversed(CostReversed),
    /// Irradiance measured for a roof.
    #[serde(rename = "irradiance-imported/1")]
    IrradianceImported(Box<IrradianceImported>),
    /// Irradiance counts no more.
    #[serde(rename = "irradiance-withdrawn/1")]
    IrradianceWithdrawn(IrradianceWithdrawn),
    /// Something needs a person.
    #[serde(rename = "alert-raised/1")]
    AlertRaised(AlertRaised),
    /// It is over.
    #[serde(rename = "alert-cleared/1")]
    AlertCleared(AlertCleared),
    /// Somebody has seen it.
    #[serde(rename = "alert-seen/1")]
    AlertSeen(AlertSeen),
    /// A message about it reached a person's relay or webhook.
    #[serde(rename = "alert-told/1")]
    AlertTold(AlertTold),
    /// Somebody may set up a user with a one-time code; only its hash is kept (node journal).
    #[serde(rename = "user-invited/1")]
    UserInvited(UserInvited),
    /// A user chose a password and confirmed a second factor (node journal).
    #[serde(rename = "user-set-up/1")]
    UserSetUp(UserSetUp),
    /// What a user is from now on (node journal).
    #[serde(rename = "user-roles/1")]
    UserRoles(UserRoles),
    /// Which members a user is (node journal).
    #[serde(rename = "user-members/1")]
    UserMembers(UserMembers),
    /// A user is not believed any more (node journal).
    #[serde(rename = "user-disabled/1")]
    UserDisabled(UserDisabled),
    /// A program may act as a user; only the token's hash is kept (node journal).
    #[serde(rename = "user-token/1")]
    UserToken(UserToken),
    /// A program may read as a user, within bounds; only the token's hash is kept (node journal).
    #[serde(rename = "reading-token/1")]
    ReadingToken(ReadingToken),
    /// A token is believed no more (node journal).
    #[serde(rename = "user-token-ended/1")]
    UserTokenEnded(UserTokenEnded),
    /// A recovery code was used (node journal).
    #[serde(rename = "user-recovered/1")]
    UserRecovered(UserRecovered),
    /// An officer vouches that a user lost a secret (node journal).
    #[serde(rename = "user-reset-asked/1")]
    UserResetAsked(UserResetAsked),
    /// A ballot, with its question and its electors.
    #[serde(rename = "ballot-called/1")]
    BallotCalled(Box<BallotCalled>),
    /// An elector lets another one vote.
    #[serde(rename = "proxy-appointed/1")]
    ProxyAppointed(ProxyAppointed),
    /// Who voted in a ballot that is closed.
    #[serde(rename = "ballot-voters/1")]
    BallotVoters(BallotVoters),
    /// The papers of a ballot that is closed.
    #[serde(rename = "ballot-box/1")]
    BallotBox(BallotBox),
    /// A ballot will not be counted.
    #[serde(rename = "ballot-cancelled/1")]
    BallotCancelled(BallotCancelled),
    /// Something of a council's stake.
    #[serde(rename = "stake-noted/1")]
    StakeNoted(Box<StakeNote>),
    /// Something of outcomes.
    #[serde(rename = "outcome-noted/1")]
    OutcomeNoted(Box<OutcomeNote>),
    /// Something of the community fund.
    #[serde(rename = "fund-noted/1")]
    FundNoted(Box<FundNote>),
    /// Something of residents' own projects.
    #[serde(rename = "project-noted/1")]
    ProjectNoted(Box<ProjectNote>),
    /// Something of a roof that closes.
    #[serde(rename = "closing-noted/1")]
    ClosingNoted(Box<ClosingNote>),
    /// A paper about a council's stake.
    #[serde(rename = "pack-noted/1")]
    PackNoted(Box<PackNote>),
    /// A fixed asset.
    #[serde(rename = "asset-entered/1")]
    AssetEntered(Box<AssetEntered>),
    /// A fixed asset went.
    #[serde(rename = "asset-disposed/1")]
    AssetDisposed(AssetDisposed),
    /// A supplier's bill, for another officer to approve.
    #[serde(rename = "supplier-bill/1")]
    SupplierBill(Box<SupplierBill>),
    /// What another officer said to it.
    #[serde(rename = "supplier-bill-decided/1")]
    SupplierBillDecided(SupplierBillDecided),
    /// A cost or income was put into its period.
    #[serde(rename = "accrual-entered/1")]
    AccrualEntered(AccrualEntered),
    /// A loan to the society.
    #[serde(rename = "loan-taken/1")]
    LoanTaken(Box<LoanTaken>),
    /// The society's VAT from a day on.
    #[serde(rename = "vat-terms/1")]
    VatTerms(VatTerms),
    /// A VAT return as it was sent.
    #[serde(rename = "vat-returned/1")]
    VatReturned(VatReturned),
    /// The budget of an accounts year.
    #[serde(rename = "budget-set/1")]
    BudgetSet(BudgetSet),
    /// A file from which decisions were made is kept.
    #[serde(rename = "file-kept/1")]
    FileKept(Box<FileKept>),
    /// A kept file is without the rows of a member who was erased.
    #[serde(rename = "file-redacted/1")]
    FileRedacted(Box<FileRedacted>),
    /// A damaged tail was set aside at start.
    #[serde(rename = "tail-cut/1")]
    TailCut(TailCut),
}

/// Kinds of meter event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventKind {
    /// The device was replaced by another.
    Exchange,
    /// The register was set back.
    Reset,
    /// The register passed its last digit.
    Rollover,
}

/// A dated meter event with final and opening reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeterEvent {
    /// Exchange, reset or rollover.
    pub kind: EventKind,
    /// The meter whose register ends.
    pub meter: String,
    /// The register, OBIS code.
    pub register: String,
    /// When it was last read.
    pub closed_at_ms: i64,
    /// What it showed then, Wh.
    pub final_wh: i64,
    /// The meter that counts from then on; the same one for reset and rollover.
    pub next_meter: String,
    /// When counting began again.
    pub opened_at_ms: i64,
    /// What it showed then, Wh.
    pub opening_wh: i64,
    /// Why.
    pub reason: String,
}

/// What to do with a held read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReadAction {
    /// It stands as it is.
    Accept,
    /// It never counts.
    Refuse,
    /// Another value takes its place.
    Correct,
}

/// A person's word on one held read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadDecision {
    /// Meter serial.
    pub meter: String,
    /// OBIS code.
    pub register: String,
    /// The read's time.
    pub read_at_ms: i64,
    /// The read's value, Wh.
    pub wh: i64,
    /// What to do.
    pub action: ReadAction,
    /// The value that takes its place, Wh, for `correct`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrected_wh: Option<i64>,
    /// Why.
    pub reason: String,
}

/// Monthly totals of a site, as history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistoryMonths {
    /// The file they came from.
    pub file: String,
    /// Rows.
    pub rows: Vec<HistoryMonth>,
}

/// One month of one site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistoryMonth {
    /// Site id.
    pub site: String,
    /// `YYYY-MM`.
    pub month: String,
    /// Energy, Wh.
    pub wh: i64,
}

/// A gateway's new token, as its hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewayCredential {
    /// Gateway id.
    pub gateway: String,
    /// Its society's slug.
    pub society: String,
    /// SHA-256 of the token, lower-case hex.
    pub token_sha256: String,
}

/// A gateway's client certificate, as its hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewayCertificate {
    /// Gateway id.
    pub gateway: String,
    /// Its society's slug.
    pub society: String,
    /// SHA-256 of the certificate (DER), lower-case hex.
    pub certificate_sha256: String,
}

/// A gateway is no longer believed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewayRevoked {
    /// Gateway id.
    pub gateway: String,
    /// Why.
    pub reason: String,
}

/// A gateway is no longer believed from a date on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewayRevokedFrom {
    /// Gateway id.
    pub gateway: String,
    /// What reached us from then on is not believed, ms UTC.
    pub from_ms: i64,
    /// Why.
    pub reason: String,
}

/// A one-time code, as its hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewayCode {
    /// Gateway id.
    pub gateway: String,
    /// Its society's slug.
    pub society: String,
    /// SHA-256 of the code, lower-case hex.
    pub code_sha256: String,
    /// When it stops being worth anything, ms UTC.
    pub until_ms: i64,
    /// When the gateway's older keys end, ms UTC; at the enrolment when it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_keys_until_ms: Option<i64>,
}

/// How a key became known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyBy {
    /// With a one-time code.
    Code,
    /// The gateway's older key signed it.
    Rotation,
}

/// A gateway's public key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewayKey {
    /// Gateway id.
    pub gateway: String,
    /// Its society's slug.
    pub society: String,
    /// The key in the form of a signed note's verifier key.
    pub key: String,
    /// How it became known.
    pub known_by: KeyBy,
}

/// A key of a gateway in whose place another was enrolled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewayKeyEnded {
    /// Gateway id.
    pub gateway: String,
    /// The key in the form of a signed note's verifier key.
    pub key: String,
    /// What it signed and says that it was made later is not believed, ms UTC.
    pub from_ms: i64,
}

/// What a gateway sent in a span is not believed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessagesDisbelieved {
    /// Gateway id.
    pub gateway: String,
    /// What reached us from then on, ms UTC.
    pub from_ms: i64,
    /// Up to then, ms UTC; the day's own rule is in force from there.
    pub until_ms: i64,
    /// Why.
    pub reason: String,
}

/// Two different notes of one name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewayCloned {
    /// Gateway id.
    pub gateway: String,
    /// The boot in both notes.
    pub boot: u64,
    /// The number in both notes.
    pub seq: u64,
    /// First 16 bytes of the SHA-256 of the note that came first, lower-case hex.
    pub first: String,
    /// The same of the other.
    pub second: String,
    /// Why the other is not believed; absent when it is signed as well as the first.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub second_is: String,
}

/// A mapping by content, bound to one gateway entry of the society.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MappingApplied {
    /// The gateway entry whose messages it reads.
    pub gateway: String,
    /// Its name.
    pub name: String,
    /// What the mapping calls a meter, to the meter's serial.
    pub meters: BTreeMap<String, String>,
    /// The device is wired the other way round: import and export change places.
    pub reversed: bool,
    /// Zone of local times where the mapping names none.
    pub zone: String,
    /// The mapping itself, TOML.
    pub text: String,
}

/// What was set aside at start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TailCut {
    /// The file under `cut/`.
    pub file: String,
    /// Bytes set aside.
    pub bytes: u64,
    /// What was wrong with them.
    pub reason: String,
}

/// A decision record cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotADecision {
    /// The first two bytes say otherwise.
    #[error(
        "record starts with kind `{kind}` version `{version}`; expected a decision, `2` `1`\nhint: it was written by a newer commonwatt; start that version"
    )]
    Frame {
        /// Kind byte.
        kind: u8,
        /// Version byte.
        version: u8,
    },
    /// The JSON is not one of ours.
    #[error(
        "decision cannot be read: {0}\nhint: it was written by a newer commonwatt; start that version"
    )]
    Json(String),
}

impl Decision {
    /// The record's bytes.
    ///
    /// # Panics
    /// Never: the types have no map keys or values that JSON cannot hold.
    #[must_use]
    pub fn to_record(&self) -> Vec<u8> {
        let mut bytes = vec![KIND_DECISION, 1];
        serde_json::to_writer(&mut bytes, self).expect("decisions are plain JSON");
        bytes
    }

    /// Reads a record back.
    ///
    /// # Errors
    /// When kind, version or type is unknown to this build.
    pub fn from_record(record: &[u8]) -> Result<Decision, NotADecision> {
        let (&[kind, version], json) =
            record.split_first_chunk::<2>().ok_or(NotADecision::Frame {
                kind: 0,
                version: 0,
            })?;
        if kind != KIND_DECISION || version != 1 {
            return Err(NotADecision::Frame { kind, version });
        }
        serde_json::from_slice(json).map_err(|e| NotADecision::Json(e.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(what: What, golden: &str) {
        let decision = Decision {
            at_ms: 1_384_600_000_000,
            by: "treasurer".into(),
            what,
        };
        let record = decision.to_record();
        assert_eq!(&record[..2], [2, 1]);
        assert_eq!(std::str::from_utf8(&record[2..]).unwrap(), golden);
        assert_eq!(Decision::from_record(&record).unwrap(), decision);
    }

    #[test]
    fn every_type_keeps_its_golden_bytes() {
        check(
            What::MeterEvent(MeterEvent {
                kind: EventKind::Exchange,
                meter: "M1".into(),
                register: "2.8.0".into(),
                closed_at_ms: 1,
                final_wh: 45_678_900,
                next_meter: "M2".into(),
                opened_at_ms: 2,
                opening_wh: 120,
                reason: "display dead".into(),
            }),
            r#"{"at_ms":1384600000000,"by":"treasurer","what":{"type":"meter-event/1","body":{"kind":"exchange","meter":"M1","register":"2.8.0","closed_at_ms":1,"final_wh":45678900,"next_meter":"M2","opened_at_ms":2,"opening_wh":120,"reason":"display dead"}}}"#,
        );
        check(
            What::ReadDecision(ReadDecision {
                meter: "M1".into(),
                register: "2.8.0".into(),
                read_at_ms: 3,
                wh: 31_044_000_000,
                action: ReadAction::Correct,
                corrected_wh: Some(310_440_000),
                reason: "decimal point".into(),
            }),
            r#"{"at_ms":1384600000000,"by":"treasurer","what":{"type":"read-decision/1","body":{"meter":"M1","register":"2.8.0","read_at_ms":3,"wh":31044000000,"action":"correct","corrected_wh":310440000,"reason":"decimal point"}}}"#,
        );
        check(
            What::HistoryMonths(HistoryMonths {
                file: "2013.csv".into(),
                rows: vec![HistoryMonth {
                    site: "elmore-house".into(),
                    month: "2013-06".into(),
                    wh: 4_500_000,
                }],
            }),
            r#"{"at_ms":1384600000000,"by":"treasurer","what":{"type":"history-months/1","body":{"file":"2013.csv","rows":[{"site":"elmore-house","month":"2013-06","wh":4500000}]}}}"#,
        );
        check(
            What::GatewayCredential(GatewayCredential {
                gateway: "g1".into(),
                society: "bes1".into(),
                token_sha256: "00ff".into(),
            }),
            r#"{"at_ms":1384600000000,"by":"treasurer","what":{"type":"gateway-credential/1","body":{"gateway":"g1","society":"bes1","token_sha256":"00ff"}}}"#,
        );
        check(
            What::GatewayCertificate(GatewayCertificate {
                gateway: "g1".into(),
                society: "bes1".into(),
                certificate_sha256: "00ff".into(),
            }),
            r#"{"at_ms":1384600000000,"by":"treasurer","what":{"type":"gateway-certificate/1","body":{"gateway":"g1","society":"bes1","certificate_sha256":"00ff"}}}"#,
        );
        check(
            What::GatewayRevoked(GatewayRevoked {
                gateway: "g1".into(),
                reason: "stolen".into(),
            }),
            r#"{"at_ms":1384600000000,"by":"treasurer","what":{"type":"gateway-revoked/1","body":{"gateway":"g1","reason":"stolen"}}}"#,
        );
        check(
            What::GatewayRevokedFrom(GatewayRevokedFrom {
                gateway: "g1".into(),
                from_ms: 5,
                reason: "stolen".into(),
            }),
            r#"{"at_ms":1384600000000,"by":"treasurer","what":{"type":"gateway-revoked/2","body":{"gateway":"g1","from_ms":5,"reason":"stolen"}}}"#,
        );
        check(
            What::GatewayCode(GatewayCode {
                gateway: "g1".into(),
                society: "bes1".into(),
                code_sha256: "00ff".into(),
                until_ms: 6,
                old_keys_until_ms: None,
            }),
            r#"{"at_ms":1384600000000,"by":"treasurer","what":{"type":"gateway-code/1","body":{"gateway":"g1","society":"bes1","code_sha256":"00ff","until_ms":6}}}"#,
        );
        check(
            What::GatewayKey(GatewayKey {
                gateway: "g1".into(),
                society: "bes1".into(),
                key: "commonwatt/gw/g1+00000000+AQ".into(),
                known_by: KeyBy::Rotation,
            }),
            r#"{"at_ms":1384600000000,"by":"treasurer","what":{"type":"gateway-key/1","body":{"gateway":"g1","society":"bes1","key":"commonwatt/gw/g1+00000000+AQ","known_by":"rotation"}}}"#,
        );
        check(
            What::GatewayCode(GatewayCode {
                gateway: "g1".into(),
                society: "bes1".into(),
                code_sha256: "00ff".into(),
                until_ms: 6,
                old_keys_until_ms: Some(5),
            }),
            r#"{"at_ms":1384600000000,"by":"treasurer","what":{"type":"gateway-code/1","body":{"gateway":"g1","society":"bes1","code_sha256":"00ff","until_ms":6,"old_keys_until_ms":5}}}"#,
        );
        check(
            What::GatewayKeyEnded(GatewayKeyEnded {
                gateway: "g1".into(),
                key: "commonwatt/gw/g1+00000000+AQ".into(),
                from_ms: 6,
            }),
            r#"{"at_ms":1384600000000,"by":"treasurer","what":{"type":"gateway-key-ended/1","body":{"gateway":"g1","key":"commonwatt/gw/g1+00000000+AQ","from_ms":6}}}"#,
        );
        check(
            What::MessagesDisbelieved(MessagesDisbelieved {
                gateway: "g1".into(),
                from_ms: 7,
                until_ms: 8,
                reason: "stolen".into(),
            }),
            r#"{"at_ms":1384600000000,"by":"treasurer","what":{"type":"messages-disbelieved/1","body":{"gateway":"g1","from_ms":7,"until_ms":8,"reason":"stolen"}}}"#,
        );
        check(
            What::GatewayCloned(GatewayCloned {
                gateway: "g1".into(),
                boot: 7,
                seq: 9,
                first: "00".into(),
                second: "ff".into(),
                second_is: String::new(),
            }),
            r#"{"at_ms":1384600000000,"by":"treasurer","what":{"type":"gateway-cloned/1","body":{"gateway":"g1","boot":7,"seq":9,"first":"00","second":"ff"}}}"#,
        );
        check(
            What::GatewayCloned(GatewayCloned {
                gateway: "g1".into(),
                boot: 7,
                seq: 9,
                first: "00".into(),
                second: "ff".into(),
                second_is: "unsigned".into(),
            }),
            r#"{"at_ms":1384600000000,"by":"treasurer","what":{"type":"gateway-cloned/1","body":{"gateway":"g1","boot":7,"seq":9,"first":"00","second":"ff","second_is":"unsigned"}}}"#,
        );
        check(
            What::MappingApplied(MappingApplied {
                gateway: "d1".into(),
                name: "tasmota".into(),
                meters: BTreeMap::from([("plug".into(), "M1".into())]),
                reversed: false,
                zone: "Europe/London".into(),
                text: "name = \"tasmota\"\n".into(),
            }),
            r#"{"at_ms":1384600000000,"by":"treasurer","what":{"type":"mapping-applied/1","body":{"gateway":"d1","name":"tasmota","meters":{"plug":"M1"},"reversed":false,"zone":"Europe/London","text":"name = \"tasmota\"\n"}}}"#,
        );
        check(
            What::TailCut(TailCut {
                file: "cut/1".into(),
                bytes: 17,
                reason: "half a group".into(),
            }),
            r#"{"at_ms":1384600000000,"by":"treasurer","what":{"type":"tail-cut/1","body":{"file":"cut/1","bytes":17,"reason":"half a group"}}}"#,
        );
    }

    #[test]
    fn society_document_keeps_its_golden_bytes() {
        let document: SocietyDocument = serde_json::from_str(
            r#"{"society":{"slug":"s","name":"S"},"site":[{"id":"a","name":"A","latitude":"51.5","longitude":"-0.1","capacity_kwp":"10"}]}"#,
        )
        .unwrap();
        check(
            What::SocietyApplied(Box::new(document)),
            r#"{"at_ms":1384600000000,"by":"treasurer","what":{"type":"society-applied/1","body":{"society":{"slug":"s","name":"S","zone":"Europe/London","financial_year_starts":"01-01"},"site":[{"id":"a","name":"A","latitude":"51.5","longitude":"-0.1","capacity_kwp":"10"}],"meter_point":[],"meter":[],"gateway":[],"forecast":[],"installation":[],"officer":[]}}}"#,
        );
    }

    #[test]
    fn an_unknown_type_or_version_is_refused() {
        for json in [
            r#"{"at_ms":1,"by":"x","what":{"type":"meter-event/2","body":{}}}"#,
            r#"{"at_ms":1,"by":"x","what":{"type":"nonsense/1","body":{}}}"#,
            r#"{"at_ms":1,"by":"x","what":{"type":"gateway-revoked/1","body":{"gateway":"g","reason":"r","more":1}}}"#,
        ] {
            let mut record = vec![2, 1];
            record.extend_from_slice(json.as_bytes());
            assert!(Decision::from_record(&record).is_err(), "{json}");
        }
        assert!(Decision::from_record(&[2, 9, b'{', b'}']).is_err());
        assert!(Decision::from_record(&[]).is_err());
    }
}
