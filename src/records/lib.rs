//! The bytes of every journal record.
//!
//! The journal keeps bytes and knows no meaning; this room gives them theirs. Each record starts
//! with a kind and a version byte. A version's meaning never changes: a new meaning is a new
//! version beside the old one, and golden bytes of each stay in the tests.
//!
//! | kind | what follows |
//! |---|---|
//! | 1 | a message from a gateway, raw, with topic, gateway and receive time ([`message`]) |
//! | 2 | a decision as canonical JSON ([`decision`]) |
//! | 3 | a digest that stands for messages above a gateway's daily bound ([`message`]) |
//! | 5 | lines of an imported file, raw, with the layout they were read by ([`import`]) |

pub mod accounts;
pub mod bank;
pub mod books;
pub mod closing;
pub mod community;
pub mod council;
pub mod decision;
pub mod decode;
pub mod decoded;
pub mod devices;
pub mod directory;
pub mod estate;
pub mod files;
pub mod governance;
pub mod import;
pub mod income;
pub mod interest;
pub mod letters;
pub mod message;
pub mod ongoing;
pub mod own;
pub mod parts;
pub mod payments;
pub mod person;
pub mod proof;
pub mod roll;
pub mod roofs;
pub mod rules;
pub mod society;
pub mod tables;
pub mod users;

pub use decoded::Decoded;

/// First byte of a message from a gateway.
pub const KIND_MESSAGE: u8 = 1;
/// First byte of a decision.
pub const KIND_DECISION: u8 = 2;
/// First byte of a digest of excess messages.
pub const KIND_DIGEST: u8 = 3;
/// First byte of imported lines.
pub const KIND_IMPORT: u8 = 5;
