//! What a folder holds, read without changing it.

use crate::disk::{Disk, DiskFile, read_exact};
use crate::error::{Damage, DamageKind, OpenError};
use crate::index::{self, Index, MAX_INDEX_BYTES};
use crate::journal::{Closed, RESERVE};
use crate::mark::{self, Found, Mark};
use crate::scan::{End, Scan, scan};
use crate::segment::{Kind, SegmentHead};
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use wire::{Hash, Peaks};

/// What a folder holds, read without changing it.
pub(crate) struct Survey {
    pub closed: Vec<Closed>,
    /// The last segment; `None` in a folder without one.
    pub last: Option<Last>,
    pub mark: Option<Mark>,
    /// Indexes that were made again.
    pub rebuilt: Vec<Index>,
    /// Files that a later step had already replaced.
    pub leftover: Vec<String>,
}

/// The segment that may be appended to.
pub(crate) struct Last {
    pub head: SegmentHead,
    pub file: Arc<dyn DiskFile>,
    pub scan: Scan,
}

/// Reads what is in the folder and checks the last segment whole.
pub(crate) fn survey(disk: &dyn Disk) -> Result<Survey, OpenError> {
    let names = disk.list().map_err(|e| refused("list the folder", e))?;
    let mut kinds: BTreeMap<u64, Kind> = BTreeMap::new();
    let mut leftover = Vec::new();
    for name in &names {
        let Some((first, kind)) = parse_name(name) else {
            if name.ends_with(".tmp") || name == RESERVE {
                leftover.push(name.clone());
            }
            continue;
        };
        // A compressed segment has its name only when it is whole; it replaces the open one.
        if let Some(other) = kinds.insert(first, kind)
            && other != kind
        {
            kinds.insert(first, Kind::Compressed);
            leftover.push(Kind::Open.file_name(first));
            leftover.push(index_name(first));
        }
    }
    let mark = match disk.open(mark::FILE) {
        Err(e) if e.kind() == io::ErrorKind::NotFound && kinds.is_empty() => None,
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            return Err(mark_lost(DamageKind::Missing));
        }
        Err(e) => return Err(refused("open the synced mark", e)),
        Ok(file) => {
            match mark::read(file.as_ref()).map_err(|e| refused("read the synced mark", e))? {
                Found::Mark(mark) => Some(mark),
                Found::Blank => Some(Mark::default()),
                Found::Damaged => return Err(mark_lost(DamageKind::Checksum("slots"))),
            }
        }
    };
    let mut found = Survey {
        closed: Vec::new(),
        last: None,
        mark,
        rebuilt: Vec::new(),
        leftover,
    };
    let mut before: Option<Index> = None;
    let last = kinds.keys().next_back().copied();
    for (first, kind) in kinds {
        let name = kind.file_name(first);
        let file = disk.open(&name).map_err(|e| refused("open a segment", e))?;
        let head = SegmentHead::read(kind, first, file.as_ref())?;
        continues(before.as_ref(), &head, &name)?;
        if Some(first) == last && kind == Kind::Open {
            let scan = scan(&head, &file)?;
            found.last = Some(Last { head, file, scan });
            break;
        }
        let index = match read_index(disk, kind, &head, file.as_ref()) {
            Ok(index) => index,
            Err(damage) if kind == Kind::Compressed => return Err(damage.into()),
            Err(_) => {
                let scan = scan(&head, &file)?;
                if let End::Unfinished { damage, .. } | End::Rot(damage) = scan.end {
                    return Err(damage.into());
                }
                found.rebuilt.push(scan.index.clone());
                scan.index
            }
        };
        found.closed.push(Closed {
            summary: index.summary,
            kind,
        });
        before = Some(index);
    }
    // A last segment that is compressed has lost the active one after it; what is left must still
    // reach the mark. The next segment continues it.
    if found.last.is_none() && before.is_some() {
        let missing = before.map_or(0, |index| index.summary.upto());
        return Err(damage_of(missing, Kind::Open.file_name(missing), DamageKind::Missing).into());
    }
    Ok(found)
}

