//! What the pages show: one struct a page, spelt out, and its template.
//!
//! A struct here holds words and ready pictures; a handler fills it from the office's answers and
//! calls `render()`. Templates lie in `src/web/templates` and have no arithmetic. No page carries a
//! script or a style of its own, so that `script-src 'self'; style-src 'self'` holds; every page is
//! complete without JavaScript.

pub mod council;
pub mod desk;
pub mod door;
pub mod explore;
pub mod frame;
pub mod home;
pub mod how;
pub mod live;
pub mod my;
pub mod note;
pub mod operations;
pub mod parts;
pub mod report;
pub mod roof;
pub mod society;
pub mod trouble;
pub mod vote;
pub mod work;

#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;

pub use council::{CouncilPage, Days, Picture};
pub use desk::{
    AlertPage, AroundLine, AuditLine, AuditPage, ConsequenceWords, DeskPage, HeldLine,
    HeldListPage, HeldPage, InterestPage, RunLineWords, RunMemberLine, RunPage, RunTyped, RunWords,
    TodoLine, UserWords, UsersPage,
};
pub use door::{LoginPage, MePage, SessionLine, SetUpPage, SetUpStep};
pub use explore::ExplorePage;
pub use frame::{Frame, Link};
pub use home::{Glance, HomePage};
pub use how::HowPage;
pub use live::Now;
pub use my::{MyPage, MyPaymentPage, MyWorking};
pub use note::{NoteField, NotePage};
pub use operations::{OperationsPage, SocietyStanding};
pub use report::{Download, ReportPage};
pub use roof::{MeterLine, RoofPage};
pub use society::{RoofLine, SocietyPage, YearLine};
pub use trouble::TroublePage;
pub use vote::{VoteOption, VotePage};
pub use work::{FieldKind, FormWords, Part, TableWords, WorkPage};
