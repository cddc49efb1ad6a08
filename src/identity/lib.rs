//! Who somebody is: a password, a second factor, one-time codes, and what each role may do.
//!
//! Nothing here reads a clock, a file or the system's random numbers: those are handed in. What is
//! kept of a secret is told by its type: a [`Kept`] password is an argon2id string that opens
//! nothing, a [`Secret`] of a second factor must be sealed by whoever stores it.

pub mod guesses;
pub mod password;
pub mod role;
pub mod second;

pub use guesses::Guesses;
pub use password::{Kept, WeakPassword};
pub use role::{Right, Role};
pub use second::Secret;