/// Does a segment continue the one before it, record by record and hash by hash?
fn continues(before: Option<&Index>, head: &SegmentHead, name: &str) -> Result<(), Damage> {
    let (records, groups, hash, peaks) = match before {
        None => (0, 0, Hash::default(), Peaks::new()),
        Some(index) => (
            index.summary.upto(),
            index.summary.first_group + index.summary.groups,
            index.hash,
            index.peaks.clone(),
        ),
    };
    if head.first() > records {
        let file = Kind::Open.file_name(records);
        return Err(Damage {
            end: head.first(),
            ..damage_of(records, file, DamageKind::Missing)
        });
    }
    if head.first() != records
        || head.group != groups
        || head.previous != hash
        || head.peaks != peaks
    {
        return Err(damage_of(
            head.first(),
            name.into(),
            DamageKind::Order("segment"),
        ));
    }
    Ok(())
}

pub(crate) fn index_name(first: u64) -> String {
    format!("{first:020}.idx")
}

/// Writes the index of a closed segment beside it. A torn one is noticed by its checksum.
pub(crate) fn write_index(disk: &dyn Disk, index: &Index) -> io::Result<()> {
    let bytes = index.encode();
    let file = disk.create(&index_name(index.summary.first), bytes.len() as u64)?;
    file.write_at(0, &bytes)?;
    file.sync()
}

/// Reads the index of a closed segment: beside an open one, at the end of a compressed one.
pub(crate) fn read_index(
    disk: &dyn Disk,
    kind: Kind,
    head: &SegmentHead,
    file: &dyn DiskFile,
) -> Result<Index, Damage> {
    let first = head.first();
    let (name, index) = match kind {
        Kind::Open => (index_name(first), read_sidecar(disk, head)),
        Kind::Compressed => (kind.file_name(first), read_tail(head, file)),
    };
    index.map_err(|kind| damage_of(first, name, kind))
}

fn read_sidecar(disk: &dyn Disk, head: &SegmentHead) -> Result<Index, DamageKind> {
    let file = disk.open(&index_name(head.first()))?;
    let length = file.len()?;
    if length > MAX_INDEX_BYTES {
        return Err(DamageKind::Length);
    }
    let mut bytes = vec![0; length as usize];
    read_exact(file.as_ref(), 0, &mut bytes)?;
    Index::decode(head, &bytes)
}

fn read_tail(head: &SegmentHead, file: &dyn DiskFile) -> Result<Index, DamageKind> {
    let length = file.len()?;
    let mut trailer = [0; 20];
    let at = length
        .checked_sub(trailer.len() as u64)
        .ok_or(DamageKind::Missing)?;
    read_exact(file, at, &mut trailer)?;
    let (offset, bytes) = index::read_trailer(&trailer).ok_or(DamageKind::Checksum("trailer"))?;
    if bytes > MAX_INDEX_BYTES || offset.checked_add(bytes) != Some(at) {
        return Err(DamageKind::Length);
    }
    let mut index = vec![0; bytes as usize];
    read_exact(file, offset, &mut index)?;
    Index::decode(head, &index)
}

fn parse_name(name: &str) -> Option<(u64, Kind)> {
    let (digits, kind) = match name.split_once('.')? {
        (digits, "seg") => (digits, Kind::Open),
        (digits, "zst") => (digits, Kind::Compressed),
        _ => return None,
    };
    let first = digits.parse().ok()?;
    (kind.file_name(first) == name).then_some((first, kind))
}

pub(crate) fn damage_of(record: u64, file: String, kind: DamageKind) -> Damage {
    Damage {
        record,
        end: record,
        file,
        offset: 0,
        kind,
    }
}

fn mark_lost(kind: DamageKind) -> OpenError {
    damage_of(0, mark::FILE.into(), kind).into()
}

pub(crate) fn refused(what: &'static str, source: io::Error) -> OpenError {
    OpenError::Disk { what, source }
}
