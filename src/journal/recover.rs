//! Opening: what is in the folder, how it ends, and what to do about an unfinished end.
//!
//! Nothing is changed before it is certain that the journal opens.

use crate::disk::{Disk, DiskFile, read_exact};
use crate::error::{AppendError, Damage, DamageKind, OpenError};
use crate::frame::BLOCK;
use crate::index::{self, Index, MAX_INDEX_BYTES};
use crate::journal::{
    Closed, Cut, Journal, MAX_SEGMENT_BYTES, MIN_SEGMENT_BYTES, Opened, Options, RESERVE, Shared,
    State, begin, is_full,
};
use crate::mark::{self, Found, Mark};
use crate::segment::{End, Kind, Scan, SegmentHead, scan};
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::Arc;
use wire::{Hash, Peaks};

/// Where damaged ends are set aside.
const CUT: &str = "cut";

/// What a folder holds, read without changing it.
pub(crate) struct Survey {
    pub closed: Vec<Closed>,
    /// The last segment; `None` in a folder without one.
    pub last: Option<Last>,
    pub mark: Option<Mark>,
    /// Indexes that were made again.
    rebuilt: Vec<Index>,
    /// Files that a later step had already replaced.
    leftover: Vec<String>,
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

/// Opens for appending.
pub(crate) fn open(disk: Arc<dyn Disk>, options: Options) -> Result<(Journal, Opened), OpenError> {
    let sizes = MIN_SEGMENT_BYTES..=MAX_SEGMENT_BYTES;
    if !sizes.contains(&options.segment_bytes)
        || !options.segment_bytes.is_multiple_of(BLOCK as u64)
    {
        return Err(OpenError::Option(
            "`segment_bytes` is outside its limits; expected a multiple of `4096` from `16384` to `4294967296`",
        ));
    }
    let lock = disk.lock().map_err(|e| match e.kind() {
        io::ErrorKind::WouldBlock => OpenError::Locked,
        _ => refused("lock the folder", e),
    })?;
    let mut found = survey(disk.as_ref())?;
    let mark = found.mark.unwrap_or_default();
    let size = found
        .last
        .as_ref()
        .map_or(0, |last| last.scan.index.summary.upto());
    expect(&mut found, mark.records, size, "the synced mark")?;
    expect(
        &mut found,
        options.expect_at_least,
        size,
        "the last head or a projection's position",
    )?;
    if let Some(Last {
        scan: Scan {
            end: End::Rot(damage),
            ..
        },
        ..
    }) = &mut found.last
    {
        return Err(take(damage).into());
    }

    // It opens; from here on the folder is changed.
    for name in &found.leftover {
        disk.remove(name)
            .map_err(|e| refused("remove a leftover", e))?;
    }
    let created = found.last.is_none();
    let mark_file = match disk.open(mark::FILE) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            let file = disk
                .create(mark::FILE, mark::FILE_BYTES)
                .map_err(|e| no_room(e, &options))?;
            file.sync().map_err(|e| refused("sync the mark", e))?;
            disk.sync_folder()
                .map_err(|e| refused("sync the folder", e))?;
            file
        }
        Err(e) => return Err(refused("open the synced mark", e)),
    };
    let last = match found.last.take() {
        Some(last) => last,
        None => first_segment(disk.as_ref(), &options)?,
    };
    let cut = settle(disk.as_ref(), &last, &options)?;
    for index in &found.rebuilt {
        match write_index(disk.as_ref(), index) {
            Err(e) if !is_full(&e) => return Err(refused("write an index", e)),
            _ => {}
        }
    }
    let rebuilt = found.rebuilt.len() as u64;
    disk.sync_folder()
        .map_err(|e| refused("sync the folder", e))?;

    let index = last.scan.index;
    let peaks = index.peaks.clone();
    let file_bytes = last
        .file
        .len()
        .map_err(|e| refused("measure a segment", e))?;
    let mut journal = Journal {
        segment_bytes: options.segment_bytes,
        file: last.file,
        file_bytes,
        tag: last.head.tag(),
        hash: index.hash,
        next_group: index.summary.first_group + index.summary.groups,
        offset: index.summary.end,
        peaks: peaks.clone(),
        reserve: None,
        mark_file,
        mark,
        mark_time_ms: index.summary.times.1,
        frame: Vec::new(),
        _lock: lock,
        shared: Arc::new(Shared::new(
            disk,
            last.head.identity,
            State {
                closed: found.closed,
                active: index,
                peaks,
            },
        )),
    };
    // Without a reserve intake may still begin in the active segment; rotation asks again.
    journal.reserve = match journal.allocate() {
        Ok(file) => Some(file),
        Err(AppendError::OutOfSpace { .. }) => None,
        Err(error) => return Err(stopped(error)),
    };
    journal.write_mark().map_err(stopped)?;
    let head = journal.head();
    Ok((
        journal,
        Opened {
            head,
            created,
            cut,
            rebuilt,
        },
    ))
}

