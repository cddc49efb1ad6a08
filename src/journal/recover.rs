//! Opening: what is in the folder, how it ends, and what to do about an unfinished end.
//!
//! Nothing is changed before it is certain that the journal opens.

use crate::disk::{Disk, read_exact};
use crate::error::{AppendError, Damage, DamageKind, OpenError};
use crate::frame::BLOCK;
use crate::index::Index;
use crate::journal::{
    Cut, Journal, MAX_SEGMENT_BYTES, MIN_SEGMENT_BYTES, Opened, Options, RESERVE, Shared, State,
    begin, is_full,
};
use crate::mark;
use crate::scan::{End, Scan};
use crate::segment::SegmentHead;
use crate::survey::{Last, Survey, damage_of, refused, survey, write_index};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::Arc;
use wire::{Hash, Peaks};

/// Where damaged ends are set aside.
const CUT: &str = "cut";

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
