//! Decisions of many: ballots, who may vote in one, and what was decided.
//!
//! One member, one vote, whatever the holding (Co-operative and Community Benefit Societies Act 2014;
//! the Rules of Brixton Energy Solar: "each member has one vote"). A [`Question`] is a resolution or a
//! share-out of a fund; [`tally`] counts [`Cast`] ballots and says what was decided under [`Terms`].
//! Counting is a pure function of the set of ballots: their order cannot matter. Who cast which
//! ballot is not here, nor anywhere once a ballot is closed: a ballot carries a random code that only
//! its voter knows.

mod code;
mod question;
mod tally;

pub use code::{BallotCode, NotACode};
pub use question::{BudgetOption, Choice, Majority, NotAChoice, Question, Vote};
pub use tally::{Cast, Decided, OptionLine, Quorum, Tally, Terms, tally};