/// Refuses a journal that is shorter than somebody knows it to be. When the missing records begin
/// in a damaged group, the damage is named.
fn expect(found: &mut Survey, expected: u64, size: u64, by: &'static str) -> Result<(), OpenError> {
    if size >= expected {
        return Ok(());
    }
    match &mut found.last {
        Some(Last {
            scan:
                Scan {
                    end: End::Unfinished { damage, .. } | End::Rot(damage),
                    ..
                },
            ..
        }) => Err(take(damage).into()),
        _ => Err(OpenError::Shorter {
            found: size,
            expected,
            by,
        }),
    }
}

/// Makes the end of the last segment certain: sets an unfinished group aside, or writes the last
/// whole group again. A process that died between a write and its sync leaves a group that reads
/// well and may still be lost; after a failed sync the kernel would not write it by itself.
fn settle(disk: &dyn Disk, last: &Last, options: &Options) -> Result<Option<Cut>, OpenError> {
    let file = last.file.as_ref();
    let end = last.scan.index.summary.end;
    let mut cut = None;
    if let End::Unfinished { damage, upto } = &last.scan.end {
        let bytes = upto - end;
        let mut aside = vec![0; bytes as usize];
        read_exact(file, end, &mut aside).map_err(|e| refused("read the unfinished group", e))?;
        let name = set_aside(disk, last.scan.index.summary.upto(), &aside)
            .map_err(|e| refused("set the unfinished group aside", e))?;
        let length = file.len().map_err(|e| refused("measure a segment", e))?;
        match file.cut(end, length.max(options.segment_bytes)) {
            // The next append asks for the space again.
            Err(e) if is_full(&e) => file
                .cut(end, end)
                .map_err(|e| refused("cut a segment", e))?,
            other => other.map_err(|e| refused("cut a segment", e))?,
        }
        let first = last.scan.index.summary.upto();
        cut = Some(Cut {
            first,
            bytes,
            file: name,
            reason: damage.kind.to_string(),
        });
    }
    if let Some((offset, length)) = last.scan.last {
        let mut group = vec![0; length];
        read_exact(file, offset, &mut group).map_err(|e| refused("read the last group", e))?;
        file.write_at(offset, &group)
            .map_err(|e| refused("write the last group again", e))?;
    }
    file.sync().map_err(|e| refused("sync a segment", e))?;
    Ok(cut)
}

/// Writes the bytes to the first free name in `cut/`.
fn set_aside(disk: &dyn Disk, first: u64, bytes: &[u8]) -> io::Result<String> {
    for attempt in 0u32.. {
        let name = format!("{CUT}/{first:020}-{attempt}");
        match disk.open(&name) {
            Ok(_) => continue,
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            Err(_) => {}
        }
        let file = disk.create(&name, bytes.len() as u64)?;
        file.write_at(0, bytes)?;
        file.sync()?;
        disk.sync_folder()?;
        return Ok(name);
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// The first segment of a new journal.
fn first_segment(disk: &dyn Disk, options: &Options) -> Result<Last, OpenError> {
    let mut identity = [0; 16];
    // Not a secret that anything depends on: it keeps a device from writing bytes that recovery
    // would take for a frame. The standard library seeds its hashers from the system.
    for half in identity.chunks_exact_mut(8) {
        half.copy_from_slice(&RandomState::new().hash_one(0u8).to_le_bytes());
    }
    let head = SegmentHead {
        identity,
        group: 0,
        previous: Hash::default(),
        peaks: Peaks::new(),
    };
    let file = disk
        .create(RESERVE, options.segment_bytes)
        .map_err(|e| no_room(e, options))?;
    begin(disk, file.as_ref(), &head).map_err(|e| refused("begin the first segment", e))?;
    let scan = Scan {
        index: Index::new(&head),
        last: None,
        end: End::Clean,
    };
    Ok(Last { head, file, scan })
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

fn damage_of(record: u64, file: String, kind: DamageKind) -> Damage {
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

fn refused(what: &'static str, source: io::Error) -> OpenError {
    OpenError::Disk { what, source }
}

fn no_room(error: io::Error, options: &Options) -> OpenError {
    if is_full(&error) {
        OpenError::OutOfSpace {
            bytes: options.segment_bytes,
        }
    } else {
        refused("make the first segment", error)
    }
}

fn stopped(error: AppendError) -> OpenError {
    refused("finish opening", io::Error::other(error.to_string()))
}

fn take(damage: &mut Damage) -> Damage {
    let gone = damage_of(damage.record, String::new(), DamageKind::Missing);
    std::mem::replace(damage, gone)
}
