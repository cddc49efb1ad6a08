//! Paying what interest runs owe: who is paid how, what stays owed, what counts as paid and when.
//!
//! Everything owed comes from frozen runs, everything settled from payment orders; what is open is
//! their difference and is kept nowhere. An order pays part of one run: by bank, by cheque, as
//! shares, or to the community fund. What comes back from the bank, and a cheque nobody cashes, is
//! owed again. Nothing here knows a bank account, a name, a clock or a file.

mod annual;
mod open;
mod order;
mod plan;

pub use annual::{Counted, Person, annual_list, counted};
pub use open::{Forfeit, Owed, owed};
pub use order::{Fate, Line, Order, Part, State, Way};
pub use plan::{Account, Ask, Held, Payee, Plan, Rest, Rules, Share, Waiting, plan, tax_on};
