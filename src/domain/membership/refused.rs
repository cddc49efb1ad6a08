//! Why the rules say no. Each refusal names its rule; what can be done follows where there is one
//! thing to do.

use crate::{
    calendar::LocalDay,
    membership::{MemberNo, Notice},
    money::Pence,
};

/// A wish that the rules refuse. Nothing was entered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No such member.
    #[error("member `{0}` is not on the roll")]
    NoMember(MemberNo),
    /// The number is another's.
    #[error("member `{0}` is on the roll already; a number is given once")]
    MemberThere(MemberNo),
    /// No such class.
    #[error("share class `{0}` is not in the society file; it has: {1}")]
    NoClass(String, String),
    /// No shares, or fewer than none.
    #[error("`{0}` is no number of shares; expected at least 1")]
    NoShares(i64),
    /// Before the member was one.
    #[error("member `{member}` joined on `{joined}`; expected a day from then on, was `{on}`")]
    BeforeJoined {
        /// The member.
        member: MemberNo,
        /// When it joined.
        joined: LocalDay,
        /// The day asked for.
        on: LocalDay,
    },
    /// After the member left.
    #[error(
        "member `{member}` left on `{ended}`; no shares can be given to it\nhint: enter it anew, under a new number"
    )]
    Left {
        /// The member.
        member: MemberNo,
        /// When it left.
        ended: LocalDay,
    },
    /// The member is dead.
    #[error(
        "member `{member}` died on `{died}`; no shares can be issued to it\nhint: its shares pass to the estate or the nominee: `shares transfer --on-death`"
    )]
    Died {
        /// The member.
        member: MemberNo,
        /// When it died.
        died: LocalDay,
    },
    /// A day that is not over.
    #[error("`{on}` has not come yet; expected a day up to `{today}`")]
    Future {
        /// The day asked for.
        on: LocalDay,
        /// Today.
        today: LocalDay,
    },
    /// The class is not issued on that day.
    #[error("share class `{class}` is issued {span}; `{on}` is outside")]
    ClassShut {
        /// The class.
        class: String,
        /// When it is issued, in words.
        span: String,
        /// The day asked for.
        on: LocalDay,
    },
    /// More than the member has.
    #[error(
        "member `{member}` holds `{held}` shares of class `{class}` (the least from `{on}` on); `{wanted}` cannot be taken"
    )]
    TooFew {
        /// The member.
        member: MemberNo,
        /// The class.
        class: String,
        /// The least held from that day on.
        held: i64,
        /// What would be taken.
        wanted: i64,
        /// The day.
        on: LocalDay,
    },
    /// The member asked for them back already.
    #[error(
        "member `{member}` asked for `{asked}` of its `{held}` shares of class `{class}` back; `{wanted}` more are not free\nhint: cancel the request first: `shares cancel --request N`"
    )]
    Asked {
        /// The member.
        member: MemberNo,
        /// The class.
        class: String,
        /// What is held.
        held: i64,
        /// What was asked for.
        asked: i64,
        /// What would be taken.
        wanted: i64,
    },
    /// Over the law's cap.
    #[error(
        "member `{member}` would hold {would} in withdrawable shares; the law allows {cap} to one member of a society, other than a registered society (Co-operative and Community Benefit Societies Act 2014, section 24)"
    )]
    Cap {
        /// The member, or the joint holder.
        member: MemberNo,
        /// What it would hold.
        would: Pence,
        /// The cap.
        cap: Pence,
    },
    /// Over the class's maximum.
    #[error(
        "member `{member}` would hold `{would}` shares of class `{class}`; its rules allow at most `{maximum}`"
    )]
    Maximum {
        /// The member.
        member: MemberNo,
        /// The class.
        class: String,
        /// What it would hold.
        would: i64,
        /// The class's maximum.
        maximum: i64,
    },
    /// Under the class's minimum.
    #[error(
        "member `{member}` would hold `{would}` shares of class `{class}`; its rules ask for at least `{minimum}`, or none"
    )]
    Minimum {
        /// The member.
        member: MemberNo,
        /// The class.
        class: String,
        /// What it would hold.
        would: i64,
        /// The class's minimum.
        minimum: i64,
    },
    /// Not in life.
    #[error(
        "shares of class `{0}` are not transferable in life; they pass on death only\nhint: `--on-death`, once the member's death was entered"
    )]
    NotTransferable(String),
    /// To oneself.
    #[error("a transfer needs two members; both are `{0}`")]
    SameMember(MemberNo),
    /// Nobody died.
    #[error(
        "the death of member `{0}` was not entered\nhint: `members died {0} --on DATE` comes first"
    )]
    NotDead(MemberNo),
    /// Not withdrawable.
    #[error("shares of class `{0}` are not withdrawable")]
    NotWithdrawable(String),
    /// No such offer.
    #[error("share offer `{0}` is not in the society file")]
    NoOffer(String),
    /// The offer is not open.
    #[error("share offer `{offer}` is open from `{opens}` to `{closes}`; `{on}` is outside")]
    OfferShut {
        /// The offer.
        offer: String,
        /// Its first day.
        opens: LocalDay,
        /// Its last day.
        closes: LocalDay,
        /// The day asked for.
        on: LocalDay,
    },
    /// The application is outside the offer's limits.
    #[error(
        "share offer `{offer}` takes applications for `{least}` to {most} shares; `{wanted}` were asked for"
    )]
    OfferSize {
        /// The offer.
        offer: String,
        /// The least.
        least: i64,
        /// The most, in words.
        most: String,
        /// What was asked for.
        wanted: i64,
    },
    /// The offer is full.
    #[error(
        "share offer `{offer}` has `{left}` shares left of `{maximum}`; `{wanted}` were asked for and there is no waiting list"
    )]
    Oversubscribed {
        /// The offer.
        offer: String,
        /// What is left.
        left: i64,
        /// Its maximum.
        maximum: i64,
        /// What was asked for.
        wanted: i64,
    },
    /// The offer did not raise its minimum.
    #[error(
        "share offer `{offer}` has applications for `{asked}` shares; it needs `{minimum}` before any are allotted, or the money goes back"
    )]
    MinimumRaise {
        /// The offer.
        offer: String,
        /// What was asked for.
        asked: i64,
        /// Its minimum.
        minimum: i64,
    },
    /// Scale-back before everybody has applied.
    #[error(
        "share offer `{offer}` is scaled back after it closes on `{closes}`; `{on}` is too early"
    )]
    NotClosed {
        /// The offer.
        offer: String,
        /// Its last day.
        closes: LocalDay,
        /// The day asked for.
        on: LocalDay,
    },
    /// Nothing waits.
    #[error("nothing waits to be {0}")]
    NothingWaits(&'static str),
    /// No such application.
    #[error("application `{0}` is not there, or no longer waits")]
    NoApplication(u32),
    /// No such request.
    #[error("withdrawal request `{0}` is not there, or nothing of it waits")]
    NoRequest(u32),
    /// Withdrawals are suspended.
    #[error("withdrawals of class `{class}` are suspended from `{from}`{until}: {reason}")]
    Suspended {
        /// The class.
        class: String,
        /// The first day.
        from: LocalDay,
        /// The last day, in words; empty while it is open.
        until: String,
        /// Why.
        reason: String,
    },
    /// Nobody's notice is over.
    #[error("no notice of {notice} is over on `{on}`; the next ends on `{next}`")]
    NoticeRuns {
        /// The notice.
        notice: Notice,
        /// The day asked for.
        on: LocalDay,
        /// When the first ends.
        next: LocalDay,
    },
    /// This year's limit is used.
    #[error(
        "the limit of this accounts year is used: `{limit}` shares of class `{class}` may be withdrawn and were"
    )]
    LimitUsed {
        /// The class.
        class: String,
        /// The limit.
        limit: i64,
    },
    /// No such movement.
    #[error("movement `{0}` is not in the register")]
    NoMovement(u32),
    /// It was taken back.
    #[error("movement `{number}` was reversed by movement `{by}`")]
    ReversedBefore {
        /// The movement.
        number: u32,
        /// Its reversal.
        by: u32,
    },
    /// A reversal stands.
    #[error("movement `{0}` is a reversal\nhint: enter the movement again that it took back")]
    IsReversal(u32),
    /// An amount past 64 bits.
    #[error("the amount is too large to count")]
    TooLarge,
}
