//! Members and their shares: who is on the roll, what each holds on any day, and what a society's
//! rules allow.
//!
//! Shares move by dated, signed [`Movement`]s in whole shares; nothing is edited, a mistake is
//! reversed in the open. [`ShareRegister`] is the fold of all that was entered: it checks a wish
//! against the limits and says what would be entered ([`ShareRegister::check`] and its kin), and it
//! takes what was entered ([`ShareRegister::enter`]). Checking and taking are apart because rules
//! change and what was once entered under the rules of its day stays.
//!
//! Names, addresses and bank details are not here: a member is a number.

mod account;
mod allotment;
mod class;
mod conversion;
mod estate;
mod limits;
mod member;
mod movement;
mod offer;
mod queue;
mod refused;
mod register;
mod scale;
mod transfer;
mod withdrawal;

pub use allotment::AllotmentLine;
pub use class::{Notice, ShareClass, WITHDRAWABLE_CAP};
pub use conversion::{Converted, convert};
pub use estate::{Basis as EstateBasis, Estate, KIN, NotPassed, SMALL_SUM, may_nominate};
pub use member::{Member, MemberKind, MemberNo};
pub use movement::{Line, Movement, MovementKind, Source};
pub use offer::{Application, ApplicationState, Offer, OfferRule};
pub use queue::QueuePlace;
pub use refused::Refused;
pub use register::{Holding, ShareRegister};
pub use scale::{Ask, scale};
pub use transfer::Transfer;
pub use withdrawal::{PayoutLine, PayoutPlan, Request, RequestState, Suspension};
