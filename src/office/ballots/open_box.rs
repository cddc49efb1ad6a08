//! The box of an open ballot: who has voted, and the papers, apart from each other.
//!
//! One file a ballot, `DATA/s/<society>/ballots/<number>`: a JSON object sealed with a key that lies
//! beside the data folder (`ballot-<society>-<number>.key`) and is used for nothing else. Voters are
//! sorted by number, papers by their random code, so that the file itself has no order to give away;
//! each vote writes the whole file anew beside the old one and renames it, so that a vote is there
//! with its voter or not at all. Older versions may survive in free blocks of the disk: destroying
//! the key is what makes them unreadable. While a ballot is open, whoever holds both the file and
//! the key can compare two versions and see one vote; a machine whose owner is not trusted with that
//! should take paper votes only. The box is in no backup.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{PaperBatch, SocietyOffice};
use crate::{
    answer::{Answer, OrOurs, Refusal},
    folder,
    node::hex,
};

/// Signs of a voting code: nothing that can be taken for another.
const SIGNS: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
/// Signs of one code: 80 bits.
const CODE_SIGNS: usize = 16;

/// What is in the box.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Held {
    /// SHA-256 of each elector's voting code.
    pub codes: BTreeMap<String, u32>,
    /// Who has voted.
    pub voted: BTreeSet<u32>,
    /// Code and choice of each paper.
    pub papers: BTreeMap<String, String>,
    /// Paper votes that one officer has entered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paper: Option<PaperBatch>,
}

/// The code by which an elector votes, shown once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VotingCode {
    /// The elector.
    pub elector: u32,
    /// Its code, in groups of four.
    pub code: String,
}

/// Makes an empty box. What an unfinished call left behind goes first.
pub(super) fn make(society: &SocietyOffice, number: u32) -> Answer<()> {
    destroy(society, number)?;
    society.keys().make(&key_name(society, number))?;
    write(society, number, &Held::default())
}

pub(super) fn read(society: &SocietyOffice, number: u32) -> Answer<Held> {
    let gone = || {
        Refusal::Caller(format!(
            "the box of ballot `{number}` is not here: it is in no backup, and its key lies beside the data folder\nhint: cancel the ballot with its reason and call it again"
        ))
    };
    let sealed = match fs::read(path(society, number)) {
        Ok(sealed) => sealed,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(gone()),
        Err(error) => return Err(error).or_ours("the box of a ballot"),
    };
    let key = society.keys().named(&key_name(society, number))?;
    let open = key
        .ok_or_else(gone)?
        .open(&about(society, number), &sealed)?;
    serde_json::from_slice(&open).or_ours("the box of a ballot")
}

pub(super) fn write(society: &SocietyOffice, number: u32, held: &Held) -> Answer<()> {
    let what = "the box of a ballot cannot be written";
    let key = society.keys().named(&key_name(society, number))?;
    let key = key.ok_or("its key is gone").or_ours(what)?;
    let text = serde_json::to_vec(held).or_ours(what)?;
    let sealed = key.seal(&about(society, number), &text)?;
    let path = path(society, number);
    let folder = path.parent().unwrap_or(society.folder());
    folder::make(folder)?;
    let aside = path.with_extension("new");
    let written = fs::File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&aside)
        .and_then(|mut file| {
            file.write_all(&sealed)?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&aside, &path))
        .and_then(|()| fs::File::open(folder)?.sync_all());
    written.or_ours(what)
}

/// Destroys the key first: from then on no version of the box can be opened.
pub(super) fn destroy(society: &SocietyOffice, number: u32) -> Answer<()> {
    society.keys().destroy(&key_name(society, number))?;
    let path = path(society, number);
    for path in [path.with_extension("new"), path] {
        match fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).or_ours("the box of a ballot cannot be taken away");
            }
            _ => {}
        }
    }
    Ok(())
}

/// 16 random signs in groups of four.
pub(super) fn new_code() -> Answer<String> {
    let mut random = [0_u8; CODE_SIGNS];
    getrandom::fill(&mut random).or_ours("the system gives no random numbers")?;
    let signs: Vec<char> = random
        .iter()
        .map(|byte| char::from(SIGNS[usize::from(byte % 32)]))
        .collect();
    let groups: Vec<String> = signs.chunks(4).map(String::from_iter).collect();
    Ok(groups.join(" "))
}

/// 128 random bits for a paper.
pub(super) fn new_paper() -> Answer<String> {
    let mut random = [0_u8; 16];
    getrandom::fill(&mut random).or_ours("the system gives no random numbers")?;
    Ok(hex(&random))
}

/// What the box keeps of a voting code, however it is typed.
pub(super) fn print_of(code: &str) -> String {
    let plain: String = code
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_uppercase())
        .collect();
    hex(&Sha256::digest(plain.as_bytes()))
}

fn path(society: &SocietyOffice, number: u32) -> PathBuf {
    society.folder().join("ballots").join(number.to_string())
}

fn key_name(society: &SocietyOffice, number: u32) -> String {
    format!("ballot-{}-{number}.key", society.slug())
}

fn about(society: &SocietyOffice, number: u32) -> String {
    format!("{} ballot {number}", society.slug())
}
